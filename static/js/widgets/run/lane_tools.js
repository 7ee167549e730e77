// @ts-check
/**
 * The tools that choose among lanes: filter, order, idle threads, and how many are shown.
 * @import { LaneChoice, Order } from "../../tracks/lane_choice.js"
 */
import { find, make, setText } from "../../base/dom.js";
import { count, text } from "../../base/format.js";
import { ALL_LANES, isAll, ORDERS } from "../../tracks/lane_choice.js";

/** So few lanes need no tools. */
const FEW = 4;

export class LaneTools {
  /** @type {LaneChoice} */
  #choice = ALL_LANES;
  #onChange;
  #bar;
  #text;
  #order;
  #idle;
  #count;
  #all;

  /** @param {HTMLElement} root @param {(choice: LaneChoice) => void} onChange */
  constructor(root, onChange) {
    this.#onChange = onChange;
    this.#bar = find(root, ".lane-tools", HTMLElement);
    this.#text = find(this.#bar, "input[type=search]", HTMLInputElement);
    this.#order = find(this.#bar, "select", HTMLSelectElement);
    this.#idle = find(this.#bar, "input[type=checkbox]", HTMLInputElement);
    this.#count = find(this.#bar, ".count", HTMLElement);
    this.#all = find(this.#bar, "button", HTMLButtonElement);
    this.#order.append(...Object.entries(ORDERS).map(([value, words]) => make("option", { value }, words)));
    this.#text.addEventListener("input", () => this.change({ text: this.#text.value }));
    this.#text.addEventListener("keydown", ({ key }) => key === "Escape" && this.#text.blur());
    this.#order.addEventListener(
      "change",
      () => this.change({ order: /** @type {Order} */ (this.#order.value) }),
    );
    this.#idle.addEventListener("change", () => this.change({ idle: !this.#idle.checked }));
    this.#all.addEventListener("click", () => this.change(ALL_LANES));
  }

  get choice() {
    return this.#choice;
  }

  /** @param {Partial<LaneChoice>} part that is chosen anew */
  change(part) {
    this.#choice = { ...this.#choice, ...part };
    const { text: words, order, idle } = this.#choice;
    if (this.#text.value !== words) this.#text.value = words;
    this.#order.value = order;
    this.#idle.checked = !idle;
    this.#onChange(this.#choice);
  }

  /** Puts the cursor into the filter. */
  search() {
    this.#bar.hidden = false;
    this.#text.focus();
    this.#text.select();
  }

  /** @param {number} shown lanes @param {number} there of all threads on view */
  tell(shown, there) {
    const all = isAll(this.#choice);
    this.#bar.hidden = all && there <= FEW && document.activeElement !== this.#text;
    this.#all.hidden = all;
    setText(
      this.#count,
      shown === there
        ? `${text(count(there))} ${there === 1 ? "thread" : "threads"}`
        : `${text(count(shown))} of ${text(count(there))} threads`,
    );
  }
}
