// @ts-check
/**
 * A curve of scaling: what so many workers did, with intervals, and the laws that fit best beside the points.
 * @import { Law, LawParameter, Scaling } from "../../net/api.js"
 */
import { make } from "../../base/dom.js";
import { BY_UNIT } from "../../base/format.js";
import { draw } from "../../base/svg.js";
import { nameOf } from "./words.js";

const WIDTH = 420;
const HEIGHT = 250;
const LEFT = 62;
const RIGHT = 14;
const TOP = 12;
const BOTTOM = 40;
const HEADROOM = 1.08;
const NAMES = { amdahl: "Amdahl", gustafson: "Gustafson", usl: "USL" };
const PARAMETERS = /** @type {{[name: string]: string}} */ ({
  serial_share: "serial share",
  contention: "contention",
  coherence: "coherence",
  knee: "knee",
});

/** The highest value that a figure shows: all of an experiment have one scale. @param {Scaling[]} all */
export function topOf(all) {
  const values = all.flatMap(({ points, laws }) => [
    ...points.flatMap(({ median, high }) => [median, high ?? 0]),
    ...laws.filter(({ law }) => law !== "gustafson").flatMap(({ curve }) => curve.map(([, value]) => value)),
  ]);
  return Math.max(...values, 1e-9) * HEADROOM;
}

/** @param {Scaling} scaling @param {number} top */
export function scalingFigure(scaling, top) {
  return make(
    "figure",
    { class: "curve" },
    make("h3", {}, nameOf(scaling)),
    drawing(scaling, top),
    make("ul", { class: "laws", "aria-label": "Laws" }, ...scaling.laws.map(lawLine), ...gilLine(scaling)),
    make("figcaption", {}, captionOf(scaling)),
  );
}

/** What the laws beside the drawing do not say. @param {Scaling} scaling */
function captionOf({ points, laws }) {
  if (laws.length === 0) return "Too few worker counts for a law.";
  const left = points.filter(({ used }) => !used).map(({ workers }) => workers);
  return left.length ? `Not used: ${left.join(", ")} workers, which had fewer CPUs than they wanted.` : "";
}

/** @param {Scaling} scaling @param {number} top */
function drawing({ points, laws, source, sentence }, top) {
  const most = Math.max(
    ...points.map(({ workers }) => workers),
    ...laws.flatMap(({ curve }) => curve.map(([n]) => n)),
  );
  const measured = Math.max(...points.map(({ workers }) => workers));
  const x = (/** @type {number} */ n) => LEFT + (n - 1) / Math.max(1, most - 1) * (WIDTH - LEFT - RIGHT);
  const y = (/** @type {number} */ value) => HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM);
  const show = source === "reported"
    ? (/** @type {number} */ value) => `${value.toFixed(value < 10 ? 1 : 0)}×`
    : BY_UNIT.rate;
  const unit = source === "reported" ? "speed-up" : source === "wall-time" ? "runs a second" : "operations";
  return draw(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": sentence, class: "drawing" },
    draw("rect", {
      class: "beyond",
      x: x(measured),
      y: TOP,
      width: Math.max(0, x(most) - x(measured)),
      height: HEIGHT - TOP - BOTTOM,
    }),
    ...marksOf(top).map((value) =>
      draw(
        "g",
        {},
        draw("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value) }),
        draw("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, value === 0 ? "0" : show(value)),
      )
    ),
    ...workersOf(most, points.map(({ workers }) => workers)).map((n) =>
      draw("text", { x: x(n), y: HEIGHT - BOTTOM + 16, "text-anchor": "middle" }, String(n))
    ),
    draw(
      "text",
      { class: "axis", x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 6, "text-anchor": "middle" },
      `workers → ${unit}`,
    ),
    ...laws.map(({ law, curve }) =>
      draw("path", {
        class: `law ${law}`,
        d: curve.filter(([, value]) => value <= top).map(([n, value], index) =>
          `${index ? "L" : "M"}${x(n).toFixed(1)} ${y(value).toFixed(1)}`
        ).join(""),
      })
    ),
    ...points.map(({ workers, median, low, high, used }) =>
      draw(
        "g",
        { class: used ? "point" : "point unused" },
        draw(
          "title",
          {},
          `${workers}: ${show(median)}${
            low === null || high === null ? "" : ` (${show(low)} … ${show(high)})`
          }`,
        ),
        ...(low === null || high === null ? [] : [whisker(x(workers), y(low), y(high))]),
        draw("circle", { cx: x(workers), cy: y(median), r: 4 }),
      )
    ),
  );
}

/** @param {number} x @param {number} low @param {number} high */
function whisker(x, low, high) {
  return draw("path", { class: "whisker", d: `M${x - 4} ${low}h8M${x} ${low}V${high}M${x - 4} ${high}h8` });
}

/** Up to six marks at round numbers. @param {number} top */
export function marksOf(top) {
  const power = 10 ** Math.floor(Math.log10(top));
  const step =
    [0.2, 0.5, 1, 2, 5].map((factor) => factor * power).find((candidate) => top / candidate <= 5) ?? top;
  return Array.from({ length: Math.floor(top / step) + 1 }, (_, index) => index * step);
}

/** Which worker counts have room below the axis: those that were measured come first. @param {number} most @param {number[]} measured */
export function workersOf(most, measured) {
  const room = Math.max(1, most / 14);
  /** @type {number[]} */
  const shown = [];
  for (const n of [...measured, most, ...Array.from({ length: most }, (_, index) => index + 1)]) {
    if (shown.every((other) => Math.abs(other - n) >= room)) shown.push(n);
  }
  return shown.sort((a, b) => a - b);
}

/** @param {Law} law */
function lawLine({ law, parameters, r_squared: rSquared }) {
  const said = Object.entries(parameters).map(([name, parameter]) =>
    `${PARAMETERS[name] ?? name} ${spoken(name, parameter)}`
  );
  const fit = rSquared === null ? [] : [`R² ${rSquared.toFixed(2)}`];
  return make(
    "li",
    {},
    draw(
      "svg",
      { viewBox: "0 0 24 8", class: "key", "aria-hidden": "true" },
      draw("path", { class: `law ${law}`, d: "M0 4H24" }),
    ),
    make("b", {}, NAMES[law]),
    ` ${[...said, ...fit].join(" · ")}`,
  );
}

/** The serial share as the GIL's timeline has it, beside the fitted ones. @param {Scaling} scaling */
function gilLine({ gil_work: found }) {
  if (!found) return [];
  const { median: value, low, high } = found;
  const title =
    "Of the work of all threads, the share that was done holding the GIL, which they cannot do at once";
  return [
    make(
      "li",
      { class: "by-gil", title },
      make("b", {}, "GIL's timeline"),
      ` serial share ${spoken("serial_share", { value, low, high })}`,
    ),
  ];
}

/** @param {string} name @param {LawParameter} parameter */
function spoken(name, { value, low, high }) {
  const digits = name === "knee" ? 0 : name === "coherence" ? 4 : 3;
  const between = low === null || high === null ? "" : ` (${low.toFixed(digits)} … ${high.toFixed(digits)})`;
  return value.toFixed(digits) + between;
}
