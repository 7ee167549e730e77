// @ts-check
/**
 * The heat map of who makes whom wait. A table, so that it can be read without its colours.
 * @import { WhoWaits } from "../../state/messages.js"
 * @import { End, Matrix } from "../../base/matrix.js"
 */
import { find, make } from "../../base/dom.js";
import { duration, text } from "../../base/format.js";
import { matricesOf } from "../../base/matrix.js";
import { processName } from "../../state/pids.js";
import { cutName } from "../cut_name.js";

/** So many threads fit on a laptop's screen. */
const ROOM = 30;
/** With more columns the seconds do not fit into the cells, and stand on hover alone. */
const MOST_WITH_FIGURES = 10;
/** Of the strongest colour, so that figures on it can be read. */
const STRONGEST = 75;

export class WaitMatrix {
  #root;
  #shown = "";

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = find(root, ".matrices", HTMLElement);
  }

  /** @param {WhoWaits[]} pairs */
  update(pairs) {
    const signature = JSON.stringify(pairs);
    if (signature === this.#shown) return;
    this.#shown = signature;
    const matrices = matricesOf(pairs, ROOM).filter(({ most }) => most > 0);
    this.#root.replaceChildren(
      ...(matrices.length ? matrices.map((matrix) => figureOf(matrix, matrices.length > 1)) : [
        make("p", { class: "none" }, "No thread has waited for another yet."),
      ]),
    );
  }
}

/** @param {Matrix} matrix @param {boolean} named whether its GIL is told from others */
function figureOf(matrix, named) {
  const dense = matrix.waiters.length > MOST_WITH_FIGURES;
  const table = make(
    "table",
    { class: dense ? "matrix dense" : "matrix" },
    make("caption", { class: named ? "" : "visually-hidden" }, captionOf(matrix)),
    make("thead", {}, headOf(matrix)),
    make("tbody", {}, ...matrix.holders.map((holder) => rowOf(matrix, holder))),
  );
  const figure = make("figure", { class: "wide", tabindex: "0" }, table);
  if (matrix.left) {
    figure.append(make("p", { class: "none" }, `${matrix.left} more threads have no room here.`));
  }
  return figure;
}

/** @param {Matrix} matrix */
function captionOf({ pid, interpreter }) {
  return `GIL of ${processName(pid)}` + (interpreter ? `, interpreter ${interpreter}` : "");
}

/** @param {Matrix} matrix */
function headOf({ waiters }) {
  return make(
    "tr",
    {},
    make("td", { class: "corner" }, make("span", {}, "holds ↓"), make("span", {}, "waits →")),
    ...waiters.map((waiter) =>
      make("th", { scope: "col", title: titleOf(waiter) }, make("span", {}, waiter.name))
    ),
    make("th", { scope: "col", class: "sum" }, make("span", {}, "in all")),
  );
}

/** @param {Matrix} matrix @param {End} holder */
function rowOf(matrix, holder) {
  return make(
    "tr",
    {},
    make(
      "th",
      { scope: "row", title: titleOf(holder), "aria-label": holder.name },
      cutName(holder.name),
    ),
    ...matrix.waiters.map((waiter) => cellOf(matrix, holder, waiter)),
    make("td", { class: "sum" }, text(duration(holder.sum))),
  );
}

/** @param {Matrix} matrix @param {End} holder @param {End} waiter */
function cellOf(matrix, holder, waiter) {
  const wait = matrix.waitOf(holder, waiter);
  if (wait === 0) return make("td", { class: "cell" });
  const reading = text(duration(wait));
  const cell = make("td", { class: "cell" }, make("span", {}, reading));
  cell.title = `${waiter.name} waited ${reading} while ${saidOf(holder)} held the GIL`;
  cell.style.setProperty("--heat", `${(STRONGEST * Math.sqrt(wait / matrix.most)).toFixed(1)}%`);
  return cell;
}

/** @param {End} end */
function saidOf({ name, tid }) {
  return tid === null && name === "unknown" ? "somebody unknown" : name;
}

/** @param {End} end */
function titleOf({ name, tid, sum }) {
  return `${name}${tid === null ? "" : ` · tid ${tid}`} · ${text(duration(sum))} in all`;
}
