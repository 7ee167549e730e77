// @ts-check
/**
 * Names and objects, stepped through line by line: a labelled directed graph, drawn of what each step reached.
 * @import { GraphObject, GraphStep } from "../../state/reports.js"
 */
import { find, make, setText } from "../../base/dom.js";
import { count, size, text } from "../../base/format.js";
import { drawGraph } from "./graph_drawing.js";

export class ObjectGraph {
  /** @type {GraphStep[]} */
  #steps = [];
  /** The list that they were taken from, which may grow. @type {GraphStep[]} */
  #known = [];
  #at = -1;
  #follows = true;
  #root;
  #lines;
  #buttons;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
    this.#lines = find(root, ".lines", HTMLElement);
    this.#buttons = {
      back: find(root, "[data-step=back]", HTMLButtonElement),
      on: find(root, "[data-step=on]", HTMLButtonElement),
    };
    this.#buttons.back.addEventListener("click", () => this.#go(this.#at - 1));
    this.#buttons.on.addEventListener("click", () => this.#go(this.#at + 1));
    root.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Shows the newest step until a hand chooses another. @param {GraphStep[]} steps one that came stays as it is */
  update(steps) {
    this.#root.hidden = steps.length === 0;
    if (steps === this.#known && steps.length === this.#steps.length) return;
    const begun = this.#steps.length === 0 || steps.length < this.#steps.length;
    this.#known = steps;
    this.#steps = [...steps];
    if (begun) this.#follows = true;
    this.#showLines();
    this.#show(this.#follows ? steps.length - 1 : this.#at);
  }

  /** @param {number} to */
  #go(to) {
    this.#follows = to >= this.#steps.length - 1;
    this.#show(to);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const to = new Map([
      ["ArrowLeft", this.#at - 1],
      ["ArrowRight", this.#at + 1],
      ["Home", 0],
      ["End", this.#steps.length - 1],
    ]).get(event.key);
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.#go(to);
  }

  #showLines() {
    this.#lines.replaceChildren(
      ...this.#steps.map(({ line, source }, index) => {
        const button = make(
          "button",
          { type: "button", class: "line" },
          make("span", { class: "number" }, line === null ? "" : String(line)),
          make("code", {}, source ?? ""),
        );
        button.addEventListener("click", () => this.#go(index));
        return make("li", {}, button);
      }),
    );
  }

  /** @param {number} wanted */
  #show(wanted) {
    const at = Math.min(this.#steps.length - 1, Math.max(0, wanted));
    const step = this.#steps[at];
    if (!step) return;
    this.#at = at;
    setText(find(this.#root, ".at", HTMLElement), `step ${at + 1} of ${this.#steps.length}`);
    this.#buttons.back.disabled = at === 0;
    this.#buttons.on.disabled = at === this.#steps.length - 1;
    [...this.#lines.children].forEach((item, index) => {
      if (index === at) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    });
    const drawing = find(this.#root, ".drawing", HTMLElement);
    drawing.replaceChildren(drawGraph(step, this.#steps[at - 1]));
    find(this.#root, ".notes", HTMLElement).replaceChildren(
      ...step.notes.map((note) => make("li", {}, note)),
    );
    find(this.#root, "tbody", HTMLElement).replaceChildren(...step.objects.map(rowOf));
    this.#lines.children[at]?.scrollIntoView({ block: "nearest" });
  }
}

/** @param {GraphObject} object */
function rowOf({ type, repr, size: bytes, refcount, immortal, address, pool, size_class: block }) {
  const where = pool === null ? "not in a pool" : `${hex(pool)}, of ${block} B blocks`;
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, repr),
    make("td", {}, type),
    make("td", { class: "number" }, text(size(bytes))),
    make("td", { class: "number" }, immortal ? "immortal" : text(count(refcount))),
    make("td", { class: "place" }, hex(address)),
    make("td", { class: "place" }, where),
  );
}

/** @param {number | null} address */
function hex(address) {
  return address === null ? "–" : `0x${address.toString(16)}`;
}
