// @ts-check
/**
 * The flame graph of the holders' stacks. Its frames are buttons, so that a hand, a key and a screen reader reach them
 * alike; one of them takes the tab key, and arrows lead to the others.
 * @import { FlameNode } from "../../state/messages.js"
 * @import { Placed } from "../../base/flame.js"
 */
import { find, make, setText } from "../../base/dom.js";
import { placeFrames, samplesIn } from "../../base/flame.js";
import { count, share, text } from "../../base/format.js";
import { placeOf } from "./functions.js";

const ROW_HEIGHT = 21;
/** Of the width: on a wide screen this is two pixels. */
const NARROWEST = 0.0015;
const SHORTEST_IN_LIST = 0.005;
const TINTS = 4;

/**
 * What a graph counts.
 * @typedef {{root: string, all: string, amount: (samples: number) => string}} Words
 * @type {Words}
 */
const LOOKS = {
  root: "all looks",
  all: "all looks",
  amount: (samples) => `${text(count(samples))} looks at what was executing`,
};

export class FlameGraph {
  /** @type {FlameNode | null} */
  #tree = null;
  /** @type {number[]} */
  #focus = [];
  /** @type {Map<string, {frame: Placed<FlameNode>, button: HTMLButtonElement}>} by path */
  #shown = new Map();
  #frames;
  #reading;
  #search;
  #out;
  #list;
  #words;

  /**
   * @param {HTMLElement} root
   * @param {Words} words
   */
  constructor(root, words = LOOKS) {
    this.#words = words;
    this.#frames = find(root, ".flame .frames", HTMLElement);
    this.#reading = find(root, ".flame .reading", HTMLElement);
    this.#search = find(root, ".flame input", HTMLInputElement);
    this.#out = find(root, "[data-flame=out]", HTMLButtonElement);
    this.#list = find(root, ".flame .as-list ol", HTMLElement);
    this.#out.addEventListener("click", () => this.#zoom([]));
    this.#search.addEventListener("input", () => this.#mark());
    for (const name of /** @type {const} */ (["pointerover", "focusin"])) {
      this.#frames.addEventListener(name, (event) => this.#read(event.target));
    }
    this.#frames.addEventListener("pointerleave", () => this.#mark());
    this.#frames.addEventListener("keydown", (event) => this.#key(event));
  }

  /** @param {FlameNode} tree */
  show(tree) {
    if (tree === this.#tree) return;
    this.#tree = tree;
    this.#focus = [];
    this.#draw();
  }

  /** @param {number[]} path */
  #zoom(path) {
    this.#focus = path;
    this.#draw();
    this.#shown.get(path.join())?.button.focus();
  }

