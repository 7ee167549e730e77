// @ts-check
/**
 * What a workload shows as it happens: who waits for whom, counts that should agree, bars.
 * @import { BarsOf, Counts } from "../../state/reports.js"
 * @import { RunState } from "../../state/run_state.js"
 */
import { find, make } from "../../base/dom.js";
import { count, duration, text } from "../../base/format.js";
import { drawWaits } from "./wait_graph.js";

export class Shows {
  #root;
  #version = -1;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = find(root, ".shows", HTMLElement);
  }

  /** @param {RunState} state */
  update({ reports }) {
    if (reports.version === this.#version) return;
    this.#version = reports.version;
    this.#root.hidden = !reports.live;
    const { waitFor, foundAfterS, counts, bars } = reports;
    this.#root.replaceChildren(
      ...(waitFor ? [waitsOf(waitFor, foundAfterS)] : []),
      ...(counts ? [countsOf(counts)] : []),
      ...[...bars.values()].map(barsOf),
    );
  }
}

/** @param {import("../../state/reports.js").WaitFor} waitFor @param {number | null} foundAfterS */
function waitsOf(waitFor, foundAfterS) {
  const { cycle, nodes } = waitFor;
  const labels = new Map(nodes.map(({ id, label }) => [id, label]));
  const after = foundAfterS === null ? "" : ` Found ${text(duration(foundAfterS))} after it happened.`;
  const said = cycle
    ? `Deadlock: ${cycle.map((id) => labels.get(id) ?? id).join(" → ")} → ${labels.get(cycle[0]) ?? ""}. ` +
      `Each waits for the next, and none can go on.${after}`
    : "Nobody waits in a circle.";
  return make(
    "figure",
    { class: cycle ? "show waits-for dead" : "show waits-for" },
    make("h2", {}, "Who waits for whom"),
    make("p", { class: "verdict", role: "status" }, said),
    drawWaits(waitFor),
  );
}

/** @param {Counts} counts */
function countsOf({ expected, actual, lost }) {
  const of = (/** @type {string} */ name, /** @type {number} */ value) =>
    make("div", {}, make("dt", {}, name), make("dd", {}, value.toLocaleString("en")));
  return make(
    "figure",
    { class: lost > 0 ? "show counts lost" : "show counts" },
    make("h2", {}, "Updates"),
    make("dl", {}, of("expected", expected), of("there", actual), of("lost", lost)),
  );
}

/** @param {BarsOf} bars */
function barsOf({ title, unit, values }) {
  const most = Math.max(0, ...Object.values(values)) || 1;
  const rows = Object.entries(values).map(([label, value]) => {
    const part = make("i", { class: "used" });
    part.style.width = `${(100 * value) / most}%`;
    return make(
      "tr",
      {},
      make("th", { scope: "row" }, label),
      make("td", { class: "bar-cell" }, make("div", { class: "bar" }, part)),
      make("td", { class: "number" }, valueOf(value, unit)),
    );
  });
  return make(
    "figure",
    { class: "show bars-of" },
    make("h2", {}, title),
    make("table", {}, make("tbody", {}, ...rows)),
  );
}

/** @param {number} value @param {string} unit */
function valueOf(value, unit) {
  if (unit === "s") return text(duration(value));
  if (unit === "ms") return text(duration(value / 1e3));
  return `${text(count(value))} ${unit}`.trim();
}
