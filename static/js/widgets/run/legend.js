// @ts-check
/**
 * What the colours mean; and of the thread under the pointer, which share of the time on view each state had: of the
 * pieces that are drawn, and of no others.
 * @import { Lane } from "../../state/run_state.js"
 * @import { Track } from "../../base/track.js"
 * @typedef {{lane: Lane, track: Track, startUs: number, endUs: number}} Hovered a thread, and what is drawn of it
 */
import { sharesOf } from "../../base/bins.js";
import { find, setText } from "../../base/dom.js";
import { duration, share, text } from "../../base/format.js";
import { STATES } from "../../state/messages.js";

export class Legend {
  #of;
  #shares;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#of = find(root, ".legend .of", HTMLElement);
    this.#shares = STATES.map((state) => find(root, `.legend [data-state=${state}] .share`, HTMLElement));
  }

  /** @param {Hovered | null} hovered */
  update(hovered) {
    const shares = hovered && stateShares(hovered);
    this.#of.hidden = hovered === null;
    if (hovered) {
      const { lane, startUs, endUs } = hovered;
      const span = text(duration((endUs - startUs) / 1e6));
      setText(this.#of, `${lane.name || `tid ${lane.tid}`}, ${span} on view:`);
    }
    STATES.forEach((_, index) => setText(this.#shares[index], shares ? text(share(shares[index])) : ""));
  }
}

/** @param {Hovered} hovered */
export function stateShares({ track, startUs, endUs }) {
  return sharesOf(track, startUs, endUs, STATES.length, (state) => state);
}
