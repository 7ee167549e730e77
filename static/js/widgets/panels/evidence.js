// @ts-check
/**
 * The figures behind a finding, each by its label and with its unit. What is not declared here is not shown: a field's
 * own name is for programs, and a test holds that every rule's fields are declared.
 */
import { make } from "../../base/dom.js";
import { measuredOf } from "../fields.js";
import { pidText } from "../../state/pids.js";

/** By the field's name, in the units of fields.js; `id` is no quantity, and `pid` a process. @type {{[field: string]: [label: string, unit: string]}} */
export const EVIDENCE = {
  pid: ["Process", "pid"],
  parent: ["Its parent", "pid"],
  pids: ["The children", "pid"],
  tid: ["Thread's id", "id"],
  interpreter: ["Interpreter", "id"],
  processes: ["Processes of which this holds", "count"],
  name: ["Thread", "id"],
  kind: ["Kind", "id"],
  threads: ["Threads", "id"],
  function: ["Function", "id"],
  file: ["File", "id"],
  line: ["Line", "id"],
  task: ["Task", "id"],
  state: ["State", "id"],
  place: ["Where most of it was", "id"],
  callers: ["Called by", "calls"],
  stack: ["Stack, innermost first", "calls"],
  by: ["By the import of", "id"],
  at_s: ["At", "s"],
  from_s: ["From", "s"],
  to_s: ["To", "s"],
  since_s: ["Since", "s"],
  length_s: ["For", "s"],
  found_after_s: ["Found after another", "s"],
  raised_at_s: ["The exception was raised at", "s"],
  readings: ["Readings", "count"],
  held_share: ["GIL held", "share"],
  host: ["Host", "id"],
  worker: ["Worker", "id"],
  tasks: ["Tasks done", "count"],
  task_share: ["GIL held by these tasks", "share"],
  own_gil_share: ["Dask's own figure of the GIL", "share"],
  contended_share: ["GIL contended", "share"],
  waiters: ["Threads waiting for the GIL, on average", "count"],
  switches_per_s: ["GIL switches", "rate"],
  wanted_share: ["GIL wanted", "share"],
  waiting_threads: ["Threads that waited", "count"],
  threads_in_line: ["Threads in line behind them", "count"],
  waiting_share: ["Time it waited for the GIL", "share"],
  computing_threads: ["Threads that computed in Python", "count"],
  waits: ["Waits for the GIL", "count"],
  wait_p50_s: ["A wait, median", "s"],
  wait_p95_s: ["A wait, 95th percentile", "s"],
  holds: ["Holds of the GIL", "count"],
  long_holds: ["Long holds of the GIL", "count"],
  long_from_s: ["A hold is long from", "s"],
  max_hold_s: ["The longest hold", "s"],
  stalled_s: ["Held while blocked in the kernel", "s"],
  stalled_share: ["Share of its time", "share"],
  cpus: ["CPUs that it may use", "count"],
  cores: ["CPUs used, on average", "count"],
  wanted: ["CPUs wanted, on average", "count"],
  threads_without_python: ["Threads that run no Python", "count"],
  thread_pools: ["Thread pools of C libraries", "id"],
  library: ["Library", "id"],
  count: ["How many", "count"],
  seen: ["Of these seen in full", "count"],
  total_s: ["Together", "s"],
  longest_s: ["The longest", "s"],
  max_s: ["The longest", "s"],
  lag_p50_s: ["The loop's lag, median", "s"],
  lag_p99_s: ["The loop's lag, 99th percentile", "s"],
  lag_max_s: ["The loop's lag, longest", "s"],
  cycle: ["Who waits for whom, in a circle", "id"],
  blocked_workers: ["Workers that wait for ever", "id"],
  attempts: ["Attempts", "count"],
  progress: ["Of these that led on", "count"],
  jain: ["Jain's index of fairness", "count"],
  by_role: ["Accesses of one, on average", "count"],
  longest_wait_ms: ["The longest wait", "ms"],
  expected: ["Updates made", "count"],
  actual: ["Updates kept", "count"],
  lost: ["Updates lost", "count"],
  lost_share: ["Share lost", "share"],
  lock_wait_share: ["Time spent waiting for locks", "share"],
  lock_share: ["Time each was blocked at a lock", "share"],
  at_work: ["Threads at work at a time", "count"],
  woken: ["Times that one was woken", "count"],
  had_cpu: ["Time that the process had a CPU", "s"],
  stopped_share: ["Time stopped by the collector", "share"],
  thresholds: ["Thresholds of the generations", "count"],
  collected: ["Objects collected", "count"],
  freed: ["Freed", "bytes"],
  given_back: ["Given back to the system", "bytes"],
  given_back_by_all: ["Given back by all collections", "bytes"],
  held: ["Held by cycles at most", "bytes"],
  rss: ["RSS", "bytes"],
  rss_before: ["RSS before", "bytes"],
  rss_after: ["RSS after", "bytes"],
  rss_grown: ["RSS grew by", "bytes"],
  heap_grown: ["The heap grew by", "bytes"],
  uss_first: ["Memory of its own at first (USS)", "bytes"],
  uss_last: ["Memory of its own at the end (USS)", "bytes"],
  minor_faults: ["Page faults without I/O", "count"],
  children: ["Children that copied", "count"],
  arenas: ["Arenas", "count"],
  pinned_arenas: ["Arenas held by few blocks", "count"],
  pinned_bytes: ["Their size", "bytes"],
  held_bytes: ["Used of it", "bytes"],
  trimmable: ["What malloc_trim would give back", "bytes"],
  free: ["Free in the C library", "bytes"],
  mmap_threshold: ["Blocks have mappings of their own from", "bytes"],
  bytes_from: ["Size at first", "bytes"],
  bytes_to: ["Size at the end", "bytes"],
  bytes_per_s: ["Growth", "bytes_rate"],
  bytes_per_hour: ["Growth in an hour", "bytes"],
  kinds: ["Growth by kind of memory", "bytes_rate"],
  large_blocks_per_s: ["Blocks above 512 bytes, more each second", "rate"],
  threads_from: ["Threads at first", "count"],
  threads_to: ["Threads at the end", "count"],
  threads_per_s: ["Threads more each second", "rate"],
  stacks: ["Their stacks", "bytes"],
  ended: ["Threads that ended", "count"],
  ended_per_s: ["Threads that ended", "rate"],
  lived_s: ["How long one lived", "s"],
  worker_pids: ["Its workers", "pid"],
  handing_cpu_s: ["CPU time to hand work over", "s"],
  passing_cpu_s: ["CPU time of the workers to take it and to give back", "s"],
  work_cpu_s: ["CPU time of the work itself", "s"],
  waited_share: ["Time that the workers waited for work", "share"],
  asks: ["What it calls to ask", "id"],
  poll_share: ["Share of its Python that asks", "share"],
  poll_cpus: ["CPUs that it takes to ask", "count"],
  wakes_per_s: ["It woke up", "rate"],
  package: ["Whose pool it is", "id"],
  takes: ["What takes a connection", "id"],
  in_line: ["Threads that waited at a time", "count"],
  in_line_share: ["Time that one of them waited", "share"],
  pool: ["Pool", "id"],
  workers: ["Its threads", "count"],
  looks: ["Looks at it", "count"],
  full_share: ["Looks at which all were at work", "share"],
  busy_share: ["Threads at work, on average", "share"],
  waiting_p50: ["Tasks that waited, median", "count"],
  waiting_max: ["Tasks that waited, the most", "count"],
  growth_per_s: ["Tasks more in wait each second", "rate"],
  begun_per_s: ["Tasks begun, at least", "rate"],
  bound_by: ["What its threads did", "id"],
  coverage: ["Time seen", "share"],
  lock_coverage: ["Time in which the GIL was seen", "share"],
  thread_coverage: ["Time in which the threads were seen, the least", "share"],
  gil_hz: ["Looks at the GIL a second", "rate"],
  gil_hz_requested: ["Looks a second asked for", "rate"],
  thread_hz: ["Looks at each thread a second", "rate"],
  samples: ["Looks", "count"],
  late: ["Looks that came late", "count"],
  failed: ["Looks that failed", "count"],
  observer_cpu_share: ["CPU of the observer", "share"],
};

