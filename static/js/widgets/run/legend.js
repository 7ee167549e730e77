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

/** Of a thread that was pointed at, states below this share of its time are left out. */
const LEAST = 0.0005;

export class Legend {
  #of;
  #states;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#of = find(root, ".legend .of", HTMLElement);
    this.#states = STATES.map((state) => {
      const item = find(root, `.legend [data-state=${state}]`, HTMLElement);
      return { item, share: find(item, ".share", HTMLElement) };
    });
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
    this.#states.forEach(({ item, share: said }, index) => {
      item.hidden = shares !== null && shares[index] < LEAST; // on one line, under a hand that moves
      setText(said, shares ? text(share(shares[index])) : "");
    });
  }
}

/** @param {Hovered} hovered */
export function stateShares({ track, startUs, endUs }) {
  return sharesOf(track, startUs, endUs, STATES.length, (state) => state);
}
