// @ts-check
/**
 * The pools of one interpreter's private heap, as the observer last saw them.
 * @import { HeapMessage } from "./messages.js"
 * @typedef {{address: number, pools: Uint8Array}} Arena two bytes a pool, as app/model/frames.py says
 * @typedef {{inUse: true, sizeClass: number, fullness: number} | {inUse: false, carved: boolean}} Pool `sizeClass`
 *     is its place among the classes, from 0; `fullness` is from 0 to 1
 */

const FULL = 255;

export class HeapMap {
  /** Changes with the map. */
  version = 0;
  /** When it was told. @type {number | null} */
  atUs = null;
  /** @type {Map<number, Arena>} */
  #arenas = new Map();
  /** @type {Arena[] | null} */
  #sorted = null;

  /** @param {HeapMessage} message one that carries a map */
  take({ changed, gone, arenas, at_us: atUs, mapped_us: mappedUs }) {
    this.atUs = mappedUs ?? atUs;
    // Who comes to look is told the whole map anew, and not what went since the map before.
    if (changed.length >= arenas) this.#arenas.clear();
    for (const address of gone) this.#arenas.delete(address);
    for (const [address, packed] of changed) {
      this.#arenas.set(address, {
        address,
        pools: Uint8Array.from(atob(packed), (char) => char.charCodeAt(0)),
      });
    }
    this.#sorted = null;
    this.version += 1;
  }

  /** In the order of their addresses. */
  get arenas() {
    this.#sorted ??= [...this.#arenas.values()].sort((one, other) => one.address - other.address);
    return this.#sorted;
  }
}

/** @param {Arena} arena */
export function poolCount({ pools }) {
  return pools.length / 2;
}

/** @param {Arena} arena @param {number} index @returns {Pool} */
export function poolAt({ pools }, index) {
  const [sizeClass, fullness] = [pools[2 * index], pools[2 * index + 1]];
  if (sizeClass === 0) return { inUse: false, carved: fullness !== FULL };
  return { inUse: true, sizeClass: sizeClass - 1, fullness: fullness / FULL };
}
