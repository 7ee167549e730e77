// @ts-check
/**
 * Threads and locks on a circle: an arrow from a lock to the thread that holds it, from a thread to the lock that it
 * waits for. Arrows that close a circle are a deadlock.
 * @import { WaitEdge, WaitFor, WaitNode } from "../../state/reports.js"
 * @typedef {{x: number, y: number}} Point
 */
import { arrowHead, draw, shortened } from "../../base/svg.js";

const BOX = { width: 92, height: 30 };
const MARGIN = 8;
/** The circle grows with what stands on it. */
const LEAST_RADIUS = 84;
const RADIUS_EACH = 20;
const LETTERS = 13;

/** @param {WaitFor} waitFor */
export function drawWaits({ nodes, edges, cycle }) {
  const radius = Math.max(LEAST_RADIUS, nodes.length * RADIUS_EACH);
  const middle = { x: radius + BOX.width / 2 + MARGIN, y: radius + BOX.height / 2 + MARGIN };
  const places = new Map(
    inOrder(nodes, edges, cycle).map(({ id }, index) => {
      const angle = (2 * Math.PI * index) / nodes.length - Math.PI / 2;
      return [id, { x: middle.x + radius * Math.cos(angle), y: middle.y + radius * Math.sin(angle) }];
    }),
  );
  const dead = new Set(cycle ?? []);
  const [width, height] = [2 * middle.x, 2 * middle.y];
  return draw(
    "svg",
    {
      class: "wait-graph",
      viewBox: `0 0 ${width} ${height}`,
      width,
      role: "img",
      "aria-label": spoken(nodes, edges),
    },
    draw("defs", {}, arrowHead("wait-arrow"), arrowHead("wait-arrow-dead", "dead")),
    ...edges.flatMap((edge) => arrowOf(edge, places, dead)),
    ...nodes.flatMap((node) => boxOf(node, places.get(node.id), dead.has(node.id))),
  );
}

/**
 * Those of the deadlock first, as they wait for each other; each other one after what it waits for.
 * @param {WaitNode[]} nodes @param {WaitEdge[]} edges @param {string[] | null} cycle
 */
function inOrder(nodes, edges, cycle) {
  const linked = new Set(cycle ?? []);
  for (const [from, to] of edges) {
    linked.add(from);
    linked.add(to);
  }
  const place = new Map([...linked].map((id, index) => [id, index]));
  const rank = (/** @type {WaitNode} */ { id }) => place.get(id) ?? Infinity;
  return [...nodes].sort((one, other) => {
    const [left, right] = [rank(one), rank(other)];
    return left === right ? 0 : left - right;
  });
}

/** @param {WaitEdge} edge @param {Map<string, Point>} places @param {Set<string>} dead */
function arrowOf([from, to, what], places, dead) {
  // It "holds" points the other way: from the lock to the thread that is waited for.
  const [start, end] = what === "holds"
    ? [places.get(to), places.get(from)]
    : [places.get(from), places.get(to)];
  if (!start || !end) return [];
  const closed = dead.has(from) && dead.has(to);
  const tip = border(end, start);
  const tail = border(start, end);
  return [
    draw(
      "line",
      {
        x1: tail.x,
        y1: tail.y,
        x2: tip.x,
        y2: tip.y,
        class: `${what === "holds" ? "holds" : "waits-for"}${closed ? " dead" : ""}`,
        "marker-end": `url(#${closed ? "wait-arrow-dead" : "wait-arrow"})`,
      },
      draw("title", {}, what === "holds" ? `${to} is held by ${from}` : `${from} waits for ${to}`),
    ),
  ];
}

/** Where a line from one box to another leaves it. @param {Point} box @param {Point} towards */
function border(box, towards) {
  const [dx, dy] = [towards.x - box.x, towards.y - box.y];
  const scale = Math.min(
    dx === 0 ? Infinity : BOX.width / 2 / Math.abs(dx),
    dy === 0 ? Infinity : BOX.height / 2 / Math.abs(dy),
    1,
  );
  return { x: box.x + dx * scale, y: box.y + dy * scale };
}

/** @param {WaitNode} node @param {Point | undefined} at @param {boolean} dead */
function boxOf({ kind, label }, at, dead) {
  if (!at) return [];
  const [x, y] = [at.x - BOX.width / 2, at.y - BOX.height / 2];
  return [draw(
    "g",
    { class: `${kind}${dead ? " dead" : ""}` },
    draw("title", {}, `${kind} ${label}`),
    draw("rect", { x, y, ...BOX, rx: kind === "thread" ? BOX.height / 2 : 3 }),
    draw("text", { x: at.x, y: at.y }, shortened(label, LETTERS)),
  )];
}

/** @param {WaitNode[]} nodes @param {WaitEdge[]} edges */
function spoken(nodes, edges) {
  const labels = new Map(nodes.map(({ id, label }) => [id, label]));
  return edges.map(([from, to, what]) => `${labels.get(from) ?? from} ${what} ${labels.get(to) ?? to}`).join(
    "; ",
  ) ||
    "no edge";
}
