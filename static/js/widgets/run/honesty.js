// @ts-check
/**
 * The line that says how well was measured.
 * @import { RunState } from "../../state/run_state.js"
 * @import { Maybe } from "../../state/messages.js"
 */
import { find, setText } from "../../base/dom.js";
import { count, seen, share, text } from "../../base/format.js";
import { ofLine } from "./line.js";

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
    const { observer } = figures;
    const asked = text(count(hello.sampling.gil_hz));
    const at = (/** @type {Maybe | undefined} */ hz) =>
      `at ${text(count(typeof hz === "number" ? Math.round(hz) : null))} of ${asked} Hz`;
    const whole = summary?.sampling;
    const parts = whole
      ? [
        `Over ${state.span ? "this time" : "the whole run"}: ${text(seen(whole.coverage))} of the time seen`,
        `sampled ${at(whole.gil_hz)}`,
        `the observer took ${text(share(whole.observer_cpu_share))} of a core`,
        failed(whole.failed),
        `${text(count(whole.late))} late`,
      ]
      : [
        `Last second: sampling ${at(observer.gil_hz)}`,
        `the observer took ${text(share(observer.cpu_share))} of a core`,
        `so far ${text(seen(observer.coverage))} of the time seen`,
        failed(observer.failed),
        `${text(count(observer.late))} late`,
      ];
    if (hello.sampling.less) parts.push(hello.sampling.less);
    parts.push(...ofLine(summary ? summary.line : figures.line));
    if (state.missed) parts.push(`this page fell behind by ${text(count(state.missed))} messages`);
    setText(this.#line, `${parts.join(" · ")}.`);
  }
}

/** @param {Maybe} samples */
function failed(samples) {
  return `${text(count(samples))} ${samples === 1 ? "sample" : "samples"} failed`;
}
