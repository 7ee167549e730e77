// @ts-check
/**
 * Tells, on the viewer's clock, how far the run has come, so that the picture scrolls evenly though frames come in
 * steps. The frame that came soonest after its end sets the two clocks against each other.
 */

/** Behind the newest frame by as much as two frames may be late, so that none comes into view after its time. */
export const DELAY_US = 150_000;

export class LiveClock {
  #offsetUs = -Infinity;
  #lastUs = -Infinity;

  /**
   * A frame came.
   * @param {number} endUs where it ends in run time
   * @param {number} nowMs the viewer's clock
   */
  heard(endUs, nowMs) {
    this.#offsetUs = Math.max(this.#offsetUs, endUs - nowMs * 1000);
    this.#lastUs = Math.max(this.#lastUs, endUs);
  }

  /** The instant to draw up to: never beyond what was heard; null before the first frame. @param {number} nowMs */
  edgeUs(nowMs) {
    if (this.#lastUs === -Infinity) return null;
    return Math.min(this.#lastUs, nowMs * 1000 + this.#offsetUs - DELAY_US);
  }

  /** The end of the newest frame; null before the first. */
  get lastUs() {
    return this.#lastUs === -Infinity ? null : this.#lastUs;
  }
}
