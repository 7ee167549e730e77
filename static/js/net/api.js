// @ts-check
/**
 * The server's REST interface.
 * @typedef {{title: string, status: number, detail?: string, remedy?: string,
 *            errors?: {field: string, detail: string}[]}} ProblemBody RFC 9457
 * @typedef {{workload?: string, script?: string, command?: string[], name?: string, attach?: {pid: number}, params?: {[name: string]: unknown},
 *            executor?: string, workers?: number, python?: string, seconds?: number}} RunRequest one of `workload`,
 *     `command`, `script` and `attach`
 * @typedef {{id: string, name: string, state: string, kind: string, executor: string | null}} Run as much of it as
 *     a list of choices needs
 * @typedef {Run & {workload: string | null, params: {[name: string]: unknown}, workers: number | null, python: string | null,
 *            seconds: number | null, command: string[] | null, attach: {pid?: number, scheduler?: string} | null, started_at: number,
 *            duration_s: number | null, error: {detail: string} | null, tags: string[], pinned: boolean,
 *            findings: {code: string, severity: string, title?: string | null}[], bytes: number | null,
 *            unrecorded: {detail: string} | null}} KeptRun
 * @typedef {{[name: string]: string}} RunQuery `text`, `kind`, `state`, `finding`, `tag`, `pinned`
 * @typedef {{runs: KeptRun[], next: string | null,
 *            archive: {bytes: number, budget_bytes: number, runs: number} | null,
 *            error: {title: string, detail: string, remedy: string} | null}} RunPage
 * @typedef {{pid: number, name: string, command: string[], user: string | null, python: string | null,
 *            below: number, cpu_share: number | null, rss: number | null, attachable: boolean, why: string | null,
 *            remedy: string | null}} FoundProcess `python` is null for what is no CPython, empty where the
 *     version is not known; `below` is how many of those below a launcher can be attached to
 * @typedef {{looks: number, stacks: {looks: number, task: string | null,
 *            frames: {function: string, file: string, line: number}[]}[]}} SliceStacks
 */

const ROOT = "/api/v1";
/** Refusals that another try would meet again. */
const FINAL = new Set([401, 403, 404, 421]);

/** The server's refusal, or its silence (status 0). */
export class Problem extends Error {
  /** @param {ProblemBody} body */
  constructor(body) {
    super(body.detail || body.title);
    this.name = "Problem";
    this.body = body;
  }

  /** Whether the server will not have it: another try would meet the same. */
  get isRefusal() {
    return this.body.status >= 400 && this.body.status < 500;
  }
}

/** @type {((path: string) => any) | null} */
let answers = null;

/** No server is asked from now on. @param {(path: string) => any} told throws a Problem for what it does not know */
export function answerFrom(told) {
  answers = told;
}

/**
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {RequestInit} [how]
 * @returns {Promise<any>}
 */
async function call(method, path, body, how = {}) {
  if (answers) return answers(path);
  /** @type {RequestInit} */
  const request = { method, headers: { accept: "application/json" }, ...how };
  if (body !== undefined) {
    request.headers = { ...request.headers, "content-type": "application/json" };
    request.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(ROOT + path, request);
  } catch {
    throw new Problem({
      title: "The server does not answer",
      status: 0,
      detail: "The server does not answer",
      remedy: "See whether gilscope serve still runs.",
    });
  }
  if (answer.ok) return answer.status === 204 ? null : bodyOf(answer);
  throw new Problem(await problemOf(answer));
}

/** Of messages, a line each. @param {Response} answer */
async function bodyOf(answer) {
  if (!answer.headers.get("content-type")?.includes("ndjson")) return answer.json();
  return (await answer.text()).split("\n").filter(Boolean).map((line) => JSON.parse(line));
}

/** @param {Response} answer @returns {Promise<ProblemBody>} */
async function problemOf(answer) {
  const title = `The server answered ${answer.status} ${answer.statusText}`.trim();
  if (!answer.headers.get("content-type")?.includes("json")) return { title, status: answer.status };
  return { title, ...(await answer.json()), status: answer.status };
}

/** @param {RunRequest} request */
export const startRun = (request) => call("POST", "/runs", request);

/** Arrives even where the page is left at this moment. @param {string} id */
export const stopRun = (id) => call("POST", `/runs/${encodeURIComponent(id)}/stop`, {}, { keepalive: true });

/** @returns {Promise<{processes: FoundProcess[]}>} */
export const listProcesses = () => call("GET", "/processes");

