// @ts-check
/**
 * Who made whom wait, as a square: holders down, waiters across. Pure.
 * @typedef {{tid: number | null, name: string}} Thread where no single one can be named, `name` says why
 * @typedef {{pid: number, interpreter: number, holder: Thread, waiter: Thread, wait_s: number}} Pair
 * @typedef {{key: string, name: string, tid: number | null, sum: number}} End `sum` in seconds
 * @typedef {{pid: number, interpreter: number, holders: End[], waiters: End[], most: number, left: number,
 *            waitOf: (holder: End, waiter: End) => number}} Matrix `most` is the longest of its waits, `left` how
 *     many threads have no room in it
 */

/**
 * A matrix for each GIL, that with the most waiting first; threads in the order of what they cost or lost.
 * @param {Pair[]} pairs @param {number} room for so many holders, and so many waiters @returns {Matrix[]}
 */
export function matricesOf(pairs, room) {
  /** @type {Map<string, Pair[]>} */
  const locks = new Map();
  for (const pair of pairs) {
    const key = `${pair.pid}/${pair.interpreter}`;
    locks.set(key, [...(locks.get(key) ?? []), pair]);
  }
  return [...locks.values()].map((own) => matrixOf(own, room)).sort((one, other) =>
    sumOf(other) - sumOf(one)
  );
}

/** @param {Pair[]} pairs of one GIL @param {number} room @returns {Matrix} */
function matrixOf(pairs, room) {
  const [{ pid, interpreter }] = pairs;
  const waits = new Map();
  const holders = new Map();
  const waiters = new Map();
  for (const { holder, waiter, wait_s: wait } of pairs) {
    const [by, of] = [keyOf(holder), keyOf(waiter)];
    waits.set(`${by} ${of}`, (waits.get(`${by} ${of}`) ?? 0) + wait);
    addTo(holders, holder, wait);
    addTo(waiters, waiter, wait);
  }
  const [down, across] = [inOrder(holders), inOrder(waiters)];
  return {
    pid,
    interpreter,
    holders: down.slice(0, room),
    waiters: across.slice(0, room),
    most: Math.max(...waits.values()),
    left: Math.max(down.length, across.length, room) - room,
    waitOf: (holder, waiter) => waits.get(`${holder.key} ${waiter.key}`) ?? 0,
  };
}

/** @param {Thread} thread */
function keyOf({ tid, name }) {
  return tid === null ? name : String(tid);
}

/** @param {Map<string, End>} ends @param {Thread} thread @param {number} wait */
function addTo(ends, thread, wait) {
  const key = keyOf(thread);
  const { name, tid } = thread;
  const end = ends.get(key) ?? { key, name: name || `tid ${tid}`, tid, sum: 0 };
  end.sum += wait;
  ends.set(key, end);
}

/** Threads first, then what is no single thread. @param {Map<string, End>} ends */
function inOrder(ends) {
  return [...ends.values()].sort((one, other) =>
    Number(one.tid === null) - Number(other.tid === null) || other.sum - one.sum
  );
}

/** @param {Matrix} matrix */
function sumOf({ holders }) {
  return holders.reduce((sum, { sum: own }) => sum + own, 0);
}
