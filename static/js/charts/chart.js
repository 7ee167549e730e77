// @ts-check
/**
 * One chart over the run's time.
 * @import { Palette } from "../draw/palette.js"
 * @import { Quantity } from "../base/format.js"
 * @typedef {{label: string, column: string}} Line
 * @typedef {{title: string, lines: Line[], show: (value: number | null) => Quantity, unit?: string,
 *            max?: number, atLeast?: number, steps?: number[], of?: string}} ChartKind `of` is the class of builds
 *     that it is for; `max` is the axis's upper end where the
 *     quantity has one, `atLeast` keeps noise about nothing from filling the chart, `steps` are the distances that
 *     its marks may have
 */
import uPlot from "uplot";
import { make } from "../base/dom.js";
import { size, text } from "../base/format.js";
import { POWERS_OF_TWO, tickLabel } from "../base/ticks.js";

const CHART_HEIGHT = 120;
/** Those of the timeline, and such as clocks have. */
const TIME_STEPS = [
  ...[0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30],
  ...[1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1440].map((minutes) => 60 * minutes),
];
const HEADROOM = 1.1;
/** The decimals of a round number. */
const ROUND = /\.0+(?=\D|$)/;
/** A view of nearly everything needs no shade. */
const COVERED = 0.98;
/** As long as the timeline's window: both begin alike. */
const SHORTEST_SPAN_S = 10;
const SYNC = "gilscope";

/**
 * @param {HTMLElement} host
 * @param {ChartKind} kind
 * @param {Palette} palette
 * @param {() => {startUs: number, endUs: number} | null} onView the interval that the timeline shows
 */
export function createChart(host, kind, palette, onView) {
  const legend = make("span", { class: "readings" });
  const plotHost = make("div", { class: "plot" });
  host.replaceChildren(make("h3", {}, kind.title, legend), plotHost);
  const options = optionsOf(kind, palette, Math.max(1, plotHost.clientWidth));
  options.hooks = {
    drawClear: [(plot) => shadeView(plot, palette, onView())],
    setCursor: [(plot) => read(plot, kind, legend)],
    setData: [(plot) => read(plot, kind, legend)],
  };
  return new uPlot(options, [[], ...kind.lines.map(() => [])], plotHost);
}

/** Makes plots as wide as what each lies in. @param {Iterable<uPlot>} plots */
export function fit(plots) {
  for (const plot of plots) {
    const width = plot.root.parentElement?.clientWidth ?? 0;
    if (width > 0 && width !== plot.width) plot.setSize({ width, height: plot.height });
  }
}

/** Does so whenever the host's size changes. @param {HTMLElement} host @param {() => Iterable<uPlot>} plots */
export function keepFitted(host, plots) {
  const observer = new ResizeObserver(() => fit(plots()));
  observer.observe(host);
  return observer;
}

/**
 * What charts of sizes over the run's time have in common.
 * @param {Palette} palette @param {number} headroom of the highest value @returns {Omit<uPlot.Options, "width" | "height" | "series">}
 */
export function sizesOf(palette, headroom) {
  const show = (/** @type {number | null} */ bytes) => text(size(bytes));
  return {
    legend: { show: false },
    padding: [8, 16, 0, 0],
    scales: {
      x: { time: false, range: (_plot, _least, most) => [0, spanOf(most)] },
      y: { range: (_plot, _least, most) => [0, (most || 1) * headroom] },
    },
    axes: axesOf(palette, show, POWERS_OF_TWO),
  };
}

