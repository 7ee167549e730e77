// @ts-check
/**
 * The private heap: its map, what it holds by size class, what keeps arenas from going back, and what it costs to look.
 * @import { HeapFigures } from "../../state/messages.js"
 * @import { HeapReading, RunState } from "../../state/run_state.js"
 * @import { Palette } from "../../draw/palette.js"
 * @import { Colouring } from "./heap_canvas.js"
 */
import { find, make, setText } from "../../base/dom.js";
import { count, duration, share, size, text } from "../../base/format.js";
import { HeapCanvas } from "./heap_canvas.js";
import { SizeClasses } from "./size_classes.js";
import { processName } from "../../state/pids.js";

/** @type {import("./registry.js").Panel} */
export const heap = {
  key: "heap",
  label: "Heap",
  question: "Where Python's objects lie: arenas, pools, blocks",
  create(section, { palette }) {
    const panel = new HeapPanel(section, palette);
    return { update: (state) => panel.update(state), recolour: (colours) => panel.recolour(colours) };
  },
};

export class HeapPanel {
  /** @type {Colouring} */
  #colouring = "size";
  /** @type {string | null} pid and interpreter, once a hand has chosen */
  #chosen = null;
  /** @type {RunState | null} */
  #state = null;
  #root;
  #canvas;
  #classes;
  #select;
  #buttons;

