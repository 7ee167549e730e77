// @ts-check
/**
 * The page's one animation frame: first what changes state (pan, zoom, new data), then what draws it, each at
 * most once a frame. It can say whether it is idle, which is what a test waits for instead of for a time.
 */
export class FrameScheduler {
  /** @type {Set<() => void>} */
  #actions = new Set();
  /** @type {Set<(nowMs: number) => void>} */
  #redraws = new Set();
  #asked = false;
  #requestFrame;
  #onIdle;

  /**
   * @param {(callback: (nowMs: number) => void) => unknown} requestFrame
   * @param {(idle: boolean) => void} [onIdle] told whenever the answer of `idle` changes
   */
  constructor(requestFrame, onIdle = () => {}) {
    this.#requestFrame = requestFrame;
    this.#onIdle = onIdle;
  }

  get idle() {
    return !this.#asked;
  }

  /** @param {() => void} action */
  act(action) {
    this.#actions.add(action);
    this.#ask();
  }

  /** @param {(nowMs: number) => void} draw may ask for itself again: that is how an animation runs */
  redraw(draw) {
    this.#redraws.add(draw);
    this.#ask();
  }

  /** Draws no more what was asked for with `redraw`. @param {(nowMs: number) => void} draw */
  forget(draw) {
    this.#redraws.delete(draw);
  }

  #ask() {
    if (this.#asked) return;
    this.#asked = true;
    this.#requestFrame((nowMs) => this.#frame(nowMs));
    this.#onIdle(false);
  }

  /** @param {number} nowMs */
  #frame(nowMs) {
    const actions = this.#actions;
    this.#actions = new Set();
    for (const action of actions) {
      try {
        action();
      } catch (error) {
        reportError(error);
      }
    }
    const redraws = this.#redraws;
    this.#redraws = new Set();
    for (const draw of redraws) {
      try {
        draw(nowMs);
      } catch (error) {
        reportError(error); // one drawing that fails is no reason to draw nothing any more
      }
    }
    this.#asked = false;
    if (this.#actions.size + this.#redraws.size > 0) this.#ask();
    else this.#onIdle(true);
  }
}
