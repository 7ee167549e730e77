// @ts-check
/**
 * The drawing of one step: names on the left, what they reach to the right, references as arrows with their labels.
 * @import { GraphObject, GraphStep } from "../../state/reports.js"
 * @import { Seat } from "../../base/layers.js"
 * @typedef {{x: number, y: number, width: number, height: number}} Box
 */
import { layers } from "../../base/layers.js";
import { arrowHead, draw, shortened } from "../../base/svg.js";

const MARGIN = 12;
const NAME = { width: 104, height: 26 };
const OBJECT = { width: 176, height: 42 };
const COLUMN_GAP = 84;
const ROW = 56;
/** Letters that fit into a box, and on an arrow. */
const REPR_LETTERS = 22;
const NAME_LETTERS = 14;
const LABEL_LETTERS = 12;

let drawn = 0;

/** @param {GraphStep} step @param {GraphStep | undefined} before what was there is not new */
export function drawGraph(step, before) {
  const names = step.names.map(({ name, scope, object }, index) => ({
    key: `n${index}`,
    name,
    scope,
    object,
  }));
  const edges = [
    ...names.map(({ key, object }) => ({ from: key, to: `o${object}`, label: "" })),
    ...step.edges.map(([from, to, label]) => ({ from: `o${from}`, to: `o${to}`, label })),
  ];
  const seats = layers(
    names.map(({ key }) => key),
    step.objects.map(({ id }) => `o${id}`),
    edges.map(({ from, to }) => /** @type {const} */ ([from, to])),
  );
  const boxes = new Map([...seats].map(([key, seat]) => [key, boxOf(key, seat)]));
  drawn += 1;
  const known = new Set(before?.objects.map(({ id }) => id) ?? []);
  const [width, height] = extentOf([...boxes.values()]);
  return draw(
    "svg",
    { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": spoken(step) },
    draw("defs", {}, arrowHead(`arrow-${drawn}`)),
    ...edges.flatMap(({ from, to, label }) => arrowOf(boxes.get(from), boxes.get(to), label)),
    ...names.flatMap((name) => nameOf(boxes.get(name.key), name)),
    ...step.objects.flatMap((object) => objectOf(boxes.get(`o${object.id}`), object, !known.has(object.id))),
  );
}

/** @param {string} key @param {Seat} seat @returns {Box} */
function boxOf(key, { column, row }) {
  const size = key.startsWith("n") ? NAME : OBJECT;
  const left = column === 0 ? 0 : NAME.width + COLUMN_GAP + (column - 1) * (OBJECT.width + COLUMN_GAP);
  return { x: MARGIN + left, y: MARGIN + row * ROW + (OBJECT.height - size.height) / 2, ...size };
}

/** @param {Box[]} boxes */
function extentOf(boxes) {
  const right = Math.max(OBJECT.width, ...boxes.map(({ x, width }) => x + width));
  const bottom = Math.max(OBJECT.height, ...boxes.map(({ y, height }) => y + height));
  // An arrow back bows out beyond the boxes that it joins.
  return [right + COLUMN_GAP / 2, bottom + 2 * MARGIN];
}

/** @param {Box | undefined} from @param {Box | undefined} to @param {string} label @returns {SVGElement[]} */
function arrowOf(from, to, label) {
  if (!from || !to) return [];
  const { path, x, y } = to.x > from.x ? forward(from, to) : backward(from, to);
  const line = draw("path", { d: path, class: "edge", "marker-end": `url(#arrow-${drawn})` });
  if (!label) return [line];
  return [
    line,
    draw("text", { x, y, class: "label" }, shortened(label, LABEL_LETTERS), draw("title", {}, label)),
  ];
}

/** @param {Box} from @param {Box} to */
function forward(from, to) {
  const [x1, y1] = [from.x + from.width, from.y + from.height / 2];
  const [x2, y2] = [to.x, to.y + to.height / 2];
  const bend = (x2 - x1) / 2;
  const path = `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
  // Near its end arrows from one object have parted.
  return { path, x: x2 - COLUMN_GAP / 3, y: y2 - 4 };
}

/** To the same column or an earlier one: round the right side. @param {Box} from @param {Box} to */
function backward(from, to) {
  const [x1, y1] = [from.x + from.width, from.y + from.height / 2 + 6];
  const [x2, y2] = [to.x + to.width, to.y + to.height / 2 - 6];
  const out = Math.max(x1, x2) + COLUMN_GAP / 2.2;
  return { path: `M${x1} ${y1}C${out} ${y1} ${out} ${y2} ${x2} ${y2}`, x: out - 10, y: (y1 + y2) / 2 };
}

/** @param {Box | undefined} box @param {{name: string, scope?: string}} name @returns {SVGElement[]} */
function nameOf(box, { name, scope }) {
  if (!box) return [];
  const said = scope ? `${scope}: ${name}` : name;
  return [draw(
    "g",
    { class: "name" },
    draw("title", {}, said),
    draw("rect", { ...box, rx: box.height / 2 }),
    draw("text", { x: box.x + box.width / 2, y: box.y + box.height / 2 }, shortened(said, NAME_LETTERS)),
  )];
}

/** @param {Box | undefined} box @param {GraphObject} object @param {boolean} fresh @returns {SVGElement[]} */
function objectOf(box, { type, repr, refcount, immortal, reachable }, fresh) {
  if (!box) return [];
  const kinds = [
    "object",
    fresh ? "fresh" : "",
    reachable === false ? "lost" : "",
    immortal ? "immortal" : "",
  ];
  const refs = immortal
    ? "immortal"
    : refcount === null
    ? ""
    : `${refcount} ${refcount === 1 ? "ref" : "refs"}`;
  return [draw(
    "g",
    { class: kinds.filter(Boolean).join(" ") },
    draw("title", {}, `${type} ${repr}${refs ? `, ${refs}` : ""}`),
    draw("rect", { ...box, rx: 5 }),
    draw("text", { x: box.x + 8, y: box.y + 17, class: "repr" }, shortened(repr, REPR_LETTERS)),
    draw("text", { x: box.x + 8, y: box.y + 33, class: "type" }, shortened(type, NAME_LETTERS)),
    draw("text", { x: box.x + box.width - 8, y: box.y + 33, class: "refs" }, refs),
  )];
}

/** @param {GraphStep} step */
function spoken({ names, objects, edges }) {
  return `${names.length} names, ${objects.length} objects, ${edges.length} references among objects`;
}
