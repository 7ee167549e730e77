// @ts-check
/**
 * Would something help? Forecasts of other ways of running the program, and of functions made faster, as
 * app/model/forecast.py has them: asked of the server when the panel is opened, and again while the run goes on.
 * @import { Band } from "../forecast_band.js"
 * @import { ForecastPair } from "../../net/api.js"
 * @typedef {{choice: string, title: string, throughput: Band | null, why_not: string | null,
 *            memory: {low: number, high: number} | null, assumptions: string[],
 *            groups: {name: string, threads: number, throughput: Band}[]}} Way
 * @typedef {{choice: string, why_not: string | null, runs: number | null, about_s: number | null,
 *            pairs: ForecastPair[]}} Measuring
 * @typedef {{way: Way, how: Measuring | undefined}} WayAndHow
 * @typedef {{function: string, file: string, line: number, busy_share: number, throughput: number}} Mended
 * @typedef {{verdict: {sentence: string, sure: string | null}, sentences: string[], forecast: {rows: Way[]},
 *            mend: {rows: Mended[], why_not: string | null, from_s: number, to_s: number,
 *                   replay_error: number | null},
 *            measuring?: Measuring[]}} Advice
 */
import { find, make } from "../../base/dom.js";
import { share, size, text } from "../../base/format.js";
import { getAdvice, measureForecast, Problem } from "../../net/api.js";
import { about } from "../experiment/words.js";
import { bandOf, measuredWords, times } from "../forecast_band.js";
import { tableRows } from "./table_rows.js";

/** Between two answers of a run that goes on. */
const AGAIN_MS = 5000;

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
    this.#ways = tableRows(section, ".ways", (/** @type {WayAndHow} */ one) => this.#wayRow(one));
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

  /** Starts the experiment, and goes there. @param {string} choice @param {HTMLButtonElement} button */
  async #measure(choice, button) {
    button.disabled = true;
    const refused = find(this.#section, ".refused", HTMLElement);
    refused.hidden = true;
    try {
      const { id } = await measureForecast(this.#id, choice);
      location.assign(`/experiments/${encodeURIComponent(id)}`);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      button.disabled = false;
      refused.textContent = [problem.message, problem.body.remedy ?? ""].filter(Boolean).join(" ");
      refused.hidden = false;
    }
  }

  /** @param {WayAndHow} one */
  #wayRow({ way, how }) {
    const { title, throughput, why_not: why, memory, groups } = way;
    const kinds = groups.length > 1
      ? groups.map(({ name, throughput: { middle } }) => `${name} ${times(middle)}`).join(", ")
      : "";
    return make(
      "tr",
      { "data-choice": way.choice },
      make("th", { scope: "row", title: kinds }, title),
      ...(throughput === null ? [make("td", { colspan: "3" }, why ?? "")] : [
        make("td", { class: "number" }, times(throughput.middle)),
        make("td", { class: "number" }, `${throughput.low.toFixed(2)} to ${throughput.high.toFixed(2)}`),
        make("td", { class: "band" }, bandOf(throughput, how?.pairs[0]?.measured)),
      ]),
      make(
        "td",
        { class: "number" },
        memory === null ? "–" : `${text(size(memory.low))} to ${text(size(memory.high))}`,
      ),
      make("td", { class: "before" }, ...beforeOf(how)),
      make("td", { class: "act" }, ...this.#buttonOf(how)),
    );
  }

  /** @param {Measuring | undefined} how */
  #buttonOf(how) {
    if (!how || how.why_not !== null) return [];
    const takes = how.about_s === null ? "" : `, ${about(how.about_s)}`;
    const title = `An experiment of ${how.runs} runs${takes}: the program as it was, and in this way`;
    const button = make("button", { type: "button", title }, "Measure it");
    button.addEventListener("click", () => this.#measure(how.choice, button));
    return [button];
  }

  /** @param {Advice} answer */
  #show({ verdict, sentences, forecast, mend, measuring = [] }) {
    this.#say(verdict.sentence);
    const sure = find(this.#section, ".sure", HTMLElement);
    sure.textContent = verdict.sure === null ? "" : `How sure: ${verdict.sure}.`;
    sure.hidden = verdict.sure === null;
    const more = find(this.#section, ".sentences", HTMLElement);
    more.replaceChildren(...sentences.map((sentence) => make("li", {}, sentence)));
    const howOf = new Map(measuring.map((how) => [how.choice, how]));
    this.#ways.update(forecast.rows.map((way) => ({ way, how: howOf.get(way.choice) })));
    find(this.#section, ".unmeasured ul", HTMLElement).replaceChildren(...unmeasured(forecast.rows, howOf));
    find(this.#section, ".unmeasured", HTMLElement).hidden = measuring.every(({ why_not: why }) =>
      why === null
    );
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

/** What was measured of it last. @param {Measuring | undefined} how */
function beforeOf(how) {
  const [last] = how?.pairs ?? [];
  if (!last?.measured) return [];
  const href = `/experiments/${encodeURIComponent(last.experiment)}`;
  const where = last.in_band === null ? "" : last.in_band ? ", in the band" : ", outside of it";
  const unclear = last.unclear ? " (unclear)" : "";
  return [make("a", { href, title: last.sentence }, measuredWords(last.measured)), where + unclear];
}

/** Why what can be foretold cannot be measured: each reason once. @param {Way[]} ways @param {Map<string, Measuring>} howOf */
function unmeasured(ways, howOf) {
  /** @type {Map<string, string[]>} */
  const titles = new Map();
  for (const { choice, title, throughput } of ways) {
    const why = howOf.get(choice)?.why_not;
    if (why && throughput) titles.set(why, [...(titles.get(why) ?? []), title]);
  }
  const all = ways.filter(({ throughput }) => throughput).length;
  return [...titles].map(([why, of]) =>
    make("li", {}, of.length === all && all > 1 ? why : `${of.join("; ")}: ${why}`)
  );
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
