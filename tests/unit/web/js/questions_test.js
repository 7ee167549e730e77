import assert from "node:assert/strict";
import { measuredOf } from "../../../../static/js/widgets/fields.js";
import { measuresOf } from "../../../../static/js/state/measures.js";
import { ANY, openingPanel, questionOf, QUESTIONS } from "../../../../static/js/state/questions.js";

/** What is known of a run of that question. */
function stateOf(question, summary = null) {
  return { run: { question, output: null }, summary, reported: null };
}

Deno.test("a run opens on the panel that answers its question, and a run that asks none on the overview", () => {
  assert.equal(openingPanel({ run: null }), null);
  assert.equal(openingPanel(stateOf("memory")), "memory");
  assert.equal(openingPanel(stateOf("loop")), "loops");
  assert.equal(openingPanel(stateOf("gil")), "waits");
  assert.equal(openingPanel(stateOf(undefined)), "overview");
  assert.equal(questionOf({ run: { question: "something of a later version" } }), ANY);
});

Deno.test("once it is over, a run whose answer is what it reported opens on that", () => {
  const reported = { workload: { ops: 1 } };
  assert.equal(openingPanel(stateOf("work", reported)), "result");
  assert.equal(openingPanel(stateOf("memory", reported)), "memory");
  assert.equal(openingPanel(stateOf("work", { workload: null })), "overview");
  assert.equal(openingPanel({ ...stateOf(null, { workload: null }), run: { output: "bye" } }), "result");
});

Deno.test("every question has figures, each once, and what was seen is the last of them", () => {
  for (const { figures } of [...Object.values(QUESTIONS), ANY]) {
    assert.equal(new Set(figures).size, figures.length);
    assert.equal(figures.at(-1), "seen");
  }
});

Deno.test("figures of threads, loops and heaps are of the worst of them, or of all", () => {
  const threads = [
    { observed_s: 2, shares: { lock: 0.5 }, gil_wait: { count: 3, p99_s: 0.02 } },
    { observed_s: 1, shares: { lock: 1 }, gil_wait: { count: 0, p99_s: null } },
    { observed_s: null, shares: null, gil_wait: null },
  ];
  const loops = [{ lag_s: { p99: 0.1 }, longest: [{ length_s: 0.3 }] }, {
    lag_s: { p99: null },
    longest: [],
  }];
  const heap = [{ bytes_used: 10, peak: { bytes_used: 30 } }, { bytes_used: 5 }];
  const gc = [{ share: 0.25, pauses: {} }, { pauses: { stopped_share: 0.5 } }];
  const live = { summary: null, figures: { threads }, causes: { loops }, told: { heap, gc } };
  assert.deepEqual(measuresOf(live), {
    gil_wait: 0.02,
    lock_waiters: 1, // half of 2 s, and all of 1 s
    loop_lag: 0.1,
    loop_blocked: 0.3,
    objects: 15,
    collector_share: 0.5,
  });
  assert.equal(measuresOf({ ...live, summary: { threads } }).objects, 35);
  const nothing = measuresOf({ summary: null, figures: null, causes: { loops: [] }, told: {} });
  assert.deepEqual([...new Set(Object.values(nothing))], [null]);
});

Deno.test("what a workload measured is shown in its unit, several by one, and some by their names", () => {
  assert.deepEqual(
    [[12.5, "rate"], [1.236, "times"], [0.25, "share"], [1.5, "ms"], [93, "ns"], [[1024, 2048], "bytes"]]
      .map(([value, unit]) => measuredOf(value, unit)),
    ["12.5/s", "1.24 ×", "25.0 %", "1.50 ms", "93 ns", "1.00 KiB · 2.00 KiB"],
  );
  assert.equal(measuredOf({ "diner-1": 3, "diner-2": 0 }, "count"), "diner-1 3 · diner-2 0");
  assert.deepEqual([measuredOf(null, "s"), measuredOf({}, "count"), measuredOf("x86_64", "text")], [
    "–",
    "none",
    "x86_64",
  ]);
});
