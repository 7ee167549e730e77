import assert from "node:assert/strict";
import { bin, binGrouped } from "../../../../static/js/base/bins.js";
import { layers } from "../../../../static/js/base/layers.js";
import { Track } from "../../../../static/js/base/track.js";
import { Reports } from "../../../../static/js/state/reports.js";
import { RunState } from "../../../../static/js/state/run_state.js";
import { whyNot } from "../../../../static/js/widgets/executor_choice.js";
import { spanOfDays, startedShort } from "../../../../static/js/widgets/run_list.js";
import { mendedOf, requestOf } from "../../../../static/js/widgets/run/explanation.js";
import { settingsFor } from "../../../../static/js/widgets/run/fixes.js";

Deno.test("names stand first, objects behind what leads to them, and what nothing reaches last", () => {
  const seats = layers(["a", "b"], ["w", "x", "y", "z"], [["a", "x"], ["b", "w"], ["x", "y"], ["y", "x"]]);
  const columns = ["a", "b", "w", "x", "y", "z"].map((key) => seats.get(key).column);
  assert.deepEqual(columns, [0, 0, 1, 1, 2, 3]);
  assert.deepEqual(["x", "w"].map((key) => seats.get(key).row), [0, 1], "each near to its name");
});

Deno.test("reports keep the newest of each kind, and every deed and step in order", () => {
  const reports = new Reports();
  assert.equal(reports.live, false);
  reports.take(1, { wait_for: { nodes: [], edges: [], cycle: null } });
  reports.take(2, { wait_for: { nodes: [], edges: [], cycle: ["a"] }, found_after_s: 0.5 });
  reports.take(3, { bars: { title: "meals", unit: "", values: { a: 1 } } });
  reports.take(4, {
    bars: [{ title: "meals", unit: "", values: { a: 2 } }, { title: "waits", unit: "s", values: {} }],
  });
  reports.take(5, { did: { action: "collect" } });
  reports.take(6, { step: { line: 1, objects: [] } });
  reports.take(6, { steps: [{ step: "of another kind", references: 2 }] });
  reports.take(7, { did: [{ action: "collect" }], counts: { expected: 3, actual: 2, lost: 1 } });
  assert.deepEqual(reports.waitFor.cycle, ["a"]);
  assert.equal(reports.foundAfterS, 0.5);
  assert.deepEqual([...reports.bars.keys()], ["meals", "waits"]);
  assert.equal(reports.bars.get("meals").values.a, 2);
  assert.deepEqual([reports.deeds.length, reports.steps.length, reports.counts.lost], [1, 1, 1]);
});

const RUN = {
  id: "r",
  name: "the slow one",
  workload: "leak",
  params: { limit: 0, size: 9 },
  executor: "threads",
  workers: 3,
  seconds: 7,
  python: "/p",
};

Deno.test("a mended variant keeps what it does not name, and another workload its own ways", () => {
  assert.deepEqual(requestOf(RUN), {
    workload: "leak",
    params: { limit: 0, size: 9 },
    executor: "threads",
    workers: 3,
    seconds: 7,
    python: "/p",
  });
  const own = mendedOf(RUN, { workload: null, params: { limit: 5 }, executor: null, workers: 1 });
  assert.deepEqual(own, { ...requestOf(RUN), params: { limit: 5, size: 9 }, workers: 1 });
  const other = mendedOf(RUN, {
    workload: "cache",
    params: { limit: 5 },
    executor: "processes",
    workers: null,
  });
  assert.deepEqual(other, {
    workload: "cache",
    params: { limit: 5 },
    executor: "processes",
    seconds: 7,
    python: "/p",
  });
});

Deno.test("an interpreter that is too old for an executor is told from one that is not", () => {
  assert.equal(whyNot("3.12.1", "3.13"), "needs CPython 3.13 or later");
  assert.equal(whyNot("3.13.0", "3.13"), null);
  assert.equal(whyNot("4.0.0", "3.13"), null);
  assert.equal(whyNot("3.9.1", "3.13"), "needs CPython 3.13 or later", "9 is less than 13");
  assert.equal(whyNot("3.12.1", undefined), null);
});

Deno.test("columns drawn as one have their group's mean, and groups keep their places", () => {
  const track = new Track();
  for (let index = 0; index < 40; index += 1) track.push(index * 10, index * 10 + 10, index % 2);
  const kindOf = (value) => value;
  const grouped = binGrouped(track, 3, 10, 12, 2, kindOf, 4);
  const shares = Array.from(
    { length: 12 },
    (_, column) => grouped[column * 2] / (grouped[column * 2] + grouped[column * 2 + 1]),
  );
  assert.deepEqual(shares, Array(12).fill(0.5));
  assert.deepEqual([...binGrouped(track, 3, 10, 12, 2, kindOf, 1)], [...bin(track, 3, 10, 12, 2, kindOf)]);
});