/** @param {string} id */
export const getSummary = (id) => call("GET", `/runs/${encodeURIComponent(id)}/summary`);

/**
 * What a thread was executing in a slice of the timeline.
 * @param {string} id @param {number} lane @param {number} fromUs @param {number} toUs
 * @returns {Promise<SliceStacks>}
 */
export const getStacks = (id, lane, fromUs, toUs) =>
  call("GET", `/runs/${encodeURIComponent(id)}/stacks?lane=${lane}&from_us=${fromUs}&to_us=${toUs}`);

/** @param {string} id @param {number} fromUs @param {number} toUs @param {number} bins @returns {Promise<any>} */
export const getTimeline = (id, fromUs, toUs, bins) =>
  call("GET", `/runs/${encodeURIComponent(id)}/timeline?from_us=${fromUs}&to_us=${toUs}&bins=${bins}`);

/** The summary of a span of time alone. @param {string} id @param {number} fromUs @param {number} toUs @returns {Promise<any>} */
export const getFigures = (id, fromUs, toUs) =>
  call("GET", `/runs/${encodeURIComponent(id)}/figures?from_us=${fromUs}&to_us=${toUs}`);

/** Would something help? @param {string} id @returns {Promise<any>} */
export const getAdvice = (id) => call("GET", `/runs/${encodeURIComponent(id)}/advice`);

/** The messages of a span, and those that name. @param {string} id @param {number} fromUs @param {number} toUs @returns {Promise<any[]>} */
export const getMessages = (id, fromUs, toUs) =>
  call("GET", `/runs/${encodeURIComponent(id)}/messages?from_us=${fromUs}&to_us=${toUs}`);

/** What starts the same run again. @param {string} id @returns {Promise<RunRequest>} */
export const getRequest = (id) => call("GET", `/runs/${encodeURIComponent(id)}/request`);

/** @param {string} id @returns {Promise<Run>} */
export const getRun = (id) => call("GET", `/runs/${encodeURIComponent(id)}`);

/** Newest first. @param {RunQuery} [query] @param {string | null} [cursor] @returns {Promise<RunPage>} */
export function listRuns(query = {}, cursor = null) {
  const asked = new URLSearchParams({ limit: "50", ...query, ...(cursor === null ? {} : { cursor }) });
  return call("GET", `/runs?${asked}`);
}

/** @param {string} id @param {{name?: string, tags?: string[], pinned?: boolean}} change @returns {Promise<KeptRun>} */
export const changeRun = (id, change) => call("PATCH", `/runs/${encodeURIComponent(id)}`, change);

/** @typedef {{id: string, at_us: number, text: string}} Note as app/runs/notes.py has them */

/** @param {string} id @param {number} atUs @param {string} text @returns {Promise<Note>} */
export const addNote = (id, atUs, text) =>
  call("POST", `/runs/${encodeURIComponent(id)}/notes`, { at_us: atUs, text });

/** @param {string} id @param {string} note @param {string} text @returns {Promise<Note>} */
export const changeNote = (id, note, text) => call("PATCH", noteOf(id, note), { text });

/** @param {string} id @param {string} note @returns {Promise<null>} */
export const removeNote = (id, note) => call("DELETE", noteOf(id, note));

/** @param {string} id @param {string} note */
const noteOf = (id, note) => `/runs/${encodeURIComponent(id)}/notes/${encodeURIComponent(note)}`;

/** @param {string} id */
export const removeRun = (id) => call("DELETE", `/runs/${encodeURIComponent(id)}`);

/** @param {string} id */
export const restoreRun = (id) => call("POST", `/runs/${encodeURIComponent(id)}/restore`);

/**
 * What two runs measured, and what may be said of the difference: see app/analysis/comparison.py.
 * @typedef {{value: number | null, low: number | null, high: number | null, seconds: number | null}} Side
 * @typedef {{key: string, label: string, unit: "share" | "count" | "rate" | "duration" | "size", a: Side, b: Side,
 *            change: number | null, says: "higher" | "lower" | "alike" | "unclear" | null, why: string}} ComparedFigure
 * @typedef {{name: string, a: unknown, b: unknown}} Difference
 * @typedef {{in: "a" | "b" | "both", a: number | null, b: number | null, text: string}} DifferentLine
 * @typedef {{same: boolean | null, says: string, lines: DifferentLine[], more: number}} ProgramDifference
 * @typedef {{kind: string, cpus_wanted: number | null, cpus_used: number | null, cpus: number | null, threads: {[state: string]: number}}} AtOnceSide
 * @typedef {{more: "a" | "b" | "alike" | null, says: string[], a: AtOnceSide, b: AtOnceSide}} AtOnce
 * @typedef {{figures: ComparedFigure[], asked: Difference[], reported: Difference[],
 *            program: ProgramDifference | null, at_once: AtOnce,
 *            findings: {code: string, severity: string, title: string, in: "a" | "b" | "both"}[]}} Comparison
 * @param {string} a @param {string} b @returns {Promise<Comparison>}
 */
