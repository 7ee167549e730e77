// @ts-check
/**
 * The garbage collector of each interpreter: how near it is to its thresholds, what it did, how long it stopped others,
 * and what memory its collections gave back.
 * @import { CollectorFigures, Maybe, MovedRow } from "../../state/messages.js"
 * @import { RunState } from "../../state/run_state.js"
 */
import { find, make, setText } from "../../base/dom.js";
import { count, duration, share, size, text } from "../../base/format.js";
import { KeyedRows } from "../../base/keyed_rows.js";
import { processName } from "../../state/pids.js";

/** @type {import("./registry.js").Panel} */
export const collector = {
  key: "collector",
  label: "Collector",
  question: "What the garbage collector did, and how long it stopped the others",
  create(section) {
    const panel = new CollectorPanel(section);
    return { update: (state) => panel.update(state) };
  },
};

export class CollectorPanel {
  #rows;
  #none;
  #ended = false;

  /** @param {HTMLElement} panel */
  constructor(panel) {
    this.#none = find(panel, ".none", HTMLElement);
    this.#rows = new KeyedRows(
      find(panel, ".collectors", HTMLElement),
      (/** @type {CollectorFigures} */ { pid, interpreter }) => `${pid}/${interpreter}`,
      (collector) => new Section(collector, () => this.#ended),
    );
  }

  /** @param {RunState} state */
  update({ told, processes, ended }) {
    this.#ended = ended;
    const collectors = told.gc ?? [];
    this.#none.hidden = collectors.length > 0;
    const why = [...processes.values()].map((process) => process.why.gc).find(Boolean);
    if (ended) {
      setText(this.#none, why ? `The collector was not read: ${why}.` : "The collector was not read.");
    } else {setText(
        this.#none,
        why ? `The collector is not read: ${why}.` : "The collector has not been read yet.",
      );}
    this.#rows.update(collectors);
  }
}

class Section {
  /** @param {CollectorFigures} collector @param {() => boolean} isEnded whether the run has */
  constructor({ pid, interpreter }, isEnded) {
    this.isEnded = isEnded;
    const head = headOf();
    this.towards = find(head, ".bar-column", HTMLElement);
    this.state = make("span", { class: "state" });
    this.sentence = make("p", { class: "sentence" });
    this.said = make("div", { class: "said" });
    this.facts = make("dl", { class: "facts" });
    this.body = make("tbody");
    this.moved = make("tbody");
    this.movedTable = make(
      "div",
      { class: "wide", tabindex: "0", hidden: "" },
      make(
        "table",
        {},
        make("caption", {}, "Collections that freed most memory"),
        movedHead(),
        this.moved,
      ),
    );
    const which = interpreter ? `${processName(pid)}, interpreter ${interpreter}` : processName(pid);
    this.element = make(
      "section",
      { class: "part" },
      make("h2", {}, `Collector of ${which} `, this.state),
      this.sentence,
      this.said,
      this.facts,
      make("div", { class: "wide", tabindex: "0" }, make("table", {}, head, this.body)),
      this.movedTable,
    );
  }

