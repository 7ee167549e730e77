// @ts-check
/**
 * Event loops: how late each is, what blocks it, and its longest steps.
 * @import { Loop, LoopBlock, LoopStep } from "../../state/messages.js"
 * @import { Ways } from "./longest.js"
 * @typedef {{loop: Loop, block: LoopBlock}} Blocked
 * @typedef {{loop: Loop, step: LoopStep}} Taken
 */
import { find, make } from "../../base/dom.js";
import { count, duration, text } from "../../base/format.js";
import { placeOf } from "./functions.js";
import { linkTo, place } from "./longest.js";
import { tableRows } from "./table_rows.js";
import { processName } from "../../state/pids.js";

/** Rows of each table. */
const MOST = 10;

/** Of a block without a function. */
const UNSEEN = "Only the loop itself was seen: the callback is C code, or the thread had no CPU";

/** @type {import("./registry.js").Panel} */
export const loops = {
  key: "loops",
  label: "Loops",
  question: "How late event loops are, and what blocks them",
  create(section, { ways }) {
    const panel = new LoopPanel(section, ways);
    return { update: ({ causes }) => panel.update(causes.loops) };
  },
};

export class LoopPanel {
  #panel;
  #parts;
  #none;
  #noBlocks;
  #loops;
  #blocks;
  #steps;

  /** @param {HTMLElement} panel @param {Ways} ways to the timeline */
  constructor(panel, ways) {
    this.#panel = panel;
    this.#parts = [...panel.querySelectorAll(".part")].filter((part) => part instanceof HTMLElement);
    this.#none = find(panel, ".none", HTMLElement);
    this.#noBlocks = find(panel, ".blocks .none", HTMLElement);
    this.#loops = tableRows(panel, ".lags", loopRow);
    this.#blocks = tableRows(panel, ".blocks", blockRow);
    this.#steps = tableRows(
      panel,
      ".steps",
      (/** @type {Taken} */ taken) => stepRow(taken, ways),
      ({ loop, step }) => ways.whyNotSeen(onTimeline(loop, step)),
    );
  }

  /** @param {Loop[]} loops */
  update(loops) {
    const blocks = loops.flatMap((loop) => loop.blocks.map((block) => ({ loop, block })));
    const steps = loops.flatMap((loop) => loop.longest.map((step) => ({ loop, step })));
    blocks.sort((one, other) => other.block.total_s - one.block.total_s);
    steps.sort((one, other) => other.step.length_s - one.step.length_s);
    this.#panel.classList.toggle("one-process", new Set(loops.map(({ pid }) => pid)).size < 2);
    this.#none.hidden = loops.length > 0;
    for (const part of this.#parts) {
      part.hidden = loops.length === 0 || (part.matches(".steps") && steps.length === 0);
    }
    this.#noBlocks.hidden = blocks.length > 0;
    this.#loops.update(loops);
    this.#blocks.update(blocks.slice(0, MOST));
    this.#steps.update(steps.slice(0, MOST));
  }
}

/** @param {Loop} loop */
function loopRow(loop) {
  const { p50, p99, max } = loop.lag_s;
  return make(
    "tr",
    {},
    thread(loop),
    make("td", {}, loop.kind),
    ...[p50, p99, max].map((lag) => make("td", { class: "number" }, text(duration(lag)))),
    make(
      "td",
      {
        title: loop.steps === "exact"
          ? "Each callback is told from the next"
          : "All that the loop did between two looks for what is ready counts as one step",
      },
      loop.steps,
    ),
    make(
      "td",
      {
        title: loop.tasks === "exact"
          ? "The interpreter says which task runs"
          : "Read from the loop's own account of the tasks that run",
      },
      loop.kind === "gevent" ? "–" : loop.tasks,
    ),
  );
}

/** @param {Blocked} blocked */
function blockRow({ block }) {
  return make(
    "tr",
    {},
    make("th", { scope: "row", title: block.function ?? UNSEEN }, block.function ?? "not seen"),
    make("td", { class: "place", title: block.file ?? "" }, placeOf(block.file, block.line)),
    make("td", {}, block.task ?? "–"),
    stateCell(block.importing ? "import" : block.state, block.state),
    make("td", { class: "number" }, text(count(block.count))),
    make("td", { class: "number" }, text(duration(block.total_s))),
    make("td", { class: "number" }, text(duration(block.longest_s))),
  );
}

/** @param {Taken} taken @param {Ways} ways */
function stepRow({ loop, step }, ways) {
  return make(
    "tr",
    {},
    make("td", {}, linkTo(onTimeline(loop, step), ways)),
    make("td", { class: "number" }, text(duration(step.length_s))),
    thread(loop),
    make("td", {}, step.task ?? "–"),
    stateCell(step.state, step.state),
    place(step.function, step.file, step.line),
  );
}

/** @param {Loop} loop */
function thread({ pid, tid, name }) {
  return make(
    "td",
    { title: `${processName(pid)} · tid ${tid}` },
    name || `tid ${tid}`,
    " ",
    make("small", { class: "place whose" }, processName(pid)),
  );
}

/** @param {string} words @param {string} state in whose colour it is marked */
function stateCell(words, state) {
  return make("td", { class: "state" }, make("i", { class: `swatch ${state}` }), ` ${words}`);
}

/** @param {Loop} loop @param {LoopStep} step */
function onTimeline({ pid, tid, name }, { at_s, length_s }) {
  return { pid, tid, name, at_s, length_s };
}