export const getComparison = (a, b) =>
  call("GET", `/compare?a=${encodeURIComponent(a)}&b=${encodeURIComponent(b)}`);

/** @param {Blob} recording @returns {Promise<KeptRun>} */
export const importRun = (recording) => call("POST", "/runs/import", undefined, { body: recording });

/** Why the stream of a run will not open however often it is tried, or null. @param {string} id */
export const refusalOf = (id) => refusal(() => getRun(id));

/** The same of what a teacher shows. */
export const teachingRefusal = () => refusal(getTeaching);

/** @param {() => Promise<unknown>} ask */
async function refusal(ask) {
  try {
    await ask();
    return null;
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    return FINAL.has(problem.body.status) ? problem : null;
  }
}

/**
 * What a teacher shows: see app/lab/teaching.py.
 * @typedef {{says: string[], reported: string[], found: {code: string, severity: string, title: string}[],
 *            missing: string[], so_far: boolean}} Answer
 * @typedef {{chapter: number, workload: string, run: string | null, answer: Answer | null}} Shown
 * @typedef {{shown: Shown | null, followers: number}} Teaching
 * @returns {Promise<Teaching>}
 */
export const getTeaching = () => call("GET", "/teaching");

/** @param {{chapter: number, workload: string, run: string | null, revealed: boolean}} body @returns {Promise<Teaching>} */
export const putTeaching = (body) => call("PUT", "/teaching", body);

/** A code that lets an audience in, to look. @returns {Promise<{code: string, expires_s: number}>} */
export const makeAudienceCode = () => call("POST", "/codes?audience=true");

/** Where a page is told what is on view. */
export const teachingUrl = () => location.origin.replace(/^http/, "ws") + `${ROOT}/teaching/stream`;

/** @param {string} id @param {string} name of an action of the run's workload */
export const act = (id, name) => call("POST", `/runs/${encodeURIComponent(id)}/actions`, { name });

/**
 * Where a run in another tool's format is; a page in a file opens at the time that is named.
 * @param {string} id @param {string} format @param {{fromUs: number, toUs: number} | null} [span]
 */
export const exportUrl = (id, format, span = null) =>
  `${ROOT}/runs/${encodeURIComponent(id)}/export?format=${encodeURIComponent(format)}` +
  (span && format === "html" ? `&from_us=${span.fromUs}&to_us=${span.toUs}` : "");

/** The page on which it is measured what would help the program of a run. @param {string} id */
export const helpsUrl = (id) => `/experiments/new?run=${encodeURIComponent(id)}`;

/** The page on which a run can be started with other settings. @param {string} id */
export const changeUrl = (id) => `/?change=${encodeURIComponent(id)}`;

/** @param {string} id @param {{at_us: number, speed: number}} playhead where it begins */
export function replayUrl(id, { at_us: atUs, speed }) {
  const path = `${ROOT}/runs/${encodeURIComponent(id)}/replay?at_us=${atUs}&speed=${speed}`;
  return location.origin.replace(/^http/, "ws") + path;
}

/** @param {string} id @param {boolean} [heap] whether somebody looks at the heap's map */
export function streamUrl(id, heap = false) {
  const path = `${ROOT}/runs/${encodeURIComponent(id)}/stream${heap ? "?heap=1" : ""}`;
  return location.origin.replace(/^http/, "ws") + path;
}

