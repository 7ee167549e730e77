import assert from "node:assert/strict";
import { NOTHING, queryOf, viewOf } from "../../../../static/js/state/address.js";
import { LIVE, standing, withInView } from "../../../../static/js/state/time_window.js";
import { Replay } from "../../../../static/js/widgets/run/replay.js";

Deno.test("an address holds a view and gives it back; what is no view is passed over", () => {
  const view = {
    tab: "waits",
    window: { startUs: 1_500_000, endUs: 2_000_001 },
    selected: { startUs: 1_600_000, endUs: 1_700_000, lanes: null },
    atUs: 1_750_000,
    slice: { lane: 3, us: 1_600_000 },
    counters: "cpu-rss",
    lanes: NOTHING.lanes,
    note: "3f2a",
  };
  assert.equal(
    queryOf(view),
    "?tab=waits&window=1.5-2.000001&select=1.6-1.7&at=1.75&slice=3@1.6&counters=cpu-rss&note=3f2a",
  );
  assert.deepEqual(viewOf(queryOf(view)), view);
  assert.equal(queryOf(NOTHING), "");
  assert.deepEqual(viewOf(""), NOTHING);
  assert.deepEqual(viewOf("?at=-1&window=3-2&slice=x@1&token=a"), NOTHING);
});

Deno.test("a window stands where it was put, and moves only for a playhead that it does not show", () => {
  const window = standing({ startUs: 2_000_000, endUs: 4_000_000 });
  assert.deepEqual(window, { spanUs: 2_000_000, endUs: 4_000_000, frozenUs: 4_000_000 });
  assert.equal(withInView(window, 3_000_000, 20_000_000), window);
  const moved = withInView(window, 5_000_000, 20_000_000);
  assert.deepEqual([moved.spanUs, moved.endUs], [2_000_000, 6_800_000]);
  assert.equal(withInView(LIVE, 3_000_000, 9_000_000), LIVE);
});

/** A socket that keeps what it is sent. */
class Socket {
  readyState = WebSocket.OPEN;
  sent = [];
  closed = false;
  constructor(url) {
    this.url = url;
  }
  send(text) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.closed = true;
  }
  say(...messages) {
    for (const message of messages) this.onmessage({ data: JSON.stringify(message) });
  }
}

const HEADER = {
  type: "header",
  run: { id: "a", name: "a", kind: "script", state: "running" },
  hello: { sampling: {} },
  processes: [],
  threads: [],
  gils: [],
  figures: null,
  series: { names: [], every: 1, rows: [] },
  events: [{ at_us: 1, kind: "forked", pid: 1, detail: "" }],
};

Deno.test("what is known of a moment is shown once all of it is there, and no more than that", () => {
  const sockets = [];
  let news = 0;
  let damaged = 0;
  const replay = new Replay({
    url: ({ at_us: atUs, speed }) => `${atUs}/${speed}`,
    onNews: () => news += 1,
    onDamaged: () => damaged += 1,
    open: (url) => {
      sockets.push(new Socket(url));
      return sockets.at(-1);
    },
  });
  replay.go(1_000.4, 0);
  const [socket] = sockets;
  assert.equal(socket.url, "1000/0");
  socket.say(HEADER);
  assert.deepEqual([replay.then, news, replay.seeks, replay.atUs], [null, 1, true, 1_000]);
  socket.say({ type: "where", flame: { samples: 1 }, threads: [] }, {
    type: "playhead",
    at_us: 1_000,
    speed: 0,
  });
  assert.deepEqual([news, replay.then.flame.samples, replay.then.ended], [2, 1, false]);
  replay.go(500, 0);
  assert.deepEqual([replay.playhead.at_us, replay.atUs], [1_000, 500], "an address holds where it is put");
  assert.deepEqual(socket.sent, [{ at_us: 500, speed: 0 }]);
  socket.say({ ...HEADER, events: [] }, { type: "playhead", at_us: 500, speed: 0 });
  assert.deepEqual([replay.then.events.length, replay.then.flame.samples], [0, 1]);
  assert.equal(damaged, 0);
  socket.say({ type: "playhead", at_us: -1, speed: 0 }, { ...HEADER, threads: 7 });
  assert.deepEqual([damaged, replay.playhead.at_us], [2, 500], "what is damaged is left out, and counted");
  replay.play(2);
  assert.deepEqual(socket.sent.at(-1), { at_us: null, speed: 2 });
  replay.leave();
  socket.say({ type: "playhead", at_us: 600, speed: 2 });
  assert.deepEqual([replay.then, replay.playhead, replay.atUs, socket.closed], [null, null, null, true]);
});

Deno.test("a playhead that has lost its server stands, and is put on its way again by a new socket", () => {
  const sockets = [];
  const replay = new Replay({
    url: ({ at_us: atUs, speed }) => `${atUs}/${speed}`,
    onNews: () => {},
    onDamaged: () => {},
    open: (url) => {
      sockets.push(new Socket(url));
      return sockets.at(-1);
    },
  });
  replay.go(0, 1);
  sockets[0].say(HEADER, { type: "playhead", at_us: 700, speed: 1 });
  sockets[0].onclose();
  assert.deepEqual(replay.playhead, { type: "playhead", at_us: 700, speed: 0 });
  replay.play(1);
  assert.equal(sockets[1].url, "700/1");
});
