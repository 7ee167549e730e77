// @ts-check
/**
 * What each configuration measured: medians, intervals, and how it is against the baseline.
 * @import { Configuration, Experiment, Measure, Ratio } from "../../net/api.js"
 */
import { make } from "../../base/dom.js";
import { BY_UNIT } from "../../base/format.js";
import { draw } from "../../base/svg.js";
import { nameOf } from "./words.js";

const WORDS = { "within-noise": "within the noise", "too-few": "too few repetitions", higher: "", lower: "" };
const BAR = 120;

/** @param {HTMLTableElement} table @param {Experiment} experiment */
export function fillTable(table, experiment) {
  const { configurations, goal, verdict } = experiment;
  const measures = measuresOf(experiment);
  const [first, ...rest] = measures;
  const highest = Math.max(
    ...configurations.map(({ measures }) => measures[goal]?.high ?? measures[goal]?.median ?? 0),
    1e-12,
  );
  table.tHead?.replaceChildren(
    make(
      "tr",
      {},
      make("th", { scope: "col" }, "Configuration"),
      make("th", { scope: "col", class: "number" }, first.label),
      make("th", { scope: "col" }, make("span", { class: "visually-hidden" }, "Drawn")),
      make("th", { scope: "col" }, "Against the baseline"),
      ...rest.map(({ label }) => make("th", { scope: "col", class: "number" }, label)),
      make("th", { scope: "col" }, "Runs"),
    ),
  );
  table.tBodies[0].replaceChildren(
    ...configurations.map((row, index) =>
      make(
        "tr",
        { "data-best": String(index === verdict.best), "data-equal": String(verdict.equal.includes(index)) },
        make("th", { scope: "row" }, nameOf(row), ...mark(index, experiment)),
        cell(row, first),
        make("td", { class: "drawn" }, ...band(row, goal, highest)),
        make(
          "td",
          { class: "against" },
          index === verdict.baseline ? "baseline" : against(row.differences[goal]),
        ),
        ...rest.map((measure) => cell(row, measure)),
        make("td", { class: "runs" }, ...runLinks(row)),
      )
    ),
  );
}

/** Those that were measured of any, the one that decides first. @param {Experiment} experiment @returns {Measure[]} */
function measuresOf({ measures, goal, configurations }) {
  const measured = measures.filter(({ key }) =>
    key === goal || configurations.some((row) => row.measures[key] !== null)
  );
  return measured.sort((a, b) => Number(b.key === goal) - Number(a.key === goal));
}

/** @param {number} index @param {Experiment} experiment */
function mark(index, { verdict, state }) {
  if (state === "running" || !["faster", "none-faster"].includes(verdict.says)) return [];
  if (index === verdict.best) return [" ", make("span", { class: "badge best" }, "best")];
  return verdict.equal.includes(index) ? [" ", make("span", { class: "badge" }, "as good")] : [];
}

/** @param {Configuration} row @param {Measure} measure */
function cell(row, { key, unit }) {
  const found = row.measures[key];
  const show = BY_UNIT[unit];
  if (!found) return make("td", { class: "number" }, "–");
  const between = found.low === null || found.high === null
    ? []
    : [make("span", { class: "band" }, `${show(found.low)} … ${show(found.high)}`)];
  return make("td", { class: "number" }, show(found.median), ...between);
}

/** The median and its interval, on one scale from nothing to the highest. @param {Configuration} row @param {string} goal @param {number} highest */
function band(row, goal, highest) {
  const found = row.measures[goal];
  if (!found) return [];
  const x = (/** @type {number} */ value) => 5 + value / highest * (BAR - 10);
  return [
    draw(
      "svg",
      { viewBox: `0 0 ${BAR} 14`, width: BAR, height: 14, "aria-hidden": "true" },
      draw("line", { class: "grid", x1: 5, x2: BAR - 5, y1: 7, y2: 7 }),
      ...(found.low === null || found.high === null ? [] : [
        draw("line", {
          class: "interval",
          x1: x(found.low),
          x2: Math.max(x(found.high), x(found.low) + 1),
          y1: 7,
          y2: 7,
        }),
      ]),
      draw("circle", { cx: x(found.median), cy: 7, r: 4 }),
    ),
  ];
}

/** @param {Ratio | null} found */
function against(found) {
  if (!found || found.ratio === null) return "–";
  const times = `${found.ratio.toFixed(2)} times`;
  const between = found.low === null || found.high === null
    ? ""
    : ` (${found.low.toFixed(2)} … ${found.high.toFixed(2)})`;
  const said = WORDS[found.says];
  return times + between + (said && `, ${said}`);
}

/** @param {Configuration} row */
function runLinks({ runs }) {
  return runs.flatMap((run, index) => [
    make(
      "a",
      { href: `/runs/${encodeURIComponent(run)}`, "aria-label": `Run ${index + 1}` },
      String(index + 1),
    ),
    " ",
  ]);
}

/** What else there is to say of it. @param {Experiment} experiment */
export function notesOf({ configurations, left_out: leftOut, asked, unrecorded }) {
  const notes = leftOut.map(({ executor, python, why }) =>
    `Left out: ${executor} on CPython ${python}: ${why}.`
  );
  for (const row of configurations) {
    if (row.error) notes.push(`Given up: ${nameOf(row)}: ${row.error}`);
  }
  const disturbed = configurations.filter((row) => row.made_again || row.disturbed);
  const few = disturbed.length <= 3;
  for (const row of few ? disturbed : []) notes.push(`${nameOf(row)}: ${disturbance([row])}`);
  if (!few) notes.push(`${disturbed.length} configurations: ${disturbance(disturbed)}`);
  notes.push(`Measured on ${asked.cores} ${asked.cores === 1 ? "core" : "cores"}.`);
  if (unrecorded) notes.push(`It is not kept, or not all of it: ${unrecorded.detail} ${unrecorded.remedy}`);
  return notes;
}

/** @param {Configuration[]} rows */
function disturbance(rows) {
  const sum = (/** @type {"made_again" | "disturbed" | "repetitions"} */ name) =>
    rows.reduce((total, row) => total + row[name], 0);
  return `disturbed repetitions: ${sum("made_again")} made again, ${sum("disturbed")} among the ` +
    `${sum("repetitions")} that count.`;
}

/** What is to be said beside the verdict where the machine was not quiet. @param {Experiment} experiment */
export function warningOf({ configurations }) {
  const sum = (/** @type {"disturbed" | "repetitions"} */ name) =>
    configurations.reduce((total, row) => total + row[name], 0);
  if (sum("disturbed") * 2 < sum("repetitions") || sum("disturbed") === 0) return "";
  return `${sum("disturbed")} of the ${
    sum("repetitions")
  } repetitions were disturbed by other work of this machine: ` +
    "measured again while it is quiet, smaller differences show.";
}
