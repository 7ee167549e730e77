// @ts-check
/**
 * The line that says what is selected: a time, of all threads or of some.
 * @typedef {{startUs: number, endUs: number, lanes: ReadonlySet<number> | null}} Selected `lanes` null: all of them
 */
import { find, setText } from "../../base/dom.js";
import { count, duration, text } from "../../base/format.js";
import { spanText } from "../span_text.js";

export class SelectionBar {
  #bar;
  #words;

  /** @param {HTMLElement} root @param {() => void} onClear */
  constructor(root, onClear) {
    this.#bar = find(root, ".selection", HTMLElement);
    this.#words = find(this.#bar, ".said", HTMLElement);
    find(this.#bar, ".clear", HTMLButtonElement).addEventListener("click", onClear);
  }

  /** @param {Selected | null} selected */
  update(selected) {
    this.#bar.hidden = selected === null;
    if (!selected) return;
    const { startUs, endUs, lanes } = selected;
    const threads = lanes ? `, ${text(count(lanes.size))} ${lanes.size === 1 ? "thread" : "threads"}` : "";
    const length = text(duration((endUs - startUs) / 1e6));
    setText(this.#words, `Selected ${spanText({ fromUs: startUs, toUs: endUs })}, ${length}${threads}`);
  }
}
