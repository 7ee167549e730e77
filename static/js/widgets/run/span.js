// @ts-check
/**
 * The figures of the time on view, where that is a part of the run: asked of the server once a hand rests.
 * @import { RunState, Span } from "../../state/run_state.js"
 */

/** A hand that zooms or drags goes on within this. */
const REST_MS = 250;
/** Of a run that goes on: what is on view may still fill. */
const SHORTEST_US = 1;

export class SpanFigures {
  /** The run as it was in that time, or as a whole where that cannot be had; null where the whole is on view, or nothing has been told yet. @type {RunState | null} */
  then = null;
  /** @type {Span | null} */
  #wanted = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #ask;
  #onNews;

  /**
   * @param {object} how
   * @param {(span: Span) => Promise<any> | null} how.ask for the summary of a span; null where it cannot be had
   * @param {() => void} how.onNews
   */
  constructor({ ask, onNews }) {
    this.#ask = ask;
    this.#onNews = onNews;
  }

  /** @param {RunState} state @param {Span | null} span on view; null: the whole run */
  look(state, span) {
    const same = span?.fromUs === this.#wanted?.fromUs && span?.toUs === this.#wanted?.toUs;
    if (same) return;
    this.#wanted = span;
    clearTimeout(this.#timer);
    if (span === null || span.toUs - span.fromUs < SHORTEST_US) this.then = null;
    else this.#timer = setTimeout(() => this.#tell(state, span), REST_MS);
  }

  dispose() {
    clearTimeout(this.#timer);
    this.#wanted = null;
  }

  /** @param {RunState} state @param {Span} span */
  async #tell(state, span) {
    const summary = await this.#ask(span);
    if (span !== this.#wanted) return; // a hand has moved on meanwhile
    this.then = summary ? state.within(summary, span) : state.ended ? state.without(span) : null;
    this.#onNews();
  }
}

/**
 * The part of the run that is on view and stands; null where the whole of it is, or the live edge is followed.
 * @param {RunState} state @param {{startUs: number, endUs: number} | null} shown @param {boolean} stands
 * @returns {Span | null}
 */
export function spanOnView(state, shown, stands) {
  const { figures, lastUs, ended } = state;
  if (!shown || !figures || lastUs === null || !(stands || ended)) return null;
  const fromUs = Math.round(Math.max(figures.begin_us, shown.startUs));
  const toUs = Math.round(Math.min(lastUs, shown.endUs));
  if (toUs <= fromUs || (ended && fromUs <= figures.begin_us && toUs >= lastUs)) return null;
  return { fromUs, toUs };
}
