// @ts-check
/**
 * The line that says what runs, how it stands, and whether this page is still connected to it.
 * @import { RunState } from "../../state/run_state.js"
 * @import { Run } from "../../state/messages.js"
 * @import { Connection } from "../../net/stream.js"
 */
import { find, setText } from "../../base/dom.js";
import { duration, share, text } from "../../base/format.js";
import { changeUrl, helpsUrl, Problem } from "../../net/api.js";
import { ENDED } from "../../state/messages.js";
import { tellDamaged } from "./damaged.js";
import { processName } from "../../state/pids.js";

/** What a run's state is called. */
const BADGES = /** @type {{[state: string]: string}} */ ({
  starting: "starting",
  running: "live",
  finished: "finished",
  stopped: "stopped",
  timed_out: "timed out",
  failed: "failed",
});

const BEING_READ = new Set(["importing", "indexing"]);

/** @param {Run} run */
export function badgeOf({ kind, state, progress }) {
  if (BEING_READ.has(state)) return `${state}, ${text(share(progress ?? 0))}`;
  if (kind === "attach" && state === "stopped") return "detached";
  return BADGES[state] ?? state;
}

export class Title {
  #name;
  #of;
  #elapsed;
  #badge;
  #stop;
  #again;
  #canAgain;
  #change;
  #helps;
  #stopAsked = false;
  #failure;
  #lost;
  #damaged;
  #connectionText;
  /** @type {Run | null} */
  #run = null;
  /** @type {Connection} */
  #connection = { state: "connecting" };
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #countdown;

  /**
   * @param {HTMLElement} root
   * @param {() => void} onStop
   * @param {(() => Promise<void>) | undefined} onAgain resolves when the same runs again, or was refused
   */
  constructor(root, onStop, onAgain) {
    this.#name = find(root, ".title .name", HTMLElement);
    this.#of = find(root, ".title .of", HTMLElement);
    this.#elapsed = find(root, ".title .elapsed", HTMLElement);
    this.#badge = find(root, ".title .badge", HTMLElement);
    this.#stop = find(root, ".title .stop", HTMLButtonElement);
    this.#failure = find(root, ".failure", HTMLElement);
    this.#lost = find(root, ".lost", HTMLElement);
    this.#damaged = find(root, ".damaged", HTMLElement);
    this.#connectionText = find(root, ".title .connection", HTMLElement);
    this.#again = find(root, ".title .again", HTMLButtonElement);
    this.#change = find(root, ".title .change", HTMLAnchorElement);
    this.#helps = find(root, ".title .helps", HTMLAnchorElement);
    this.#canAgain = onAgain !== undefined;
    this.#again.addEventListener("click", async () => {
      this.#again.disabled = true;
      await onAgain?.();
      this.#again.disabled = false;
    });
    this.#stop.addEventListener("click", () => {
      this.#stopAsked = true;
      this.#showConnection();
      onStop();
    });
  }

  /** @param {RunState} state */
  update(state) {
    const { run } = state;
    if (!run) return;
    this.#run = run;
    document.title = `${run.name} · GILScope`;
    setText(this.#name, run.name);
    // A script need not do as it was asked: its environment, which the panel Process has, tells of that.
    const asked = run.kind === "script" ? { ...state, run: { ...run, executor: null } } : state;
    setText(this.#of, describe(asked).map((part) => ` · ${part}`).join(""));
    setText(this.#elapsed, lengthOf(state));
    setText(this.#stop, run.kind === "attach" ? "Detach" : "Stop");
    this.#stop.title = run.kind === "attach"
      ? "Detach; the process keeps running"
      : "End the program and the run";
    this.#again.hidden = this.#change.hidden = run.kind === "attach" || !this.#canAgain;
    this.#change.href = changeUrl(run.id);
    this.#helps.hidden = !this.#canAgain;
    this.#helps.href = helpsUrl(run.id);
    this.#showConnection();
    this.#failure.hidden = run.error === null;
    if (run.error) setText(this.#failure, `${run.error.title}. ${run.error.detail} ${run.error.remedy}`);
  }

  /** The stop was refused: it may be asked for again. */
  stopAgain() {
    this.#stopAsked = false;
    this.#showConnection();
  }

  /** @param {number} messages that came and could not be used */
  damaged(messages) {
    tellDamaged(this.#damaged, messages);
  }

  /** @param {Connection} connection */
  connected(connection) {
    this.#connection = connection;
    clearInterval(this.#countdown);
    if (connection.state === "waiting") this.#countdown = setInterval(() => this.#showConnection(), 250);
    this.#showConnection();
  }

  /** A run that goes on is live, and can be stopped, only as long as the server tells of it. */
  #showConnection() {
    const { state } = this.#connection;
    const ended = this.#run !== null && ENDED.has(this.#run.state);
    const away = !ended && (state === "waiting" || state === "refused");
    this.#badge.dataset.state = away ? "unknown" : this.#run?.state ?? "";
    setText(this.#badge, this.#run === null ? "" : away ? "not connected" : badgeOf(this.#run));
    this.#stop.hidden = this.#run === null || ended || BEING_READ.has(this.#run.state) || state === "refused";
    this.#stop.disabled = this.#stopAsked || away;
    const said = sentence(this.#connection, Date.now());
    this.#connectionText.hidden = said === "";
    setText(this.#connectionText, said);
    this.#lost.hidden = state !== "refused";
    if (this.#connection.state === "refused") {
      setText(find(this.#lost, ".why", HTMLElement), whyLost(this.#connection.problem));
    }
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
      return `Server not reachable, trying again in ${seconds} s. Started again, it may have another address: ` +
        "open the one that it printed.";
    }
    default:
      return "";
  }
}

/** Why a run is no longer told of, and what this page still shows. @param {Error} problem */
export function whyLost(problem) {
  const status = problem instanceof Problem ? problem.body.status : null;
  const why = status === 404
    ? "The server does not have this run any more: it has removed the run, or is another server."
    : status === 401
    ? "The server does not know this page any more. Open the address that it printed, which ends in " +
      "?code=…, then reload this page: it opens where it was."
    : `The server refuses this page: ${problem.message}.`;
  return `${why} What is shown here is what this page received before.`;
}

/** @param {Pick<RunState, "run" | "processes">} state */
export function describe({ run, processes }) {
  const parts = [];
  if (run?.executor) parts.push(run.workers ? `${run.executor} × ${run.workers}` : run.executor);
  const [first] = processes.values();
  const process = [...processes.values()].find((candidate) => candidate.python) ?? first;
  if (process?.python) parts.push(`CPython ${process.python}${process.free_threaded ? "t" : ""}`);
  const workers = [...processes.values()].filter(({ worker, parent }) => worker && parent === null).length;
  if (workers) parts.push(`${workers} workers`);
  else if (process && run?.name !== `pid ${first.pid}`) parts.push(processName(first.pid));
  // That a signal ended what was stopped, or whose time was over, is how that is done.
  const asked = run?.state === "stopped" || run?.state === "timed_out";
  if (run?.exit_code && !(asked && run.exit_code < 0)) {
    parts.push(run.exit_code < 0 ? `ended by signal ${-run.exit_code}` : `exit status ${run.exit_code}`);
  }
  return parts;
}

/** How long was measured: once it has ended as History says it. @param {RunState} state */
function lengthOf({ elapsedS, ended }) {
  if (elapsedS === null) return "";
  return ended ? text(duration(elapsedS)) : `${elapsedS.toFixed(1)} s`;
}
