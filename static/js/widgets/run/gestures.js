// @ts-check
/**
 * What hands do to the timeline: wheel, drag, two fingers, keys, buttons. Tells what is meant; knows no time.
 * @typedef {"earlier" | "later" | "above" | "below" | "pin" | "close"} SliceWay
 * @typedef {{fromX: number, toX: number, fromY: number, toY: number} | {fromX: number, toX: number, fromY: null, toY: null}} Area
 *     over the plot; along the axis it has no height
 * @typedef {object} Gestures
 * @property {(factor: number, x: number) => void} zoomAt below 1 shows less
 * @property {(pixels: number) => void} dragBy
 * @property {(steps: number) => void} step later if positive
 * @property {(steps: number) => void} zoomStep in if positive
 * @property {() => void} reset
 * @property {() => void} fit shows the whole run
 * @property {() => void} [focus] shows what is marked, or the whole run
 * @property {(area: Area) => void} [select] a piece of the time on view
 * @property {() => void} [selectFound] the time of what is marked
 * @property {() => void} [search] among the lanes
 * @property {() => void} [note] writes one
 * @property {(way: SliceWay) => void} [slice] goes to another one, or does something with it
 * @property {() => void} [toggleFlows] shows arrows, or hides them
 * @property {() => void} [toggleCounters] shows all, or those that are pinned
 * @property {() => void} togglePause
 * @property {() => void} live
 * @property {(at: {x: number, y: number} | null) => void} point
 * @property {(at: {x: number, y: number} | null) => void} choose a slice; null where a key asks for one
 */

import { AXIS_HEIGHT } from "../../tracks/painter.js";

/** A notch of a wheel is 100 of its pixels, and zooms by about a fifth. */
const ZOOM_PER_PIXEL = 0.002;
const LINE_PIXELS = 16;
/** A hand that presses trembles so much. */
const LEAST_SELECTED = 3;
/** Two fingers one above the other are so far apart. */
const LEAST_APART = 10;

/**
 * @param {HTMLElement} root the run on the page: within it buttons have a `data-act`
 * @param {HTMLCanvasElement} canvas
 * @param {Gestures} gestures
 */
export function attachGestures(root, canvas, gestures) {
  const over = new AbortController();
  const { signal } = over;
  attachPointer(canvas, gestures, signal);
  const acts = actsOf(gestures);
  root.addEventListener(
    "click",
    (event) => {
      const button = event.target instanceof Element ? event.target.closest("[data-act]") : null;
      if (button instanceof HTMLElement) acts.get(button.dataset.act ?? "")?.();
    },
    { signal },
  );
  document.addEventListener(
    "keydown",
    (event) => {
      const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (!act || event.ctrlKey || event.metaKey || event.altKey || isTaken(event)) return;
      event.preventDefault();
      acts.get(act)?.();
    },
    { signal },
  );
  return { dispose: () => over.abort() };
}

/** @type {{[key: string]: string}} */
const KEYS = {
  " ": "pause",
  ArrowLeft: "earlier",
  ArrowRight: "later",
  "+": "zoom-in",
  "=": "zoom-in",
  "-": "zoom-out",
  0: "reset",
  w: "zoom-in",
  s: "zoom-out",
  a: "earlier",
  d: "later",
  f: "focus",
  l: "live",
  p: "pin",
  m: "select-found",
  g: "flows",
  c: "counters",
  n: "note",
  "/": "search",
  "[": "slice-earlier",
  "]": "slice-later",
  "{": "slice-above",
  "}": "slice-below",
  Escape: "slice-close",
  Enter: "choose",
  "?": "help",
};

/** @param {Gestures} gestures @returns {Map<string, () => void>} */
function actsOf(gestures) {
  return new Map([
    ["pause", gestures.togglePause],
    ["live", gestures.live],
    ["reset", gestures.reset],
    ["fit", gestures.fit],
    ["focus", gestures.focus ?? gestures.fit],
    ["select-found", () => gestures.selectFound?.()],
    ["flows", () => gestures.toggleFlows?.()],
    ["counters", () => gestures.toggleCounters?.()],
    ["note", () => gestures.note?.()],
    ["search", () => gestures.search?.()],
    ["help", () => document.getElementById("words")?.togglePopover()],
    ["pin", () => gestures.slice?.("pin")],
    ["slice-earlier", () => gestures.slice?.("earlier")],
    ["slice-later", () => gestures.slice?.("later")],
    ["slice-above", () => gestures.slice?.("above")],
    ["slice-below", () => gestures.slice?.("below")],
    ["slice-close", () => gestures.slice?.("close")],
    ["earlier", () => gestures.step(-1)],
    ["later", () => gestures.step(1)],
    ["zoom-in", () => gestures.zoomStep(1)],
    ["zoom-out", () => gestures.zoomStep(-1)],
    ["choose", () => gestures.choose(null)],
  ]);
}

