// @ts-check
/**
 * The line that says what runs, how it stands, and whether this page is still connected to it.
 * @import { RunState } from "../state/run_state.js"
 * @import { Run } from "../state/messages.js"
 * @import { Connection } from "../net/stream.js"
 */
import { find, setText } from "../base/dom.js";

/** What a run's state is called. */
const BADGES = /** @type {{[state: string]: string}} */ ({
  starting: "starting",
  running: "live",
  finished: "finished",
  stopped: "stopped",
  timed_out: "timed out",
  failed: "failed",
});

/** @param {Run} run */
export function badgeOf({ kind, state }) {
  if (kind === "attach" && state === "stopped") return "detached";
  return BADGES[state] ?? state;
}

export class Title {
  #name;
  #of;
  #elapsed;
  #badge;
  #stop;
  #failure;
  #connectionText;
  /** @type {Connection} */
  #connection = { state: "connecting" };
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #countdown;

  /** @param {HTMLElement} root @param {() => void} onStop */
  constructor(root, onStop) {
    this.#name = find(root, ".title .name", HTMLElement);
    this.#of = find(root, ".title .of", HTMLElement);
    this.#elapsed = find(root, ".title .elapsed", HTMLElement);
    this.#badge = find(root, ".title .badge", HTMLElement);
    this.#stop = find(root, ".title .stop", HTMLButtonElement);
    this.#failure = find(root, ".failure", HTMLElement);
    this.#connectionText = find(root, ".title .connection", HTMLElement);
    this.#stop.addEventListener("click", () => {
      this.#stop.disabled = true;
      onStop();
    });
  }

  /** @param {RunState} state @param {number | null} elapsedUs */
  update(state, elapsedUs) {
    const { run } = state;
    if (!run) return;
    setText(this.#name, run.name);
    setText(this.#of, describe(state).map((part) => ` · ${part}`).join(""));
    const seconds = state.ended ? run.duration_s : elapsedUs === null ? null : elapsedUs / 1e6;
    setText(this.#elapsed, seconds === null ? "" : `${seconds.toFixed(1)} s`);
    setText(this.#badge, badgeOf(run));
    this.#badge.dataset.state = run.state;
    this.#stop.hidden = state.ended;
    setText(this.#stop, run.kind === "attach" ? "Detach" : "Stop");
    this.#stop.title = run.kind === "attach"
      ? "Look away; the process goes on"
      : "End the program and the run";
    this.#failure.hidden = run.error === null;
    if (run.error) setText(this.#failure, `${run.error.title}. ${run.error.detail} ${run.error.remedy}`);
  }

  /** The stop was refused: it may be asked for again. */
  stopAgain() {
    this.#stop.disabled = false;
  }

  /** @param {Connection} connection */
  connected(connection) {
    this.#connection = connection;
    clearInterval(this.#countdown);
    if (connection.state === "waiting") this.#countdown = setInterval(() => this.#say(), 250);
    this.#say();
  }

  #say() {
    const said = sentence(this.#connection, Date.now());
    this.#connectionText.hidden = said === "";
    this.#connectionText.dataset.state = this.#connection.state;
    setText(this.#connectionText, said);
  }

  dispose() {
    clearInterval(this.#countdown);
  }
}

/** @param {Connection} connection @param {number} nowMs */
export function sentence(connection, nowMs) {
  switch (connection.state) {
    case "waiting": {
      const seconds = Math.max(1, Math.ceil((connection.retryAtMs - nowMs) / 1000));
      return `Disconnected, trying again in ${seconds} s`;
    }
    case "refused":
      return connection.problem.message;
    default:
      return "";
  }
}

/** @param {RunState} state */
export function describe({ run, processes }) {
  const parts = [];
  if (run?.executor) parts.push(run.workers ? `${run.executor} × ${run.workers}` : run.executor);
  const [first] = processes.values();
  const process = [...processes.values()].find((candidate) => candidate.python) ?? first;
  if (process?.python) parts.push(`CPython ${process.python}${process.free_threaded ? "t" : ""}`);
  if (process && run?.name !== `pid ${first.pid}`) parts.push(`pid ${first.pid}`);
  if (run?.exit_code) {
    parts.push(run.exit_code < 0 ? `ended by signal ${-run.exit_code}` : `exit status ${run.exit_code}`);
  }
  return parts;
}
