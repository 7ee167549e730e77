// @ts-check
/**
 * Where RSS went: a bar of parts that adds up to it, of all processes together and of each, and what it comes to in
 * words.
 * @import { MemoryFigures, Maybe, MemoryTogether, Parts } from "../../state/messages.js"
 * @import { Courses } from "../../state/courses.js"
 * @import { Palette } from "../../draw/palette.js"
 */
import { PartsChart } from "../../charts/parts_chart.js";
import { find, make, setText } from "../../base/dom.js";
import { share, size, text } from "../../base/format.js";
import { KeyedRows } from "../../base/keyed_rows.js";
import { PARTS } from "../../state/parts.js";
import { processName } from "../../state/pids.js";

/** What each part is called, and what it is. @type {{[part: string]: [name: string, meaning: string]}} */
const MEANINGS = {
  objects_in_use: ["Python, in use", "Blocks in use of pymalloc or mimalloc: small objects"],
  objects_free: [
    "Python, free",
    "Free blocks of its arenas: an arena goes back to the system when all of it is free",
  ],
  c_in_use: ["C library, in use", "Blocks of malloc that are in use: larger objects, buffers of C code"],
  c_mapped: ["C library, own mappings", "Large blocks in use, each with a mapping of its own"],
  c_trimmable: ["C library, free, trimmable", "malloc_trim(0) would give it back to the system"],
  c_free_kept: [
    "C library, free, stays",
    "Holes smaller than a page and the ends of threads' arenas: malloc_trim cannot give it back",
  ],
  stacks: ["Stacks", "Of the threads"],
  files: ["Files", "The interpreter, its libraries, and other mapped files"],
  shared: ["Shared", "Shared memory that may be several processes'"],
  huge_waste: ["Huge pages' zeros", "About: huge pages of which nothing was written, by a sample"],
  other: ["Other", "Anonymous memory of no allocator known here, and what the kernel maps by itself"],
};
/** Processes with a bar, those with most in memory. */
const MOST = 6;
const TOGETHER = 0;

/** @typedef {{pid: number, title: string, whole: number, parts: Parts, verdict: string[], when: string}} Bar */

export class RssBar {
  #none;
  #rows;
  #chart;
  #chartPart;
  #chartOf;

  /** @param {HTMLElement} root @param {Palette} palette */
  constructor(root, palette) {
    this.#none = find(root, ".none", HTMLElement);
    this.#rows = new KeyedRows(
      find(root, ".rss-bars", HTMLElement),
      (/** @type {Bar} */ { pid }) => String(pid),
      () => new BarRow(),
    );
    this.#chartPart = find(root, ".parts-course", HTMLElement);
    this.#chartOf = find(root, ".parts-course figcaption", HTMLElement);
    this.#chart = new PartsChart(find(root, ".parts-course .plot", HTMLElement), palette);
  }

  /** @param {MemoryFigures[]} processes @param {MemoryTogether | null} together @param {Courses} courses */
  update(processes, together, courses) {
    const bars = barsOf(processes, together);
    this.#none.hidden = bars.length > 0;
    this.#rows.update(bars);
    const first = bars.find(({ pid }) => pid !== TOGETHER);
    const rows = first ? courses.of(first.pid) : [];
    this.#chartPart.hidden = rows.length < 2;
    if (first) {
      setText(this.#chartOf, `RSS of ${processName(first.pid)} over the run, in the colours of its bar`);
    }
    this.#chart.update(rows);
  }

  /** @param {Palette} palette */
  recolour(palette) {
    this.#chart.recolour(palette);
  }

  dispose() {
    this.#chart.dispose();
  }
}

/**
 * @param {MemoryFigures[]} processes @param {MemoryTogether | null} together
 * @returns {Bar[]}
 */
