// @ts-check
/**
 * The messages of a stream, as app/model/frames.py and app/analysis define them. Names and units are theirs.
 *
 * @typedef {number | null} Maybe
 * @typedef {{id: string, at_us: number, text: string}} Note on the timeline, as app/runs/notes.py has them
 * @typedef {{count: number, cut: number, cut_longest_s?: Maybe, p50_s: Maybe, p95_s: Maybe, p99_s: Maybe, max_s: Maybe,
 *            histogram?: [upperS: Maybe, count: number][]}} Distribution `cut` are those next to time that was not
 *     seen; the longest of them lasted at least `cut_longest_s`
 * @typedef {[name: string, file: string, line: number]} Caller
 * @typedef {{function: string, file: string | null, line: Maybe, callers?: Caller[], held_share: Maybe,
 *            waited_share: Maybe}} HotFunction without a file where the stack could not be read
 * @typedef {{name: string, file?: string, line?: number, samples: number, self: number,
 *            children: FlameNode[]}} FlameNode
 * @typedef {{tid: Maybe, name: string}} ThreadName where no single thread can be named, `name` says why
 * @typedef {{state: string, function: string | null, file: string | null, line: Maybe, callers: [string, string, number][],
 *            task: string | null, total_s: number, count: number, longest_s: Maybe}} BlockedRow where a part of the time in a
 *     state went; without a function what no look fell into
 * @typedef {{blocked: BlockedRow[], flame: FlameNode | null}} Where its flame graph has states below the root, in ms
 * @typedef {{pid: number, interpreter: number, holder: ThreadName, waiter: ThreadName, wait_s: number}} WhoWaits
 * @typedef {{at_s: number, length_s: number, at_least?: boolean, pid: number, tid: number, name: string, function: string | null,
 *            file: string | null, line: Maybe,
 *            blamed?: {tid: Maybe, name: string, function: string | null} | null}} Longest
 * @typedef {{at_s: number, length_s: number, state: string, task: string | null, function: string | null,
 *            file: string | null, line: Maybe}} LoopStep
 * @typedef {{function: string | null, file: string | null, line: Maybe, task: string | null, state: string,
 *            importing: boolean, count: number, total_s: number, longest_s: number}} LoopBlock
 * @typedef {{pid: number, tid: number, name: string, kind: string, steps: string, tasks: string, observed_s: number,
 *            lag_s: {p50: Maybe, p99: Maybe, max: Maybe}, longest: LoopStep[], blocks: LoopBlock[]}} Loop
 * @typedef {{hot: HotFunction[], who_waits: WhoWaits[], longest_waits: Longest[], longest_holds: Longest[],
 *            loops: Loop[], pools: Pool[]}} Causes
 * @typedef {{pool: number, at_s: number, threads: number, at_work: number, in_line: Maybe, pid: number, name: string,
 *            kind: string, workers: number, looks: number, observed_s: number, course?: {names: string[], rows: Maybe[][]},
 *            full_share: number, busy_share: number, waiting: {p50: Maybe, max: Maybe, growth_per_s: Maybe},
 *            begun_per_s: Maybe, states: {[state: string]: number} | null}} Pool of threads
 * @typedef {{held_share: Maybe, contended_share: Maybe, switches_per_s: Maybe, waiters: Maybe}} GilRates
 * @typedef {{gil: number, pid: number, interpreter: number, coverage: Maybe, held_share: Maybe, contended_share: Maybe,
 *            switches_per_s: Maybe, waiters: Maybe, switches: Maybe, so_far?: GilRates}} GilFigures
 * @typedef {{pid: number, python: string | null, cpu_share: Maybe}} ProcessFigures
 * @typedef {{lane: number, pid: number, tid: number, name: string, interpreter: Maybe, alive: boolean, observed_s: Maybe, coverage?: Maybe,
 *            shares: {[state: string]: number} | null, cpu_s: Maybe, run_delay_s: Maybe, voluntary_switches: Maybe,
 *            involuntary_switches: Maybe, gil_wait: Distribution | null, gil_hold: Distribution | null}} ThreadFigures
 * @typedef {{cpu_share: Maybe, rss: Maybe, pss?: Maybe, ops: Maybe, ops_per_s: Maybe,
 *            switches_per_s: Maybe}} Totals `pss` only where it is known of every process
 * @typedef {{size: number, pools: number, blocks_used: number, blocks_free: number}} SizeClass
 * @typedef {{pid: number, interpreter: number, allocator: string, at_s: number, arenas: number, arena_bytes: number,
 *            pools: number, pools_free: number, blocks_used: number, bytes_used: number, raw_blocks: Maybe,
 *            fragmentation: Maybe, torn: number, took_s: Maybe, size_classes: SizeClass[],
 *            peak?: {blocks_used: number, bytes_used: number, arenas: number, arena_bytes: number},
 *            pinned: {arenas: number, bytes: number, held_bytes: number} | null}} HeapFigures
 * @typedef {{generation: Maybe, count: Maybe, seen: number, total_s: Maybe, max_s: Maybe}} GenerationPauses
 * @typedef {{count: number, seen: number, total_s: Maybe, p50_s: Maybe, p99_s: Maybe, max_s: Maybe,
 *            stopped_share: Maybe, generations: GenerationPauses[]}} PauseFigures `count` is CPython's own, `seen`
 *     are those whose length is known
 * @typedef {{pid: number, interpreter: number, enabled: boolean | null, exact: boolean, thresholds: Maybe[],
 *            counts: Maybe[], collections: Maybe[], collected: Maybe[], uncollectable: Maybe[], tracked: Maybe,
 *            pauses: PauseFigures, share?: Maybe, memory?: CollectorMemory, next?: NextCollection | null,
 *            said?: string[]}} CollectorFigures lists are by generation; `share` is live alone
 * @typedef {{at_s: number, length_s: Maybe, generation: Maybe, collections: number, collected: number,
 *            given_back: number, freed: Maybe, rss_before: number, rss_after: number, arenas_before: Maybe, arenas_after: Maybe,
 *            large_blocks_before: Maybe, large_blocks_after: Maybe}} MovedRow
 * @typedef {{given_back: Maybe, held: Maybe, largest: MovedRow[]}} CollectorMemory
 * @typedef {{in_s: number, generation: Maybe, count: number, threshold: number, objects_per_s: number,
 *            at_least: boolean}} NextCollection
 * @typedef {{pid: number, interpreter: number, type: string, count: number, count_low: number, count_high: number, bytes: number,
 *            low: number, high: number, count_per_s: Maybe, bytes_per_s: Maybe}} TypeFigures
 * @typedef {{pid: number, interpreter: number, at_s: number, pages: number, pages_read: number, torn: number,
 *            bytes_used: number, object_bytes: number, large_bytes: Maybe, large_known: number, large_read: number,
 *            large_torn: number, large_cut: boolean, allocator: string}} CensusFigures
 * @typedef {{pid: number, path: string, type: string, items: number, items_per_s: Maybe}} HolderFigures
 * @typedef {{[kind: string]: [size: number, rss: number, pss?: number] | null}} Kinds of mappings, as app/probe/kernel/mappings.py names them
 * @typedef {{pid: number, at_s: number, foretold: Maybe, foretold_at_s: Maybe, given_back: number,
 *            rss_before: number, rss_after: number, said: string}} TrimRow
 * @typedef {{[part: string]: Maybe}} Parts of RSS, as app/analysis/parts.py names them
 * @typedef {{at_s: number, allocator: string | null, version: string | null, arenas: Maybe, free: Maybe, trimmable: Maybe,
 *            torn: number, cut: number, why: string}} CLibraryFigures
 * @typedef {{processes: number, pss: number, from_s?: number, to_s?: number, parts: Parts | null, parts_pss?: Maybe,
 *            parts_from_s?: Maybe, parts_to_s?: Maybe, unread?: number}} MemoryTogether
 * @typedef {{pid: number, parent: Maybe, ended_s: Maybe, at_s?: Maybe, rss: Maybe, uss: Maybe, pss: Maybe, peak_rss: Maybe,
 *            swap: Maybe, shared: Maybe, minor_faults: Maybe, major_faults: Maybe, kinds: Kinds | null,
 *            parts?: Parts | null, parts_at_s?: Maybe, objects_at_s?: Maybe, c_library?: CLibraryFigures | null, verdict?: string[],
 *            course?: {names: string[], rows: Maybe[][]}, parts_course?: {names: string[], rows: Maybe[][]}}} MemoryFigures
 * @typedef {{code: string, severity: "info" | "notice" | "warning" | "critical", title: string, detail: string,
 *            evidence: {[name: string]: any}, advice: string, doc: string}} Finding
 * @typedef {{pid: number, own_gil_share: Maybe, clock_off_s: Maybe, clock: string | null}} WorkerFigures of a cluster
 * @typedef {{host: string, worker: string, pid: Maybe, why: string}} UnseenWorker that is not observed
 * @typedef {{pid: number, name: string, count: number, total_s: number, held_s: number, longest_s: Maybe}} TaskFigures
 * @typedef {{state: "there" | "cut" | "gone", detail: string, clock_ahead_s: Maybe, clock_off_s: Maybe, cuts: number,
 *            cut_s: number, dropped: number, gap_s: number}} LineFigures to an observer that is elsewhere
 * @typedef {{heap?: HeapFigures[] | null, gc?: CollectorFigures[] | null, memory?: MemoryFigures[] | null, memory_together?: MemoryTogether | null,
 *            types?: TypeFigures[] | null, census?: CensusFigures[] | null, holders?: HolderFigures[] | null, trims?: TrimRow[],
 *            readings?: {[name: string]: any[]}, pools?: Pool[],
 *            workers?: WorkerFigures[], unseen_workers?: UnseenWorker[], tasks?: TaskFigures[], line?: LineFigures | null,
 *            findings?: Finding[] | null, findings_at_s?: Maybe}} Told what a summary and the live figures tell in the same words
 * @typedef {{at_us: number, pid: number, interpreter: number, took_us: number, cpu_us: number, arenas: number,
 *            mapped: boolean, mapped_us?: Maybe, changed: [address: number, pools: string][], gone: number[]}} HeapMessage
 * @typedef {{cpu_share: Maybe, gil_hz: Maybe, late: Maybe, failed: Maybe, coverage: Maybe}} ObserverFigures
 * @typedef {{type: "figures", at_us: number, begin_us: number, end_us: Maybe, window_s: number, main_gil: Maybe, gils: GilFigures[],
 *            processes: ProcessFigures[], threads: ThreadFigures[],
 *            threads_not_shown: number, threads_cpu_unlisted_s?: number, totals: Totals, row: Maybe[] | null, observer: ObserverFigures} & Partial<Causes> & Told} Figures
 *
 * @typedef {{code: string, title: string, detail: string, remedy: string}} RunError
 * @typedef {{id: string, kind: string, name: string, workload?: string | null, state: string, started_at: number | null,
 *            duration_s: Maybe, params: {[name: string]: any}, error: RunError | null,
 *            executor?: string | null, workers?: number | null, seconds?: number | null, python?: string | null, question?: string | null, exit_code?: number | null,
 *            command?: string[] | null, environment?: {[name: string]: string} | null, output?: string | null,
 *            progress?: number | null,
 *            notes?: Note[], limits?: {memory_bytes: Maybe, processes: Maybe, together: boolean} | null}} Run
 * @typedef {{pid: number, parent: number | null, command: string[], python: string | null,
 *            free_threaded: boolean | null, gil_enabled: boolean | null, switch_interval_us: number | null,
 *            capabilities: {[measure: string]: string}, why: {[measure: string]: string}, gone: boolean,
 *            host?: string | null, worker?: string | null}} Process
 * @typedef {{start_us: number, end_us: number, samples: number, failed: number, late: number,
 *            gils: [gil: number, switches: number, pieces: number[]][], lanes: [lane: number, pieces: number[]][]}} Frame
 * @typedef {{origin_ns: number, started_at: number, sampling: {gil_hz: number, counters_hz: number, stacks_hz?: number, less?: string}}} Hello
 * @typedef {{sampling: {[name: string]: Maybe}, gils: Omit<GilFigures, "gil">[], threads: (Omit<ThreadFigures, "lane" | "alive"> & Partial<Where>)[],
 *            threads_not_shown: number, threads_cpu_unlisted_s?: number, where?: Where | null,
 *            memory_peak: {rss: Maybe, pss: Maybe}, cpu_share: Maybe,
 *            workload: {[name: string]: unknown} | null, run: Run, flame?: FlameNode | null} & Partial<Causes> & Told} Summary
 * @typedef {{from_us: number, to_us: number, bin_us: number, bins: number, lanes_not_shown: number,
 *            lanes: {lane: number, pid: number, tid: number, name: string, interpreter: number | null, named_us: number,
 *                    shares: {[state: string]: string}}[],
 *            gils: {gil: number, pid: number, interpreter: number, holders: {[lane: string]: string},
 *                   contended: string | null}[]}} TimelineBins each share is base64 of a byte a bin
 * @typedef {{at_us: number, kind: string, pid: number, detail: string}} RunEvent
 */

/** What is said of a thread whose `interpreter` is null, in short and in full. */
export const NO_PYTHON_STATE = "no Python state";
export const NO_PYTHON =
  "A C library made this thread, and it has never called Python: its CPU time counts, the GIL is no concern of it";

/** A thread's state is its place here, as in app/model/states.py. */
export const STATES = /** @type {const} */ (
  ["running", "stalled", "waiting", "native", "lock", "io", "sleep", "unknown"]
);
export const UNKNOWN_STATE = STATES.indexOf("unknown");

/** Below it the reader of a figure is warned, as in app/analysis/tracks.py. */
const THIN = 0.95;

/** Whether so little was seen that it has to be said. @param {Maybe | undefined} coverage */
export function isThin(coverage) {
  return typeof coverage === "number" && coverage < THIN;
}

/** Holders of a GIL that are no lane. */
export const HOLDER_NONE = -1;
export const HOLDER_UNKNOWN = -2;

/** The states in which a run is over. */
export const ENDED = new Set(["finished", "stopped", "timed_out", "failed"]);
