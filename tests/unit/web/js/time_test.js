import assert from "node:assert/strict";
import { tickLabel, ticks, tickStep } from "../../../../static/js/base/ticks.js";
import { TimeScale } from "../../../../static/js/base/time_scale.js";
import { DELAY_US, LiveClock } from "../../../../static/js/state/live_clock.js";
import {
  around,
  follow,
  interval,
  LIVE,
  pan,
  pause,
  SHORTEST_SPAN_US,
  shownUntil,
  zoom,
} from "../../../../static/js/state/time_window.js";

const SECOND = 1_000_000;

Deno.test("a scale maps there and back", () => {
  const scale = new TimeScale(2 * SECOND, 12 * SECOND, 1000);
  assert.equal(scale.toX(7 * SECOND), 500);
  assert.equal(scale.toUs(scale.toX(3_141_592)), 3_141_592);
  assert.equal(scale.usPerPixel, 10_000);
});

Deno.test("a scale over nothing is refused", () => {
  assert.throws(() => new TimeScale(5, 5, 100), RangeError);
  assert.throws(() => new TimeScale(0, 5, 0), RangeError);
});

Deno.test("steps are 1, 2 or 5, then clock-like", () => {
  for (
    const [spanUs, most, stepUs] of [
      [10 * SECOND, 10, SECOND],
      [10 * SECOND, 9, 2 * SECOND],
      [10 * SECOND, 4, 5 * SECOND],
      [3_000, 10, 500],
      [2_000, 10, 200],
      [90 * SECOND, 10, 10 * SECOND],
      [600 * SECOND, 10, 60 * SECOND],
      [3_600 * SECOND, 10, 600 * SECOND],
    ]
  ) {
    assert.equal(tickStep(spanUs, most), stepUs, `${spanUs} us in ${most}`);
  }
});

Deno.test("ticks are multiples of their step, within the interval, and never too many", () => {
  for (let spanUs = 2_000; spanUs < 700 * SECOND; spanUs = Math.round(spanUs * 1.37)) {
    const startUs = 1_234_567;
    const { stepUs, at } = ticks(startUs, startUs + spanUs, 8);
    assert.ok(at.length <= 9, `${at.length} ticks in ${spanUs}`);
    assert.ok(at.length >= 1);
    for (const us of at) {
      assert.ok(Math.abs(us / stepUs - Math.round(us / stepUs)) < 1e-9);
      assert.ok(us >= startUs && us <= startUs + spanUs);
    }
    assert.equal(new Set(at.map((us) => tickLabel(us, stepUs))).size, at.length, "labels tell ticks apart");
  }
});

Deno.test("ticks of an axis that counts from elsewhere are multiples of the step from there", () => {
  const { stepUs, at } = ticks(2_527_000, 3_727_000, 6, 107_000);
  assert.equal(stepUs, 200_000);
  assert.deepEqual(at.map((us) => tickLabel(us - 107_000, stepUs)), [
    "2.6 s",
    "2.8 s",
    "3.0 s",
    "3.2 s",
    "3.4 s",
    "3.6 s",
  ]);
  assert.equal(at[0], 2_707_000);
});

Deno.test("a tick's label has the decimals of its step", () => {
  assert.equal(tickLabel(12_500_000, 500_000), "12.5 s");
  assert.equal(tickLabel(12_000_000, SECOND), "12 s");
  assert.equal(tickLabel(2_400, 200), "0.0024 s");
  const every = (us) => [0, 1, 2, 3].map((index) => tickLabel(index * us, us));
  assert.deepEqual(every(2.5 * SECOND), ["0.0 s", "2.5 s", "5.0 s", "7.5 s"]);
  assert.deepEqual(every(0.25 * SECOND), ["0.00 s", "0.25 s", "0.50 s", "0.75 s"]);
  assert.deepEqual(every(100 * SECOND), ["0:00", "1:40", "3:20", "5:00"]);
  assert.equal(tickLabel(300 * SECOND, 60 * SECOND), "5:00");
});

Deno.test("a live window ends at the edge, and a young run fills it from the left", () => {
  assert.deepEqual(interval(LIVE, 25 * SECOND), { startUs: 15 * SECOND, endUs: 25 * SECOND });
  assert.deepEqual(interval(LIVE, 3 * SECOND), { startUs: 0, endUs: 10 * SECOND });
});

Deno.test("a paused window stands while the run goes on, until it follows again", () => {
  const paused = pause(LIVE, 25 * SECOND);
  assert.deepEqual(interval(paused, 60 * SECOND), { startUs: 15 * SECOND, endUs: 25 * SECOND });
  assert.equal(interval(follow(paused), 60 * SECOND).endUs, 60 * SECOND);
});

Deno.test("a window paused in a young run shows no more of it, until a hand moves it", () => {
  const paused = pause(LIVE, 3 * SECOND);
  assert.equal(shownUntil(LIVE, 7 * SECOND), 7 * SECOND);
  assert.equal(shownUntil(paused, 7 * SECOND), 3 * SECOND);
  assert.equal(shownUntil(pan(paused, 0, 7 * SECOND), 8 * SECOND), 7 * SECOND);
  assert.equal(shownUntil(follow(paused), 7 * SECOND), 7 * SECOND);
});

Deno.test("a piece of time stands in the middle, with as much about it, and on the run", () => {
  const long = around(10 * SECOND, 12 * SECOND, 60 * SECOND);
  assert.deepEqual(interval(long, 60 * SECOND), { startUs: 8 * SECOND, endUs: 14 * SECOND });
  const short = around(10 * SECOND, 10 * SECOND + 2_000, 60 * SECOND);
  assert.deepEqual([short.spanUs, short.endUs], [50_000, 10 * SECOND + 26_000]);
  assert.equal(interval(around(0, 3_000, 60 * SECOND), 60 * SECOND).startUs, 0);
});

Deno.test("panning leaves live, and stays on the run", () => {
  const earlier = pan(LIVE, -5 * SECOND, 25 * SECOND);
  assert.equal(interval(earlier, 99 * SECOND).endUs, 20 * SECOND);
  assert.equal(interval(pan(earlier, -100 * SECOND, 25 * SECOND), 25 * SECOND).startUs, 0);
  assert.equal(interval(pan(earlier, 100 * SECOND, 25 * SECOND), 25 * SECOND).endUs, 25 * SECOND);
});

Deno.test("a zoom keeps the instant under the cursor in its place", () => {
  const paused = pause(LIVE, 25 * SECOND);
  const zoomed = zoom(paused, 0.5, 17 * SECOND, 25 * SECOND);
  assert.deepEqual(interval(zoomed, 25 * SECOND), { startUs: 16 * SECOND, endUs: 21 * SECOND });
  assert.equal(zoom(LIVE, 0.5, 17 * SECOND, 25 * SECOND).endUs, null, "live stays live");
  assert.equal(zoom(paused, 1e-9, 17 * SECOND, 25 * SECOND).spanUs, SHORTEST_SPAN_US);
});

Deno.test("the live edge moves evenly with the viewer's clock, behind what was heard", () => {
  const clock = new LiveClock();
  assert.equal(clock.edgeUs(0), null);
  clock.heard(1 * SECOND, 5_000);
  clock.heard(1_050_000, 5_080); // 30 ms late: it moves no clock
  assert.equal(clock.edgeUs(5_000), 1 * SECOND - DELAY_US);
  assert.equal(clock.edgeUs(5_100), 1_100_000 - DELAY_US);
  assert.equal(clock.edgeUs(9_000), 1_050_000, "never beyond what was heard");
});
