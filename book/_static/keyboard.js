// Whatever scrolls on its own can be reached with Tab, and so be scrolled with the arrow keys.
const SCROLL = "pre, .pst-scrollable-table-container, .cell_output .output, div.math";

function reach() {
  for (const box of document.querySelectorAll(SCROLL)) {
    if (box.scrollWidth > box.clientWidth + 1 && getComputedStyle(box).overflowX !== "visible") {
      box.tabIndex = 0;
    } else {
      box.removeAttribute("tabindex");
    }
  }
}

addEventListener("load", reach);
addEventListener("resize", reach);
// What was folded has had no width until now.
addEventListener("toggle", reach, true);
