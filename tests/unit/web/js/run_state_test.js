import assert from "node:assert/strict";
import { forgetProcesses, pidText, processName } from "../../../../static/js/state/pids.js";
import { RunState } from "../../../../static/js/state/run_state.js";
import { TimeScale } from "../../../../static/js/base/time_scale.js";
import { marksAt, placeMarks } from "../../../../static/js/tracks/marks.js";
import { Shares } from "../../../../static/js/base/shares.js";
import { ALL_LANES } from "../../../../static/js/tracks/lane_choice.js";
import { heightOf, layOut, rowAt } from "../../../../static/js/tracks/rows.js";

const HEADER = {
  type: "header",
  run: {
    id: "a",
    kind: "workload",
    name: "cpu-bound",
    state: "running",
    started_at: 1,
    duration_s: 1,
    params: {},
    error: null,
  },
  hello: {
    origin_ns: 0,
    started_at: 1,
    sampling: { gil_hz: 1000, counters_hz: 4 },
  },
  processes: [{
    type: "process",
    pid: 10,
    parent: null,
    command: ["python"],
    python: "3.12.1",
    why: {},
    capabilities: {},
    gone: false,
  }],
  threads: [[0, 10, 10, "main", 0], [1, 10, 11, "cpu-1", 0]],
  gils: [[0, 10, 0]],
  figures: null,
  series: { names: ["at_us", "held_share"], rows: [[100, 0.5]] },
};

function frame(seq, start_us, lanes, gils = []) {
  return {
    type: "frame",
    seq,
    start_us,
    end_us: start_us + 100,
    samples: 1,
    failed: 0,
    late: 0,
    lanes,
    gils,
  };
}

function figures(at_us, held) {
  const totals = {
    cpu_share: 1,
    rss: 2,
    ops: 3,
    ops_per_s: 4,
    switches_per_s: 5,
  };
  const gils = [
    {
      gil: 0,
      held_share: 0.1,
      contended_share: 0,
      switches_per_s: 0,
      waiters: 0,
    },
    {
      gil: 1,
      held_share: held,
      contended_share: 0.2,
      switches_per_s: 7,
      waiters: 1,
    },
  ];
  const row = [at_us, held];
  return {
    type: "figures",
    at_us,
    main_gil: 1,
    gils,
    totals,
    row,
    threads: [],
    processes: [],
    observer: {},
  };
}

function started() {
  const state = new RunState();
  state.take(structuredClone(HEADER), 0);
  return state;
}

Deno.test("frames extend the tracks of lanes and GILs", () => {
  const state = started();
  state.take(
    frame(5, 0, [[0, [6, 100]], [1, [0, 60, 2, 40]]], [[0, 3, [
      1,
      0,
      60,
      -1,
      0,
      0,
      1,
      2,
      40,
    ]]]),
    1,
  );
  state.take(
    frame(6, 100, [[0, [6, 100]], [1, [2, 100]]], [[0, 3, [1, 1, 100]]]),
    2,
  );
  const lane = state.lanes.get(1).track;
  assert.deepEqual([lane.length, lane.startAt(1), lane.endAt(1)], [2, 60, 200]);
  const gil = state.gils.get(0).track;
  assert.equal(
    gil.length,
    2,
    "the zero-length piece parts two holds of the same thread",
  );
  assert.deepEqual([gil.endAt(0), gil.endAt(1), gil.extraAt(1)], [60, 200, 2]);
  assert.equal(state.clock.lastUs, 200);
});

Deno.test("with the result the measured time ends, for every view at the same instant", () => {
  const state = started();
  const pause = (seq, at_us) => ({
    type: "collector",
    seq,
    at_us,
    rows: [],
    pauses: [[10, 0, at_us - 9, 5, 0, 1]],
  });
  const heap = (seq, at_us) => ({
    type: "heap",
    seq,
    at_us,
    pid: 10,
    interpreter: 0,
    mapped: false,
  });
  state.take(frame(5, 50, [[1, [0, 100]]]), 1);
  state.take({ ...figures(150, 0.9), begin_us: 50, end_us: null }, 1);
  state.take(pause(6, 150), 1);
  state.take(heap(7, 140), 1);
  assert.deepEqual([state.endUs, state.lastUs, state.elapsedS], [
    null,
    150,
    0.0001,
  ]);

  state.take({ type: "report", seq: 8, at_us: 150, data: { result: {} } }, 2);
  state.take(frame(9, 150, [[1, [0, 100]]]), 3);
  state.take(pause(10, 250), 3);
  state.take(heap(11, 250), 3);
  state.take({ type: "end", seq: 12, at_us: 260, state: "finished" }, 3);
  assert.deepEqual([
    state.endUs,
    state.lastUs,
    state.edgeUs(1e9),
    state.elapsedS,
  ], [150, 150, 150, 0.0001]);
  assert.equal(state.pauses.get("10/0").track.length, 1);
  assert.equal(state.heaps.get("10/0").message.at_us, 140);
});

