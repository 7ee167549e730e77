import assert from "node:assert/strict";
import { bin, sharesOf } from "../../../../static/js/base/bins.js";
import { Track } from "../../../../static/js/base/track.js";
import { paintStack } from "../../../../static/js/draw/stack.js";

const same = (value) => value;

function pieces(track) {
  return Array.from({ length: track.length }, (_, index) => [
    track.startAt(index),
    track.endAt(index),
    track.valueAt(index),
  ]);
}

Deno.test("pieces that go on are one, and a seal parts them", () => {
  const track = new Track();
  track.push(0, 10, 1, 2);
  track.push(10, 20, 1, 5);
  track.seal();
  track.push(20, 30, 1);
  track.push(35, 40, 1);
  track.push(40, 40, 2);
  assert.deepEqual(pieces(track), [[0, 20, 1], [20, 30, 1], [35, 40, 1]]);
  assert.equal(track.extraAt(0), 5);
  assert.equal(track.lastUs, 40);
});

Deno.test("a full track grows, then drops the oldest, and keeps its order", () => {
  const track = new Track(1024);
  for (let index = 0; index < 5000; index += 1) track.push(index, index + 1, index);
  assert.equal(track.length, 1024);
  assert.deepEqual(
    pieces(track).map(([, , value]) => value),
    Array.from({ length: 1024 }, (_, index) => 3976 + index),
  );
});

Deno.test("a piece is found by an instant", () => {
  const track = new Track();
  track.push(0, 10, 1);
  track.push(20, 30, 2);
  assert.deepEqual([-1, 0, 9, 10, 15, 20, 29, 30].map((us) => track.indexAt(us)), [
    -1,
    0,
    0,
    -1,
    -1,
    1,
    1,
    -1,
  ]);
  assert.deepEqual([0, 10, 30].map((us) => track.indexAfter(us)), [0, 1, 2]);
});

Deno.test("bins keep all of the time in view, whatever the zoom", () => {
  const track = new Track();
  let at = 0;
  const total = [0, 0, 0];
  for (let index = 0; at < 100_000; index += 1) {
    const length = 1 + ((index * 7919) % 613);
    const value = index % 3;
    track.push(at, at + length, value);
    total[value] += Math.max(0, Math.min(100_000, at + length) - at);
    at += length;
  }
  for (const columns of [1, 7, 100, 1000]) {
    const bins = bin(track, 0, 100_000 / columns, columns, 3, same);
    for (const kind of [0, 1, 2]) {
      let sum = 0;
      for (let column = 0; column < columns; column += 1) sum += bins[column * 3 + kind];
      assert.ok(
        Math.abs(sum - total[kind]) < 1,
        `${columns} columns, kind ${kind}: ${sum} of ${total[kind]}`,
      );
    }
  }
});

Deno.test("a column's edges do not move with the window", () => {
  const track = new Track();
  for (let index = 0; index < 1000; index += 1) track.push(index * 13, index * 13 + 13, index % 2);
  const early = bin(track, 10, 50, 40, 2, same);
  const late = bin(track, 11, 50, 40, 2, same);
  assert.deepEqual(early.slice(2), late.slice(0, -2));
});

Deno.test("shares are of the interval alone, and of what is known in it", () => {
  const track = new Track();
  track.push(0, 1000, 0);
  track.push(1000, 1030, 1);
  track.push(1030, 1040, 2);
  track.push(1060, 5000, 0);
  assert.deepEqual(sharesOf(track, 1000, 1060, 3, same), [0, 0.75, 0.25]);
  assert.deepEqual(sharesOf(track, 1045, 1055, 3, same), [0, 0, 0]);
  assert.deepEqual(sharesOf(track, 10, 10, 3, same), [0, 0, 0]);
});

Deno.test("a gap fills no bin", () => {
  const track = new Track();
  track.push(0, 10, 0);
  track.push(30, 40, 0);
  assert.deepEqual([...bin(track, 0, 10, 4, 1, same)], [10, 0, 0, 10]);
});

Deno.test("a column is a stack of its kinds' shares", () => {
  const paint = {
    colours: [{ pixel: 1 }, { pixel: 2 }],
    hatched: -1,
    hatch: { pixel: 9 },
    empty: { pixel: 7 },
  };
  const pixels = new Uint32Array(3 * 4);
  paintStack(pixels, 4, Float32Array.of(1, 3, 5, 0, 0, 0), 0, paint);
  const columns = [0, 1, 2].map((column) => [0, 1, 2, 3].map((row) => pixels[row * 3 + column]));
  assert.deepEqual(columns, [[2, 2, 2, 1], [1, 1, 1, 1], [7, 7, 7, 7]]);
});

Deno.test("the hatched kind is striped, and its stripes move with time", () => {
  const paint = { colours: [{ pixel: 1 }], hatched: 0, hatch: { pixel: 9 }, empty: { pixel: 7 } };
  const bins = new Float32Array(12).fill(1);
  const [one, next] = [0, 1].map((first) => {
    const pixels = new Uint32Array(12);
    paintStack(pixels, 1, bins, first, paint);
    return [...pixels];
  });
  assert.deepEqual(new Set(one), new Set([1, 9]));
  assert.deepEqual(one.slice(1), next.slice(0, -1));
});
