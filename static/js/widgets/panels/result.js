// @ts-check
/**
 * What a program said: what its run showed, pictures, tables, and its other fields; and the end of what it wrote.
 * @import { RunState } from "../../state/run_state.js"
 * @typedef {{[name: string]: any}} Result
 */
import { find, make, prose, setText } from "../../base/dom.js";
import { fieldsOf, measuredOf } from "../fields.js";
import { pictureOf, tableOf } from "../lessons/exhibits.js";
import { ObjectGraph } from "../lessons/object_graph.js";

/** What the title of the run says already, and what has a place of its own. */
const ELSEWHERE = new Set([
  ...["workload", "executor", "workers"],
  ...[
    "showed",
    "pictures",
    "table",
    "steps",
    "wait_for",
    "bars",
    "counts",
    "found_after_s",
    "curves",
    "models",
  ],
]);

/** @type {import("./registry.js").Panel} */
export const result = {
  key: "result",
  label: "Result",
  question: "What the program reported, and how it ended",
  create(section) {
    const panel = new ResultPanel(section);
    return { update: (state) => panel.update(state) };
  },
};

export class ResultPanel {
  #root;
  #graph;
  #shown = "";

  /** @param {HTMLElement} panel */
  constructor(panel) {
    this.#root = panel;
    this.#graph = new ObjectGraph(find(this.#root, ".object-graph", HTMLElement));
  }

  /** @param {RunState} state */
  update({ run, summary, reported, reports }) {
    this.#graph.update(reports.steps);
    const said = {
      result: reported ?? summary?.workload ?? null,
      output: run?.output || null,
      ended: summary !== null,
    };
    const signature = JSON.stringify([said, run?.kind, reports.steps.length > 0]);
    if (signature === this.#shown) return;
    this.#shown = signature;
    this.#showResult(/** @type {Result | null} */ (said.result));
    this.#showOutput(said.output);
    const none = find(this.#root, ".said > .none", HTMLElement);
    none.hidden = said.result !== null || said.output !== null || reports.steps.length > 0;
    setText(
      none,
      noResult(run?.kind, said.ended),
    );
  }

  /** @param {Result | null} result */
  #showResult(result) {
    const showed = Array.isArray(result?.showed) ? result.showed.map(String) : [];
    find(this.#root, ".showed", HTMLElement).hidden = showed.length === 0;
    find(this.#root, ".showed ul", HTMLElement).replaceChildren(
      ...showed.map((one) => make("li", {}, ...prose(one))),
    );
    find(this.#root, ".pictures", HTMLElement).replaceChildren(
      ...[result?.pictures ?? []].flat().map(pictureOf),
    );
    find(this.#root, ".tables", HTMLElement).replaceChildren(
      ...[result?.table ?? []].flat().map((table) => tableOf(table)),
    );
    const shown = result?.measured ? measuredList(result) : undeclared(result);
    const list = find(this.#root, ".fields", HTMLElement);
    list.hidden = shown.length === 0;
    list.replaceChildren(...shown);
  }

  /** @param {string | null} output */
  #showOutput(output) {
    find(this.#root, ".output", HTMLElement).hidden = output === null;
    setText(find(this.#root, ".output pre", HTMLElement), output ?? "");
  }
}

/** What a workload says is to be shown of its result. @param {Result} result */
function measuredList({ measured, op }) {
  const rows = measured.map((
    /** @type {{label: string, value: unknown, unit: string}} */ { label, value, unit },
  ) => make("div", {}, make("dt", {}, label), make("dd", {}, measuredOf(value, unit))));
  const meaning = op ? [make("p", { class: "meaning" }, `An operation is ${op}.`)] : [];
  return [make("dl", {}, ...rows), ...meaning];
}

/** Of a program that declares nothing, and of an earlier recording, all fields. @param {Result | null} result */
function undeclared(result) {
  const fields = fieldsToShow(result);
  return fields.length ? [fieldsOf(Object.fromEntries(fields))] : [];
}

/** The fields that are shown as such. @param {Result | null} result @returns {[name: string, value: unknown][]} */
export function fieldsToShow(result) {
  return Object.entries(result ?? {}).filter(([name]) => !ELSEWHERE.has(name));
}

/** Why there is nothing to show. @param {string | undefined} kind of the run @param {boolean} ended */
function noResult(kind, ended) {
  if (kind === "attach") {
    return "A process that was attached to reports no result: see Findings for what was seen.";
  }
  if (!ended) return "The run goes on; its result comes at the end.";
  return kind === "workload"
    ? "The workload reported no result."
    : "The program wrote nothing that was recorded: see Findings for what was seen.";
}