Deno.test("a viewer that comes later learns from the figures where the measured time ended", () => {
  const state = new RunState();
  state.take({
    ...structuredClone(HEADER),
    figures: { ...figures(150, 0.9), begin_us: 0, end_us: 150 },
  }, 0);
  state.take(frame(9, 100, [[1, [0, 100]]]), 3);
  assert.deepEqual([state.endUs, state.lastUs], [150, 150]);
});

Deno.test("after a reconnection what is known is not taken twice", () => {
  const state = started();
  state.take(frame(5, 0, [[1, [0, 100]]]), 1);
  state.take(structuredClone(HEADER), 2);
  state.take(frame(5, 0, [[1, [0, 100]]]), 3);
  state.take(frame(6, 100, [[1, [2, 100]]]), 3);
  const { track } = state.lanes.get(1);
  assert.deepEqual([track.length, track.startAt(0), track.endAt(1)], [
    2,
    0,
    200,
  ]);
});

Deno.test("a thread that has ended stays ended, though a later header still names it", () => {
  const state = started();
  state.take({
    type: "names",
    seq: 1,
    at_us: 50,
    threads: [],
    gils: [],
    gone: [1],
  }, 1);
  state.take(structuredClone(HEADER), 2);
  assert.deepEqual([0, 1].map((lane) => state.lanes.get(lane).alive), [
    true,
    false,
  ]);
});

Deno.test("a track begins where its thread was named, and stops short where it went", () => {
  const state = started();
  state.take({
    type: "names",
    seq: 1,
    at_us: 70,
    threads: [[2, 10, 12, "late", 0]],
    gils: [],
    gone: [],
  }, 1);
  state.take({
    type: "names",
    seq: 2,
    at_us: 90,
    threads: [],
    gils: [],
    gone: [1],
  }, 1);
  state.take(frame(3, 0, [[1, [0, 40]], [2, [6, 30]]]), 1);
  assert.deepEqual([
    state.lanes.get(2).track.startAt(0),
    state.lanes.get(2).track.endAt(0),
  ], [70, 100]);
  assert.deepEqual([
    state.lanes.get(1).track.startAt(0),
    state.lanes.get(1).track.endAt(0),
  ], [0, 40]);
});

Deno.test("a thread named again keeps its track whole", () => {
  const state = started();
  state.take(frame(1, 0, [[1, [0, 100]]]), 1);
  state.take(
    {
      type: "names",
      seq: 2,
      at_us: 150,
      threads: [[1, 10, 11, "renamed", 0]],
      gils: [],
      gone: [],
    },
    1,
  );
  state.take(frame(3, 100, [[1, [0, 100]]]), 1);
  assert.equal(state.lanes.get(1).name, "renamed");
  assert.deepEqual([
    state.lanes.get(1).track.length,
    state.lanes.get(1).track.endAt(0),
  ], [1, 200]);
});

Deno.test("the series goes on from the header with the row of each message", () => {
  const state = started();
  state.take(figures(200, 0.9), 1);
  state.take(figures(200, 0.9), 1);
  assert.deepEqual(state.series.column("at_us"), [100, 200]);
  assert.deepEqual(state.series.column("held_share"), [0.5, 0.9]);
});

Deno.test("a long series stays bounded, and keeps its span", () => {
  const state = started();
  for (let index = 1; index <= 3000; index += 1) {
    state.take(figures(100 + index, 0.9), 1);
  }
  const at = state.series.column("at_us");
  assert.ok(at.length <= 1201);
  assert.equal(at[0], 100);
  assert.ok(at.at(-1) >= 3098);
});

Deno.test("a summary ends the run", () => {
  const state = started();
  assert.equal(state.ended, false);
  state.take({
    type: "summary",
    summary: {
      run: { ...HEADER.run, state: "finished" },
      threads: [],
      gils: [],
      workload: null,
    },
  }, 1);
  assert.equal(state.ended, true);
});

