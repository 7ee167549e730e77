import assert from "node:assert/strict";
import { ofLine } from "../../../../static/js/widgets/run/line.js";

const THERE = {
  state: "there",
  detail: "",
  clock_ahead_s: -12.5,
  clock_off_s: 0.000196,
  cuts: 0,
  cut_s: 0,
  dropped: 0,
  gap_s: 0,
};

Deno.test("of a run that was observed from here nothing is said", () => {
  assert.deepEqual(ofLine(null), []);
  assert.deepEqual(ofLine(undefined), []);
});

Deno.test("clocks are told with their uncertainty", () => {
  assert.deepEqual(ofLine(THERE), ["the clock there is 12.5 s behind the one here, ± 196 µs"]);
  assert.deepEqual(ofLine({ ...THERE, clock_ahead_s: null, clock_off_s: null }), [
    "the clock there was not compared with the one here",
  ]);
});

Deno.test("a cut, what was lost by it, and one that lasts are told", () => {
  const line = { ...THERE, state: "cut", detail: "`ssh host` ended with status 255", cuts: 2, cut_s: 3.25 };
  assert.deepEqual(ofLine({ ...line, dropped: 120, gap_s: 4 }).slice(1), [
    "the line was cut 2 times, for 3.25 s",
    "120 messages could not be kept there: 4.00 s of the run are unknown",
    "the line is cut, trying again: `ssh host` ended with status 255",
  ]);
});
