// @ts-check
/**
 * What a process's pages are used for: a bar of the kinds of its mappings, and the same in figures.
 * @import { MemoryFigures } from "../../state/messages.js"
 */
import { find, make, setText } from "../../base/dom.js";
import { share, size, text } from "../../base/format.js";
import { KeyedRows } from "../../base/keyed_rows.js";
import { processName } from "../../state/pids.js";

/** The kinds of app/probe/kernel/mappings.py, in the order in which they are shown, and what they are. */
const KINDS = /** @type {[kind: string, name: string, meaning: string][]} */ ([
  ["arenas", "pymalloc", "Arenas of Python's own allocator: small objects"],
  ["heap", "C library", "[heap], which malloc moves by brk: larger objects, and what C code allocates"],
  ["c_heap", "C library, threads", "Arenas that the C library's malloc makes for other threads"],
  ["c_mapped", "C library, own mappings", "Large blocks of malloc, each with a mapping of its own"],
  ["anonymous", "anonymous", "Private memory of no file that is none of these"],
  ["stacks", "stacks", "Of the threads"],
  ["file", "files", "The interpreter, its libraries, and other mapped files"],
  ["shared", "shared", "Shared memory that may be several processes'"],
  ["other", "other", "What the kernel maps by itself, devices, and reserved addresses"],
]);

/** Processes that are shown, those with most in memory. */
const MOST = 6;

export class Mappings {
  #rows;
  #none;
  #left;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#none = find(root, ".none", HTMLElement);
    this.#left = find(root, ".left", HTMLElement);
    this.#rows = new KeyedRows(
      find(root, ".mappings", HTMLElement),
      (/** @type {MemoryFigures} */ { pid }) => String(pid),
      ({ pid }) => new Process(pid),
    );
  }

  /** @param {MemoryFigures[]} processes */
  update(processes) {
    const known = processes.filter(({ kinds }) => kinds !== null)
      .sort((one, other) => (other.rss ?? 0) - (one.rss ?? 0));
    this.#none.hidden = known.length > 0;
    this.#rows.update(known.slice(0, MOST));
    this.#left.hidden = known.length <= MOST;
    setText(this.#left, `The ${MOST} of ${known.length} processes with most in memory.`);
  }
}

class Process {
  /** @param {number} pid */
  constructor(pid) {
    this.parts = KINDS.map(([kind, name, meaning]) =>
      make("i", { class: `kind-${kind}`, title: `${name}: ${meaning}` })
    );
    this.rows = KINDS.map(([kind, name, meaning]) => ({
      rss: make("td", { class: "number" }),
      share: make("td", { class: "number" }),
      size: make("td", { class: "number" }),
      head: make("th", { scope: "row" }, make("i", { class: `swatch kind-${kind}` }), name),
      meaning: make("td", { class: "meaning" }, meaning),
    }));
    this.bodies = this.rows.map(({ head, rss, share: part, size: all, meaning }) =>
      make("tr", {}, head, rss, part, all, meaning)
    );
    this.element = make(
      "section",
      {},
      make("h3", {}, processName(pid)),
      make("div", { class: "kind-bar" }, ...this.parts),
      make(
        "div",
        { class: "wide", tabindex: "0" },
        make("table", {}, head(), make("tbody", {}, ...this.bodies)),
      ),
    );
  }

  /** @param {MemoryFigures} memory */
  update({ kinds }) {
    const known = KINDS.map(([kind]) => kinds?.[kind] ?? null);
    const all = known.reduce((sum, one) => sum + (one?.[1] ?? 0), 0);
    known.forEach((one, index) => {
      const resident = one?.[1] ?? 0;
      const part = all ? resident / all : 0;
      this.parts[index].style.width = `${100 * part}%`;
      setText(this.rows[index].rss, text(size(one ? resident : null)));
      setText(this.rows[index].share, text(share(one ? part : null)));
      setText(this.rows[index].size, text(size(one?.[0])));
      this.bodies[index].classList.toggle("gone", resident === 0);
    });
  }
}

function head() {
  const columns = ["Kind", "Resident", "Share", "Addresses", ""];
  return make(
    "thead",
    {},
    make(
      "tr",
      {},
      ...columns.map((name, index) =>
        name ? make("th", { scope: "col", class: index > 0 && index < 4 ? "number" : "" }, name) : make("td")
      ),
    ),
  );
}
