import assert from "node:assert/strict";
import {
  COUNTERS,
  lastKnown,
  measuredIn,
  readingOf,
  rowAt,
  told,
  topOf,
} from "../../../../static/js/state/counters.js";
import { NOTHING, queryOf, viewOf } from "../../../../static/js/state/address.js";
import { Series } from "../../../../static/js/state/series.js";
import { choiceOf, shownCounters, wordOf } from "../../../../static/js/tracks/counters.js";
import { layOut } from "../../../../static/js/tracks/rows.js";

const MIB = 2 ** 20;
const series = new Series();
series.restart({
  names: ["at_us", "held_share", "contended_share", "cpu_share", "rss", "running", "ops_per_s"],
  rows: [[250, 0.5, 0, 0.4, 20 * MIB, 0.5, null], [500, null, null, 1.3, 24 * MIB, 0, null]],
});
const counter = (key) => COUNTERS.find((one) => one.key === key);
const at = (key, us) => readingOf(counter(key), series, rowAt(counter(key), series.column("at_us"), us));
const state = { series, free: false };
const keys = (choice, usual = ["cpu"], words = "") =>
  shownCounters(state, { open: false, pinned: null, ...choice }, usual, words).rows.map((row) =>
    row.counter.key
  );

Deno.test("a mean is of the time since the row before it, and of no other", () => {
  assert.deepEqual(at("gil", 0), { startUs: 0, endUs: 250, values: [0.5, 0] });
  assert.deepEqual(at("gil", 249), { startUs: 0, endUs: 250, values: [0.5, 0] });
  assert.deepEqual(at("gil", 250), { startUs: 250, endUs: 500, values: [null, null] });
  assert.equal(at("gil", 500), null, "after the last row nothing is known");
  assert.equal(at("gil", -1), null);
});

Deno.test("what was read holds from its instant until it is read again", () => {
  assert.equal(at("rss", 249), null);
  assert.deepEqual(at("rss", 250), { startUs: 250, endUs: 500, values: [20 * MIB] });
  assert.deepEqual(at("rss", 9_000).values, [24 * MIB]);
});

Deno.test("what was known last is told with its instant where it is older", () => {
  assert.deepEqual(lastKnown(counter("gil"), series, 1), { ...at("gil", 0), olderUs: 250 });
  assert.deepEqual(lastKnown(counter("cpu"), series, 1), { ...at("cpu", 250), olderUs: null });
  assert.equal(lastKnown(counter("operations"), series, 1), null);
});

Deno.test("values have their units, and what was not measured is a dash", () => {
  assert.equal(told(counter("cpu"), 1.3), "130 %");
  assert.equal(told(counter("switches"), 412), "412/s");
  assert.equal(told(counter("rss"), 24 * MIB), "24.0 MiB");
  assert.equal(told(counter("switches"), null), "–");
});

Deno.test("an axis ends at the quantity's own end, or at the highest value, above noise", () => {
  assert.equal(topOf(counter("gil"), series, Infinity), 1);
  assert.equal(topOf(counter("rss"), series, Infinity), 24 * MIB);
  assert.equal(topOf(counter("running"), series, Infinity), 1);
  assert.equal(topOf(counter("rss"), series, -1), 1, "what comes later moves no axis");
  assert.equal(topOf(counter("operations"), series, Infinity), 1, "of nothing there is an axis too");
});

Deno.test("only what this run has can have a lane", () => {
  assert.deepEqual(measuredIn(series, false).map(({ key }) => key), ["gil", "cpu", "rss"]);
  assert.deepEqual(measuredIn(series, true).map(({ key }) => key), ["running", "cpu", "rss"]);
});

Deno.test("at first the question's has a lane; then those that a hand pins, or all", () => {
  assert.deepEqual(keys({}, ["operations", "cpu"]), ["cpu"]);
  assert.deepEqual(keys({ pinned: new Set() }), []);
  assert.deepEqual(keys({ pinned: new Set(["rss", "nothing"]) }), ["rss"]);
  assert.deepEqual(keys({ open: true, pinned: new Set(["rss"]) }), ["rss", "gil", "cpu"]);
});

Deno.test("the lanes' search finds counters too, folded ones as well", () => {
  assert.deepEqual(keys({ pinned: new Set() }, [], "RSS"), ["rss"]);
  assert.deepEqual(keys({ pinned: new Set() }, [], "contended"), ["gil"]);
  assert.deepEqual(keys({ open: true, pinned: new Set(["cpu"]) }, [], "worker"), ["cpu"]);
});

Deno.test("the address holds which have a lane, and the reading that was chosen", () => {
  for (
    const choice of [{ open: true }, { open: false, pinned: new Set(["cpu", "rss"]) }, {
      open: false,
      pinned: new Set(),
    }]
  ) {
    const word = wordOf({ pinned: null, ...choice });
    assert.deepEqual(choiceOf(viewOf(queryOf({ ...NOTHING, counters: word })).counters), choice);
  }
  assert.equal(queryOf({ ...NOTHING, counters: wordOf({ open: false, pinned: null }) }), "");
  assert.equal(viewOf("?counters=<b>").counters, "");
  const slice = { lane: "rss", us: 250_000 };
  assert.deepEqual(viewOf(queryOf({ ...NOTHING, slice })).slice, slice);
});

Deno.test("counters stand above the lanes of all processes", () => {
  const cast = { processes: new Map(), lanes: new Map(), gils: new Map(), pauses: new Map() };
  const { rows } = shownCounters(state, { open: true, pinned: null }, [], "");
  const placed = layOut(cast, 0, 1000, undefined, 400, null, rows);
  assert.deepEqual(placed.map(({ kind, top }) => [kind, top]), [["counter", 0], ["counter", 32], [
    "counter",
    64,
  ]]);
});
