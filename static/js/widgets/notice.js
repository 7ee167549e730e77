// @ts-check
/**
 * A refusal, until it is dismissed.
 * @import { Problem } from "../net/api.js"
 */
import { make } from "../base/dom.js";

export class Notice {
  #element;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element;
  }

  /** @param {Problem} problem */
  show(problem) {
    const dismiss = make("button", { type: "button", class: "quiet" }, "Dismiss");
    dismiss.addEventListener("click", () => this.hide());
    const { title, remedy = "" } = problem.body;
    this.#element.replaceChildren(
      make("p", {}, make("b", {}, `${title}. `), `${problem.message} ${remedy}`),
      dismiss,
    );
    this.#element.hidden = false;
  }

  hide() {
    this.#element.hidden = true;
  }
}
