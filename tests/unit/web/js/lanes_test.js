import assert from "node:assert/strict";
import { Track } from "../../../../static/js/base/track.js";
import { ALL_LANES, inOrder, isAll, isShown, toggled } from "../../../../static/js/tracks/lane_choice.js";
import { heightStuck, layOut, rowAt, topIn, wantedHeight } from "../../../../static/js/tracks/rows.js";
import { NOTHING, queryOf, viewOf } from "../../../../static/js/state/address.js";

const lane = (number, name, interpreter = 0) => ({
  lane: number,
  pid: 1,
  tid: 100 + number,
  name,
  interpreter,
});
const MAIN = lane(0, "MainThread");
const IO = lane(1, "io-1");
const WORKER = lane(2, "worker-2");
const POOL = lane(3, "", null);
const figures = new Map([
  [0, { cpu_s: 0.1, observed_s: 10, shares: { sleep: 1, running: 0.01 } }],
  [1, { cpu_s: 0.2, observed_s: 10, shares: { io: 0.7, waiting: 0.3 } }],
  [2, { cpu_s: 9, observed_s: 10, shares: { running: 0.9, waiting: 0.1 } }],
]);
const shownBy = (part) =>
  [MAIN, IO, WORKER, POOL].filter((one) => isShown({ ...ALL_LANES, ...part }, figures)(one)).map(({ lane }) =>
    lane
  );
const orderedBy = (part) =>
  [POOL, WORKER, IO, MAIN].sort(inOrder({ ...ALL_LANES, ...part }, figures)).map(({ lane }) => lane);

Deno.test("words are of a name, an id, or a state that the thread was in", () => {
  assert.deepEqual(shownBy({ text: "  WORK " }), [2]);
  assert.deepEqual(shownBy({ text: "103" }), [3]);
  assert.deepEqual(shownBy({ text: "waiting" }), [1, 2]);
  assert.deepEqual(shownBy({ text: "io waiting" }), [1]);
  assert.deepEqual(shownBy({ text: "nobody" }), []);
});

Deno.test("idle threads are those that only blocked; of one that nothing is known of that is not said", () => {
  assert.deepEqual(shownBy({ idle: false }), [1, 2, 3]);
});

Deno.test("what is pinned is shown, whatever else is chosen, and stands first", () => {
  assert.deepEqual(shownBy({ idle: false, text: "io-", pinned: new Set([0]) }), [0, 1]);
  assert.deepEqual(orderedBy({ pinned: new Set([2]) }), [2, 0, 1, 3]);
});

Deno.test("lanes are in the order that is chosen", () => {
  assert.deepEqual(orderedBy({}), [0, 1, 2, 3]);
  assert.deepEqual(orderedBy({ order: "cpu" }), [2, 1, 0, 3]);
  assert.deepEqual(orderedBy({ order: "waiting" }), [1, 2, 0, 3]);
  assert.deepEqual(orderedBy({ order: "holding" }), [2, 0, 1, 3]);
});

Deno.test("a second press takes back", () => {
  assert.deepEqual([...toggled(toggled(new Set([1]), 2), 1)], [2]);
  assert.ok(isAll(ALL_LANES));
  assert.ok(!isAll({ ...ALL_LANES, pinned: new Set([1]) }));
});

Deno.test("the address holds which lanes are on view, and passes over what is none", () => {
  const lanes = { text: "io waiting", order: "cpu", idle: false, pinned: [3, 5] };
  const query = queryOf({ ...NOTHING, lanes });
  assert.equal(query, "?lanes=io+waiting&order=cpu&idle=hidden&pinned=3-5");
  assert.deepEqual(viewOf(query).lanes, lanes);
  assert.deepEqual(viewOf("?pinned=x-2-").lanes.pinned, [2]);
  assert.equal(queryOf(NOTHING), "");
});

/** @param {{[state: string]: number}[]} shares of threads of one process */
function castOf(...shares) {
  const track = new Track();
  track.push(0, 1000, 0);
  const process = { pid: 1, capabilities: {}, gil_enabled: true };
  const lanes = shares.map((_, number) => lane(number, `t-${number}`)).map((one) => ({
    ...one,
    alive: true,
    track,
  }));
  return {
    processes: new Map([[1, process]]),
    lanes: new Map(lanes.map((one) => [one.lane, one])),
    gils: new Map(),
    pauses: new Map(),
    figures: { threads: shares.map((own, number) => ({ lane: number, shares: own })) },
    trackIn: (one) => one.track,
  };
}

