import assert from "node:assert/strict";
import { ALL_LANES, inOrder, isAll, isShown, toggled } from "../../../../static/js/tracks/lane_choice.js";
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
