// @ts-check
/**
 * The recorded runs that are on view, as far as they were fetched.
 * @import { KeptRun, RunPage, RunQuery } from "../net/api.js"
 */
export class RunList {
  /** @type {KeptRun[]} */
  runs = [];
  /** Null until the first page came. @type {RunPage["archive"]} */
  archive = null;
  /** Why there is no archive. @type {RunPage["error"]} */
  error = null;
  loaded = false;
  /** @type {string | null} */
  #next = null;
  #asked = 0;
  #list;

  /** @param {(query: RunQuery, cursor: string | null) => Promise<RunPage>} list */
  constructor(list) {
    this.#list = list;
  }

  get more() {
    return this.#next !== null;
  }

  /** Fetches the first page anew. What was asked for before that and comes later is dropped. @param {RunQuery} query */
  async restart(query) {
    await this.#fetch(query, null);
  }

  /** Fetches the page that follows. @param {RunQuery} query */
  async goOn(query) {
    if (this.#next !== null) await this.#fetch(query, this.#next);
  }

  /** @param {string} id */
  drop(id) {
    this.runs = this.runs.filter((run) => run.id !== id);
  }

  /** @param {KeptRun} changed */
  replace(changed) {
    this.runs = this.runs.map((run) => (run.id === changed.id ? { ...run, ...changed } : run));
  }

  /** @param {RunQuery} query @param {string | null} cursor */
  async #fetch(query, cursor) {
    const turn = ++this.#asked;
    const page = await this.#list(query, cursor);
    if (turn !== this.#asked) return;
    this.runs = cursor === null ? page.runs : [...this.runs, ...page.runs];
    this.#next = page.next;
    this.archive = page.archive;
    this.error = page.error;
    this.loaded = true;
  }
}

/** The tags in a line of text. @param {string} line */
export function tagsIn(line) {
  return [...new Set(line.split(",").map((tag) => tag.trim()).filter(Boolean))];
}

/** @param {number} seconds since the epoch */
export function startedAt(seconds) {
  return new Date(seconds * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

/** Midnight, so many days before that of a time. @param {Date} now @param {number} before */
function midnight(now, before) {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() - before);
}

/**
 * From when and to when some days last, in seconds since the epoch, as the list of runs is asked for them.
 * @param {string} days @returns {RunQuery}
 */
export function spanOfDays(days, now = new Date()) {
  const from = /** @type {{[days: string]: number}} */ ({ today: 0, yesterday: 1, week: 6 })[days];
  if (from === undefined) return {};
  const since = { since: String(midnight(now, from).getTime() / 1000) };
  return days === "yesterday"
    ? { ...since, until: String(midnight(now, 0).getTime() / 1000 - 0.001) }
    : since;
}

/**
 * The same in a column: without the seconds, of this year without the year, and of these days by their words.
 * @param {number} seconds
 */
export function startedShort(seconds, now = new Date()) {
  const at = new Date(seconds * 1000);
  const day = at >= midnight(now, 0) ? "today" : at >= midnight(now, 1) ? "yesterday" : null;
  if (day && at < midnight(now, -1)) {
    return `${day}, ${at.toLocaleTimeString(undefined, { hour: "numeric", minute: "2-digit" })}`;
  }
  return at.toLocaleString(undefined, {
    month: "short",
    day: "numeric",
    ...(at.getFullYear() === now.getFullYear() ? {} : { year: "numeric" }),
    hour: "numeric",
    minute: "2-digit",
  });
}

/**
 * What a run was started with, in a line.
 * @param {{executor?: string | null, workers?: number | null, python?: string | null, attach?: {pid?: number, scheduler?: string} | null}} run
 */
export function settingsOf({ executor, workers, python, attach }) {
  const parts = [executor && workers ? `${executor} × ${workers}` : executor, python && `CPython ${python}`];
  const attached = attach && (attach.scheduler ?? `pid ${attach.pid}`);
  return [...parts, attached].filter(Boolean).join(" · ");
}
