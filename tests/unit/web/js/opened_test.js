// What came of a socket before the page's modules were there.
import assert from "node:assert/strict";

import { openedSocket } from "../../../../static/js/net/opened.js";
import { Stream } from "../../../../static/js/net/stream.js";

const URL_OF_RUN = "ws://server/api/v1/runs/a/stream";

/** A socket that is told what to say. */
class Socket extends EventTarget {
  closed = false;
  onmessage = null;
  onclose = null;

  constructor(url) {
    super();
    this.url = url;
    for (const type of ["message", "close"]) {
      this.addEventListener(type, (event) => this[`on${type}`]?.(event));
    }
  }

  say(message) {
    this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(message) }));
  }

  close() {
    this.closed = true;
  }
}

/**
 * The page as static/js/early.js leaves it, which each test runs under a name of its own: a module runs once.
 * @param {() => Promise<unknown>} early @param {(made: Socket[], early: Socket) => void | Promise<void>} test
 */
async function after(early, test) {
  const own = globalThis.WebSocket;
  const made = [];
  globalThis.WebSocket = class extends Socket {
    constructor(url) {
      super(url);
      made.push(this);
    }
  };
  globalThis.location = /** @type {any} */ (new URL("http://server/runs/a"));
  try {
    await early();
    await test(made, made[0]);
  } finally {
    globalThis.WebSocket = own;
    delete globalThis.location;
    delete globalThis.openedEarly;
  }
}

/** @param {string} url */
function streamTo(url) {
  const heard = [];
  const stream = new Stream({
    url,
    decode: JSON.parse,
    onDamaged: () => heard.push("damaged"),
    onMessage: ({ type }) => heard.push(type),
    onConnection: ({ state }) => heard.push(state),
    whyRefused: () => Promise.resolve(null),
  });
  stream.connect();
  return { stream, heard };
}

Deno.test("a stream takes over the early socket with what it has said, in its order", () =>
  after(() => import("../../../../static/js/early.js?1"), async (made, early) => {
    assert.equal(early.url, URL_OF_RUN);
    early.say({ type: "header" });
    early.say({ type: "frame" });
    const { stream, heard } = streamTo(URL_OF_RUN);
    await Promise.resolve();
    early.say({ type: "summary" });
    assert.deepEqual(heard, ["connecting", "open", "header", "frame", "summary"]);
    assert.equal(made.length, 1);
    stream.dispose();
  }));

Deno.test("an early socket that has failed is tried again like any other", () =>
  after(() => import("../../../../static/js/early.js?2"), async (made, early) => {
    early.dispatchEvent(new CloseEvent("close", { code: 1006 }));
    const { stream, heard } = streamTo(URL_OF_RUN);
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    assert.deepEqual(heard, ["connecting", "waiting"]);
    stream.hurry();
    assert.equal(made.length, 2);
    stream.dispose();
  }));

Deno.test("of another run, or the second time, a new socket is opened", () =>
  after(() => import("../../../../static/js/early.js?3"), (made, early) => {
    const other = openedSocket("ws://server/api/v1/runs/b/stream");
    assert.notEqual(other, early);
    assert.ok(early.closed, "nobody will listen to it");
    assert.notEqual(openedSocket(URL_OF_RUN), early);
    assert.equal(made.length, 3);
  }));