Deno.test("what was missed is counted, and threads without end are not all kept", () => {
  const state = started();
  state.take({ type: "missed", count: 3 }, 1);
  assert.equal(state.missed, 3);
  for (let lane = 2; lane < 3000; lane += 1) {
    state.take({
      type: "names",
      seq: 2 * lane,
      at_us: lane,
      threads: [[lane, 10, lane, "t", 0]],
      gils: [],
      gone: [],
    }, 1);
    state.take({
      type: "names",
      seq: 2 * lane + 1,
      at_us: lane,
      threads: [],
      gils: [],
      gone: [lane],
    }, 1);
    if (lane === 501) {
      assert.equal(
        state.lanes.size,
        502,
        "a pool of five hundred that has ended has all its lanes",
      );
    }
  }
  assert.ok(state.lanes.size < 1050, `${state.lanes.size} lanes`);
});

Deno.test("rows: a process, its GIL, its threads in the order of their ids", () => {
  const state = started();
  const rows = layOut(state, 0, 1000);
  assert.deepEqual(rows.map(({ kind }) => kind), [
    "process",
    "gil",
    "lane",
    "lane",
  ]);
  assert.deepEqual(
    rows.filter(({ kind }) => kind === "lane").map(({ lane }) => lane.tid),
    [10, 11],
  );
  assert.equal(rowAt(rows, rows[2].top), rows[2]);
  assert.equal(rowAt(rows, heightOf(rows)), undefined);
});

Deno.test("a thread that ended before the view leaves it", () => {
  const state = started();
  state.take(frame(1, 0, [[0, [6, 100]], [1, [0, 100]]]), 1);
  state.take({
    type: "names",
    seq: 2,
    at_us: 100,
    threads: [],
    gils: [],
    gone: [1],
  }, 1);
  assert.equal(layOut(state, 50, 1000).length, 4);
  assert.equal(layOut(state, 150, 1000).length, 3);
});

Deno.test("a thread that began after a paused view stays out of it", () => {
  const state = started();
  state.take({
    type: "names",
    seq: 1,
    at_us: 70,
    threads: [[2, 10, 12, "late", 0]],
    gils: [],
    gone: [],
  }, 1);
  assert.equal(layOut(state, 0, 60).length, 4);
  assert.equal(layOut(state, 0, 80).length, 5);
});

Deno.test("a thread that has gone, of which no piece came, stands where its shares of time are", () => {
  const state = started();
  state.take({
    type: "names",
    seq: 2,
    at_us: 100,
    threads: [],
    gils: [],
    gone: [1],
  }, 1);
  state.lanes.get(1).track.overview = new Shares({
    fromUs: 0,
    binUs: 50,
    rows: [[0, Uint8Array.of(0, 255)]],
  });
  assert.equal(layOut(state, 0, 1000).length, 4);
  assert.equal(layOut(state, 150, 1000).length, 3);
});

Deno.test("a process without a GIL says so where its lock would stand", () => {
  const state = started();
  state.gils.clear();
  const [process] = state.processes.values();
  state.take({
    ...process,
    type: "process",
    seq: 1,
    gil_enabled: false,
    why: { gil: "none" },
  }, 1);
  assert.deepEqual(layOut(state, 0, 60).map(({ kind }) => kind), [
    "process",
    "free",
    "lane",
    "lane",
  ]);
});

Deno.test("events stand in their process's row, and are found by a pointer near them", () => {
  const state = started();
  for (
    const [seq, at_us, pid] of [[1, 20, 10], [2, 21, 77], [3, 90, 10], [
      4,
      400,
      10,
    ]]
  ) {
    state.take(
      { type: "event", seq, at_us, kind: "forked", pid, detail: "" },
      1,
    );
  }
  const rows = layOut(state, 0, 100);
  const marks = placeMarks(
    state.events,
    rows,
    new TimeScale(0, 200, 1000),
    100,
  );
  assert.deepEqual(marks.map(({ x, event }) => [x, event.pid]), [[100, 10], [
    105,
    77,
  ], [450, 10]]);
  assert.deepEqual(marksAt(marks, rows[0], 102).map(({ event }) => event.pid), [
    10,
    77,
  ]);
  assert.deepEqual(marksAt(marks, rows[1], 102), []);
});