  #draw() {
    const tree = this.#tree;
    if (!tree) return;
    const frames = placeFrames(tree, this.#focus, NARROWEST);
    const depth = Math.max(...frames.map((frame) => frame.depth));
    this.#shown = new Map(
      frames.map((frame) => [frame.path.join(), { frame, button: this.#button(frame, tree) }]),
    );
    this.#frames.style.height = `${(depth + 1) * ROW_HEIGHT}px`;
    this.#frames.replaceChildren(...[...this.#shown.values()].map(({ button }) => button));
    this.#out.disabled = this.#focus.length === 0;
    this.#list.replaceChildren(...this.#items(tree));
    this.#mark();
  }

  /** @param {Placed<FlameNode>} frame @param {FlameNode} tree */
  #button({ node, path, depth, left, width }, tree) {
    const button = make("button", {
      type: "button",
      class: `frame tint-${tintOf(node)}`,
      title: this.#describe(node, tree),
      tabindex: path.length === this.#focus.length ? "0" : "-1",
      "data-path": path.join(),
    }, path.length ? node.name : this.#words.root);
    button.classList.toggle("caller", depth < this.#focus.length);
    button.style.left = `${left * 100}%`;
    button.style.width = `${width * 100}%`;
    button.style.top = `${depth * ROW_HEIGHT}px`;
    button.addEventListener("click", () => this.#zoom(path));
    return button;
  }

  /** @param {FlameNode} tree */
  #items(tree) {
    const frames = placeFrames(tree, [], SHORTEST_IN_LIST).sort(inTreeOrder);
    return frames.map(({ node, path, depth }) => {
      const button = make(
        "button",
        { type: "button", class: "link" },
        path.length ? node.name : this.#words.root,
      );
      button.addEventListener("click", () => this.#zoom(path));
      const item = make("li", {}, button, ` ${placeOf(node.file, node.line)} ${shareOf(node, tree)}`);
      item.style.setProperty("--depth", String(depth));
      return item;
    });
  }

  /** Lights up what the search finds, and says how much it is. */
  #mark() {
    const tree = this.#tree;
    if (!tree) return;
    const wanted = this.#search.value.trim().toLowerCase();
    const matches = (/** @type {FlameNode} */ node) =>
      wanted !== "" && `${node.name} ${node.file ?? ""}`.toLowerCase().includes(wanted);
    for (const { frame, button } of this.#shown.values()) {
      button.classList.toggle("found", matches(frame.node));
      button.classList.toggle("dimmed", wanted !== "" && !matches(frame.node));
    }
    const found = samplesIn(tree, matches);
    const said = wanted
      ? `“${this.#search.value.trim()}”: ${
        text(share(tree.samples ? found / tree.samples : 0))
      } of ${this.#words.all}.`
      : `${this.#words.amount(tree.samples)}.`;
    setText(this.#reading, said);
  }

  /** @param {EventTarget | null} target */
  #read(target) {
    const button = target instanceof Element ? target.closest(".frame") : null;
    const shown = button instanceof HTMLElement ? this.#shown.get(button.dataset.path ?? "") : undefined;
    if (shown && this.#tree) setText(this.#reading, this.#describe(shown.frame.node, this.#tree));
  }

  /** @param {FlameNode} node @param {FlameNode} tree */
  #describe(node, tree) {
    if (node === tree) return this.#words.amount(tree.samples);
    const place = node.file ? ` · ${node.file}${node.line ? `:${node.line}` : ""}` : "";
    const own = text(share(tree.samples ? node.self / tree.samples : null));
    return `${node.name}${place} · ${shareOf(node, tree)} of ${this.#words.all}, ${own} in itself`;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { target } = event;
    const from = target instanceof HTMLElement ? this.#shown.get(target.dataset.path ?? "") : undefined;
    if (!from || !this.#tree) return;
    if (event.key === "Escape" && this.#focus.length) this.#zoom(this.#focus.slice(0, -1));
    const to = neighbour([...this.#shown.values()].map(({ frame }) => frame), from.frame, event.key);
    if (!to) return;
    event.preventDefault();
    from.button.tabIndex = -1;
    const next = this.#shown.get(to.path.join());
    if (!next) return;
    next.button.tabIndex = 0;
    next.button.focus();
  }
}

/**
 * The frame that an arrow leads to: callers above, the widest callee below, and beside it what stands there.
 * @param {Placed<FlameNode>[]} frames @param {Placed<FlameNode>} from @param {string} key
 */
function neighbour(frames, from, key) {
  const row = frames.filter(({ depth }) => depth === from.depth);
  switch (key) {
    case "ArrowUp":
      return frames.find(({ path }) => path.join() === from.path.slice(0, -1).join() && from.depth > 0);
    case "ArrowDown":
      return frames
        .filter(({ path, depth }) =>
          depth === from.depth + 1 && path.slice(0, -1).join() === from.path.join()
        )
        .sort((one, other) => other.width - one.width)[0];
    case "ArrowLeft":
      return row[row.indexOf(from) - 1];
    case "ArrowRight":
      return row[row.indexOf(from) + 1];
    default:
      return undefined;
  }
}

/** A caller, then all that it calls. @param {{path: number[]}} one @param {{path: number[]}} other */
function inTreeOrder(one, other) {
  const differ = one.path.findIndex((index, place) => index !== other.path[place]);
  if (differ < 0) return one.path.length - other.path.length;
  return differ < other.path.length ? one.path[differ] - other.path[differ] : 1;
}

/** Frames of one file are of one tint. @param {FlameNode} node */
function tintOf({ file, name }) {
  let sum = 0;
  for (const letter of file || name) sum = (31 * sum + letter.charCodeAt(0)) % 65_521;
  return sum % TINTS;
}

/** @param {FlameNode} node @param {FlameNode} tree */
function shareOf(node, tree) {
  return text(share(tree.samples ? node.samples / tree.samples : null));
}
