// @ts-check
/**
 * The pages of every process of the run: how many, whose, and what for.
 * @import { Maybe, MemoryFigures, Process } from "../../state/messages.js"
 * @import { RunState } from "../../state/run_state.js"
 * @import { Palette } from "../../draw/palette.js"
 */
import { find, make, setText } from "../../base/dom.js";
import { count, size, text } from "../../base/format.js";
import { KeyedRows } from "../../base/keyed_rows.js";
import { MemoryChart } from "../../charts/memory_chart.js";
import { badgesOf } from "../run/badges.js";
import { Mappings } from "./mappings.js";
import { RssBar } from "./rss_bar.js";
import { Types } from "./types.js";
import { pidText } from "../../state/pids.js";

/** @type {import("./registry.js").Panel} */
export const memory = {
  key: "memory",
  label: "Memory",
  question: "The pages of every process, and what they are used for",
  create(section, { palette }) {
    const panel = new MemoryPanel(section, palette);
    return {
      update: (state) => panel.update(state),
      recolour: (colours) => panel.recolour(colours),
      dispose: () => panel.dispose(),
    };
  },
};

/** Why the types of objects are unknown, where that is known. @param {Iterable<Process>} processes */
function whyNone(processes) {
  const badge = badgesOf(processes).find(({ measure }) => measure === "types");
  return badge?.level === "unavailable" ? badge.why : "";
}

export class MemoryPanel {
  #chart;
  #rows;
  #mappings;
  #together;
  #types;
  #bar;

  /** @param {HTMLElement} panel @param {Palette} palette */
  constructor(panel, palette) {
    this.#bar = new RssBar(find(panel, ".rss", HTMLElement), palette);
    this.#chart = new MemoryChart(find(panel, ".chart.processes", HTMLElement), palette);
    this.#rows = new KeyedRows(
      find(panel, ".sizes tbody", HTMLTableSectionElement),
      (/** @type {MemoryFigures} */ { pid }) => String(pid),
      ({ pid }) => new Row(pid),
    );
    this.#mappings = new Mappings(find(panel, ".kinds", HTMLElement));
    this.#types = new Types(find(panel, ".part.types", HTMLElement));
    this.#together = find(panel, ".together", HTMLElement);
  }

  /** @param {RunState} state */
  update({ told, courses, processes: known }) {
    const processes = told.memory ?? [];
    this.#bar.update(processes, told.memory_together ?? null, courses.parts);
    const left = this.#chart.update(courses.memory);
    this.#rows.update(processes);
    this.#mappings.update(processes);
    this.#types.update(told.types ?? [], told.census ?? [], told.holders ?? [], whyNone(known.values()));
    const more = left > 0 ? ` ${text(count(left))} more processes have no line on the chart.` : "";
    setText(this.#together, togetherOf(processes) + more);
  }

  /** @param {Palette} palette */
  recolour(palette) {
    this.#bar.recolour(palette);
    this.#chart.recolour(palette);
  }

  dispose() {
    this.#bar.dispose();
    this.#chart.dispose();
  }
}

/** What the processes share, in a sentence with its numbers. @param {MemoryFigures[]} processes */
function togetherOf(processes) {
  const there = processes.filter(({ ended_s: ended, rss }) => ended === null && rss !== null);
  if (there.length < 2) return "";
  const sum = (/** @type {"rss" | "uss" | "pss"} */ measure) =>
    there.reduce((/** @type {Maybe} */ all, one) => {
      const own = one[measure];
      return all === null || own === null ? null : all + own;
    }, 0);
  const [rss, uss, pss] = [sum("rss"), sum("uss"), sum("pss")];
  if (rss === null || uss === null || pss === null) return "";
  return `The ${there.length} processes have ${text(size(rss))} of RSS in sum, but take ${
    text(size(pss))
  } in all: ` +
    `${text(size(uss))} are one process's own, ${
      text(size(pss - uss))
    } are shared among them or with others.`;
}

class Row {
  /** @param {number} pid */
  constructor(pid) {
    const cell = () => make("td", { class: "number" });
    this.at = cell();
    this.sizes = Array.from({ length: 6 }, cell);
    this.faults = [cell(), cell()];
    this.element = make(
      "tr",
      {},
      make("th", { scope: "row", class: "number" }, pidText(pid)),
      this.at,
      ...this.sizes,
      ...this.faults,
    );
  }

  /** @param {MemoryFigures} memory */
  update(
    {
      at_s: at,
      rss,
      uss,
      pss,
      shared,
      peak_rss: peak,
      swap,
      minor_faults: minor,
      major_faults: major,
      ended_s,
    },
  ) {
    this.element.classList.toggle("gone", ended_s !== null);
    this.element.title = ended_s === null ? "" : "It has ended; these are its last sizes.";
    setText(this.at, typeof at === "number" ? `${at.toFixed(1)} s` : "–");
    [rss, uss, pss, shared, swap, peak].forEach((bytes, index) =>
      setText(this.sizes[index], text(size(bytes)))
    );
    [minor, major].forEach((faults, index) => setText(this.faults[index], text(count(faults))));
  }
}
