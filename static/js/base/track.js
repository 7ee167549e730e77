// @ts-check
/** Pieces of time with a value each, in order: what a thread did, who held a GIL. The oldest make room. */

const FIRST_CAPACITY = 256;
/** 2^16 pieces are about a megabyte a lane, and at a thousand switches a second still more than a minute. */
export const MOST_PIECES = 1 << 16;

export class Track {
  /** What is known of the time before the first piece. @type {import("./shares.js").Shares | null} */
  overview = null;
  /** Whether the oldest pieces have made room. */
  dropped = false;
  #starts = new Float64Array(FIRST_CAPACITY);
  #ends = new Float64Array(FIRST_CAPACITY);
  #values = new Int32Array(FIRST_CAPACITY);
  #extras = new Uint16Array(FIRST_CAPACITY);
  #first = 0;
  #length = 0;
  #sealed = false;
  #mostPieces;

  /** @param {number} mostPieces a power of two */
  constructor(mostPieces = MOST_PIECES) {
    this.#mostPieces = mostPieces;
  }

  get length() {
    return this.#length;
  }

  /** Where the newest piece ends; -Infinity before the first. */
  get lastUs() {
    return this.#length ? this.endAt(this.#length - 1) : -Infinity;
  }

  /** @param {number} index from the oldest, 0 */
  startAt(index) {
    return this.#starts[this.#slot(index)];
  }

  /** @param {number} index */
  endAt(index) {
    return this.#ends[this.#slot(index)];
  }

  /** @param {number} index */
  valueAt(index) {
    return this.#values[this.#slot(index)];
  }

  /** A second, smaller value, that does not part pieces. @param {number} index */
  extraAt(index) {
    return this.#extras[this.#slot(index)];
  }

  /**
   * Adds a piece. One that goes on where the last ended, with its value, prolongs it.
   * @param {number} startUs not before the end of the last piece
   * @param {number} endUs
   * @param {number} value
   * @param {number} [extra] the piece keeps the largest
   */
  push(startUs, endUs, value, extra = 0) {
    if (endUs <= startUs) return;
    const newest = this.#slot(this.#length - 1);
    if (this.#length && !this.#sealed && this.#ends[newest] === startUs && this.#values[newest] === value) {
      this.#ends[newest] = endUs;
      if (extra > this.#extras[newest]) this.#extras[newest] = extra;
      return;
    }
    this.#sealed = false;
    this.#makeRoom();
    const slot = this.#slot(this.#length);
    this.#starts[slot] = startUs;
    this.#ends[slot] = endUs;
    this.#values[slot] = value;
    this.#extras[slot] = extra;
    this.#length += 1;
  }

  /** Lets no later piece prolong the newest one. */
  seal() {
    this.#sealed = true;
  }

  /** The first piece that ends after the instant; `length` where there is none. @param {number} us */
  indexAfter(us) {
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.endAt(middle) > us) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** The piece in which the instant lies, or -1. @param {number} us */
  indexAt(us) {
    const index = this.indexAfter(us);
    return index < this.#length && this.startAt(index) <= us ? index : -1;
  }

  /** @param {number} index */
  #slot(index) {
    return (this.#first + index) & (this.#starts.length - 1);
  }

  #makeRoom() {
    if (this.#length < this.#starts.length) return;
    if (this.#length >= this.#mostPieces) {
      this.#first = this.#slot(1);
      this.#length -= 1;
      this.dropped = true;
      return;
    }
    const grow = (/** @type {Float64Array | Int32Array | Uint16Array} */ from, /** @type {any} */ into) => {
      into.set(from.subarray(this.#first));
      into.set(from.subarray(0, this.#first), from.length - this.#first);
      return into;
    };
    const capacity = this.#starts.length * 2;
    this.#starts = grow(this.#starts, new Float64Array(capacity));
    this.#ends = grow(this.#ends, new Float64Array(capacity));
    this.#values = grow(this.#values, new Int32Array(capacity));
    this.#extras = grow(this.#extras, new Uint16Array(capacity));
    this.#first = 0;
  }
}