/** @param {ChartKind} kind @param {Palette} palette @param {number} width @returns {uPlot.Options} */
function optionsOf(kind, palette, width) {
  const unit = kind.unit ?? "";
  return {
    width,
    height: CHART_HEIGHT,
    legend: { show: false },
    padding: [6, 16, 0, 0],
    cursor: { sync: { key: SYNC }, points: { size: 6 }, drag: { x: false, y: false } },
    scales: {
      x: { time: false, range: (_plot, _least, most) => [0, spanOf(most)] },
      y: { range: (_plot, _least, most) => [0, topOf(kind, most ?? 0)] },
    },
    axes: axesOf(palette, (value) => text(kind.show(value)) + unit, kind.steps),
    series: [
      {},
      ...kind.lines.map(({ label }, index) => ({
        label,
        stroke: palette.series[index].css,
        width: 1.5,
        points: { show: false },
        spanGaps: false,
      })),
    ],
  };
}

/**
 * An axis of run time, and one of quantities.
 * @param {Palette} palette
 * @param {(value: number | null) => string} show
 * @param {number[]} [steps] the distances that marks may have
 * @returns {uPlot.Axis[]}
 */
function axesOf(palette, show, steps) {
  const axis = {
    stroke: palette.soft.css,
    font: `11px ${palette.font}`,
    ticks: { show: false },
    grid: { stroke: palette.line.css, width: 1 },
  };
  return [
    { ...axis, size: 26, space: 72, gap: 6, incrs: TIME_STEPS, values: (_plot, splits) => xLabels(splits) },
    {
      ...axis,
      size: 62,
      space: 28,
      gap: 4,
      ...(steps && { incrs: steps }),
      values: (_plot, splits) => splits.map((value) => show(value).replace(ROUND, "")),
    },
  ];
}

/** How much of the run an axis of time shows. @param {number | null | undefined} most seconds */
function spanOf(most) {
  return Math.max(SHORTEST_SPAN_S, most ?? 0);
}

/** Where the upright axis ends. @param {ChartKind} kind @param {number} most */
function topOf({ max, atLeast = 0 }, most) {
  return max ?? (Math.max(atLeast, most * HEADROOM) || 1);
}

/** @param {number[]} splits seconds */
function xLabels(splits) {
  const step = splits.length > 1 ? splits[1] - splits[0] : 1;
  return splits.map((seconds) => tickLabel(seconds * 1e6, step * 1e6));
}

/** @param {uPlot} plot @param {Palette} palette @param {{startUs: number, endUs: number} | null} view */
function shadeView(plot, palette, view) {
  if (!view) return;
  const { ctx, bbox } = plot;
  const left = Math.max(bbox.left, plot.valToPos(view.startUs / 1e6, "x", true));
  const right = Math.min(bbox.left + bbox.width, plot.valToPos(view.endUs / 1e6, "x", true));
  if (!(right > left) || right - left > COVERED * bbox.width) return;
  ctx.save();
  ctx.globalAlpha = 0.05;
  ctx.fillStyle = palette.ink.css;
  ctx.fillRect(left, bbox.top, right - left, bbox.height);
  ctx.restore();
}

/**
 * The values under the cursor, and when that was; without one what the lines are, for the newest figures are above.
 * @param {uPlot} plot @param {ChartKind} kind @param {HTMLElement} into
 */
function read(plot, kind, into) {
  const at = plot.cursor.idx;
  const pointed = typeof at === "number";
  const readings = kind.lines.flatMap(({ label }, index) => {
    const value = pointed ? valueAt(plot.data[index + 1], at) : null;
    const reading = pointed ? text(kind.show(value)) + (value === null ? "" : (kind.unit ?? "")) : "";
    const named = kind.lines.length > 1 ? `${label} ${reading}`.trim() : reading;
    return named ? [make("span", { class: `reading series-${index}` }, named)] : [];
  });
  if (pointed) readings.unshift(make("span", { class: "when" }, `at ${plot.data[0][at].toFixed(2)} s`));
  into.replaceChildren(...readings);
}

/**
 * The value at a place; of lines with instants of their own it is the last before it.
 * @param {ArrayLike<number | null | undefined>} column @param {number} place
 */
function valueAt(column, place) {
  return Array.from(column).slice(0, place + 1).findLast((value) => value !== undefined) ?? null;
}