export function barsOf(processes, together) {
  const bars = processes.flatMap(
    (
      {
        pid,
        rss,
        parts,
        verdict,
        at_s,
        parts_at_s: at = at_s,
        objects_at_s: heapAt,
        c_library: library,
        ended_s: ended,
      },
    ) =>
      parts && rss
        ? [{
          pid,
          title: `${processName(pid)}${ended === null ? "" : ", ended"}: RSS ${text(size(rss))} at ${
            instant(at_s)
          }${library?.allocator ? ` · ${library.allocator} ${library.version ?? ""}`.trimEnd() : ""}`,
          whole: sumOf(parts),
          parts,
          verdict: verdict ?? [],
          when: `${wasOf("RSS", rss, sumOf(parts))}Mappings read at ${instant(at)}${
            typeof heapAt === "number" ? `, Python's heap at ${instant(heapAt)}` : ""
          }${library ? `, the C library's heap at ${instant(library.at_s)}` : ""}.`,
        }]
        : [],
  ).sort((one, other) => other.whole - one.whole);
  const shown = bars.slice(0, MOST);
  return together && together.processes > 1 ? [barOfAll(together), ...shown] : shown;
}

/** @param {MemoryTogether} together @returns {Bar} */
function barOfAll({ processes, pss, parts, unread, ...read }) {
  const title = `All ${processes} processes: PSS ${text(size(pss))}, pages that several share counted once`;
  const sizes = read.from_s === undefined ? "" : `Sizes read ${during(read.from_s, read.to_s)}. `;
  if (!parts) {
    const missing = unread ? `The mappings of ${unread} processes have not been read yet.` : "";
    return { pid: TOGETHER, title, whole: 0, parts: {}, verdict: [], when: `${sizes}${missing}` };
  }
  const whole = sumOf(parts);
  const mappings = read.parts_from_s ? `Mappings read ${during(read.parts_from_s, read.parts_to_s)}.` : "";
  return {
    pid: TOGETHER,
    title,
    whole,
    parts,
    verdict: [],
    when: `${wasOf("PSS", pss, whole)}${sizes}${mappings}`,
  };
}

/** What the parts add up to, where the size is a newer one. @param {string} name @param {number} now @param {number} then */
function wasOf(name, now, then) {
  return text(size(now)) === text(size(then))
    ? ""
    : `The bar is of an earlier reading: ${name} was ${text(size(then))}. `;
}

/** @param {Maybe | undefined} from @param {Maybe | undefined} to */
function during(from, to) {
  return instant(from) === instant(to) ? `at ${instant(from)}` : `from ${instant(from)} to ${instant(to)}`;
}

/** @param {Parts} parts */
function sumOf(parts) {
  return PARTS.reduce((sum, name) => sum + (parts[name] ?? 0), 0);
}

/** @param {Maybe | undefined} at */
function instant(at) {
  return typeof at === "number" ? `${at.toFixed(1)} s` : "an unknown instant";
}

class BarRow {
  constructor() {
    this.title = make("h3", {});
    this.pieces = PARTS.map((name) => make("i", { class: `part-${name}` }));
    this.entries = PARTS.map((name) => {
      const [label, meaning] = MEANINGS[name];
      const amount = make("b", {});
      return {
        amount,
        element: make(
          "li",
          { title: meaning },
          make("i", { class: `swatch part-${name}` }),
          `${label} `,
          amount,
        ),
      };
    });
    this.verdict = make("ul", { class: "verdict" });
    this.when = make("p", { class: "meaning" });
    this.bar = make("div", { class: "kind-bar" }, ...this.pieces);
    this.element = make(
      "section",
      { class: "rss-bar" },
      this.title,
      this.bar,
      make("ul", { class: "parts-key" }, ...this.entries.map(({ element }) => element)),
      this.verdict,
      this.when,
    );
  }

  /** @param {Bar} bar */
  update({ title, whole, parts, verdict, when }) {
    setText(this.title, title);
    this.bar.hidden = whole === 0;
    PARTS.forEach((name, index) => {
      const bytes = parts[name] ?? 0;
      const part = whole > 0 ? bytes / whole : 0;
      const amount = `${text(size(bytes))} · ${text(share(part))}`;
      this.pieces[index].style.width = `${100 * part}%`;
      this.pieces[index].title = `${MEANINGS[name][0]}: ${amount}`;
      this.entries[index].element.hidden = bytes === 0;
      setText(this.entries[index].amount, amount);
    });
    const said = verdict.join("\n");
    if (this.verdict.dataset.said !== said) {
      this.verdict.dataset.said = said;
      this.verdict.replaceChildren(...verdict.map((sentence) => make("li", {}, sentence)));
    }
    setText(this.when, when);
    this.when.hidden = when === "";
  }
}