/** Fields that are shown elsewhere: the graph above the timeline, and what only tells apart. */
export const ELSEWHERE = ["wait_for", "importing"];

/** @param {{[field: string]: unknown}} evidence @returns {HTMLElement} */
export function evidenceOf(evidence) {
  const rows = Object.entries(evidence).flatMap(([field, value]) => {
    const declared = EVIDENCE[field];
    if (!declared || value === null || value === undefined) return [];
    return [make("div", {}, make("dt", {}, declared[0]), make("dd", {}, shown(value, declared[1])))];
  });
  return make("dl", {}, ...rows);
}

/** @param {unknown} value @param {string} unit @returns {Node | string} */
function shown(value, unit) {
  if (unit === "calls" && Array.isArray(value)) return value.map(callOf).join(" ← ") || "–";
  if (Array.isArray(value) && value.some(isRecord)) {
    return make(
      "ol",
      {},
      ...value.map((one) => make("li", {}, isRecord(one) ? evidenceOf(one) : String(one))),
    );
  }
  if (unit === "pid") return [value].flat().map((one) => pidText(Number(one))).join(", ") || "–";
  if (unit !== "id") return measuredOf(value, unit);
  if (isRecord(value)) return evidenceOf(value);
  return Array.isArray(value) ? value.join(", ") || "–" : String(value);
}

/** @param {any} call a frame, or its function, file and line */
function callOf(call) {
  return Array.isArray(call) ? String(call[0]) : String(call?.function ?? call);
}

/** @param {unknown} value @returns {value is {[field: string]: unknown}} */
function isRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
