// @ts-check
/**
 * The descriptors of each process: how many, of what kinds, how near the limit.
 * @import { Maybe } from "../../../state/messages.js"
 * @import { Courses } from "../../../state/courses.js"
 * @import { Palette } from "../../../draw/palette.js"
 * @typedef {{pid: number, at_s: number, ended: boolean, open: number, files: number, sockets: number, pipes: number,
 *            others: number, limit: Maybe, most: [path: string, times: number][]}} OpenFiles as
 *     app/analysis/readings/open_files.py makes it
 */
import { find, make } from "../../../base/dom.js";
import { count, share, text } from "../../../base/format.js";
import { createChart, keepFitted } from "../../../charts/chart.js";
import { tableRows } from "../table_rows.js";
import { pidText, processName } from "../../../state/pids.js";

const KINDS = /** @type {const} */ (["files", "sockets", "pipes", "others"]);
/** Of the limit: from here on it is marked. */
const NEAR = 0.8;

/** @type {import("../registry.js").Panel} */
export const panel = {
  key: "open_files",
  label: "Files",
  question: "How many files, sockets and pipes each process has open, and how many it may have",
  create(section, { palette, onView }) {
    const shown = new OpenFilesPanel(section, palette, onView);
    return {
      update: ({ told, courses }) => shown.update(told.readings?.open_files ?? [], courses.open_files),
      recolour: (colours) => shown.recolour(colours),
      dispose: () => shown.dispose(),
    };
  },
};

class OpenFilesPanel {
  /** @type {ReturnType<typeof createChart> | null} */
  #plot = null;
  #pid = 0;
  #section;
  #host;
  #palette;
  #onView;
  #processes;
  #repeated;
  #resized;

  /** @param {HTMLElement} section @param {Palette} palette @param {() => {startUs: number, endUs: number} | null} onView */
  constructor(section, palette, onView) {
    this.#section = section;
    this.#host = find(section, ".chart", HTMLElement);
    this.#palette = palette;
    this.#onView = onView;
    this.#processes = tableRows(section, ".processes", processRow);
    this.#repeated = tableRows(section, ".repeated", repeatedRow);
    this.#resized = keepFitted(this.#host, () => this.#plot ? [this.#plot] : []);
  }

  /** @param {OpenFiles[]} processes @param {Courses | undefined} courses */
  update(processes, courses) {
    const most = [...processes].sort((one, other) => other.open - one.open);
    find(this.#section, ".none", HTMLElement).hidden = most.length > 0;
    for (const part of this.#section.querySelectorAll(".part")) {
      if (part instanceof HTMLElement) part.hidden = most.length === 0;
    }
    this.#processes.update(most);
    const repeated = most.flatMap(({ pid, most: paths }) =>
      paths.map(([path, times]) => ({ pid, path, times }))
    );
    this.#repeated.update(repeated);
    find(this.#section, ".repeated", HTMLElement).hidden = repeated.length === 0;
    if (most.length > 0 && courses) this.#draw(most[0].pid, courses);
  }

  /** @param {Palette} palette */
  recolour(palette) {
    this.#palette = palette;
    this.#pid = 0;
  }

  dispose() {
    this.#resized.disconnect();
    this.#plot?.destroy();
  }

  /** @param {number} pid @param {Courses} courses */
  #draw(pid, courses) {
    const readings = courses.of(pid);
    this.#host.hidden = readings.length < 2;
    if (this.#host.hidden || this.#host.clientWidth === 0) return;
    if (pid !== this.#pid) {
      this.#plot?.destroy();
      const lines = KINDS.map((kind) => ({ label: kind, column: kind }));
      const kind = { title: `Open by ${processName(pid)}`, lines, show: count, atLeast: 10 };
      this.#plot = createChart(this.#host, kind, this.#palette, this.#onView);
      this.#pid = pid;
    }
    // In front of the kinds stand the instant and the sum.
    this.#plot?.setData([
      readings.map(([at]) => at / 1e6),
      ...KINDS.map((_, index) => readings.map((row) => row[index + 2] ?? null)),
    ]);
  }
}

/** @param {OpenFiles} process */
function processRow({ pid, at_s: at, ended, open, limit, ...kinds }) {
  const used = limit === null ? null : open / limit;
  const near = used !== null && used >= NEAR;
  return make(
    "tr",
    { class: ended ? "gone" : "", title: ended ? "It has ended; this is what was read last." : "" },
    make("th", { scope: "row", class: "number" }, pidText(pid)),
    number(`${at.toFixed(1)} s`),
    number(text(count(open))),
    number(limit === null ? "none" : text(count(limit))),
    make("td", { class: near ? "number near" : "number" }, used === null ? "–" : text(share(used))),
    ...KINDS.map((kind) => number(text(count(kinds[kind])))),
  );
}

/** @param {{pid: number, path: string, times: number}} repeated */
function repeatedRow({ pid, path, times }) {
  return make(
    "tr",
    {},
    make("th", { scope: "row", class: "number" }, pidText(pid)),
    number(text(count(times))),
    make("td", { class: "place", title: path }, path),
  );
}

/** @param {string} words */
function number(words) {
  return make("td", { class: "number" }, words);
}