/** Whether the element that has the focus has its own use for the key. @param {KeyboardEvent} event */
function isTaken({ target, key, defaultPrevented }) {
  if (!(target instanceof Element)) return false;
  const pressed = key === " " || key === "Enter";
  return defaultPrevented ||
    target.closest("input:not([type=checkbox]), select, textarea, [popover]") !== null ||
    pressed && target.closest("button, summary, a, input") !== null;
}

/** @param {HTMLCanvasElement} canvas @param {Gestures} gestures @param {AbortSignal} [signal] */
export function attachPointer(canvas, gestures, signal) {
  /** Where fingers are, by their pointers: two of them zoom. @type {Map<number, number>} */
  const fingers = new Map();
  /** @type {number | null} */
  let dragX = null;
  let dragged = false;
  /** @type {{x: number, y: number | null} | null} where a selection began; on the axis at no height */
  let selectFrom = null;
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PIXELS : 1;
      if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        gestures.dragBy(-(event.deltaX || event.deltaY) * unit);
      } else {
        gestures.zoomAt(Math.exp(event.deltaY * unit * ZOOM_PER_PIXEL), event.offsetX);
      }
    },
    { signal, passive: false },
  );
  canvas.addEventListener(
    "pointerdown",
    (event) => {
      if (event.button !== 0) return;
      if (event.pointerType === "touch") fingers.set(event.pointerId, event.offsetX);
      if (fingers.size > 1) {
        dragX = selectFrom = null;
        return;
      }
      const selects = gestures.select && (event.shiftKey || event.offsetY < AXIS_HEIGHT);
      if (selects) selectFrom = { x: event.offsetX, y: event.offsetY < AXIS_HEIGHT ? null : event.offsetY };
      else dragX = event.clientX;
      dragged = false;
      canvas.setPointerCapture(event.pointerId);
    },
    { signal },
  );
  canvas.addEventListener(
    "pointermove",
    (event) => {
      if (fingers.size > 1) {
        const before = spreadOf(fingers);
        if (fingers.has(event.pointerId)) fingers.set(event.pointerId, event.offsetX);
        const { apart, middle } = spreadOf(fingers);
        gestures.zoomAt(before.apart / apart, middle);
        return;
      }
      if (selectFrom !== null && Math.abs(event.offsetX - selectFrom.x) >= LEAST_SELECTED) {
        gestures.select?.(areaOf(selectFrom, event));
      }
      if (dragX !== null && event.clientX !== dragX) {
        gestures.dragBy(event.clientX - dragX);
        dragX = event.clientX;
        dragged = true;
      }
      gestures.point({ x: event.offsetX, y: event.offsetY });
    },
    { signal },
  );
  const release = (/** @type {PointerEvent} */ { pointerId }) => {
    fingers.delete(pointerId);
    dragX = null;
    selectFrom = null;
  };
  canvas.addEventListener(
    "pointerup",
    (event) => {
      if (dragX !== null && !dragged) gestures.choose({ x: event.offsetX, y: event.offsetY });
      release(event);
    },
    { signal },
  );
  canvas.addEventListener("pointercancel", release, { signal });
  canvas.addEventListener("pointerleave", () => gestures.point(null), { signal });
}

/** How far two fingers are apart, and the middle between them, in pixels. @param {Map<number, number>} fingers */
function spreadOf(fingers) {
  const [one, other] = fingers.values();
  return { apart: Math.max(LEAST_APART, Math.abs(one - other)), middle: (one + other) / 2 };
}

/** @param {{x: number, y: number | null}} from @param {PointerEvent} to @returns {Area} */
function areaOf({ x, y }, { offsetX, offsetY }) {
  const time = { fromX: Math.min(x, offsetX), toX: Math.max(x, offsetX) };
  if (y === null) return { ...time, fromY: null, toY: null };
  return { ...time, fromY: Math.min(y, offsetY), toY: Math.max(y, offsetY) };
}
