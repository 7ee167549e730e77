// @ts-check
/**
 * The memory manager as a ladder: what stands on each rung, and what the last deed moved.
 * @import { CLibraryFigures, HeapFigures, Maybe, MemoryFigures } from "../../state/messages.js"
 * @import { Deed, Rungs } from "../../state/reports.js"
 * @import { RunState } from "../../state/run_state.js"
 * @typedef {{label: string, now: string, before: string | null}} Fact `before` where the last deed moved it
 * @typedef {(rungs: Rungs) => Maybe} Read
 * @typedef {{sums: MemoryFigures | null, library: CLibraryFigures | null}} Seen from outside since the last deed
 */
import { find, make, setText } from "../../base/dom.js";
import { count, size, text } from "../../base/format.js";
import { pinnedOf } from "../panels/heap_panel.js";

/** What of a rung the process itself tells, before and after each deed. */
const OWN = /** @type {{[rung: string]: [label: string, show: (value: Maybe) => string, read: Read][]}} */ ({
  objects: [
    ["held by the workload", number, ({ objects }) => objects],
    ["their bytes", bytes, ({ bytes: all }) => all],
    ["new since the last collection", number, ({ counts }) => counts[0] ?? null],
  ],
  lists: [["waiting on free lists", number, ({ free_lists: lists }) => Object.values(lists).reduce(sum, 0)]],
  pymalloc: [
    ["blocks in use", number, ({ blocks }) => blocks],
    ["arenas", number, ({ arenas }) => arenas],
    ["bytes of arenas", bytes, ({ arena_bytes: all }) => all],
  ],
  library: [
    ["its heap", bytes, ({ c_library: library }) => library?.heap ?? null],
    ["mapped beside it", bytes, ({ c_library: library }) => library?.mapped ?? null],
    ["in use", bytes, ({ c_library: library }) => library?.used ?? null],
    ["free, and kept", bytes, ({ c_library: library }) => library?.free ?? null],
  ],
  system: [["RSS", bytes, ({ rss }) => rss]],
});

/** A change of a size smaller than this is noise: a stack, a buffer. */
const LEAST_BYTES = 64 * 1024;

export class Ladder {
  #root;
  #shown = "";

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
  }

  /** @param {RunState} state */
  update({ told, reports, processes }) {
    const { deed = null, atUs = 0 } = reports.deeds.at(-1) ?? {};
    const [first] = processes.keys();
    const heap = since(atUs, told.heap?.find(({ pid }) => pid === first));
    const its = told.memory?.find(({ pid }) => pid === first);
    const memory = { sums: since(atUs, its), library: since(atUs, its?.c_library) };
    const signature = JSON.stringify([deed, heap, memory]);
    if (signature === this.#shown) return;
    this.#shown = signature;
    this.#say(deed, heap);
    for (const rung of this.#root.querySelectorAll("[data-rung]")) {
      if (rung instanceof HTMLElement) showRung(rung, factsOf(rung.dataset.rung ?? "", deed, heap, memory));
    }
  }

  /** @param {Deed | null} deed @param {HeapFigures | null} heap */
  #say(deed, heap) {
    if (!deed) return;
    setText(find(this.#root, ".what", HTMLElement), `${deed.what} ${deed.moved}`);
    setText(find(this.#root, ".because", HTMLElement), heap ? becauseOf(deed, heap) : "");
  }
}

/**
 * What was read from outside, unless that was before the press: beside what the process says of itself since, it would
 * contradict it. @template {{at_s?: Maybe}} T @param {number} us @param {T | null | undefined} read @returns {T | null}
 */
function since(us, read) {
  return read && (read.at_s ?? 0) * 1e6 >= us ? read : null;
}

/** Why RSS did not fall, where much was freed and little came back. @param {Deed} deed @param {HeapFigures} heap */
function becauseOf(deed, heap) {
  const freed = deed.before.bytes - deed.bytes;
  const back = deed.before.rss - deed.rss;
  if (freed < LEAST_BYTES || back > freed / 2) return "";
  return `${bytes(freed)} of objects went, and RSS fell by ${bytes(Math.max(0, back))}. ${pinnedOf(heap)}`;
}

/**
 * @param {string} rung @param {Deed | null} deed
 * @param {HeapFigures | null} heap @param {Seen} memory @returns {Fact[]}
 */
function factsOf(rung, deed, heap, memory) {
  return [
    ...(OWN[rung] ?? []).map(([label, show, read]) => ownFact(label, show, read, deed)),
    ...seenFacts(rung, heap, memory),
  ];
}

/** @param {string} label @param {(value: Maybe) => string} show @param {Read} read @param {Deed | null} deed @returns {Fact} */
function ownFact(label, show, read, deed) {
  if (!deed) return { label, now: "–", before: null };
  const [now, before] = [read(deed), read(deed.before)];
  const least = show === bytes ? LEAST_BYTES : 1;
  const moved = now !== null && before !== null && Math.abs(now - before) >= least &&
    show(now) !== show(before);
  return { label, now: show(now), before: moved ? show(before) : null };
}

/** What is seen from outside, all the time. @param {string} rung @param {HeapFigures | null} heap @param {Seen} memory @returns {Fact[]} */
function seenFacts(rung, heap, { sums, library }) {
  const fact = (/** @type {string} */ label, /** @type {string} */ now) => ({ label, now, before: null });
  switch (rung) {
    case "pymalloc":
      return [fact("pools in use", number(heap?.pools)), fact("bytes in use", bytes(heap?.bytes_used))];
    case "library":
      return [fact("malloc_trim would give back", bytes(library?.trimmable))];
    case "raw":
      return [fact("blocks of more than 512 B", number(heap?.raw_blocks))];
    case "system":
      return [
        fact("USS", bytes(sums?.uss)),
        fact("PSS", bytes(sums?.pss)),
        fact("minor faults", number(sums?.minor_faults)),
      ];
    default:
      return [];
  }
}

/** @param {HTMLElement} rung @param {Fact[]} facts */
function showRung(rung, facts) {
  rung.classList.toggle("moved", facts.some(({ before }) => before !== null));
  find(rung, ".facts", HTMLElement).replaceChildren(
    ...facts.map(({ label, now, before }) =>
      make(
        "div",
        before === null ? {} : { class: "moved" },
        make("dt", {}, label),
        make("dd", {}, ...(before === null ? [] : [make("span", { class: "before" }, `${before} → `)]), now),
      )
    ),
  );
}

/** @param {Maybe | undefined} value */
function number(value) {
  return text(count(value));
}

/** @param {Maybe | undefined} value */
function bytes(value) {
  return text(size(value));
}

/** @param {number} one @param {number} other */
function sum(one, other) {
  return one + other;
}
