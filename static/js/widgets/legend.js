// @ts-check
/**
 * What the colours mean; and of the thread under the pointer, which share of its time each state had.
 * @import { Figures } from "../state/messages.js"
 */
import { find, setText } from "../base/dom.js";
import { share, text } from "../base/format.js";
import { STATES } from "../state/messages.js";

export class Legend {
  #shares;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#shares = STATES.map((state) => find(root, `.legend [data-state=${state}] .share`, HTMLElement));
  }

  /** @param {Figures | null} figures @param {number | null} lane */
  update(figures, lane) {
    const shares = lane === null ? null : figures?.threads.find((thread) => thread.lane === lane)?.shares;
    STATES.forEach((state, index) => setText(this.#shares[index], shares ? text(share(shares[state])) : ""));
  }
}
