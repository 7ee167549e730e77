import assert from "node:assert/strict";
import { TimeScale } from "../../../../static/js/base/time_scale.js";
import { Track } from "../../../../static/js/base/track.js";
import { queryOf, viewOf } from "../../../../static/js/state/address.js";
import { ofThreads } from "../../../../static/js/state/of_threads.js";
import { RunState } from "../../../../static/js/state/run_state.js";
import { put } from "../../../../static/js/state/time_window.js";
import { flowsOf } from "../../../../static/js/tracks/flows.js";
import { turnsIn } from "../../../../static/js/tracks/turns.js";

/** @param {[startUs: number, endUs: number, value: number][]} pieces */
function trackOf(...pieces) {
  const track = new Track();
  for (const piece of pieces) track.push(...piece);
  return track;
}

/** @param {Track} gil @param {number} threads */
function rowsOf(gil, threads) {
  const lanes = Array.from({ length: threads }, (_, lane) => ({ kind: "lane", lane: { lane } }));
  return [{ kind: "gil", track: gil }, ...lanes];
}

const ends = (flows) =>
  flows.map(({ from, to, leftUs, tookUs }) => [from.lane.lane, to.lane.lane, leftUs, tookUs]);

Deno.test("an arrow leads from who let go of the GIL to who took it, over a moment in which nobody had it", () => {
  const gil = trackOf([0, 100, 0], [100, 120, -1], [120, 200, 1], [200, 300, 2]);
  const scale = new TimeScale(0, 300, 300);
  assert.deepEqual(ends(flowsOf(rowsOf(gil, 3), scale, 300)), [[0, 1, 100, 120], [1, 2, 200, 200]]);
});

Deno.test("who could not be read, who has no lane and who takes it again have no arrow", () => {
  const unread = trackOf([0, 100, 0], [100, 200, -2], [200, 300, 1]);
  const scale = new TimeScale(0, 300, 300);
  assert.deepEqual(flowsOf(rowsOf(unread, 2), scale, 300), []);
  const again = trackOf([0, 100, 0], [100, 110, -1], [110, 200, 0], [200, 300, 7]);
  assert.deepEqual(flowsOf(rowsOf(again, 2), scale, 300), []);
});

Deno.test("arrows that would be too many to be read are left out", () => {
  const pieces = Array.from({ length: 100 }, (_, index) => [index * 10, index * 10 + 10, index % 2]);
  const rows = rowsOf(trackOf(...pieces), 2);
  assert.deepEqual(flowsOf(rows, new TimeScale(0, 1000, 800), 1000), []);
  assert.equal(flowsOf(rows, new TimeScale(0, 200, 800), 1000).length, 20);
});

Deno.test("an arrow whose taker is not on view is not drawn", () => {
  const gil = trackOf([0, 100, 0], [100, 200, 1], [200, 300, 0]);
  assert.deepEqual(ends(flowsOf(rowsOf(gil, 2), new TimeScale(50, 150, 300), 150)), [[0, 1, 100, 100]]);
});

Deno.test("of a wait is told who held the GIL meanwhile, and who let the thread in", () => {
  const gil = trackOf([0, 100, 1], [100, 150, 2], [150, 160, -1], [160, 300, 0]);
  assert.deepEqual(turnsIn(gil, 40, 160), {
    turns: [{ lane: 1, us: 60 }, { lane: 2, us: 50 }, { lane: -1, us: 10 }],
    letInBy: 2,
  });
  assert.deepEqual(turnsIn(gil, 400, 500), { turns: [], letInBy: null });
});

Deno.test("of some threads rows of threads and waits are left, and all figures", () => {
  const state = new RunState();
  const thread = (tid) => ({ pid: 7, tid, name: `worker-${tid}` });
  for (const lane of [0, 1, 2]) {
    state.lanes.set(lane, { lane, ...thread(lane), alive: true, namedUs: 0, track: new Track() });
  }
  const threads = [0, 1, 2].map((lane) => ({ lane, ...thread(lane) }));
  state.figures = { threads, threads_not_shown: 4, totals: { rss: 1 } };
  state.causes = {
    hot: [{ function: "f" }],
    who_waits: [[0, 1], [1, 2], [2, 0]].map(([holder, waiter]) => ({
      pid: 7,
      interpreter: 0,
      holder: thread(holder),
      waiter: thread(waiter),
      wait_s: 1,
    })),
    longest_waits: threads,
    longest_holds: threads,
    loops: [],
  };
  const some = ofThreads(state, new Set([1]));
  assert.deepEqual(some.figures.threads.map(({ tid }) => tid), [1]);
  assert.equal(some.figures.threads_not_shown, 0);
  assert.equal(some.figures.totals.rss, 1);
  assert.equal(some.causes.who_waits.length, 2);
  assert.deepEqual(some.causes.longest_waits.map(({ tid }) => tid), [1]);
  assert.equal(some.causes.hot.length, 1);
  assert.equal(state.figures.threads.length, 3);
  assert.equal(some.lanes, state.lanes);
});

Deno.test("the address holds the threads that are selected, of a time", () => {
  const view = viewOf("?select=1-2.5&threads=3-0");
  assert.deepEqual(view.selected, { startUs: 1e6, endUs: 2.5e6, lanes: new Set([3, 0]) });
  assert.equal(queryOf(view), "?select=1-2.5&threads=3-0");
  assert.equal(viewOf("?select=1-2").selected.lanes, null);
  assert.equal(viewOf("?threads=1").selected, null);
});

Deno.test("a window that a hand puts stays on the run, and follows where it reaches the edge", () => {
  assert.deepEqual(put({ startUs: 1e6, endUs: 2e6 }, 5e6), { spanUs: 1e6, endUs: 2e6, frozenUs: 5e6 });
  assert.deepEqual(put({ startUs: -3e6, endUs: 1e6 }, 5e6), { spanUs: 4e6, endUs: 4e6, frozenUs: 5e6 });
  assert.deepEqual(put({ startUs: 4e6, endUs: 6e6 }, 5e6), { spanUs: 2e6, endUs: null });
});

Deno.test("arrows that lie on one another are none", () => {
  const gil = new Track();
  for (let index = 0; index < 6; index += 1) gil.push(index * 2, index * 2 + 2, index % 2);
  const lanes = [0, 1].map((number) => ({ kind: "lane", lane: { lane: number }, track: new Track() }));
  const rows = [{ kind: "gil", track: gil }, ...lanes];
  assert.equal(flowsOf(rows, new TimeScale(0, 1000, 1000), 1000).length, 0);
  assert.equal(flowsOf(rows, new TimeScale(0, 12, 1000), 1000).length, 5);
});
