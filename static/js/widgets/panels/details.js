// @ts-check
/**
 * What lies behind the timeline: the panels of the registry, behind their tabs. Only what is on view is brought up to
 * date.
 * @import { Palette } from "../../draw/palette.js"
 * @import { Place } from "./longest.js"
 * @import { Shown } from "./registry.js"
 * @import { RunState } from "../../state/run_state.js"
 * @import { Timeline } from "../run/timeline.js"
 */
import { find, make, prose, setText } from "../../base/dom.js";
import { openingPanel } from "../../state/questions.js";
import { PANELS } from "./registry.js";
import { Tabs } from "./tabs.js";

export class Details {
  /** @type {Map<string, Shown>} */
  #panels;
  #state;
  #timeline;
  #tabs;
  #answer;
  #unseen;

  /**
   * @param {HTMLElement} root
   * @param {object} how
   * @param {string} how.id of the run
   * @param {RunState} how.state
   * @param {Palette} how.palette
   * @param {Timeline} how.timeline
   * @param {(panel: string) => void} how.onShow told which panel came into view
   * @param {import("../run/explanation.js").FixesOf} how.fixesOf what mends a finding
   * @param {() => void} how.onWhere told when a hand wants the flame graphs of a run that goes on
   */
  constructor(root, { id, state, palette, timeline, fixesOf, onShow, onWhere }) {
    this.#state = state;
    this.#timeline = timeline;
    const host = find(root, ".panels", HTMLElement);
    const tabs = find(host, ".tabs", HTMLElement);
    const ways = {
      whyNotSeen: (/** @type {Place} */ one) => this.#whyNotSeen(one),
      onChoose: (/** @type {Place} */ one) => this.#choose(one),
    };
    this.#panels = new Map(PANELS.map(({ key, label, question, create }) => {
      const tab = make("button", { type: "button", role: "tab", "data-tab": key, title: question }, label);
      tabs.append(tab);
      const onView = () => timeline.onView;
      const openPanel = (/** @type {string} */ other) => this.#tabs.open(other);
      const open = () => openPanel(key);
      const page = { id, root, tab, palette, ways, fixesOf, onView, onWhere, open, openPanel };
      return [key, create(sectionOf(host, key), page)];
    }));
    this.#tabs = new Tabs(host, onShow);
    this.#unseen = find(root, ".under .unseen", HTMLElement);
    find(this.#unseen, "button", HTMLElement).addEventListener("click", () => this.#tabs.open("process"));
    this.#answer = find(root, ".answer", HTMLElement);
    find(this.#answer, "button", HTMLElement).addEventListener("click", () => this.#tabs.open("result"));
  }

  /** @param {RunState} state */
  update(state) {
    const opening = openingPanel(state);
    if (opening) this.#tabs.offer(opening);
    this.#tellAnswer(state);
    this.#tellUnseen(state);
    for (const [key, panel] of this.#panels) {
      if (panel.always || this.#tabs.isOn(key)) panel.update(state);
    }
  }

  /** What a run showed comes first where it opened on another panel. @param {RunState} state */
  #tellAnswer({ summary, reported, span }) {
    const showed = (reported ?? summary?.workload)?.showed;
    const first = summary && Array.isArray(showed) ? showed.at(0) : undefined;
    this.#answer.hidden = first === undefined || span !== null || this.#tabs.chosen !== null ||
      this.#tabs.isOn("result");
    if (!this.#answer.hidden) {
      find(this.#answer, ".said", HTMLElement).replaceChildren(...prose(String(first)));
    }
  }

  /** Whatever is on view, it is not of all that was to be observed. @param {RunState} state */
  #tellUnseen({ told }) {
    const unseen = told.unseen_workers ?? [];
    this.#unseen.hidden = unseen.length === 0;
    setText(find(this.#unseen, ".said", HTMLElement), unseenWords(unseen.length));
  }

  /** The panel that a hand has chosen, or null. */
  get chosen() {
    return this.#tabs.chosen;
  }

  /** Puts a panel on view as one that was chosen before. @param {string} key */
  restore(key) {
    this.#tabs.restore(key);
  }

  /** @param {Palette} palette */
  recolour(palette) {
    for (const { recolour } of this.#panels.values()) recolour?.(palette);
  }

  /** What was asked for of a run that goes on has come, or could not be had. */
  again() {
    for (const { again } of this.#panels.values()) again?.();
  }

  dispose() {
    for (const { dispose } of this.#panels.values()) dispose?.();
  }

  /** @param {Place} one */
  #laneOf({ pid, tid, name }) {
    const lanes = [...this.#state.lanes.values()].filter((lane) => lane.pid === pid && lane.tid === tid);
    return (lanes.find((lane) => lane.name === name) ?? lanes.at(-1))?.lane ?? null;
  }

  /** @param {Place} one @returns {string | null} */
  #whyNotSeen(one) {
    const lane = this.#laneOf(one);
    if (lane !== null && this.#timeline.hasSince(lane) <= one.at_s * 1e6) return null;
    return "This page came later: its timeline does not reach back so far.";
  }

  /** @param {Place} one */
  #choose(one) {
    const startUs = one.at_s * 1e6;
    this.#timeline.reveal({ startUs, endUs: startUs + one.length_s * 1e6, lane: this.#laneOf(one) });
  }
}

/** @param {number} workers */
function unseenWords(workers) {
  return workers === 1
    ? "One worker is not observed: all here is of the others."
    : `${workers} workers are not observed: all here is of the others.`;
}

/** A panel's section: the one that the page has markup for, else a new one. @param {HTMLElement} host @param {string} key */
function sectionOf(host, key) {
  const written = host.querySelector(`[data-panel="${key}"]`);
  if (written instanceof HTMLElement) return written;
  const section = make("section", { class: `panel sheet ${key}`, role: "tabpanel", "data-panel": key });
  host.append(section);
  return section;
}