/**
 * An experiment, see app/analysis/experiment.py.
 * @typedef {"share" | "count" | "rate" | "duration" | "size"} Unit
 * @typedef {{key: string, label: string, unit: Unit}} Measure
 * @typedef {{median: number, low: number | null, high: number | null, count: number}} Median
 * @typedef {{ratio: number | null, low: number | null, high: number | null,
 *            says: "higher" | "lower" | "within-noise" | "too-few"}} Ratio
 * @typedef {{executor: string | null, workers: number | null, python: string | null, runs: string[], repetitions: number,
 *            made_again: number, disturbed: number, error: string | null,
 *            measures: {[key: string]: Median | null}, differences: {[key: string]: Ratio | null}}} Configuration
 * @typedef {{value: number, low: number | null, high: number | null}} LawParameter
 * @typedef {{law: "amdahl" | "gustafson" | "usl", parameters: {[name: string]: LawParameter}, r_squared: number | null,
 *            limit: number | null, curve: [number, number][]}} Law
 * @typedef {{executor: string | null, python: string | null, source: "throughput" | "wall-time" | "reported",
 *            points: (Median & {workers: number, used: boolean})[], laws: Law[], gil_work: Median | null, sentence: string}} Scaling
 * @typedef {{number: number, of: number, configuration: number, warm_up: boolean, again: string | null,
 *            left_s: number | null, run: string | null, left: number[]}} Progress
 * @typedef {{says: "faster" | "none-faster" | "within-noise" | "too-few" | "nothing", baseline: number | null,
 *            best: number | null, equal: number[], sentence: string}} Verdict
 * @typedef {{id: string, kind: "workload" | "command" | "script", name: string,
 *            state: "running" | "finished" | "stopped" | "failed",
 *            error: {title: string, detail: string, remedy: string} | null, started_at: number, took_s: number,
 *            runs_done: number, runs_planned: number,
 *            asked: {workload: string | null, params: {[name: string]: unknown}, seconds: number | null,
 *                    repeats: number, cores: number}}} ExperimentHead
 * @typedef {ExperimentHead & {sentence: string | null}} ListedExperiment
 * @typedef {{run: string, run_name: string, choice: string, title: string,
 *            throughput: {low: number, middle: number, high: number}, assumptions: string[],
 *            measured: {throughput: number, low: number | null, high: number | null,
 *                       repetitions: number, disturbed: boolean} | null,
 *            in_band: boolean | null, unclear: boolean | null, off: number | null, sentence: string}} ForecastProof
 * @typedef {ForecastProof & {experiment: string, started_at: number}} ForecastPair
 * @typedef {{sentence: string, count: number, in_band: number, median_off: number | null, unmeasured: number,
 *            ways: {choice: string, count: number, in_band: number, median_off: number}[],
 *            pairs: ForecastPair[]}} Accuracy
 * @typedef {ExperimentHead & {forecast: ForecastProof | null, measures: Measure[], goal: string, configurations: Configuration[],
 *            left_out: {executor: string, python: string, why: string}[], scaling: Scaling[], verdict: Verdict,
 *            progress: Progress | null, unrecorded: {detail: string, remedy: string} | null}} Experiment
 * @typedef {{configurations: number, runs: number, about_s: number | null,
 *            left_out: {executor: string, python: string, why: string}[]}} PlannedExperiment
 */

/** @param {object} body @returns {Promise<Experiment>} */
export const startExperiment = (body) => call("POST", "/experiments", body);

/** Measures a forecast of a run. @param {string} run @param {string} choice @returns {Promise<Experiment>} */
export const measureForecast = (run, choice) => call("POST", "/experiments/forecast", { run, choice });

/** @returns {Promise<Accuracy>} */
export const getAccuracy = () => call("GET", "/experiments/accuracy");

/** What an experiment comes to; nothing is started. @param {object} body @returns {Promise<PlannedExperiment>} */
export const planExperiment = (body) => call("POST", "/experiments/plan", body);

/** Newest first. @param {string | null} [cursor] @returns {Promise<{experiments: ListedExperiment[], next: string | null}>} */
export const listExperiments = (cursor = null) =>
  call("GET", `/experiments?limit=50${cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`}`);

/** @param {string} id @returns {Promise<Experiment>} */
export const getExperiment = (id) => call("GET", `/experiments/${encodeURIComponent(id)}`);

/** @param {string} id @returns {Promise<Experiment>} */
export const stopExperiment = (id) => call("POST", `/experiments/${encodeURIComponent(id)}/stop`, {});

/** @param {string} id */
export const removeExperiment = (id) => call("DELETE", `/experiments/${encodeURIComponent(id)}`);

/** @param {string} id */
export const restoreExperiment = (id) => call("POST", `/experiments/${encodeURIComponent(id)}/restore`);

/** @param {string} id */
export function experimentStreamUrl(id) {
  return location.origin.replace(/^http/, "ws") + `${ROOT}/experiments/${encodeURIComponent(id)}/stream`;
}

/** Why an experiment's stream will not open however often it is tried, or null. @param {string} id */
export async function refusalOfExperiment(id) {
  try {
    await getExperiment(id);
    return null;
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    return FINAL.has(problem.body.status) ? problem : null;
  }
}
