// @ts-check
/**
 * The longest waits and holds, each with a way to its place on the timeline.
 * @import { Longest } from "../../state/messages.js"
 * @typedef {Pick<Longest, "at_s" | "length_s" | "pid" | "tid" | "name">} Place of one on the timeline
 * @typedef {object} Ways
 * @property {(one: Place) => string | null} whyNotSeen why the timeline cannot show it, or null
 * @property {(one: Place) => void} onChoose
 */
import { find, make } from "../../base/dom.js";
import { duration, instant, text } from "../../base/format.js";
import { KeyedRows } from "../../base/keyed_rows.js";
import { placeOf } from "./functions.js";
import { processName } from "../../state/pids.js";

export class LongestTable {
  #rows;
  #none;
  #blames;
  #ways;

  /**
   * @param {HTMLElement} root
   * @param {"waits" | "holds"} what
   * @param {Ways} ways
   */
  constructor(root, what, ways) {
    const part = find(root, `[data-longest=${what}]`, HTMLElement);
    this.#rows = new KeyedRows(
      find(part, "tbody", HTMLTableSectionElement),
      (/** @type {Longest} */ one) => JSON.stringify([one, ways.whyNotSeen(one)]),
      (one) => ({ element: this.#row(one), update: () => {} }),
    );
    this.#none = find(part, ".none", HTMLElement);
    this.#blames = what === "waits";
    this.#ways = ways;
  }

  /** @param {Longest[]} longest */
  update(longest) {
    this.#none.hidden = longest.length > 0;
    this.#rows.update(longest);
  }

  /** @param {Longest} one */
  #row(one) {
    const row = make(
      "tr",
      {},
      make("td", {}, linkTo(one, this.#ways)),
      make(
        "td",
        { class: "number", title: one.at_least ? "It reaches into time that was not seen" : "" },
        (one.at_least ? "≥ " : "") + text(duration(one.length_s)),
      ),
      make("td", { title: `${processName(one.pid)} · tid ${one.tid}` }, one.name || `tid ${one.tid}`),
      place(one.function, one.file, one.line),
    );
    if (this.#blames) {
      const { blamed } = one;
      row.append(
        make("td", {}, blamed ? blamed.name || `tid ${blamed.tid}` : "–"),
        place(blamed?.function ?? null, null, null),
      );
    }
    return row;
  }
}

/** A button with its instant, which shows it on the timeline. @param {Place} one @param {Ways} ways */
export function linkTo(one, { whyNotSeen, onChoose }) {
  const button = make("button", { type: "button", class: "link" }, instant(Math.round(one.at_s * 1e6)));
  const why = whyNotSeen(one);
  button.title = why ?? "Show it on the timeline";
  button.disabled = why !== null;
  button.addEventListener("click", () => onChoose(one));
  return button;
}

/** @param {string | null} name @param {string | null} file @param {number | null} line */
export function place(name, file, line) {
  if (!name) return make("td", { class: "place" }, "–");
  const at = placeOf(file, line);
  return make("td", { class: "place", title: file ?? "" }, at ? `${name} · ${at}` : name);
}
