// @ts-check
/**
 * Which counters have a lane: all that were measured, or those that are pinned. This browser keeps it from run to run,
 * and an address that says otherwise goes before that.
 * @import { RunState } from "../../state/run_state.js"
 * @import { CounterChoice } from "../../tracks/counters.js"
 */
import { find, setText } from "../../base/dom.js";
import { questionOf } from "../../state/questions.js";
import { choiceOf, shownCounters, wordOf } from "../../tracks/counters.js";
import { toggled } from "../../tracks/lane_choice.js";

const PINNED = "counters";
const OPEN = "counters-open";

export class CounterLanes {
  /** @type {CounterChoice} */
  #choice = { open: false, pinned: null };
  /** Those that are pinned now, whoever chose them. @type {ReadonlySet<string>} */
  #kept = new Set();
  #button;
  #count;
  #onChange;

  /** @param {HTMLElement} root @param {() => void} onChange told that a hand chose */
  constructor(root, onChange) {
    this.#button = find(root, "[data-act=counters]", HTMLButtonElement);
    this.#count = find(this.#button, ".count", HTMLElement);
    this.#onChange = onChange;
    this.restore(localStorage.getItem(PINNED) ?? "");
    if (localStorage.getItem(OPEN) === "on") this.restore("all");
  }

  /** What an address holds of it. */
  get word() {
    return wordOf(this.#choice);
  }

  /** @param {string} word of an address, or of what this browser kept */
  restore(word) {
    this.#choice = { ...this.#choice, ...choiceOf(word) };
  }

  /** Shows all, or those that are pinned. */
  toggle() {
    this.#change({ open: !this.#choice.open });
  }

  /** Pins one, or lets it go. @param {string} key */
  pin(key) {
    this.#change({ pinned: toggled(this.#kept, key) });
  }

  /** @param {RunState} state @param {string} words that a hand searches for */
  rows(state, words) {
    const { rows, kept, measured } = shownCounters(state, this.#choice, questionOf(state).counters, words);
    this.#kept = kept;
    this.#button.hidden = measured === 0;
    this.#button.setAttribute("aria-expanded", String(this.#choice.open));
    setText(this.#count, rows.length === measured ? String(measured) : `${rows.length}/${measured}`);
    return rows;
  }

  /** @param {Partial<CounterChoice>} part that a hand chose anew */
  #change(part) {
    this.#choice = { ...this.#choice, ...part };
    const { open, pinned } = this.#choice;
    localStorage.setItem(OPEN, open ? "on" : "off");
    if (pinned) localStorage.setItem(PINNED, wordOf({ open: false, pinned }));
    this.#onChange();
  }
}
