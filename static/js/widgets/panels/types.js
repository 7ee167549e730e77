// @ts-check
/**
 * What the live objects are: the types whose objects take most, as a sample tells them, and which come to be more.
 * @import { CensusFigures, HolderFigures, Maybe, TypeFigures } from "../../state/messages.js"
 */
import { find, make, setText } from "../../base/dom.js";
import { count, share, size, text } from "../../base/format.js";
import { KeyedRows } from "../../base/keyed_rows.js";
import { pidText, processName } from "../../state/pids.js";

/** Types with a row. */
const MOST = 15;
const MOST_HOLDERS = 10;

export class Types {
  #rows;
  #table;
  #none;
  #how;
  #held;
  #heldTable;
  #holders;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#table = find(root, ".by-type table", HTMLTableElement);
    this.#none = find(root, ".none", HTMLElement);
    this.#how = find(root, ".how", HTMLElement);
    this.#rows = new KeyedRows(
      find(root, ".by-type tbody", HTMLTableSectionElement),
      (/** @type {TypeFigures} */ { pid, interpreter, type }) => `${pid} ${interpreter} ${type}`,
      (one) => new Row(one),
    );
    this.#held = find(root, ".held", HTMLElement);
    this.#heldTable = find(root, ".held table", HTMLTableElement);
    this.#holders = new KeyedRows(
      find(root, ".held tbody", HTMLTableSectionElement),
      (/** @type {HolderFigures} */ { pid, path }) => `${pid} ${path}`,
      (one) => new HolderRow(one),
    );
  }

  /**
   * @param {TypeFigures[]} types @param {CensusFigures[]} censuses @param {HolderFigures[]} holders
   * @param {string} why there are none, where that is known
   */
  update(types, censuses, holders, why) {
    this.#held.hidden = holders.length === 0;
    this.#heldTable.classList.toggle("one-process", new Set(holders.map(({ pid }) => pid)).size < 2);
    this.#holders.update(holders.slice(0, MOST_HOLDERS));
    this.#none.hidden = types.length > 0;
    setText(this.#none, why ? `Unavailable: ${why}.` : "The objects have not been looked at yet.");
    this.#table.hidden = types.length === 0;
    this.#table.classList.toggle("one-process", censuses.length < 2);
    this.#rows.update(types.slice(0, MOST));
    setText(this.#how, howOf(censuses));
  }
}

/** How the types were told, in some sentences a heap. @param {CensusFigures[]} censuses */
export function howOf(censuses) {
  return censuses.map((one) => {
    const whose = censuses.length > 1 ? `${processName(one.pid)}: ` : "";
    return whose + [...(one.allocator === "malloc" ? ofBlocks(one) : ofPages(one)), ...missed(one)].join(" ");
  }).join(" ");
}

/** Of a heap of Python's own. @param {CensusFigures} one */
function ofPages(one) {
  const pages = one.allocator === "mimalloc" ? "pages" : "pools";
  const read = one.pages_read === one.pages
    ? `Counted in all ${text(count(one.pages))} ${pages}`
    : `Judged by ${text(count(one.pages_read))} of ${text(count(one.pages))} ${pages}`;
  const objects = one.bytes_used ? text(share(one.object_bytes / one.bytes_used)) : "–";
  const told = [
    `${read}, as of ${one.at_s.toFixed(1)} s.`,
    `Of the ${text(size(one.bytes_used))} in use there, ${objects} are objects; ` +
    "the rest are the items of lists, the tables of dicts and the like.",
  ];
  if (one.large_bytes !== null) {
    told.push(
      `Of ${text(size(one.large_bytes))} in the C library's larger blocks ${
        known(one)
      } are objects or belong to some.`,
    );
  } else if (one.allocator !== "mimalloc") {
    told.push(
      "What is larger than 512 bytes is judged by the sizes that lists, dicts and sets tell of themselves.",
    );
  }
  return told;
}

/** Where every object is a block of the C library's. @param {CensusFigures} one */
function ofBlocks(one) {
  return [
    `Judged by ${text(count(one.large_read))} of the C library's blocks, as of ${one.at_s.toFixed(1)} s.`,
    `Of the ${text(size(one.large_bytes))} in use there, ${
      known(one)
    } are objects, or tables and items of more than 512 bytes.`,
  ];
}

/** What the walk left out. @param {CensusFigures} one */
function missed(one) {
  const told = [];
  if (one.torn) told.push(`${text(count(one.torn))} changed while being read and were left out.`);
  if (one.large_torn) {
    const parts = one.large_torn === 1 ? "1 part" : `${text(count(one.large_torn))} parts`;
    told.push(
      `${parts} of the C library's heap changed while being walked: what lies behind the change is not counted.`,
    );
  }
  if (one.large_cut) {
    told.push("The C library has more blocks than are walked over in one go: the rest is not counted.");
  }
  return told;
}

/** @param {CensusFigures} one */
function known({ large_known, large_bytes }) {
  return text(size(Math.min(large_known, large_bytes ?? large_known)));
}

class Row {
  /** @param {TypeFigures} one */
  constructor({ pid, interpreter, type }) {
    const cell = (kind = "number") => make("td", { class: kind });
    this.count = cell();
    this.countOff = cell("number off");
    this.bytes = cell();
    this.bytesOff = cell("number off");
    this.countPace = cell();
    this.bytesPace = cell();
    this.element = make(
      "tr",
      {},
      make(
        "td",
        { class: "number whose" },
        interpreter ? `${pidText(pid)}, interpreter ${interpreter}` : pidText(pid),
      ),
      make("th", { scope: "row", class: "code", title: type }, type),
      this.count,
      this.countOff,
      this.bytes,
      this.bytesOff,
      this.countPace,
      this.bytesPace,
    );
  }

  /** @param {TypeFigures} one */
  update(one) {
    // Of some types the sample has met what belongs to objects, and none of the few objects themselves.
    setText(this.count, one.count ? text(count(one.count)) : "few");
    setText(this.countOff, offOf(one.count_high - one.count, count));
    setText(this.bytes, text(size(one.bytes)));
    setText(this.bytesOff, offOf(one.high - one.bytes, size));
    setText(this.countPace, paceOf(one.count_per_s, count));
    setText(this.bytesPace, paceOf(one.bytes_per_s, size));
  }
}

class HolderRow {
  /** @param {HolderFigures} one */
  constructor({ pid, path, type }) {
    this.items = make("td", { class: "number" });
    this.pace = make("td", { class: "number" });
    this.element = make(
      "tr",
      {},
      make("td", { class: "number whose" }, pidText(pid)),
      make("th", { scope: "row", class: "code", title: path }, path),
      make("td", { class: "code" }, type),
      this.items,
      this.pace,
    );
  }

  /** @param {HolderFigures} one */
  update({ items, items_per_s: pace }) {
    setText(this.items, text(count(items)));
    setText(this.pace, paceOf(pace, count));
  }
}

/** @typedef {(value: number) => {value: string, unit: string}} Format */

/** Half an interval; nothing where it was counted. @param {number} half @param {Format} format */
export function offOf(half, format) {
  return half > 0 ? `± ${text(format(half))}` : "";
}

/** What changes in a second; nothing where that is not sure. @param {Maybe} pace @param {Format} format */
export function paceOf(pace, format) {
  if (pace === null || Math.round(Math.abs(pace)) === 0) return "";
  return `${pace > 0 ? "+" : "−"}${text(format(Math.round(Math.abs(pace))))}/s`;
}
