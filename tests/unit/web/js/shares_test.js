import assert from "node:assert/strict";
import { bin, sharesOf } from "../../../../static/js/base/bins.js";
import { bytesOf, Shares } from "../../../../static/js/base/shares.js";
import { Track } from "../../../../static/js/base/track.js";
import { History } from "../../../../static/js/state/history.js";

const same = (value) => value;

function tracked(pieces, shares) {
  const track = new Track();
  for (const piece of pieces) track.push(...piece);
  track.overview = shares;
  return track;
}

Deno.test("what has no pieces is drawn from shares, up to where the pieces begin", () => {
  const shares = new Shares({
    fromUs: 0,
    binUs: 100,
    rows: [[0, Uint8Array.of(255, 51, 255)], [1, Uint8Array.of(0, 204)]],
  });
  const track = tracked([[200, 400, 1]], shares);
  assert.deepEqual([...bin(track, 0, 100, 4, 2, same)].map(Math.round), [100, 0, 20, 80, 0, 100, 0, 100]);
  // Columns finer than bins, and coarser ones, have the same time.
  assert.deepEqual([...bin(track, 2, 50, 2, 2, same)].map(Math.round), [10, 40, 10, 40]);
  assert.deepEqual([...bin(track, 0, 400, 1, 2, same)].map(Math.round), [120, 280]);
  assert.deepEqual(sharesOf(track, 0, 400, 2, same).map((share) => share.toFixed(2)), ["0.30", "0.70"]);
});

Deno.test("a window outside of the shares has none of them", () => {
  const shares = new Shares({ fromUs: 1_000, binUs: 100, rows: [[0, Uint8Array.of(255, 0, 255)]] });
  const track = tracked([], shares);
  assert.deepEqual([...bin(track, 0, 100, 4, 1, same)], [0, 0, 0, 0]);
  assert.deepEqual([...bin(track, 9, 100, 6, 1, same)].map(Math.round), [0, 100, 0, 100, 0, 0]);
  assert.equal(shares.touches(1_100, 1_199), false);
  assert.equal(shares.touches(1_150, 1_250), true);
});

Deno.test("bytes come in base64", () => assert.deepEqual([...bytesOf("AAH/")], [0, 1, 255]));

/** A history whose answers the test gives. */
function asking() {
  const asked = [];
  const answer = (kind) => (...args) => new Promise((resolve) => asked.push({ kind, args, resolve }));
  const history = new History({ getTimeline: answer("bins"), getDetail: answer("pieces"), onNews: () => {} });
  return { history, asked };
}

const SECOND = 1_000_000;
const binsOf = (fromUs, binUs) => ({
  from_us: fromUs,
  to_us: fromUs + 4 * binUs,
  bin_us: binUs,
  bins: 4,
  lanes: [{ lane: 3, shares: { running: btoa("\xff\xff\xff\xff") } }],
  gils: [{ gil: 0, holders: { 3: btoa("\xff\xff\xff\xff") } }],
});

Deno.test("a long window asks for bins, a short one for its messages after that", async () => {
  const { history, asked } = asking();
  const first = history.look(0, 600 * SECOND, 600_000);
  history.look(10, 600 * SECOND, 600_000); // while one is on its way
  assert.deepEqual(asked.map(({ kind, args }) => [kind, ...args]), [["bins", 0, 900 * SECOND, 2048]]);
  asked[0].resolve(binsOf(0, 1 << 19));
  await first;
  const own = new Track();
  assert.ok(history.trackOf("lanes", 3, own, 0, 600 * SECOND).overview);
  await history.look(0, 600 * SECOND, 600_000); // all of it is there
  assert.equal(asked.length, 1);

  const finer = history.look(100 * SECOND, 110 * SECOND, 10_000);
  asked[1].resolve(binsOf(95 * SECOND, 1 << 16));
  await finer;
  const near = history.look(100 * SECOND, 110 * SECOND, 10_000);
  assert.deepEqual([asked[2].kind, ...asked[2].args], ["pieces", 95 * SECOND, 115 * SECOND]);
  const pieces = tracked([[95 * SECOND, 115 * SECOND, 0]], null);
  asked[2].resolve({ lanes: new Map([[3, { track: pieces }]]), gils: new Map() });
  await near;
  assert.equal(history.trackOf("lanes", 3, own, 100 * SECOND, 110 * SECOND), pieces);
  assert.equal(history.trackOf("lanes", 4, own, 100 * SECOND, 110 * SECOND).length, 0);
  await history.look(101 * SECOND, 109 * SECOND, 8_000);
  assert.equal(asked.length, 3);
});

Deno.test("what is refused, and bins that do not get finer, are not asked for again", async () => {
  const { history, asked } = asking();
  for (const [turn, usPerPixel] of [[0, 600_000], [1, 1_000]]) {
    const look = history.look(0, 600 * SECOND, usPerPixel);
    asked[turn].resolve({ ...binsOf(0, 1 << 19), to_us: 1_000 * SECOND });
    await look;
  }
  await history.look(0, 600 * SECOND, 1_000);
  assert.equal(asked.length, 2);
  const near = history.look(0, 5 * SECOND, 1_000);
  asked[2].resolve(null);
  await near;
  await history.look(7 * SECOND, 9 * SECOND, 1_000);
  assert.equal(asked.length, 3);
});
