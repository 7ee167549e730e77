// @ts-check
/**
 * A row of the list of experiments.
 * @import { ListedExperiment } from "../../net/api.js"
 */
import { make, setText } from "../../base/dom.js";
import { startedAt, startedShort } from "../run_list.js";
import { askedOf, took } from "./words.js";

export class ExperimentRow {
  /** @type {ListedExperiment} */
  #experiment;

  /** @param {ListedExperiment} experiment @param {(experiment: ListedExperiment) => void} onRemove */
  constructor(experiment, onRemove) {
    this.#experiment = experiment;
    const { id, name } = experiment;
    this.state = make("td");
    this.verdict = make("td", { class: "said" });
    this.took = make("td", { class: "number" });
    this.runs = make("td", { class: "number runs" });
    this.remove = make("button", { type: "button" }, "Delete");
    this.remove.addEventListener("click", () => onRemove(this.#experiment));
    const again = make("a", { class: "button", href: againUrl(id) }, "Measure again");
    this.element = make(
      "tr",
      {},
      make(
        "th",
        { scope: "row" },
        make("a", { href: `/experiments/${encodeURIComponent(id)}` }, name),
        make("span", { class: "asked" }, askedOf(experiment)),
      ),
      this.state,
      this.verdict,
      make(
        "td",
        { class: "when", title: startedAt(experiment.started_at) },
        startedShort(experiment.started_at),
      ),
      this.took,
      this.runs,
      make("td", { class: "act" }, again, " ", this.remove),
    );
  }

  /** @param {ListedExperiment} experiment */
  update(experiment) {
    this.#experiment = experiment;
    const { state, error, sentence } = experiment;
    setText(this.state, state);
    this.state.classList.toggle("failed", state === "failed");
    this.state.title = error?.detail ?? "";
    setText(this.verdict, state === "running" ? "It goes on." : sentence ?? "–");
    setText(this.took, took(experiment.took_s));
    setText(this.runs, String(experiment.runs_done));
    this.remove.disabled = state === "running";
  }
}

/** @param {string} id */
export const againUrl = (id) => `/experiments/new?experiment=${encodeURIComponent(id)}`;
