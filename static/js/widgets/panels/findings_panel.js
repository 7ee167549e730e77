// @ts-check
/**
 * What the figures say, the gravest first: what was seen, the figures behind it, and what could be done.
 * @import { Finding, Maybe } from "../../state/messages.js"
 * @import { Fix } from "../run/explanation.js"
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
  create(section, { root, tab, fixOf, open }) {
    const panel = new FindingsPanel(section, {
      tab,
      fixOf,
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
  #fixOf;
  #brief;
  #spans;
  #shown = "";

  /**
   * @param {HTMLElement} panel
   * @param {object} beside
   * @param {HTMLElement} beside.tab says how many there are
   * @param {(code: string) => Fix | null} beside.fixOf what mends a finding
   * @param {HTMLElement} beside.brief the list beside the timeline
   * @param {() => void} beside.onOpen told when a hand wants to read one of the brief list
   */
  constructor(panel, { tab, fixOf, brief, onOpen }) {
    this.#list = find(panel, ".found", HTMLElement);
    this.#none = find(panel, ".none", HTMLElement);
    this.#tab = tab;
    this.#fixOf = fixOf;
    this.#brief = brief;
    this.#brief.addEventListener("click", onOpen);
    this.#spans = [this.#brief, panel].map((part) => find(part, ".span", HTMLElement));
  }

  /** @param {RunState} state */
  update({ told, ended, span: part, unknown }) {
    const findings = told.findings ?? [];
    const span = part
      ? `of ${spanText(part)}`
      : unknown
      ? "of the whole run"
      : spanOf(told.findings_at_s, ended);
    for (const element of this.#spans) setText(element, span);
    const fixes = findings.map(({ code }) => this.#fixOf(code));
    const signature = JSON.stringify([findings, ended, part !== null, fixes.map((fix) => fix?.title)]);
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

/** @param {Finding} finding @param {Fix | null} fix */
function elementOf({ code, severity, title, detail, evidence, advice, doc }, fix) {
  const more = doc ? [make("a", { href: doc }, "Read more")] : [];
  return make(
    "li",
    { class: "finding", "data-severity": severity },
    make("h2", {}, make("span", { class: "severity" }, severity), ` ${title} `, make("code", {}, code)),
    make("p", {}, ...prose(detail)),
    make("p", { class: "advice" }, make("b", {}, "What could be done: "), ...prose(advice), " ", ...more),
    ...(fix ? [fixElement(fix)] : []),
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
