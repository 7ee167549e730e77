// @ts-check
/**
 * What a heap holds, size class by size class.
 * @import { HeapFigures, SizeClass } from "../../state/messages.js"
 */
import { find, make, setText } from "../../base/dom.js";
import { count, share, size, text } from "../../base/format.js";
import { KeyedRows } from "../../base/keyed_rows.js";

export class SizeClasses {
  #rows;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#rows = new KeyedRows(
      find(root, "tbody", HTMLTableSectionElement),
      (/** @type {SizeClass} */ { size: block }) => String(block),
      (one) => new Row(one),
    );
  }

  /** @param {HeapFigures} heap */
  update({ size_classes: classes }) {
    this.#rows.update(classes.filter(({ pools }) => pools > 0));
  }
}

class Row {
  /** @param {SizeClass} one */
  constructor({ size: block }) {
    const cell = () => make("td", { class: "number" });
    this.pools = cell();
    this.used = cell();
    this.free = cell();
    this.bytes = cell();
    this.part = make("i", { class: "used" });
    this.caption = make("span", { class: "caption number" });
    this.element = make(
      "tr",
      {},
      make("th", { scope: "row", class: "number" }, text(size(block))),
      this.pools,
      this.used,
      this.free,
      this.bytes,
      make(
        "td",
        {},
        make("div", { class: "share-bar" }, make("div", { class: "bar" }, this.part), this.caption),
      ),
    );
  }

  /** @param {SizeClass} one */
  update({ size: block, pools, blocks_used: used, blocks_free: free }) {
    setText(this.pools, text(count(pools)));
    setText(this.used, text(count(used)));
    setText(this.free, text(count(free)));
    setText(this.bytes, text(size(used * block)));
    const full = used + free ? used / (used + free) : 0;
    this.part.style.width = `${100 * full}%`;
    setText(this.caption, text(share(full)));
  }
}
