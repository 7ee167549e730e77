// @ts-check
/**
 * What a program said: a workload's result, any JSON, with units told by the names of its fields; and the end of
 * what it wrote.
 * @import { RunState } from "../state/run_state.js"
 */
import { find, make, setText } from "../base/dom.js";
import { count, duration, share, size, text } from "../base/format.js";

/** @typedef {(value: number) => string} Show */

/** @type {[suffix: RegExp, show: Show][]} */
const UNITS = [
  [/_per_s$/, (value) => `${text(count(value))}/s`],
  [/(_|^)ms$/, (value) => text(duration(value / 1e3))],
  [/(_|^)us$/, (value) => text(duration(value / 1e6))],
  [/(_|^)(s|seconds)$/, (value) => text(duration(value))],
  [/(_|^)share$/, (value) => text(share(value))],
  [/(_|^)bytes$/, (value) => text(size(value))],
  [/(_|^)mib$/, (value) => text(size(value * 2 ** 20))],
  [/(_|^)count$/, (value) => text(count(value))],
];

/** What the title of the run says already. */
const REPEATED = new Set(["workload", "executor", "workers"]);

/** @type {Show} */
const plain = (value) => text(count(value));

export class ResultPanel {
  #root;
  #shown = "";

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = find(root, ".result", HTMLElement);
  }

  /** @param {RunState} state */
  update({ run, summary }) {
    const said = { result: summary?.workload ?? null, output: run?.output || null, ended: summary !== null };
    const signature = JSON.stringify(said);
    if (signature === this.#shown) return;
    this.#shown = signature;
    this.#showResult(said.result);
    this.#showOutput(said.output);
    const none = find(this.#root, ":scope > .none", HTMLElement);
    none.hidden = said.result !== null || said.output !== null;
    setText(
      none,
      said.ended ? "The program reported no result." : "The run goes on; its result comes at the end.",
    );
  }

  /** @param {{[name: string]: unknown} | null} result */
  #showResult(result) {
    const fields = Object.entries(result ?? {}).filter(([name]) => !REPEATED.has(name));
    const list = find(this.#root, ".fields", HTMLElement);
    list.hidden = fields.length === 0;
    list.replaceChildren(
      ...(fields.length ? [fieldsOf(Object.fromEntries(fields), plain)] : []),
    );
  }

  /** @param {string | null} output */
  #showOutput(output) {
    find(this.#root, ".output", HTMLElement).hidden = output === null;
    setText(find(this.#root, ".output pre", HTMLElement), output ?? "");
  }
}

/**
 * @param {object} result
 * @param {Show} show for fields whose names tell no unit: below `latency_ms` {p50, p99} the upper name does
 * @returns {HTMLElement}
 */
function fieldsOf(result, show) {
  const list = make("dl");
  for (const [name, value] of Object.entries(result)) {
    const own = UNITS.find(([suffix]) => suffix.test(name))?.[1] ?? show;
    list.append(make("div", {}, make("dt", {}, label(name)), make("dd", {}, shown(value, own))));
  }
  return list;
}

/** @param {string} name without the unit, which stands beside the figure */
function label(name) {
  return name.replace(/(?<!_per)_(ms|us|s|bytes|mib)$/, "").replace(/_/g, " ");
}

/** @param {unknown} value @param {Show} show @returns {Node | string} */
function shown(value, show) {
  if (typeof value === "number") return show(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (value === null || value === undefined) return "–";
  if (typeof value !== "object") return String(value);
  if (!Array.isArray(value)) return fieldsOf(value, show);
  const items = value.map((item) => shown(item, show));
  if (items.every((item) => typeof item === "string")) return items.join(", ") || "–";
  return make("ol", {}, ...items.map((item) => make("li", {}, item)));
}
