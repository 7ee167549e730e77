// @ts-check
/**
 * The functions that hold the GIL, and those for which others wait.
 * @import { Caller, HotFunction, Maybe } from "../../state/messages.js"
 */
import { find, make, setText } from "../../base/dom.js";
import { share, text } from "../../base/format.js";
import { KeyedRows } from "../../base/keyed_rows.js";

export class HotFunctions {
  #rows;
  #none;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#rows = new KeyedRows(
      find(root, ".hot tbody", HTMLTableSectionElement),
      (/** @type {HotFunction} */ hot) => `${hot.file ?? ""}\n${hot.function}`,
      (hot) => new Row(hot),
    );
    this.#none = find(root, ".hot .none", HTMLElement);
  }

  /** @param {HotFunction[]} hot */
  update(hot) {
    this.#none.hidden = hot.length > 0;
    this.#rows.update(hot);
  }
}

class Row {
  /** @param {HotFunction} hot */
  constructor(hot) {
    this.place = make("td", { class: "place" });
    this.callers = make("td", { class: "callers" });
    this.held = new ShareBar("running");
    this.waited = new ShareBar("waiting");
    this.element = make(
      "tr",
      hot.file ? {} : { class: "gone" },
      make("th", { scope: "row", title: hot.function }, hot.function),
      this.place,
      this.callers,
      make("td", {}, this.held.element),
      make("td", { class: "with-gil" }, this.waited.element),
    );
  }

  /** @param {HotFunction} hot */
  update(hot) {
    setText(this.place, placeOf(hot.file, hot.line));
    this.place.title = hot.file ?? "";
    tellCallers(this.callers, hot.callers ?? []);
    this.held.update(hot.held_share);
    this.waited.update(hot.waited_share);
  }
}

/** Who called a function, innermost first; where they are on hover. @param {HTMLElement} cell @param {Caller[]} callers */
export function tellCallers(cell, callers) {
  setText(cell, callers.map(([caller]) => caller).join(" ← "));
  cell.title = callers.map(([caller, file, at]) => `${caller} · ${file}:${at}`).join("\n");
}

/** A share as a bar, and in figures beside it. */
export class ShareBar {
  /** @param {string} state in whose colour it is drawn */
  constructor(state) {
    this.part = make("i", { class: `swatch ${state}` });
    this.caption = make("span", { class: "caption number" });
    this.element = make(
      "div",
      { class: "share-bar" },
      make("div", { class: "bar" }, this.part),
      this.caption,
    );
  }

  /** @param {Maybe} value */
  update(value) {
    this.part.style.width = `${100 * (value ?? 0)}%`;
    setText(this.caption, text(share(value)));
  }
}

/** File and line, without the folders, which are told on hover. @param {string | null | undefined} file @param {Maybe | undefined} line */
export function placeOf(file, line) {
  if (!file) return "";
  const name = file.slice(file.lastIndexOf("/") + 1);
  return line ? `${name}:${line}` : name;
}
