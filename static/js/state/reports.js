// @ts-check
/**
 * What a workload says of itself while it runs, the newest of each kind. Its result may hold the same.
 * @typedef {{id: string, kind: "thread" | "lock", label: string}} WaitNode
 * @typedef {[from: string, to: string, what: "holds" | "waits for"]} WaitEdge
 * @typedef {{nodes: WaitNode[], edges: WaitEdge[], cycle: string[] | null}} WaitFor
 * @typedef {{title: string, unit: string, values: {[label: string]: number}}} BarsOf
 * @typedef {{expected: number, actual: number, lost: number}} Counts
 * @typedef {{objects: number, bytes: number, blocks: number, allocator: string, arenas: number | null,
 *            arena_bytes: number | null, free_lists: {[type: string]: number}, counts: number[],
 *            c_library: {heap: number, mapped: number, used: number, free: number} | null, rss: number}} Rungs
 * @typedef {Rungs & {action: string, what: string, moved: string, seconds: number, before: Rungs}} Deed what was
 *     done, and how things stood before and after it, as the process itself sees them
 * @typedef {{id: number, type: string, repr: string, size: number | null, refcount: number | null,
 *            immortal: boolean, address: number | null, pool: number | null,
 *            size_class?: number | null, reachable?: boolean}} GraphObject
 * @typedef {{line: number | null, source?: string, names: {name: string, scope?: string, object: number}[],
 *            objects: GraphObject[], edges: [from: number, to: number, label: string][],
 *            notes: string[]}} GraphStep
 */

/** Deeds that are kept, the latest. */
const MOST_DEEDS = 50;
/** Steps of a program that was walked through line by line. */
const MOST_STEPS = 1_000;

export class Reports {
  /** Changes with every report. */
  version = 0;
  /** @type {WaitFor | null} */
  waitFor = null;
  /** How long the deadlock lasted before it was found, in seconds. @type {number | null} */
  foundAfterS = null;
  /** @type {Map<string, BarsOf>} by title */
  bars = new Map();
  /** @type {Counts | null} */
  counts = null;
  /** What was done on a person's word, in order. @type {{atUs: number, deed: Deed}[]} */
  deeds = [];
  /** @type {GraphStep[]} */
  steps = [];
  /** When a workload had freed what it had taken, in seconds. @type {number | null} */
  freedS = null;

  /** Anything to be shown as it happens. */
  get live() {
    return this.waitFor !== null || this.bars.size > 0 || this.counts !== null;
  }

  /** @param {number} atUs @param {{[name: string]: any}} data a report's, or a result's */
  take(atUs, data) {
    this.version += 1;
    if (data.wait_for?.nodes) this.waitFor = data.wait_for;
    if (typeof data.found_after_s === "number") this.foundAfterS = data.found_after_s;
    for (const bars of [data.bars ?? []].flat()) this.bars.set(bars.title, bars);
    if (data.counts && "lost" in data.counts) this.counts = data.counts;
    if (data.did?.action) this.deeds = [...this.deeds, { atUs, deed: data.did }].slice(-MOST_DEEDS);
    if (data.phase === "freed") this.freedS = atUs / 1e6;
    if (data.step?.objects && this.steps.length < MOST_STEPS) this.steps.push(data.step);
    if (data.steps?.[0]?.objects) this.steps = data.steps.slice(0, MOST_STEPS);
  }
}
