// @ts-check
/**
 * What the figures say, the gravest first: what was seen, the figures behind it, and what could be done.
 * @import { Finding, Maybe, Process } from "../../state/messages.js"
 * @import { Fix, FixesOf } from "../run/explanation.js"
 * @import { Python } from "../run/fixes.js"
 * @import { RunState } from "../../state/run_state.js"
 */
import { find, make, prose, setText } from "../../base/dom.js";
import { evidenceOf } from "./evidence.js";
import { spanText } from "../span_text.js";

/** @type {import("./registry.js").Panel} */
export const findings = {
  key: "findings",
  label: "Findings",
  question: "What the figures say, and what could be done",
  create(section, { root, tab, fixesOf, open }) {
    const panel = new FindingsPanel(section, {
      tab,
      fixesOf,
      brief: find(root, ".brief", HTMLElement),
      onOpen: open,
    });
    return { update: (state) => panel.update(state), always: true };
  },
};

export class FindingsPanel {
  #list;
  #none;
  #tab;
  #fixesOf;
  #brief;
  #spans;
  #shown = "";

  /**
   * @param {HTMLElement} panel
   * @param {object} beside
   * @param {HTMLElement} beside.tab says how many there are
   * @param {FixesOf} beside.fixesOf what mends a finding
   * @param {HTMLElement} beside.brief the list beside the timeline
   * @param {() => void} beside.onOpen told when a hand wants to read one of the brief list
   */
  constructor(panel, { tab, fixesOf, brief, onOpen }) {
    this.#list = find(panel, ".found", HTMLElement);
    this.#none = find(panel, ".none", HTMLElement);
    this.#tab = tab;
    this.#fixesOf = fixesOf;
    this.#brief = brief;
    this.#brief.addEventListener("click", onOpen);
    this.#spans = [this.#brief, panel].map((part) => find(part, ".span", HTMLElement));
  }

  /** @param {RunState} state */
  update({ told, ended, span: part, unknown, processes }) {
    const findings = told.findings ?? [];
    const span = part
      ? `of ${spanText(part)}`
      : unknown
      ? "of the whole run"
      : spanOf(told.findings_at_s, ended);
    for (const element of this.#spans) setText(element, span);
    const python = pythonOf(processes.values());
    const fixes = findings.map((finding) => this.#fixesOf(finding, python));
    const titles = fixes.map((some) => some.map(({ title }) => title));
    const signature = JSON.stringify([findings, ended, part !== null, titles]);
    if (signature === this.#shown) return;
    this.#shown = signature;
    this.#list.replaceChildren(...findings.map((finding, place) => elementOf(finding, fixes[place])));
    this.#none.hidden = findings.length > 0;
    setText(
      this.#none,
      part
        ? "No findings in this time."
        : ended
        ? "No findings."
        : "No findings yet. They are of the whole run so far, so some come only late.",
    );
    setText(this.#tab, findings.length ? `Findings ${findings.length}` : "Findings");
    this.#brief.hidden = findings.length === 0;
    find(this.#brief, "ol", HTMLElement).replaceChildren(...findings.map(briefOf));
  }
}

/** Which time the findings are of: figures beside them are of another. @param {Maybe | undefined} atS @param {boolean} ended */
export function spanOf(atS, ended) {
  if (ended) return "of the whole run";
  return atS ? `of the first ${atS.toFixed(1)} s` : "";
}

/** What the first process that can be read runs. @param {Iterable<Process>} processes @returns {Python} */
function pythonOf(processes) {
  const first = [...processes].find(({ python }) => python !== null);
  return { version: first?.python ?? "", free: first?.free_threaded ?? false };
}

/** @param {Finding} finding @param {Fix[]} fixes */
function elementOf({ code, severity, title, detail, evidence, advice, doc }, fixes) {
  const more = doc ? [make("a", { href: doc }, "Read more")] : [];
  return make(
    "li",
    { class: "finding", "data-severity": severity },
    make("h2", {}, make("span", { class: "severity" }, severity), ` ${title} `, make("code", {}, code)),
    make("p", {}, ...prose(detail)),
    make("p", { class: "advice" }, make("b", {}, "What could be done: "), ...prose(advice), " ", ...more),
    ...fixes.map(fixElement),
    make("details", {}, make("summary", {}, "The figures behind it"), evidenceOf(evidence)),
  );
}

/** A button that runs the workload as the advice says. @param {Fix} fix */
function fixElement({ title, start }) {
  const button = make("button", {
    type: "button",
    title: "Start this workload with the settings that mend it",
  }, "Run it so");
  button.addEventListener("click", async () => {
    button.disabled = true;
    await start();
    button.disabled = false;
  });
  return make("p", { class: "fix" }, button, " ", ...prose(title));
}

/** @param {Finding} finding */
function briefOf({ severity, title }) {
  return make(
    "li",
    { "data-severity": severity },
    make("button", { type: "button", class: "link" }, title),
  );
}
