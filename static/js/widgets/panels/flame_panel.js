// @ts-check
/**
 * The flame graph and the ways to it: of an ended run it is there, of one that goes on it is asked for.
 * @import { RunState } from "../../state/run_state.js"
 */
import { find, setText } from "../../base/dom.js";
import { FlameGraph } from "./flame_graph.js";

export class FlamePanel {
  #root;
  #graph;
  #none;
  #button;

  /** @param {HTMLElement} root @param {() => void} onWanted told when a hand wants it of a run that goes on */
  constructor(root, onWanted) {
    this.#root = find(root, ".flame", HTMLElement);
    this.#graph = new FlameGraph(root);
    this.#none = find(this.#root, ".none", HTMLElement);
    this.#button = find(this.#root, "[data-flame=again]", HTMLButtonElement);
    this.#button.addEventListener("click", () => {
      this.#button.disabled = true;
      onWanted();
    });
  }

  /** It may be asked for again. */
  again() {
    this.#button.disabled = false;
  }

  /** @param {RunState} state */
  update({ flame, summary, processes }) {
    this.#button.hidden = summary !== null;
    const there = flame !== null && flame.samples > 0;
    this.#root.classList.toggle("bare", !there);
    this.#none.hidden = there;
    if (there) this.#graph.show(flame);
    else {setText(
        this.#none,
        summary ? whyNone(processes.values()) : "It is drawn at the end, or when you ask.",
      );}
  }
}

/** @param {Iterable<import("../../state/messages.js").Process>} processes */
function whyNone(processes) {
  const why = [...processes].map((process) => process.why.stacks).find(Boolean);
  return why ? `No stack was read: ${why}.` : "No stack of a holder was seen.";
}
