// @ts-check
/**
 * The line that says how well was measured.
 * @import { RunState } from "../state/run_state.js"
 */
import { find, setText } from "../base/dom.js";
import { count, share, text } from "../base/format.js";

export class Honesty {
  #line;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#line = find(root, ".honesty", HTMLElement);
  }

  /** @param {RunState} state */
  update(state) {
    const { figures, hello, summary } = state;
    if (!figures || !hello) return;
    const { gil_hz: rate, failed, late, cpu_share: cpu, coverage } = figures.observer;
    const parts = [
      `${text(share(summary ? summary.sampling.coverage : coverage))} of the time seen`,
      `Sampled ${text(count(rate === null ? null : Math.round(rate)))} times a second of ` +
      `${text(count(hello.sampling.gil_hz))} asked for`,
      `${text(count(failed))} failed`,
      `${text(count(late))} late`,
      `the observer took ${text(share(cpu))} of a core`,
    ];
    if (state.missed) parts.push(`this page fell behind by ${text(count(state.missed))} messages`);
    setText(this.#line, `${parts.join(" · ")}.`);
  }
}
