// @ts-check
/**
 * The bar between the timeline and what is told below it: a hand or the arrow keys move it, and this browser keeps
 * where it is. The timeline takes no more room than its lanes need.
 */
import { find } from "../../base/dom.js";

const KEY = "timeline-share";
const STEP = 0.05;
const LEAST = 0.2;
const MOST = 0.8;

/** Where a key puts it; null is where it was at first. @type {{[key: string]: (now: number) => number | null}} */
const KEYS = {
  ArrowUp: (now) => now - STEP,
  ArrowDown: (now) => now + STEP,
  Home: () => LEAST,
  End: () => MOST,
  Enter: () => null,
};

export class Splitter {
  #bench;
  #timeline;
  #bar;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#bench = find(root, ".bench", HTMLElement);
    this.#timeline = find(this.#bench, ".timeline", HTMLElement);
    this.#bar = find(this.#bench, ".splitter", HTMLElement);
    this.#put(kept());
    this.#bar.addEventListener("pointerdown", (event) => this.#drag(event));
    this.#bar.addEventListener("dblclick", () => this.#keep(null));
    this.#bar.addEventListener("keydown", (event) => this.#key(event));
    this.#bar.addEventListener("focus", () => this.#tell()); // the room may have changed, and there was none at first
  }

  /** The timeline's share of the room, as it is. */
  get #now() {
    return this.#timeline.offsetHeight / Math.max(1, this.#bench.clientHeight);
  }

  /** @param {PointerEvent} event */
  #drag(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.#bar.focus();
    this.#bar.setPointerCapture(event.pointerId);
    const [fromY, from] = [event.clientY, this.#now];
    const over = new AbortController();
    this.#bar.addEventListener("pointermove", ({ clientY }) => {
      this.#keep(from + (clientY - fromY) / this.#bench.clientHeight);
    }, { signal: over.signal });
    for (const end of ["pointerup", "pointercancel"]) {
      this.#bar.addEventListener(end, () => over.abort(), { signal: over.signal });
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const to = KEYS[event.key];
    if (!to) return;
    event.preventDefault();
    event.stopPropagation(); // these keys mean something to the timeline, too
    this.#keep(to(this.#now));
  }

  /** @param {number | null} share null as it was at first */
  #keep(share) {
    const within = share === null ? null : Math.min(MOST, Math.max(LEAST, share));
    if (within === null) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, String(within));
    this.#put(within);
  }

  /** @param {number | null} share */
  #put(share) {
    if (share === null) this.#bench.style.removeProperty("--timeline-share");
    else this.#bench.style.setProperty("--timeline-share", `${(share * 100).toFixed(1)}%`);
    this.#tell();
  }

  /** What is heard of it. */
  #tell() {
    this.#bar.setAttribute("aria-valuenow", String(Math.round(this.#now * 100)));
  }
}

/** @returns {number | null} */
function kept() {
  const share = Number(localStorage.getItem(KEY));
  return share >= LEAST && share <= MOST ? share : null;
}
