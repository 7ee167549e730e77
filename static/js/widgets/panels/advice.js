// @ts-check
/**
 * Would something help? Forecasts of other ways of running the program, and of functions made faster, as
 * app/model/forecast.py has them: asked of the server when the panel is opened, and again while the run goes on.
 * @typedef {{low: number, middle: number, high: number}} Band
 * @typedef {{choice: string, title: string, throughput: Band | null, why_not: string | null,
 *            memory: {low: number, high: number} | null, assumptions: string[],
 *            groups: {name: string, threads: number, throughput: Band}[]}} Way
 * @typedef {{function: string, file: string, line: number, busy_share: number, throughput: number}} Mended
 * @typedef {{verdict: {sentence: string, sure: string | null}, sentences: string[], forecast: {rows: Way[]},
 *            mend: {rows: Mended[], why_not: string | null, from_s: number, to_s: number,
 *                   replay_error: number | null}}} Advice
 */
import { find, make } from "../../base/dom.js";
import { share, size, text } from "../../base/format.js";
import { getAdvice, Problem } from "../../net/api.js";
import { tableRows } from "./table_rows.js";

/** Between two answers of a run that goes on. */
const AGAIN_MS = 5000;
/** The widest band that is drawn; what is beyond ends at the edge. */
const MOST = 4;

/** @type {import("./registry.js").Panel} */
export const advice = {
  key: "advice",
  label: "What would help",
  question: "Would threads, processes, free-threading or a faster function help?",
  create(section, { id }) {
    const shown = new AdvicePanel(section, id);
    return { update: () => shown.update(), dispose: () => shown.dispose() };
  },
};

class AdvicePanel {
  #section;
  #id;
  #askedAt = -Infinity;
  #gone = false;
  #ways;
  #functions;

  /** @param {HTMLElement} section @param {string} id */
  constructor(section, id) {
    this.#section = section;
    this.#id = id;
    this.#ways = tableRows(section, ".ways", wayRow);
    this.#functions = tableRows(section, ".functions", functionRow);
  }

  /** It is on view, and something new is known. */
  update() {
    const now = performance.now();
    if (now - this.#askedAt < AGAIN_MS) return;
    this.#askedAt = now;
    void this.#ask();
  }

  dispose() {
    this.#gone = true;
  }

  async #ask() {
    try {
      const answer = await getAdvice(this.#id);
      if (!this.#gone) this.#show(answer);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (!this.#gone) this.#say(problem.body.detail ?? problem.body.title);
    }
  }

  /** @param {string} words */
  #say(words) {
    find(this.#section, ".verdict", HTMLElement).textContent = words;
  }

  /** @param {Advice} answer */
  #show({ verdict, sentences, forecast, mend }) {
    this.#say(verdict.sentence);
    const sure = find(this.#section, ".sure", HTMLElement);
    sure.textContent = verdict.sure === null ? "" : `How sure: ${verdict.sure}.`;
    sure.hidden = verdict.sure === null;
    const more = find(this.#section, ".sentences", HTMLElement);
    more.replaceChildren(...sentences.map((sentence) => make("li", {}, sentence)));
    this.#ways.update(forecast.rows);
    this.#functions.update(mend.rows);
    find(this.#section, ".ways", HTMLElement).hidden = forecast.rows.length === 0;
    find(this.#section, ".functions", HTMLElement).hidden = mend.rows.length === 0;
    const why = find(this.#section, ".functions-none", HTMLElement);
    why.hidden = mend.rows.length > 0;
    why.textContent = mend.why_not ?? "";
    find(this.#section, ".replayed", HTMLElement).textContent = replayed(mend);
    const said = new Set(forecast.rows.flatMap(({ assumptions }) => assumptions));
    const list = find(this.#section, ".assumed ul", HTMLElement);
    list.replaceChildren(...[...said].map((sentence) => make("li", {}, sentence)));
    find(this.#section, ".assumed", HTMLElement).hidden = said.size === 0;
  }
}

/** @param {Advice["mend"]} mend */
function replayed({ from_s: from, to_s: to, replay_error: error }) {
  const off = error === null ? "" : ` Replayed as it was, it came to ${text(share(error))} off.`;
  return `Seconds ${from.toFixed(1)} to ${to.toFixed(1)} of the run were replayed.${off}`;
}

/** @param {Way} way */
function wayRow({ title, throughput, why_not: why, memory, groups }) {
  const kinds = groups.length > 1
    ? groups.map(({ name, throughput: { middle } }) => `${name} ${times(middle)}`).join(", ")
    : "";
  return make(
    "tr",
    {},
    make("th", { scope: "row", title: kinds }, title),
    ...(throughput === null ? [make("td", { colspan: "3" }, why ?? "")] : [
      make("td", { class: "number" }, times(throughput.middle)),
      make("td", { class: "number" }, `${throughput.low.toFixed(2)} to ${throughput.high.toFixed(2)}`),
      make("td", { class: "band" }, bandOf(throughput)),
    ]),
    make(
      "td",
      { class: "number" },
      memory === null ? "–" : `${text(size(memory.low))} to ${text(size(memory.high))}`,
    ),
  );
}

/** A line from 0 to MOST with the band on it, and a mark at 1, which is as it is now. @param {Band} band */
function bandOf({ low, middle, high }) {
  const at = (/** @type {number} */ value) => `${(100 * Math.min(value, MOST)) / MOST}%`;
  const bar = make("span", { class: "range" });
  bar.style.left = at(low);
  bar.style.width = `calc(${at(high)} - ${at(low)})`;
  const mark = make("span", { class: "likely" });
  mark.style.left = at(middle);
  const now = make("span", { class: "now" });
  now.style.left = at(1);
  return make("span", { class: "track", "aria-hidden": "true" }, now, bar, mark);
}

/** @param {Mended} row */
function functionRow({ function: name, file, line, busy_share: busy, throughput }) {
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, name),
    make("td", { class: "place", title: `${file}:${line}` }, `${file.split("/").pop()}:${line}`),
    make("td", { class: "number" }, text(share(busy))),
    make("td", { class: "number" }, times(throughput)),
  );
}

/** @param {number} value */
function times(value) {
  return `×${value.toFixed(2)}`;
}