Deno.test("a header brings pauses, maps, courses and marks, and a second one brings none of them twice", () => {
  const state = new RunState();
  const event = { type: "event", at_us: 5, kind: "forked", pid: 1, detail: "" };
  const heap = {
    type: "heap",
    at_us: 7,
    pid: 1,
    interpreter: 0,
    mapped: true,
    arenas: 1,
    changed: [[1, "AQE="]],
    gone: [],
  };
  const header = {
    type: "header",
    run: { state: "running" },
    hello: {},
    processes: [],
    threads: [],
    gils: [],
    figures: null,
    series: { names: [], rows: [] },
    courses: { memory: [{ pid: 1, names: ["at_us", "rss", "uss", "pss"], rows: [[0, 1, 2, 3]] }] },
    pauses: [[1, 0, 10, 5, 0, 1]],
    events: [event],
    heaps: [heap],
  };
  state.take(header, 0);
  state.take(header, 1);
  state.take({ ...event, seq: 3, at_us: 9 }, 2);
  state.take({ type: "collector", seq: 4, at_us: 20, rows: [], pauses: [[1, 0, 30, 5, 1, 1]] }, 2);
  assert.deepEqual(state.events.map(({ at_us: at }) => at), [5, 9]);
  assert.equal(state.pauses.get("1/0").track.length, 2);
  assert.equal(state.heaps.get("1/0").map.arenas.length, 1);
  assert.deepEqual(state.courses.memory.all, [[1, [[0, 1, 2, 3]]]]);
});

Deno.test("advice is a button where what it names is a setting of the workload that the interpreter can do", () => {
  const offers = {
    executors: [{ name: "threads" }, { name: "processes" }, { name: "subinterpreters", least: "3.14" }],
    leastWorkers: 1,
    least: "3.9",
    interpreters: [
      { path: "/p/3.14", name: "3.14.0", version: "3.14.0" },
      { path: "/p/3.13t", name: "3.13.1t", version: "3.13.1" },
    ],
  };
  const run = { executor: "threads", workers: 4 };
  const titles = (code, evidence, own = run, python = { version: "3.12.1", free: false }) =>
    settingsFor({ code, evidence }, own, offers, python).map(({ title }) => title);
  const free = "The same on CPython 3.13.1t, which has no GIL";
  assert.deepEqual(titles("gil-saturated", {}), ["The same with processes", free]);
  assert.deepEqual(titles("gil-convoy", {}, run, { version: "3.14.0", free: false }), [
    "The same with processes",
    "The same with subinterpreters",
  ]);
  assert.deepEqual(
    titles("gil-saturated", {}, { executor: "processes", workers: 2 }, { version: "3.13.1", free: true }),
    [],
  );
  const cpus = { cpus: 2.5, threads_without_python: 0 };
  assert.deepEqual(titles("cpu-oversubscribed", cpus), [
    "The same with 2 workers, as many as there are CPUs",
  ]);
  assert.deepEqual(titles("cpu-oversubscribed", cpus, { executor: "threads", workers: 2 }), []);
  assert.deepEqual(titles("cpu-oversubscribed", { ...cpus, threads_without_python: 8 }), []);
  assert.deepEqual(titles("deadlock", {}), []);
  const [{ variant }] = settingsFor(
    { code: "gil-saturated", evidence: {} },
    { executor: null, workers: null },
    offers,
    {
      version: "3.12.1",
      free: false,
    },
  );
  assert.deepEqual(mendedOf({ name: "w", params: { n: 1 }, python: "3.12" }, variant), {
    workload: "w",
    params: { n: 1 },
    python: "/p/3.13t",
  });
});

Deno.test("a run of yesterday is called so, and found by it", () => {
  const now = new Date(2026, 10, 30, 12);
  const at = (day, hour) => new Date(2026, 10, day, hour).getTime() / 1000;
  assert.match(startedShort(at(30, 0), now), /^today, /);
  assert.match(startedShort(at(29, 23), now), /^yesterday, /);
  assert.doesNotMatch(startedShort(at(28, 23), now), /day,/);
  assert.deepEqual(spanOfDays("", now), {});
  assert.deepEqual(spanOfDays("today", now), { since: String(at(30, 0)) });
  assert.deepEqual(spanOfDays("week", now), { since: String(at(24, 0)) });
  const { since, until } = spanOfDays("yesterday", now);
  assert.ok(Number(since) === at(29, 0) && Number(until) < at(30, 0) && Number(until) > at(29, 23));
});
