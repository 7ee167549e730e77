// @ts-check
/**
 * What two runs ran, line by line where it differs, and which of them did more at once.
 * @import { AtOnce, AtOnceSide, DifferentLine, ProgramDifference } from "../net/api.js"
 */
import { find, make, prose, setText } from "../base/dom.js";

const SIGN = { a: "−", b: "+", both: " " };
const ONLY = { a: "only in A: ", b: "only in B: ", both: "" };
/** Of these states the bars are made: what threads did, and what they waited for. */
const STATES = [
  ["running", "held the GIL, or ran Python"],
  ["native", "computed outside the GIL"],
  ["stalled", "held the GIL, blocked"],
  ["waiting", "waited for the GIL"],
  ["lock", "waited for a lock"],
  ["io", "waited for I/O"],
];
const LEAST = 0.05; // of a thread: less is not seen

/** @param {HTMLElement} place @param {ProgramDifference | null} program */
export function showProgram(place, program) {
  place.hidden = program === null;
  if (!program) return;
  setText(find(place, ".says", HTMLElement), program.says);
  const table = find(place, ".wide", HTMLElement);
  table.hidden = program.lines.length === 0;
  find(table, "tbody", HTMLElement).replaceChildren(...rowsOf(program.lines));
  const more = find(place, ".more", HTMLElement);
  more.hidden = program.more === 0;
  setText(more, `${program.more} lines more are left out.`);
}

/** With a gap where common lines are left out. @param {DifferentLine[]} lines */
function rowsOf(lines) {
  /** @type {HTMLElement[]} */
  const rows = [];
  /** @type {DifferentLine | null} */
  let before = null;
  for (const line of lines) {
    if (line.in === "both" && before?.in === "both" && line.a !== (before.a ?? 0) + 1) {
      rows.push(make("tr", { class: "gap" }, make("td", { colspan: "4" }, "⋯")));
    }
    before = line;
    rows.push(
      make(
        "tr",
        { "data-in": line.in },
        make("td", { class: "number" }, String(line.a ?? "")),
        make("td", { class: "number" }, String(line.b ?? "")),
        make("td", { class: "sign", "aria-hidden": "true" }, SIGN[line.in]),
        make(
          "td",
          { class: "text" },
          make("span", { class: "visually-hidden" }, ONLY[line.in]),
          make("code", {}, line.text),
        ),
      ),
    );
  }
  return rows;
}

/** @param {HTMLElement} place @param {AtOnce} found */
export function showAtOnce(place, { says, more, a, b }) {
  const [head, ...rest] = says;
  place.dataset.more = more ?? "";
  find(place, ".head", HTMLElement).replaceChildren(...prose(head));
  find(place, ".rest", HTMLElement).replaceChildren(...rest.map((one) => make("li", {}, ...prose(one))));
  const most = Math.max(...[a, b].map(({ threads }) => total(threads)), 1);
  const cores = Math.max(...[a, b].flatMap((side) => [side.cpus ?? 0, side.cpus_wanted ?? 0]), 1);
  find(place, ".pictures", HTMLElement).replaceChildren(
    picture("CPUs: had (dark), and had work for (pale)", [a, b], (side) => cpuBar(side, cores)),
    picture("What threads did, on average", [a, b], (side) => threadBar(side, most)),
    legendOf([a, b]),
  );
}

/** @param {{[state: string]: number}} threads */
function total(threads) {
  return STATES.reduce((sum, [state]) => sum + (threads[state] ?? 0), 0);
}

/** @param {string} title @param {AtOnceSide[]} sides @param {(side: AtOnceSide) => HTMLElement[]} barOf */
function picture(title, sides, barOf) {
  return make(
    "figure",
    {},
    make("figcaption", {}, title),
    ...sides.map((side, index) =>
      make(
        "div",
        { class: "row" },
        make("b", { class: `letter series-${index}` }, "AB"[index]),
        ...barOf(side),
      )
    ),
  );
}

/** @param {AtOnceSide} side @param {number} cores */
function cpuBar({ cpus_used: used, cpus_wanted: wanted }, cores) {
  if (used === null || wanted === null) return [make("span", { class: "bar" }), make("span", {}, "–")];
  const bar = make(
    "span",
    { class: "bar" },
    part("cpu", used / cores),
    part("cpu wanted", Math.max(0, wanted - used) / cores),
  );
  return [bar, make("span", { class: "amount" }, `${used.toFixed(1)} / ${wanted.toFixed(1)}`)];
}

/** @param {AtOnceSide} side @param {number} most */
function threadBar({ threads }, most) {
  const seen = STATES.filter(([state]) => threads[state] >= LEAST);
  const words = seen.map(([state, does]) => `${threads[state].toFixed(1)} ${does}`);
  const bar = make(
    "span",
    { class: "bar", role: "img", "aria-label": words.join(", ") || "none was busy" },
    ...seen.map(([state, does]) => {
      const piece = part(`swatch ${state}`, threads[state] / most);
      piece.title = `${threads[state].toFixed(1)} ${does}`;
      return piece;
    }),
  );
  return [bar, make("span", { class: "amount" }, total(threads).toFixed(1))];
}

/** @param {string} name @param {number} share */
function part(name, share) {
  const piece = make("i", { class: name });
  piece.style.width = `${100 * Math.min(1, share)}%`;
  return piece;
}

/** @param {AtOnceSide[]} sides */
function legendOf(sides) {
  const shown = STATES.filter(([state]) => sides.some(({ threads }) => threads[state] >= LEAST));
  return make(
    "ul",
    { class: "of-states" },
    ...shown.map(([state, does]) => make("li", {}, make("i", { class: `swatch ${state}` }), ` ${does}`)),
  );
}
