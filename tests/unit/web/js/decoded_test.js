// What a page takes of what a server says, and what it leaves out.
import assert from "node:assert/strict";

import { Decoder } from "../../../../static/js/state/decoded.js";
import { RunState } from "../../../../static/js/state/run_state.js";

const FRAME = {
  type: "frame",
  seq: 9,
  start_us: 0,
  end_us: 20_000,
  samples: 20,
  failed: 0,
  late: 0,
  gils: [[0, 1, [0, 1, 20_000]]],
  lanes: [[0, [0, 20_000]]],
};
const NAMES = {
  type: "names",
  seq: 8,
  at_us: 0,
  threads: [[0, 7, 7, "main", 0]],
  gils: [[0, 7, 0]],
  gone: [],
};
const FIGURES = {
  type: "figures",
  at_us: 20_000,
  begin_us: 0,
  end_us: null,
  gils: [],
  processes: [],
  threads: [],
  totals: {},
  observer: {},
  row: [1, null],
};
const GOOD = [
  NAMES,
  FRAME,
  FIGURES,
  { type: "process", seq: 7, at_us: 0, pid: 7, command: ["a"], capabilities: {}, why: {} },
  { type: "event", at_us: 5, pid: 7, kind: "forked", detail: "" },
  { type: "collector", at_us: 5, pauses: [[7, 0, 1, 2, null, 3]] },
  { type: "report", at_us: 5, data: { output: "x" } },
  { type: "missed", count: 3 },
  { type: "of another version", what: 1 },
];

/** @param {unknown} message */
const decoded = (message) => new Decoder().decode(JSON.stringify(message));

Deno.test("what is whole is taken as it is", () => {
  for (const message of GOOD) assert.deepEqual(decoded(message), message);
});

Deno.test("what is damaged is left out", () => {
  const damaged = [
    "",
    "{",
    "null",
    "3",
    "[]",
    '"frame"',
    "{}",
    '{"type":3}',
    ...[
      { ...FRAME, seq: "9" },
      { ...FRAME, start_us: -1 },
      { ...FRAME, end_us: null },
      { ...FRAME, lanes: undefined },
      { ...FRAME, lanes: [[0, [99, 20_000]]] },
      { ...FRAME, lanes: [[0, [0, 1, 2]]] },
      { ...FRAME, lanes: [[0, [0, 20_001]]] },
      { ...FRAME, gils: [["0", 1, [0, 1, 20_000]]] },
      { ...FRAME, gils: {} },
      { ...NAMES, threads: [[0, 7]] },
      { ...FIGURES, threads: [null] },
      { ...FIGURES, heap: "none" },
      { type: "run" },
      { type: "run", run: { id: 3 } },
      { type: "summary", summary: null },
      { type: "header" },
    ].map((message) => JSON.stringify(message)),
    JSON.stringify(FRAME).replace('"end_us":20000', '"end_us":1e999'),
  ];
  for (const text of damaged) assert.equal(new Decoder().decode(text), null, text);
});

Deno.test("one instant that is hours ahead is left out; where the next one agrees, time has passed", () => {
  const decoder = new Decoder();
  const at = (/** @type {number} */ us) => decoder.decode(JSON.stringify({ ...FIGURES, at_us: us }));
  assert(at(1_000));
  assert.equal(at(9e12), null);
  assert(at(2_000));
  assert.equal(at(9e12), null);
  assert(at(9e12 + 1_000));
  assert(at(9e12 + 2_000));
});

/** A generator of numbers from 0 to 1, the same each time. @param {number} seed */
function randomOf(seed) {
  return () => {
    seed = (seed * 1_664_525 + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
}

const STRANGE = [null, true, -1, 0.5, 1e300, 2 ** 53, "", "x", [], {}, [[]], [null], { a: [] }];

/** The same with one value, somewhere within, put in place of another or left out. @param {any} message @param {() => number} random */
function damagedAt(message, random) {
  const copy = structuredClone(message);
  /** @type {[any, string][]} */
  const places = [];
  /** @param {any} value */
  const walk = (value) => {
    for (const key of Object.keys(value)) {
      places.push([value, key]);
      if (typeof value[key] === "object" && value[key] !== null) walk(value[key]);
    }
  };
  walk(copy);
  const [holder, key] = places[Math.floor(random() * places.length)];
  if (random() < 0.2) delete holder[key];
  else holder[key] = STRANGE[Math.floor(random() * STRANGE.length)];
  return copy;
}

Deno.test("no damage of 20,000 makes the state of a run throw, and what comes after it is taken", () => {
  const random = randomOf(12);
  let left = 0;
  for (let round = 0; round < 20_000; round += 1) {
    const decoder = new Decoder();
    const state = new RunState();
    const bad = damagedAt(GOOD[Math.floor(random() * GOOD.length)], random);
    for (const message of [NAMES, bad, { ...FRAME, seq: 10, start_us: 20_000, end_us: 40_000 }]) {
      const taken = decoder.decode(JSON.stringify(message));
      if (taken) state.take({ ...taken, seq: undefined }, 0);
      else left += 1;
    }
    assert.equal(state.lanes.get(0)?.track.lastUs, 40_000, JSON.stringify(bad));
  }
  assert(left > 5_000);
});
