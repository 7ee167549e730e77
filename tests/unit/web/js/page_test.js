import assert from "node:assert/strict";
import { count, duration, instant, share, size, text } from "../../../../static/js/base/format.js";
import { KeyedRows } from "../../../../static/js/base/keyed_rows.js";
import { FrameScheduler } from "../../../../static/js/base/scheduler.js";
import { Problem } from "../../../../static/js/net/api.js";
import { backOffMs, Stream } from "../../../../static/js/net/stream.js";
import { sentence, whyLost } from "../../../../static/js/widgets/run/title.js";

Deno.test("quantities read well at every size", () => {
  for (
    const [quantity, expected] of [
      [share(0.9999), "100 %"],
      [share(0.254), "25.4 %"],
      [share(0), "0.0 %"],
      [share(null), "–"],
      [count(412), "412"],
      [count(0), "0"],
      [count(0.0312), "0.03"],
      [count(2.914), "2.91"],
      [count(12_345), "12,345"],
      [count(622_000), "622 k"],
      [count(1_234_567), "1.23 M"],
      [duration(0), "0 s"],
      [duration(0.000012), "12.0 µs"],
      [duration(0.00502), "5.02 ms"],
      [duration(0.15), "150 ms"],
      [duration(0.9999), "1.00 s"],
      [duration(12.34), "12.3 s"],
      [duration(754), "12:34 min"],
      [duration(undefined), "–"],
      [size(900), "900 B"],
      [size(21.4 * 2 ** 20), "21.4 MiB"],
    ]
  ) {
    assert.equal(text(quantity), expected);
  }
  assert.equal(instant(12_345_678), "12.345 678 s");
});

Deno.test("actions come before redraws, each once a frame, and then it is idle", () => {
  const frames = [];
  const idle = [];
  const scheduler = new FrameScheduler((callback) => frames.push(callback), (now) => idle.push(now));
  const done = [];
  const draw = () => done.push("draw");
  const act = () => done.push("act");
  scheduler.redraw(draw);
  scheduler.redraw(draw);
  scheduler.act(act);
  assert.equal(frames.length, 1);
  assert.equal(scheduler.idle, false);
  frames.shift()(0);
  assert.deepEqual(done, ["act", "draw"]);
  assert.deepEqual([scheduler.idle, idle], [true, [false, true]]);
});

Deno.test("a draw that asks for itself runs again in the next frame, until it is forgotten", () => {
  const frames = [];
  const scheduler = new FrameScheduler((callback) => frames.push(callback));
  let drawn = 0;
  const draw = () => {
    drawn += 1;
    scheduler.redraw(draw);
  };
  scheduler.redraw(draw);
  frames.shift()(0);
  frames.shift()(16);
  scheduler.forget(draw);
  frames.shift()(32);
  assert.equal(drawn, 2);
  assert.equal(scheduler.idle, true);
});

Deno.test("the back-off doubles, up to a bound", () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6, 60].map(backOffMs), [500, 1000, 2000, 4000, 8000, 8000, 8000]);
});

/** A stream over sockets that the test plays. */
function played(whyRefused) {
  const sockets = [];
  const told = [];
  const messages = [];
  const stream = new Stream({
    url: "ws://x",
    decode: JSON.parse,
    onDamaged: () => messages.push("damaged"),
    onMessage: (message) => messages.push(message),
    onConnection: (connection) => told.push(connection.state),
    whyRefused,
    open: () => {
      const socket = { close: () => {} };
      sockets.push(socket);
      return socket;
    },
  });
  stream.connect();
  return { stream, sockets, told, messages };
}

Deno.test("a broken stream says so, asks whether it may go on, and goes on", async () => {
  const { stream, sockets, told, messages } = played(() => Promise.resolve(null));
  sockets[0].onmessage({ data: '{"type":"header"}' });
  sockets[0].onclose({ code: 1006 });
  await Promise.resolve();
  await Promise.resolve();
  stream.hurry();
  sockets[1].onmessage({ data: '{"type":"header"}' });
  sockets[1].onclose({ code: 1000 });
  assert.deepEqual(told, ["connecting", "open", "waiting", "connecting", "open", "ended"]);
  assert.equal(messages.length, 2);
  stream.dispose();
});

Deno.test("a stream that is turned elsewhere while it asks why is opened there, and once", async () => {
  const { promise, resolve } = Promise.withResolvers();
  const { stream, sockets, told } = played(() => promise);
  sockets[0].onclose({ code: 1006 });
  stream.turnTo("ws://y");
  sockets[1].onmessage({ data: '{"type":"header"}' });
  resolve(null);
  await promise;
  await Promise.resolve();
  stream.hurry();
  assert.equal(sockets.length, 2);
  assert.equal(told.at(-1), "open");
  stream.dispose();
});

Deno.test("a refusal that is final is told, and not tried again", async () => {
  const { stream, sockets, told } = played(() => Promise.resolve(new Error("no such run")));
  sockets[0].onclose({ code: 1006 });
  await Promise.resolve();
  await Promise.resolve();
  stream.hurry();
  assert.deepEqual(told, ["connecting", "waiting", "refused"]);
  assert.equal(sockets.length, 1);
});

Deno.test("a stream that was disposed of tells nothing more", () => {
  const { stream, sockets, told } = played(() => Promise.resolve(null));
  stream.dispose();
  sockets[0].onclose({ code: 1006 });
  assert.deepEqual(told, ["connecting"]);
});

Deno.test("a page that is refused says what to do", () => {
  const refused = (/** @type {number} */ status) => whyLost(new Problem({ title: "Token needed", status }));
  assert.match(refused(401), /Open the address that it printed/);
  assert.match(refused(404), /does not have this run any more/);
  assert.match(refused(403), /refuses this page: Token needed/);
});

Deno.test("the page says when it tries again", () => {
  assert.equal(
    sentence({ state: "waiting", retryAtMs: 3_500 }, 2_000),
    "Server not reachable, trying again in 2 s. Started again, it may have another address: open the one that " +
      "it printed.",
  );
  assert.equal(sentence({ state: "open" }, 0), "");
  assert.equal(
    sentence({ state: "refused", problem: new Error("gone") }, 0),
    "",
    "that has a place of its own",
  );
});

/** As much of an element as rows need. */
function element() {
  const children = [];
  const body = {
    children,
    insertBefore: (child, before) => {
      child.remove();
      const at = before ? children.indexOf(before) : children.length;
      children.splice(at, 0, child);
    },
  };
  const row = () => {
    const child = { remove: () => children.includes(child) && children.splice(children.indexOf(child), 1) };
    return child;
  };
  return { body, row };
}

Deno.test("a row lives as long as its item, in the order of the items, and of one key there may be two", () => {
  const { body, row } = element();
  const made = [];
  const rows = new KeyedRows(body, ({ name }) => name, (item) => {
    const own = { element: row(), item, update: (now) => (own.item = now) };
    made.push(own);
    return own;
  });
  const shown = () => body.children.map((child) => made.find((own) => own.element === child).item.name);
  rows.update([{ name: "a" }, { name: "b" }, { name: "b" }]);
  const [first] = body.children;
  rows.update([{ name: "b" }, { name: "c" }, { name: "a" }]);
  assert.deepEqual(shown(), ["b", "c", "a"]);
  assert.equal(body.children[2], first);
  assert.equal(made.length, 4);
});
