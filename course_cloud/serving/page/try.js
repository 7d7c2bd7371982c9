"use strict";
// Everything comes from the service that gave us this page. Titles are set as text, never as HTML.

const $ = (id) => document.getElementById(id);
const liked = new Map(); // movie id -> film, in the order they were pressed
let question = 0; // the latest; an answer to an older one is not shown

async function ask(address, options) {
  const answer = await fetch(address, options);
  const body = await answer.json().catch(() => ({ detail: `The service answered ${answer.status}.` }));
  if (!answer.ok) throw new Error(body.detail);
  return body;
}

function element(name, text, more = {}) {
  return Object.assign(document.createElement(name), { textContent: text }, more);
}

function inItem(...children) {
  const item = document.createElement("li");
  item.append(...children);
  return item;
}

async function search(event) {
  event.preventDefault();
  const query = $("query").value.trim();
  if (!query) return;
  try {
    const titles = await ask(`/search?by=titles&n=12&q=${encodeURIComponent(query)}`);
    const found = titles.films.length ? titles : await ask(`/search?n=12&q=${encodeURIComponent(query)}`);
    const how = found.strategy === "titles" ? "with these words in the title" : "of about this meaning";
    $("how").textContent = `${found.films.length || "No"} film${found.films.length === 1 ? "" : "s"} ${how}.`;
    $("found").replaceChildren(...found.films.map((film) => inItem(toggle(film))));
  } catch (error) {
    $("how").textContent = error.message;
  }
}

function toggle(film) {
  const button = element("button", film.title, { type: "button" });
  button.dataset.film = film.movie_id;
  button.setAttribute("aria-pressed", liked.has(film.movie_id));
  button.addEventListener("click", () => {
    if (!liked.delete(film.movie_id)) liked.set(film.movie_id, film);
    likedChanged();
  });
  return button;
}

function removal(film) {
  const button = element("button", `${film.title}\u00a0×`, { type: "button" });
  button.setAttribute("aria-label", `Remove ${film.title}`);
  button.addEventListener("click", () => {
    const place = [...liked.keys()].indexOf(film.movie_id);
    liked.delete(film.movie_id);
    likedChanged();
    // the button that had the focus is gone: the next one takes it, or the heading
    const left = $("liked").querySelectorAll("button");
    (left[Math.min(place, left.length - 1)] ?? $("liked-title")).focus();
  });
  return button;
}

function likedChanged() {
  $("none").hidden = liked.size > 0;
  $("liked").replaceChildren(...[...liked.values()].map((film) => inItem(removal(film))));
  for (const button of $("found").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", liked.has(Number(button.dataset.film)));
  }
  const body = JSON.stringify({ liked: [...liked.keys()], n: 10 });
  recommend("/recommend", { method: "POST", headers: { "Content-Type": "application/json" }, body });
}

async function recommend(address, options, whose = "your films") {
  const mine = ++question;
  try {
    const answer = await ask(address, options);
    if (mine === question) show(answer, whose);
  } catch (error) {
    if (mine === question) $("why").textContent = error.message;
  }
}

function show(answer, whose) {
  const popular = answer.strategy === "popularity";
  $("why").textContent = popular
    ? `What is popular with everybody. ${answer.reason}`
    : `${answer.films.length} films that ${answer.model} recommends from ${whose}.`;
  $("films").replaceChildren(...answer.films.map((film) => {
    const because = (film.why ?? []).map((one) => one.title).join(" · ");
    const about = because ? `because of ${because}` : film.genres.join(", ");
    return inItem(element("span", film.title), element("span", about, { className: "about" }));
  }));
}

$("find").addEventListener("submit", search);
$("known").addEventListener("submit", (event) => {
  event.preventDefault();
  const user = $("user").value.trim();
  recommend(`/recommend/${encodeURIComponent(user)}?why=true`, {}, `what user ${user} liked`);
});
ask("/health").then(
  (health) => {
    const many = (number) => number.toLocaleString("en");
    const simulated = health.dataset === "sample" ? " These people are simulated." : "";
    $("served").textContent = `${health.model} of ${many(health.users)} people and ${many(health.items)} films (${health.dataset}), run ${health.run_id}.${simulated}`;
  },
  (error) => { $("served").textContent = error.message; },
);
likedChanged();