  /** @param {HTMLElement} panel @param {Palette} palette */
  constructor(panel, palette) {
    this.#root = panel;
    this.#canvas = new HeapCanvas(this.#root, palette);
    this.#classes = new SizeClasses(find(this.#root, ".classes", HTMLElement));
    this.#select = find(this.#root, ".which select", HTMLSelectElement);
    this.#select.addEventListener("change", () => {
      this.#chosen = this.#select.value;
      if (this.#state) this.update(this.#state);
    });
    this.#buttons = [...this.#root.querySelectorAll("[data-colour]")].filter((one) =>
      one instanceof HTMLElement
    );
    for (const button of this.#buttons) {
      button.addEventListener(
        "click",
        () => this.#colourBy(button.dataset.colour === "size" ? "size" : "fullness"),
      );
    }
  }

  /** @param {RunState} state */
  update(state) {
    this.#state = state;
    const heaps = state.told.heap ?? [];
    this.#offer(heaps);
    const heap = heaps.find((one) => keyOf(one) === this.#select.value) ?? heaps[0];
    this.#root.classList.toggle("bare", !heap);
    this.#root.classList.toggle("free-threaded", heap?.allocator === "mimalloc");
    const none = find(this.#root, ".none", HTMLElement);
    none.hidden = heap !== undefined;
    if (!heap) return setText(none, whyNone(state));
    const reading = state.heaps.get(keyOf(heap));
    this.#canvas.update(reading?.map ?? null, heap, this.#colouring);
    const mapped = (reading?.map.arenas.length ?? 0) > 0;
    this.#root.classList.toggle("unmapped", !mapped);
    const without = find(this.#root, ".no-map", HTMLElement);
    without.hidden = mapped;
    setText(
      without,
      state.ended
        ? "There is no map: the recording has none."
        : "The map comes with the next reading, about once a second.",
    );
    const when = find(this.#root, ".map-of", HTMLElement);
    when.hidden = !mapped;
    setText(when, mapped ? mapOf(reading?.map.atUs ?? null, heap.at_s) : "");
    this.#classes.update(heap);
    setText(find(this.#root, ".pinned", HTMLElement), pinnedOf(heap));
    find(this.#root, ".facts", HTMLElement).replaceChildren(...factsOf(heap));
    setText(find(this.#root, ".cost", HTMLElement), costOf(heap, reading));
    this.#showScale();
  }

  /** @param {Palette} palette */
  recolour(palette) {
    this.#canvas.recolour(palette);
  }

  /** @param {Colouring} colouring */
  #colourBy(colouring) {
    this.#colouring = colouring;
    for (const button of this.#buttons) {
      button.setAttribute("aria-pressed", String(button.dataset.colour === colouring));
    }
    if (this.#state) this.update(this.#state);
  }

  /** The heaps to choose among; the largest is on view until a hand chooses. @param {HeapFigures[]} heaps */
  #offer(heaps) {
    const keys = heaps.map(keyOf);
    const known = [...this.#select.options].map(({ value }) => value);
    if (keys.join() !== known.join()) {
      this.#select.replaceChildren(
        ...heaps.map((heap) => make("option", { value: keyOf(heap) }, nameOf(heap))),
      );
    }
    const [largest] = [...heaps].sort((one, other) => other.bytes_used - one.bytes_used);
    const chosen = this.#chosen !== null && keys.includes(this.#chosen)
      ? this.#chosen
      : largest && keyOf(largest);
    if (chosen) this.#select.value = chosen;
    find(this.#root, ".which", HTMLElement).hidden = heaps.length < 2;
  }

  #showScale() {
    const scale = find(this.#root, ".scale", HTMLElement);
    if (scale.dataset.of === this.#colouring) return;
    scale.dataset.of = this.#colouring;
    const [from, to] = this.#colouring === "size" ? ["small blocks", "large blocks"] : ["empty", "full"];
    scale.replaceChildren(
      make("span", {}, from),
      make("i", { class: `ramp ${this.#colouring}` }),
      make("span", {}, to),
      make("span", { class: "key" }, make("i", { class: "cell free" }), "free"),
      make("span", { class: "key" }, make("i", { class: "cell uncarved" }), "never carved"),
    );
  }
}

/** @param {{pid: number, interpreter: number}} heap */
function keyOf({ pid, interpreter }) {
  return `${pid}/${interpreter}`;
}

/** @param {HeapFigures} heap */
function nameOf({ pid, interpreter }) {
  return interpreter ? `${processName(pid)}, interpreter ${interpreter}` : processName(pid);
}

/** @param {RunState} state */
function whyNone({ processes, ended }) {
  const why = [...processes.values()].map((process) => process.why.heap).find(Boolean);
  if (why) return `The heap is not read: ${why}.`;
  return ended ? "The heap was not read: the run was too short." : "The heap has not been read yet.";
}

/** What keeps arenas from going back to the operating system, with its numbers. @param {HeapFigures} heap */
export function pinnedOf({ allocator, pinned, arenas, arena_bytes: bytes }) {
  if (allocator !== "pymalloc" || !pinned) return "";
  if (pinned.arenas === 0) {
    return `No arena of ${text(count(arenas))} is nearly empty: what the heap takes, ${
      text(size(bytes))
    }, is used.`;
  }
  const [some, its, keeps] = pinned.arenas === 1 ? ["1 arena has", "its", "keep it"] : [
    `${text(count(pinned.arenas))} arenas have`,
    "their",
    "keep them",
  ];
  return `${some} at most a tenth of ${its} blocks in use: ${
    text(size(pinned.held_bytes))
  } of blocks ${keeps}, ` +
    `${
      text(size(pinned.bytes))
    }, from going back to the operating system. An arena goes back only when its last ` +
    `block is freed.`;
}

/** @param {HeapFigures} heap */
function factsOf(heap) {
  const mimalloc = heap.allocator === "mimalloc";
  /** @type {[name: string, value: string, meaning: string][]} */
  const facts = [
    [
      "Allocator",
      heap.allocator,
      mimalloc ? "The allocator of free-threaded builds" : "CPython's own, for blocks of up to 512 bytes",
    ],
    [
      mimalloc ? "Segments" : "Arenas",
      `${text(count(heap.arenas))}, ${text(size(heap.arena_bytes))}`,
      "What the heap has from the operating system",
    ],
    [
      mimalloc ? "Pages in use" : "Pools in use",
      text(count(heap.pools)),
      "Those that hold at least one block",
    ],
    [
      mimalloc ? "Pages free" : "Pools free",
      text(count(heap.pools_free)),
      "Those that hold no block, or were never carved",
    ],
    ["Blocks in use", text(count(heap.blocks_used)), "Objects, and parts of objects"],
    ["Bytes in use", text(size(heap.bytes_used)), "Of those blocks"],
    [
      "Fragmentation",
      text(share(heap.fragmentation)),
      "Share of the arenas' bytes that no block in use takes",
    ],
    [
      "Larger blocks",
      text(count(heap.raw_blocks)),
      "Of more than 512 bytes: the C library keeps them. A dash where CPython does not count them",
    ],
  ];
  return facts.map(([name, value, meaning]) =>
    make("div", { title: meaning }, make("dt", {}, name), make("dd", {}, value))
  );
}

/**
 * Of which instant the map is: it is told less often than the figures.
 * @param {number | null} atUs @param {number} figuresS when the figures were read
 */
export function mapOf(atUs, figuresS) {
  if (atUs === null) return "";
  const atS = atUs / 1e6;
  const other = Math.abs(atS - figuresS) < 0.05 ? "" : `; the figures are of ${figuresS.toFixed(1)} s`;
  return `The map is of ${atS.toFixed(1)} s on the timeline${other}.`;
}

/** @param {HeapFigures} heap @param {HeapReading | undefined} reading */
function costOf(heap, reading) {
  const parts = [
    `Read at ${heap.at_s.toFixed(1)} s, in ${text(duration(heap.took_s))}, beside everything else`,
  ];
  if (reading?.everyUs) {
    parts.push(`which took ${text(share(reading.message.cpu_us / reading.everyUs))} of a core`);
  }
  const torn = heap.torn
    ? ` ${text(count(heap.torn))} pools changed while they were read, and were left out.`
    : " No pool contradicted itself.";
  return `${parts.join(", ")}.${torn}`;
}
