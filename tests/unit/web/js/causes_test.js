import assert from "node:assert/strict";
import { placeFrames, samplesIn } from "../../../../static/js/base/flame.js";
import { matricesOf } from "../../../../static/js/base/matrix.js";
import { thinWarning } from "../../../../static/js/widgets/run/figures.js";
import { badgesOf } from "../../../../static/js/widgets/run/badges.js";
import { placeOf } from "../../../../static/js/widgets/panels/functions.js";
import { busiest } from "../../../../static/js/widgets/panels/overview.js";
import { axisOf } from "../../../../static/js/widgets/panels/histograms.js";
import { inOrder, matching } from "../../../../static/js/widgets/process_list.js";

const NOBODY = { tid: null, name: "nobody" };

function pair(holder, waiter, wait_s, pid = 1) {
  const thread = (tid) => typeof tid === "number" ? { tid, name: `t${tid}` } : tid;
  return { pid, interpreter: 0, holder: thread(holder), waiter: thread(waiter), wait_s };
}

Deno.test("a matrix has holders down and waiters across, what costs most first, and nobody last", () => {
  const [matrix] = matricesOf([pair(1, 2, 0.5), pair(2, 1, 0.25), pair(1, 3, 0.25), pair(NOBODY, 2, 9)], 30);
  assert.deepEqual(matrix.holders.map(({ name, sum }) => [name, sum]), [["t1", 0.75], ["t2", 0.25], [
    "nobody",
    9,
  ]]);
  assert.deepEqual(matrix.waiters.map(({ name }) => name), ["t2", "t1", "t3"]);
  assert.equal(matrix.waitOf(matrix.holders[0], matrix.waiters[0]), 0.5);
  assert.equal(matrix.waitOf(matrix.holders[1], matrix.waiters[0]), 0);
  assert.deepEqual([matrix.most, matrix.left], [9, 0]);
});

Deno.test("each GIL has a matrix, and a crowd is cut to the room there is", () => {
  const crowd = Array.from({ length: 40 }, (_, index) => pair(index, 100, 1 + index));
  const matrices = matricesOf([pair(1, 2, 0.1, 7), ...crowd], 30);
  assert.deepEqual(matrices.map(({ pid }) => pid), [1, 7]);
  assert.equal(matrices[0].holders.length, 30);
  assert.equal(matrices[0].holders[0].name, "t39");
  assert.equal(matrices[0].left, 10);
  assert.deepEqual(matricesOf([], 30), []);
});

const leaf = (name, samples, children = []) => ({ name, samples, self: 0, children });
const TREE = leaf("held", 100, [
  leaf("a", 60, [leaf("b", 45), leaf("c", 15)]),
  leaf("d", 39, [leaf("b", 39, [leaf("b", 20)])]),
  leaf("e", 1),
]);

function lie(frames) {
  return frames.map(({ node, depth, left, width }) => [node.name, depth, left, width]);
}

Deno.test("frames lie below their callers, as wide as their share; slivers are left out", () => {
  assert.deepEqual(lie(placeFrames(TREE, [], 0.02)), [
    ["held", 0, 0, 1],
    ["a", 1, 0, 0.6],
    ["d", 1, 0.6, 0.39],
    ["b", 2, 0, 0.45],
    ["c", 2, 0.45, 0.15],
    ["b", 2, 0.6, 0.39],
    ["b", 3, 0.6, 0.2],
  ]);
});

Deno.test("a frame zoomed into takes the width, with its callers above it", () => {
  assert.deepEqual(lie(placeFrames(TREE, [0], 0.02)), [
    ["held", 0, 0, 1],
    ["a", 1, 0, 1],
    ["b", 2, 0, 0.75],
    ["c", 2, 0.75, 0.25],
  ]);
});

Deno.test("a search counts each stack once, however often it matches", () => {
  assert.equal(samplesIn(TREE, ({ name }) => name === "b"), 84);
  assert.equal(samplesIn(TREE, () => false), 0);
});

Deno.test("all histograms share an axis, from the first that is filled to the last", () => {
  const of = (...histogram) => ({ count: 1, histogram });
  const axis = axisOf([of([0.001, 0], [0.002, 3], [0.005, 0]), null, of([0.01, 2], [null, 1])]);
  assert.deepEqual(axis, [0.002, 0.005, 0.01, null]);
  assert.deepEqual(axisOf([null, of()]), []);
});