const heights = (...of) => layOut(...of).filter(({ kind }) => kind === "lane").map(({ height }) => height);

Deno.test("an idle thread beside one that works is lower, and quieter", () => {
  const rows = layOut(castOf({ io: 1 }, { running: 0.5, waiting: 0.5 }), 0, 1000);
  assert.deepEqual(rows.map(({ idle }) => idle ?? null), [null, true, false]);
  assert.ok(rows[1].height < rows[2].height);
  assert.ok(layOut(castOf({ io: 1 }, { sleep: 1 }), 0, 1000).every(({ idle }) => !idle), "all are idle");
});

Deno.test("lanes have the largest height with which all of them fit", () => {
  const cast = castOf(...Array.from({ length: 10 }, () => ({ running: 1 })));
  const wanted = wantedHeight(layOut(cast, 0, 1000));
  assert.equal(heights(cast, 0, 1000, ALL_LANES, wanted)[0], 28);
  assert.equal(heights(cast, 0, 1000, ALL_LANES, wanted - 1)[0], 22);
  assert.equal(heights(cast, 0, 1000, ALL_LANES, 50)[0], 16);
  assert.equal(heights(cast, 0, 1000)[0], 28, "where there is no bound it goes by their number");
});

Deno.test("a view that stands still keeps its rows, whatever threads and collectors do meanwhile", () => {
  const cast = castOf({ running: 1 }, { running: 0.5 });
  const then = cast.figures;
  const rows = layOut(cast, 0, 1000, ALL_LANES, null, then);
  const later = new Track();
  later.push(1500, 1600, 0);
  cast.pauses.set("1/0", { pid: 1, track: later });
  cast.figures = { threads: [then.threads[0], { lane: 1, shares: { sleep: 1 } }] };
  assert.deepEqual(layOut(cast, 0, 1000, ALL_LANES, null, then), rows);
  assert.equal(layOut(cast, 0, 1000).length, rows.length + 1, "one that follows has the collector too");
});

Deno.test("what is pinned stays in sight while the other lanes scroll", () => {
  const cast = castOf(...Array.from({ length: 40 }, () => ({ running: 1 })));
  const room = 300;
  const rows = layOut(cast, 0, 1000, { ...ALL_LANES, pinned: new Set([7]) }, room, null, [
    { kind: "counter", counter: { key: "cpu" }, series: {}, pinned: true },
    { kind: "counter", counter: { key: "rss" }, series: {}, pinned: false },
  ]);
  const stuck = rows.filter(({ stuckAt }) => stuckAt !== undefined);
  assert.deepEqual(stuck.map(({ kind, lane, counter }) => lane?.lane ?? counter?.key ?? kind), [
    "cpu",
    "rss",
    7,
  ]);
  assert.equal(heightStuck(rows, 0), 0);
  const scrolled = 400;
  assert.equal(heightStuck(rows, scrolled), stuck.reduce((sum, { height }) => sum + height, 0));
  assert.deepEqual(stuck.map((row) => topIn(row, scrolled)), stuck.map(({ stuckAt }) => stuckAt));
  assert.equal(rowAt(rows, 1, scrolled), stuck[0]);
  const below = rowAt(rows, room - 1, scrolled);
  assert.ok(below.top <= scrolled + room - 1 && scrolled + room - 1 < below.top + below.height);
});

Deno.test("what is pinned takes at most half of the room, and nothing of it where all has room", () => {
  const cast = castOf(...Array.from({ length: 40 }, () => ({ running: 1 })));
  const pinned = new Set(Array.from({ length: 40 }, (_, number) => number));
  const rows = layOut(cast, 0, 1000, { ...ALL_LANES, pinned }, 300);
  const stuck = rows.filter(({ stuckAt }) => stuckAt !== undefined);
  assert.ok(stuck.length > 3);
  assert.ok(stuck.reduce((sum, { height }) => sum + height, 0) <= 150);
  assert.ok(layOut(castOf({}), 0, 1000, { ...ALL_LANES, pinned }, 300).every((row) => !("stuckAt" in row)));
});
