// @ts-check
/** The button that shows a part of the page alone, on the whole screen. */
import { setText } from "../../base/dom.js";

/**
 * @param {HTMLButtonElement} button @param {HTMLElement} shown
 * @returns {() => void} shows it so, or leaves that
 */
export function attachFullScreen(button, shown) {
  const toggle = () => {
    const done = document.fullscreenElement ? document.exitFullscreen() : shown.requestFullscreen();
    done.catch(() => {
      button.disabled = true;
      button.title = "This browser shows nothing on the full screen here";
    });
  };
  button.addEventListener("click", toggle);
  document.addEventListener("fullscreenchange", () => {
    setText(button, document.fullscreenElement ? "Leave full screen" : "Full screen");
  });
  return toggle;
}