  /** @param {CollectorFigures} collector */
  update(collector) {
    const ended = this.isEnded();
    setText(this.towards, ended ? "At the end" : "Next collection");
    const { enabled, pauses, tracked, share: rolling, memory, next } = collector;
    setText(this.state, enabled === null ? "" : enabled ? "enabled" : "disabled");
    setText(this.sentence, sentenceOf(collector));
    this.said.replaceChildren(...(collector.said ?? []).map((one) => make("p", {}, one)));
    this.facts.replaceChildren(
      ...[
        ["Objects followed", text(count(tracked)), "A dash where CPython keeps no count of them"],
        ...(rolling === undefined ? [] : [[
          "Stopped, last second",
          text(share(rolling)),
          "Share of the last second in which it had stopped the threads",
        ]]),
        ["Stopped, whole run", text(share(pauses.stopped_share)), "The least that it can have been"],
        ["Pause, median", text(duration(pauses.p50_s)), "Half of the pauses seen are no longer"],
        ["Pause, p99", text(duration(pauses.p99_s)), "Of a hundred pauses seen one is longer"],
        ["Longest pause", text(duration(pauses.max_s)), "Of those seen"],
        ...(memory
          ? [
            [
              "Given back, net",
              text(size(memory.given_back === null ? null : Math.max(0, memory.given_back))),
              "How much RSS fell with collections that freed objects, less what it rose with others of them",
            ],
            [
              "Held by dead cycles",
              memory.held === null ? "–" : `≈ ${text(size(memory.held))}`,
              "Inferred from how much of what had grown the last collections freed",
            ],
            ...(ended ? [] : [[
              "Next collection",
              next ? `${next.at_least ? "≥" : "≈"} ${text(duration(next.in_s))}` : "–",
              "Until the count passes the threshold, at the pace of the last ten seconds",
            ]]),
          ]
          : []),
      ].map(([name, value, meaning]) =>
        make("div", { title: meaning }, make("dt", {}, name), make("dd", {}, value))
      ),
    );
    this.body.replaceChildren(...rowsOf(collector));
    this.moved.replaceChildren(...(memory?.largest ?? []).map(movedRow));
    this.movedTable.hidden = !memory?.largest.length;
  }
}

function headOf() {
  const columns = [
    ["Generation", ""],
    ["Next collection", "How near the count is to the threshold that starts one"],
    ["Collections", "Since the run began: CPython's own count"],
    ["Collected", "Objects that were found in dead cycles, and freed"],
    ["Uncollectable", "Objects in dead cycles that could not be freed"],
    ["Pauses seen", "Those whose length is known"],
    ["In all", "The time that they took together"],
    ["Longest", ""],
  ];
  return make(
    "thead",
    {},
    make(
      "tr",
      {},
      ...columns.map(([name, title], index) =>
        make("th", { scope: "col", title, class: index > 1 ? "number" : index ? "bar-column" : "" }, name)
      ),
    ),
  );
}

function movedHead() {
  const columns = [
    ["At", "When it began"],
    ["Generation", ""],
    ["Length", "A dash where samples saw no pause"],
    ["Collected", "Objects that were found in dead cycles, and freed"],
    ["RSS before", "When it was last read before it began: within a tenth of a second"],
    ["RSS after", "When it was seen to have ended"],
    ["Given back", "By how much RSS fell"],
    ["Freed", "What was in use and is no more, the part that an allocator keeps with it: inferred"],
    ["Arenas", "Of pymalloc, before and after"],
    ["Large blocks", "Of more than 512 bytes, before and after"],
  ];
  const cells = columns.map(([name, title], index) =>
    make("th", { scope: "col", title, class: index === 1 ? "" : "number" }, name)
  );
  return make("thead", {}, make("tr", {}, ...cells));
}

/** @param {MovedRow} row */
function movedRow(row) {
  const which = row.collections > 1 ? `${row.collections} collections` : row.generation ?? "unknown";
  const kind = row.collections > 1 || row.generation === null ? 3 : Math.min(2, row.generation);
  const numbers = [
    row.length_s === null ? "–" : text(duration(row.length_s)),
    text(count(row.collected)),
    text(size(row.rss_before)),
    text(size(row.rss_after)),
    row.given_back < 0 ? `−${text(size(-row.given_back))}` : text(size(row.given_back)),
    row.freed === null ? "–" : `≈ ${text(size(row.freed))}`,
    fromTo(row.arenas_before, row.arenas_after),
    fromTo(row.large_blocks_before, row.large_blocks_after),
  ];
  return make(
    "tr",
    {},
    make("th", { scope: "row", class: "number" }, `${row.at_s.toFixed(2)} s`),
    make("td", {}, make("i", { class: `swatch gc-${kind}` }), `${which}`),
    ...numbers.map((value) => make("td", { class: "number" }, value)),
  );
}

/** @param {Maybe} before @param {Maybe} after */
function fromTo(before, after) {
  return before === null || after === null ? "–" : `${text(count(before))} → ${text(count(after))}`;
}

/** @param {CollectorFigures} collector */
function sentenceOf({ pauses, exact }) {
  const { count: all, seen, total_s: total, max_s: most } = pauses;
  if (all === 0) return "It has not run since the observation began.";
  const many = `${text(count(all))} ${all === 1 ? "collection" : "collections"}`;
  const some = text(count(seen));
  const published = seen < all
    ? `the pauses of ${some} exact, as CPython publishes them: it overwrote the others before they were read`
    : "each pause exact, as CPython publishes it";
  const how = exact
    ? published
    : `${some} of them seen by samples: shorter ones have no length here, the count is exact`;
  return `${many}, ${how}. While one ran, no other thread of the interpreter ran Python: ` +
    `${text(duration(total))} in all, ${text(duration(most))} at the longest.`;
}

/** @param {CollectorFigures} collector */
function rowsOf({ counts, thresholds, collections, collected, uncollectable, pauses }) {
  const rows = collections.map((done, generation) => {
    const own = pauses.generations.find((one) => one.generation === generation);
    return rowOf(
      [make("i", { class: `swatch gc-${Math.min(2, generation)}` }), `${generation}`],
      gauge(counts[generation] ?? null, thresholds[generation] ?? null),
      [done, collected[generation], uncollectable[generation], own?.seen ?? 0].map((value) =>
        text(count(value))
      ),
      [own?.total_s, own?.max_s].map((value) => text(duration(value))),
    );
  });
  const untold = pauses.generations.find((one) => one.generation === null);
  if (!untold?.seen) return rows;
  const name = [make("i", { class: "swatch gc-3" }), "unknown"];
  const numbers = ["–", "–", "–", text(count(untold.seen))];
  return [
    ...rows,
    rowOf(name, "", numbers, [untold.total_s, untold.max_s].map((value) => text(duration(value)))),
  ];
}

/** @param {(Node | string)[]} name @param {Node | string} next @param {string[]} numbers @param {string[]} times */
function rowOf(name, next, numbers, times) {
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, ...name),
    make("td", {}, next),
    ...[...numbers, ...times].map((value) => make("td", { class: "number" }, value)),
  );
}

/** A count on its way to a threshold. @param {Maybe} now @param {Maybe} threshold */
function gauge(now, threshold) {
  if (now === null || threshold === null) return "–";
  const part = make("i", { class: "used" });
  part.style.width = threshold > 0 ? `${Math.min(100, (100 * now) / threshold)}%` : "0";
  const said = threshold > 0 ? `${text(count(now))} of ${text(count(threshold))}` : "never by count";
  return make(
    "div",
    { class: "share-bar gauge" },
    make("div", { class: "bar" }, part),
    make("span", { class: "caption number" }, said),
  );
}