Deno.test("badges say the worst of the processes that have a measure, and each reason once", () => {
  const process = (pid, python, capabilities, why) => ({ pid, python, capabilities, why });
  const waits = { gil_wait: "seen by the futex" };
  const badges = badgesOf([
    process(1, "3.12.1", { gil: "exact", gil_wait: "inferred" }, waits),
    process(2, "3.13.0", { gil: "inferred", gil_wait: "inferred" }, { gil: "it is old", ...waits }),
    process(3, null, { threads: "unavailable" }, {}),
  ]);
  assert.deepEqual(badges, [
    { measure: "gil", level: "inferred", why: "it is old" },
    { measure: "gil_wait", level: "inferred", why: "seen by the futex" },
  ]);
});

Deno.test("a measure that some processes lack is not called unavailable beside the figures of the others", () => {
  const process = (pid, gil, why) => ({ pid, python: "3.13.0", capabilities: { gil }, why });
  const free = { gil: "it runs without a GIL" };
  assert.deepEqual(badgesOf([process(1, "exact", {}), process(2, "unavailable", free)]), [{
    measure: "gil",
    level: "exact",
    of: "in 1 of 2 processes",
    why: "unavailable in pid 2: it runs without a GIL",
  }]);
  assert.deepEqual(badgesOf([process(2, "unavailable", free)]), [
    { measure: "gil", level: "unavailable", why: free.gil },
  ]);
});

Deno.test("where little was seen, what is sampled is exact only of that", () => {
  const process = { python: "3.12.1", capabilities: { gil: "exact", heap: "exact" }, why: {} };
  const why = "exact of what was seen, which is 62 % of the time";
  assert.deepEqual(badgesOf([process], 0.62), [
    { measure: "gil", level: "inferred", why },
    { measure: "heap", level: "exact", why: "" },
  ]);
  assert.equal(badgesOf([process], 0.95)[0].level, "exact");
});

Deno.test("a run is warned of when less than 95 % of it was seen", () => {
  assert.equal(thinWarning(0.95), "");
  assert.equal(thinWarning(null), "");
  assert.match(thinWarning(0.62), /^Only 62 % of the time was seen\./);
  assert.match(thinWarning(0.62, { soFar: true }), /^Only 62 % of the time so far was seen\./);
});

Deno.test("the warning points to the findings only where one tells why", () => {
  assert.match(thinWarning(0.62, { told: true }), /Findings say why/);
  assert.doesNotMatch(thinWarning(0.62), /Findings/);
});

Deno.test("a place is a file without its folders, and a line where there is one", () => {
  assert.equal(placeOf("/usr/lib/python3/threading.py", 12), "threading.py:12");
  assert.equal(placeOf("<string>", null), "<string>");
  assert.equal(placeOf(null, 3), "");
});

const process = (pid, name, cpu_share, more = {}) => ({
  pid,
  name,
  command: ["python", `${name}.py`],
  user: "ann",
  python: "3.12.1",
  cpu_share,
  rss: null,
  attachable: true,
  why: null,
  remedy: null,
  ...more,
});

Deno.test("processes are found by every word, wherever it stands", () => {
  const all = [process(10, "web", 0), process(20, "worker", 0, { user: "bob" })];
  const found = (wanted) => matching(all, wanted).map(({ pid }) => pid);
  assert.deepEqual(found(""), [10, 20]);
  assert.deepEqual(found("W bob"), [20]);
  assert.deepEqual(found("web.py 10"), [10]);
  assert.deepEqual(found("nothing"), []);
});

Deno.test("processes stand in the order that is asked for; what cannot be attached to, or is not known, below", () => {
  const all = [
    process(1, "b", null),
    process(3, "a", 0.5),
    process(2, "c", 0.5),
    process(4, "d", 9, { attachable: false, why: "another user's" }),
  ];
  const order = (key, down) => inOrder(all, { key, down }).map(({ pid }) => pid);
  assert.deepEqual(order("cpu_share", true), [2, 3, 1, 4]);
  assert.deepEqual(order("name", false), [3, 1, 2, 4]);
  assert.deepEqual(order("pid", true), [3, 2, 1, 4]);
});

Deno.test("the busiest threads are those that were busy for longest, not for most of a moment", () => {
  const thread = (name, observed_s, shares) => ({ pid: 1, tid: 1, name, observed_s, shares });
  const threads = [
    thread("moment", 0.004, { native: 1 }),
    thread("half", 10, { running: 0.5, sleep: 0.5 }),
    thread("idle", 10, { running: 0.01, sleep: 0.99 }),
    thread("long", 10, { running: 0.2, waiting: 0.7, io: 0.1 }),
    thread("later", 1, { running: 0.9, io: 0.1 }),
  ];
  assert.deepEqual(busiest(threads).map(({ name }) => name), ["long", "half", "later"]);
  const short = ["a", "b"].map((name) => thread(name, 0.004, { native: 1 }));
  assert.equal(busiest(short).length, 2);
});
