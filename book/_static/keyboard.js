// Whatever scrolls on its own can be reached with Tab, and so be scrolled with the arrow keys.
// A box is asked again whenever its width changes: the window's, a menu's, a fold that opens.
const SCROLL = "pre, .pst-scrollable-table-container, .cell_output .output, div.math";

const reach = new ResizeObserver((changes) => {
  for (const { target: box } of changes) {
    if (box.scrollWidth > box.clientWidth && getComputedStyle(box).overflowX !== "visible") {
      box.tabIndex = 0;
    } else {
      box.removeAttribute("tabindex");
    }
  }
});

addEventListener("load", () => {
  for (const box of document.querySelectorAll(SCROLL)) reach.observe(box);
});
