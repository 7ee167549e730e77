// @ts-check
/**
 * The colours of the drawings, read from the style sheet's tokens: no colour is written in a script.
 * @typedef {{css: string, pixel: number, dark: boolean}} Colour `pixel` as a word of ImageData; `dark` wants
 *     light text upon it
 * @typedef {{states: Colour[], hatch: Colour, threads: Colour[], held: Colour[], lane: Colour, ink: Colour,
 *            soft: Colour, line: Colour, accent: Colour, surface: Colour, onDark: Colour, onLight: Colour,
 *            series: Colour[], parts: Colour[], generations: Colour[], pools: PoolColours, font: string}} Palette `font` is the
 *     page's font family
 * @typedef {{sizes: Colour[], fullness: Colour[], free: Colour, uncarved: Colour, ground: Colour}} PoolColours
 */
import { STATES } from "../state/messages.js";
import { PARTS } from "../state/parts.js";
import { GENERATIONS } from "../state/pauses.js";

export const THREAD_COLOURS = 10;
export const SERIES_COLOURS = 6;
const SIZE_STOPS = 6;
const FULLNESS_STOPS = 3;

/** @returns {Palette} */
export function readPalette() {
  const read = colourReader();
  const several = (/** @type {string} */ token, /** @type {number} */ length) =>
    Array.from({ length }, (_, index) => read(`${token}-${index}`));
  const threads = several("--thread", THREAD_COLOURS);
  const states = STATES.map((state) => read(`--state-${state}`));
  return {
    states,
    hatch: read("--state-unknown-hatch"),
    threads,
    // What a GIL's track can show: a thread's colour, nobody, unknown.
    held: [...threads, read("--lane"), states[STATES.indexOf("unknown")]],
    lane: read("--lane"),
    ink: read("--ink"),
    soft: read("--ink-soft"),
    line: read("--line"),
    accent: read("--accent"),
    surface: read("--surface"),
    onDark: read("--on-dark"),
    onLight: read("--on-light"),
    series: several("--series", SERIES_COLOURS),
    parts: PARTS.map((name) => read(`--part-${name}`)),
    generations: several("--gc", GENERATIONS.length),
    pools: {
      sizes: several("--pool-size", SIZE_STOPS),
      fullness: several("--pool-full", FULLNESS_STOPS),
      free: read("--pool-free"),
      uncarved: read("--pool-uncarved"),
      ground: read("--pool-ground"),
    },
    font: getComputedStyle(document.body).fontFamily,
  };
}

/** Resolves tokens as the browser does: through an element's colour, then through a pixel. */
function colourReader() {
  const probe = document.createElement("span");
  document.body.append(probe);
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("this browser draws on no canvas");
  /** @param {string} token @returns {Colour} */
  const read = (token) => {
    probe.style.color = `var(${token})`;
    const css = getComputedStyle(probe).color;
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = css;
    context.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = context.getImageData(0, 0, 1, 1).data;
    const pixel = new Uint32Array(Uint8Array.of(red, green, blue, alpha).buffer)[0];
    return { css, pixel, dark: 0.299 * red + 0.587 * green + 0.114 * blue < 140 };
  };
  queueMicrotask(() => probe.remove());
  return read;
}

/**
 * The pixel at a share of the way along some colours.
 * @param {Colour[]} stops @param {number} share from 0 to 1
 */
export function along(stops, share) {
  const at = Math.min(1, Math.max(0, share)) * (stops.length - 1);
  const below = Math.min(stops.length - 2, Math.floor(at));
  const [from, to] = [bytesOf(stops[below]), bytesOf(stops[below + 1])];
  const mixed = from.map((byte, index) => Math.round(byte + (to[index] - byte) * (at - below)));
  return new Uint32Array(Uint8Array.from(mixed).buffer)[0];
}

/** @param {Colour} colour */
function bytesOf({ pixel }) {
  return [...new Uint8Array(Uint32Array.of(pixel).buffer)];
}
