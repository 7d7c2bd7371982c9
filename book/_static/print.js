// Paper is light, and nothing on it unfolds: show a printer the light page, with everything open.
let opened = [];
let theme;

addEventListener("beforeprint", () => {
  theme = document.documentElement.dataset.theme;
  document.documentElement.dataset.theme = "light";
  opened = [...document.querySelectorAll("details:not([open])")];
  opened.forEach((details) => (details.open = true));
});

addEventListener("afterprint", () => {
  document.documentElement.dataset.theme = theme;
  opened.forEach((details) => (details.open = false));
});
