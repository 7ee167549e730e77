// @ts-check
/**
 * What to look for, what was found, and what happens as it happens, which others fill; and at a glance what the busiest
 * threads did and in which code.
 * @import { HotFunction, ThreadFigures } from "../../state/messages.js"
 * @typedef {Pick<ThreadFigures, "pid" | "tid" | "name" | "shares" | "observed_s">} Seen
 */
import { find, make, setText } from "../../base/dom.js";
import { KeyedRows } from "../../base/keyed_rows.js";
import { placeOf, ShareBar } from "./functions.js";
import { StateBar } from "./state_bar.js";
import { processName } from "../../state/pids.js";
import { cutName } from "../cut_name.js";

const MOST_ROWS = 5;
/** What a thread does of its own. */
const BUSY = ["running", "stalled", "waiting", "native"];
/**
 * A thread that does so little of its time is idle: there is always one that waits for the others. And one that did so
 * little beside the busiest was there for a moment.
 */
const LEAST = 0.02;

/** @type {import("./registry.js").Panel} */
export const overview = {
  key: "overview",
  label: "Overview",
  question: "What to look for, and what was found",
  create(section, { openPanel }) {
    const glance = new Glance(find(section, ".glance", HTMLElement));
    for (const button of section.querySelectorAll("[data-open]")) {
      if (button instanceof HTMLElement) {
        button.addEventListener("click", () => openPanel(button.dataset.open ?? ""));
      }
    }
    return {
      update({ summary, figures, causes }) {
        const said = summary ?? figures;
        if (said) glance.update(said.threads, causes.hot);
      },
    };
  },
};

class Glance {
  #root;
  #threads;
  #code;
  #ofCode;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
    this.#threads = new KeyedRows(
      find(root, ".of-threads tbody", HTMLTableSectionElement),
      (/** @type {Seen} */ { pid, tid, name }) => `${pid}/${tid}/${name}`,
      (thread) => new ThreadRow(thread),
    );
    this.#ofCode = find(root, ".of-code", HTMLElement);
    this.#code = new KeyedRows(
      find(root, ".of-code tbody", HTMLTableSectionElement),
      (/** @type {HotFunction} */ { file, function: name }) => `${file ?? ""}\n${name}`,
      (hot) => new CodeRow(hot),
    );
  }

  /** @param {Seen[]} threads @param {HotFunction[]} hot */
  update(threads, hot) {
    const busy = busiest(threads);
    this.#root.classList.toggle("one-process", new Set(busy.map(({ pid }) => pid)).size < 2);
    this.#root.hidden = busy.length === 0;
    this.#threads.update(busy);
    this.#ofCode.hidden = hot.length === 0;
    this.#code.update(hot.slice(0, MOST_ROWS));
  }
}

/**
 * Those that ran, waited for the GIL or computed for longest, the busiest first.
 * @template {Seen} T
 * @param {T[]} threads @returns {T[]}
 */
export function busiest(threads) {
  const busy = threads.map((thread) => {
    const share = BUSY.reduce((sum, state) => sum + (thread.shares?.[state] ?? 0), 0);
    return { thread, share, timeS: share * (thread.observed_s ?? 0) };
  });
  const most = Math.max(0, ...busy.map(({ timeS }) => timeS));
  return busy.filter(({ share, timeS }) => share >= LEAST && timeS >= LEAST * most)
    .sort((one, other) => other.timeS - one.timeS)
    .slice(0, MOST_ROWS)
    .map(({ thread }) => thread);
}

class ThreadRow {
  /** @param {Seen} thread */
  constructor({ pid, tid, name }) {
    this.bar = new StateBar(BUSY);
    this.element = make(
      "tr",
      {},
      make(
        "th",
        {
          scope: "row",
          title: `${name} · ${processName(pid)} · tid ${tid}`,
          "aria-label": `${name || "(no name)"}, ${processName(pid)}`,
        },
        make(
          "span",
          { class: "who" },
          cutName(name || "(no name)"),
          make("small", { class: "place whose" }, processName(pid)),
        ),
      ),
      make("td", { class: "states" }, this.bar.element),
    );
  }

  /** @param {Seen} thread */
  update({ shares }) {
    this.bar.update(shares);
  }
}

class CodeRow {
  /** @param {HotFunction} hot */
  constructor(hot) {
    this.place = make("small", { class: "place" });
    this.held = new ShareBar("running");
    this.element = make(
      "tr",
      {},
      make("th", { scope: "row", title: hot.file ?? "" }, hot.function, " ", this.place),
      make("td", {}, this.held.element),
    );
  }

  /** @param {HotFunction} hot */
  update({ file, line, held_share: held }) {
    setText(this.place, placeOf(file, line));
    this.held.update(held);
  }
}