Deno.test("events are bounded, the latest are kept", () => {
  const state = started();
  for (let seq = 1; seq <= 2000; seq += 1) {
    state.take({
      type: "event",
      seq,
      at_us: seq,
      kind: "exited",
      pid: seq,
      detail: "",
    }, 1);
  }
  assert.ok(state.events.length <= 500);
  assert.equal(state.events.at(-1).pid, 2000);
});

Deno.test("who is to blame: each part is kept until it is said anew", () => {
  const state = started();
  const wait = {
    pid: 10,
    interpreter: 0,
    holder: null,
    waiter: { tid: 11, name: "io" },
    wait_s: 1,
  };
  state.take({ ...figures(200, 0.9), who_waits: [wait] }, 1);
  state.take({ ...figures(300, 0.9), hot: [{ function: "f" }] }, 1);
  assert.deepEqual(state.causes.who_waits, [wait]);
  assert.equal(state.causes.hot[0].function, "f");
});

Deno.test("the frames of a run that has ended are on their way until its summary is told", () => {
  const state = new RunState();
  state.take({ ...HEADER, run: { ...HEADER.run, state: "finished" } }, 0);
  assert.equal(state.heldFromUs, 0);
  state.take({ type: "summary", summary: { run: {} } }, 0);
  assert.equal(
    state.heldFromUs,
    Infinity,
    "of a long run the messages that come may hold no frame",
  );
});

Deno.test("a cluster's workers stand host by host, with their tasks on the lanes of their threads", () => {
  const state = started();
  const worker = (pid, host, name) => ({
    ...HEADER.processes[0],
    type: "process",
    pid,
    host,
    worker: name,
  });
  for (
    const [pid, host, name] of [[10, "b", "1"], [20, "a", "10"], [30, "a", "9"]]
  ) {
    state.take(worker(pid, host, name), 1);
    state.take({
      type: "names",
      at_us: 0,
      threads: [[pid, pid, pid, "t", 0]],
      gils: [],
      gone: [],
    }, 1);
  }
  const told = (row) => ({ type: "cluster", at_us: 500, tasks: [row] });
  state.take(told([20, 20, 100, 100, 200, 150, false, "parse-1", "parse"]), 1);
  state.take(told([20, 20, 100, 300, 200, 150, true, "parse-1", "parse"]), 1);
  const rows = layOut(state, 0, 1000);
  assert.deepEqual(
    rows.filter(({ kind }) => kind === "process").map(({ process }) => process.pid),
    [30, 20, 10],
  );
  const [lane] = rows.filter((row) => row.kind === "lane" && row.lane.lane === 20);
  assert.deepEqual(lane.tasks, [{
    startUs: 100,
    endUs: 500,
    key: "parse-1",
    name: "parse",
    over: true,
  }]);
});

Deno.test("a worker of a cluster gives no other run's process its name", () => {
  const open = (id, pid, worker) => {
    const state = new RunState();
    const process = { ...HEADER.processes[0], pid, worker };
    state.take({ ...structuredClone(HEADER), run: { ...HEADER.run, id }, processes: [process] }, 0);
  };
  forgetProcesses();
  open("cluster", 4321, "3");
  open("cluster", 10_004_322, "4");
  assert.equal(processName(4321), "worker 3 · pid 4321");
  assert.equal(pidText(10_004_322), "4 · 4322");
  open("beside it", 4321, null);
  assert.equal(processName(4321), "pid 4321");
  assert.equal(pidText(10_004_322), "4 · 4322");
  open("the same cluster later", 10_004_322, "4");
  assert.equal(pidText(10_004_322), "4 · 4322");
  forgetProcesses();
  assert.equal(pidText(10_004_322), "4322");
});

Deno.test("of many workers the GIL alone is shown at first", () => {
  const state = started();
  for (let pid = 100; pid < 112; pid += 1) {
    state.take({
      ...HEADER.processes[0],
      type: "process",
      pid,
      host: "a",
      worker: String(pid),
    }, 1);
    state.take({
      type: "names",
      at_us: 0,
      threads: [[pid, pid, pid, "t", 0]],
      gils: [[pid, pid, 0]],
      gone: [],
    }, 1);
  }
  const kinds = (choice) =>
    layOut(state, 0, 1000, choice).filter(({ process, gil, lane }) => (process ?? gil ?? lane)?.pid >= 100)
      .map(({ kind }) => kind);
  assert.ok(!kinds().includes("lane"));
  assert.equal(
    kinds({ ...ALL_LANES, collapsed: new Set([105]) }).filter((kind) => kind === "lane").length,
    1,
  );
});
