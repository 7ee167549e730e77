// @ts-check
/**
 * The bar that plays a run again: play and pause, speed, and a slider that puts the playhead anywhere.
 * @import { RunState } from "../../state/run_state.js"
 * @import { Playhead } from "./replay.js"
 */
import { find, setText } from "../../base/dom.js";
import { instant } from "../../base/format.js";

/** The slider has a thousand steps or more, each a power of ten of microseconds, and none below a millisecond. */
const STEPS = 1_000;
const SHORTEST_STEP_US = 1_000;

export class Player {
  #root;
  #toggle;
  #speed;
  #slider;
  #at;
  #leave;
  #note;
  #onGo;
  #onPlay;
  #onLeave;
  #span = { beginUs: 0, endUs: 0 };
  /** @type {Playhead | null} */
  #playhead = null;
  #dragged = false;

  /**
   * @param {HTMLElement} root
   * @param {object} how
   * @param {(atUs: number, speed: number) => void} how.onGo
   * @param {(speed: number) => void} how.onPlay on from where it is; 0 stands
   * @param {() => void} how.onLeave back to the whole run
   */
  constructor(root, { onGo, onPlay, onLeave }) {
    this.#root = find(root, ".player", HTMLElement);
    this.#toggle = find(this.#root, "[data-play=toggle]", HTMLButtonElement);
    this.#speed = find(this.#root, "select", HTMLSelectElement);
    this.#slider = find(this.#root, "input", HTMLInputElement);
    this.#at = find(this.#root, ".at", HTMLElement);
    this.#leave = find(this.#root, "[data-play=leave]", HTMLButtonElement);
    this.#note = find(this.#root, ".then", HTMLElement);
    this.#onGo = onGo;
    this.#onPlay = onPlay;
    this.#onLeave = onLeave;
    this.#toggle.addEventListener("click", () => this.toggle());
    this.#leave.addEventListener("click", () => this.#onLeave());
    this.#speed.addEventListener("change", () => {
      if (this.#plays) this.#onPlay(this.speed);
    });
    this.#slider.addEventListener("input", () => {
      this.#dragged = true;
      this.#onGo(Number(this.#slider.value), 0);
    });
    this.#slider.addEventListener("change", () => this.#dragged = false);
  }

  /** How many times as fast as it was it plays, once it plays. */
  get speed() {
    return Number(this.#speed.value);
  }

  get #plays() {
    return this.#playhead !== null && this.#playhead.speed > 0;
  }

  /** Plays, or stands; at its end it begins anew. */
  toggle() {
    if (this.#plays) this.#onPlay(0);
    else if (this.#playhead === null || this.#playhead.at_us >= this.#span.endUs) {
      this.#onGo(this.#span.beginUs, this.speed);
    } else this.#onPlay(this.speed);
  }

  /** @param {RunState} state of the whole run @param {{playhead: Playhead | null, seeks: boolean}} replay */
  update(state, { playhead, seeks }) {
    const { figures, lastUs } = state;
    this.#root.hidden = !state.ended || figures === null || lastUs === null;
    this.#note.hidden = this.#root.hidden || (playhead === null && !seeks);
    if (this.#root.hidden || figures === null || lastUs === null) return;
    this.#playhead = playhead;
    this.#span = { beginUs: figures.begin_us, endUs: lastUs };
    const { beginUs, endUs } = this.#span;
    this.#slider.min = String(beginUs);
    this.#slider.max = String(endUs);
    this.#slider.step = String(stepOf(endUs - beginUs));
    const atUs = playhead?.at_us ?? endUs;
    if (!this.#dragged) this.#slider.value = String(atUs);
    this.#slider.setAttribute("aria-valuetext", seconds(atUs));
    setText(this.#at, `${seconds(atUs)} on the timeline`);
    setText(this.#toggle, this.#plays ? "Pause" : "Play");
    this.#toggle.setAttribute("aria-pressed", String(this.#plays));
    this.#leave.disabled = playhead === null;
    const shown = `Figures, panels and findings as they were at ${seconds(atUs)}.`;
    setText(this.#note, seeks ? "Reading the recording up to there …" : shown);
  }
}

/** @param {number} lengthUs */
function stepOf(lengthUs) {
  return Math.max(SHORTEST_STEP_US, 10 ** Math.floor(Math.log10(Math.max(1, lengthUs / STEPS))));
}

/** @param {number} us */
function seconds(us) {
  return instant(us).replace(/ \d+ s$/, " s");
}
