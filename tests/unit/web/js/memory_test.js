import assert from "node:assert/strict";
import { layOutPools, placeOfArena, poolUnder } from "../../../../static/js/base/pool_grid.js";
import { paintPools } from "../../../../static/js/draw/pools.js";
import { along } from "../../../../static/js/draw/palette.js";
import { paintPauses } from "../../../../static/js/draw/stack.js";
import { allCourses } from "../../../../static/js/state/courses.js";
import { mapOf } from "../../../../static/js/widgets/panels/heap_panel.js";
import { HeapMap, poolAt, poolCount } from "../../../../static/js/state/heap_map.js";
import { collectedOf, generationOf, Pauses } from "../../../../static/js/state/pauses.js";
import { stacked } from "../../../../static/js/charts/parts_chart.js";
import { PARTS } from "../../../../static/js/state/parts.js";
import { barsOf } from "../../../../static/js/widgets/panels/rss_bar.js";
import { howOf, offOf, paceOf } from "../../../../static/js/widgets/panels/types.js";
import { count } from "../../../../static/js/base/format.js";
import { pinnedOf } from "../../../../static/js/widgets/panels/heap_panel.js";

/** Pools as a message packs them: [class from 1 or 0, fullness]. */
function packed(...pools) {
  return btoa(String.fromCharCode(...pools.flat()));
}

Deno.test("a map takes in what changed, forgets what went, and tells pools apart", () => {
  const map = new HeapMap();
  const first = [[0x2000, packed([1, 255], [0, 0])], [0x1000, packed([32, 0], [0, 255])]];
  map.take({ arenas: 2, changed: first, gone: [] });
  assert.deepEqual(map.arenas.map(({ address }) => address), [0x1000, 0x2000]);
  const [low, high] = map.arenas;
  assert.equal(poolCount(low), 2);
  assert.deepEqual(poolAt(low, 0), { inUse: true, sizeClass: 31, fullness: 0 });
  assert.deepEqual(poolAt(low, 1), { inUse: false, carved: false });
  assert.deepEqual(poolAt(high, 0), { inUse: true, sizeClass: 0, fullness: 1 });
  assert.deepEqual(poolAt(high, 1), { inUse: false, carved: true });
  map.take({ at_us: 7, arenas: 3, changed: [[0x3000, packed([2, 1])]], gone: [0x1000] });
  assert.deepEqual(map.arenas.map(({ address }) => address), [0x2000, 0x3000]);
  assert.equal(map.atUs, 7);
  map.take({ at_us: 9, mapped_us: 8, arenas: 1, changed: [], gone: [] }); // of a header: later than its map
  assert.equal(mapOf(map.atUs, 5), "The map is of 0.0 s on the timeline; the figures are of 5.0 s.");
  assert.equal(mapOf(5e6, 5), "The map is of 5.0 s on the timeline.");
});

Deno.test("a map that comes whole again takes the place of the one before", () => {
  const map = new HeapMap();
  map.take({ arenas: 2, changed: [[1, packed([1, 1])], [2, packed([1, 1])]], gone: [] });
  map.take({ arenas: 1, changed: [[3, packed([1, 1])]], gone: [] });
  assert.deepEqual(map.arenas.map(({ address }) => address), [3]);
});

Deno.test("pools from ten to sixty-five thousand fit, and each is found where it lies", () => {
  for (const arenas of [1, 12, 200, 1_016]) {
    const grid = layOutPools(arenas, 64, 1_000, 360);
    assert.ok(grid.height <= 360, `${arenas} arenas are ${grid.height} high`);
    const last = placeOfArena(grid, arenas - 1);
    assert.ok(last.x + grid.side <= 1_000 && last.y + grid.side <= grid.height);
    const at = { arena: arenas - 1, pool: 10 };
    const [x, y] = [last.x + (10 % 8) * grid.cell, last.y + Math.floor(10 / 8) * grid.cell];
    assert.deepEqual(poolUnder(grid, x + grid.cell / 2, y + grid.cell / 2), at);
  }
  const small = layOutPools(1, 64, 1_000, 360);
  assert.equal(poolUnder(small, small.side + 0.5, 1), null, "between two arenas lies nothing");
});

Deno.test("a pool in use is filled, a free one framed, one never carved dotted", () => {
  const map = new HeapMap();
  map.take({ arenas: 1, changed: [[0, packed([1, 255], [0, 0], [0, 255])]], gone: [] });
  const grid = { cell: 8, gap: 2, across: 4, side: 32, perRow: 1, width: 32, height: 32 };
  const pixels = new Uint32Array(32 * 32);
  const colour = (pixel) => ({ pixel });
  paintPools(pixels, grid, map.arenas, {
    scale: () => 5,
    free: colour(6),
    uncarved: colour(7),
    surface: colour(1),
  });
  const count = (pixel) => pixels.filter((one) => one === pixel).length;
  assert.deepEqual([count(5), count(6), count(7)], [49, 24, 4]);
});

Deno.test("a colour lies between its stops", () => {
  const stop = (byte) => ({ pixel: new Uint32Array(Uint8Array.of(byte, 0, 0, 255).buffer)[0] });
  const red = (share) => along([stop(0), stop(100), stop(200)], share) & 255;
  assert.deepEqual([red(0), red(0.25), red(1), red(7)], [0, 50, 200, 200]);
});

Deno.test("the sentence of pinned arenas has their numbers", () => {
  const heap = { allocator: "pymalloc", arenas: 40, arena_bytes: 40 * 2 ** 20 };
  const pinned = { arenas: 12, bytes: 12 * 2 ** 20, held_bytes: 340 * 2 ** 10 };
  assert.match(
    pinnedOf({ ...heap, pinned }),
    /^12 arenas .* 340 KiB of blocks keep them, 12.0 MiB, from going/,
  );
  assert.match(
    pinnedOf({ ...heap, pinned: { ...pinned, arenas: 1 } }),
    /^1 arena has at most a tenth of its blocks/,
  );
  assert.match(pinnedOf({ ...heap, pinned: { ...pinned, arenas: 0 } }), /^No arena of 40 is nearly empty/);
  assert.equal(pinnedOf({ ...heap, allocator: "mimalloc", pinned }), "");
});

Deno.test("pauses keep their generation and what was collected, and none is taken twice", () => {
  const pauses = new Pauses(1, 0);
  const rows = [[1, 0, 100, 50, 2, 700], [1, 0, 150, 10, 2, 700], [1, 0, 400, 0, null, null]];
  for (const row of [...rows, ...rows]) pauses.take(row);
  const { track } = pauses;
  assert.equal(track.length, 3, "two that touch stay two");
  assert.deepEqual([0, 1, 2].map((index) => generationOf(track.valueAt(index))), [2, 2, 3]);
  assert.deepEqual([0, 2].map((index) => collectedOf(track.valueAt(index))), [700, null]);
  assert.equal(track.endAt(2), 401, "one too short to be measured is still there");
});

Deno.test("the shortest pause is seen, and a longer one stands above it", () => {
  const pixels = new Uint32Array(3 * 10);
  const bins = Float32Array.of(0, 1, 900);
  paintPauses(pixels, 10, bins, 1_000, { colours: [{ pixel: 9 }], empty: { pixel: 1 } });
  const height = (column) =>
    Array.from({ length: 10 }, (_, row) => pixels[row * 3 + column]).filter((one) => one === 9);
  assert.deepEqual([0, 1, 2].map((column) => height(column).length), [0, 3, 9]);
});

Deno.test("courses begin with what was, go on once a second, and end with what the summary says", () => {
  const courses = allCourses().memory;
  const names = ["at_us", "rss", "uss", "pss"];
  courses.restart([{ pid: 1, names, rows: [[0, 10, 5, 6]] }]);
  const sizes = { rss: 20, uss: 15, pss: 16 };
  courses.add({ memory: [{ pid: 1, at_s: 0.5, ...sizes }, { pid: 2, at_s: 0.5, ...sizes }] });
  courses.add({ memory: [{ pid: 1, at_s: 1, ...sizes }] });
  courses.add({ memory: [{ pid: 3, at_s: null, ...sizes }] });
  assert.deepEqual(courses.all, [[1, [[0, 10, 5, 6], [1_000_000, 20, 15, 16]]], [2, [[
    500_000,
    20,
    15,
    16,
  ]]]]);
  courses.finish({ memory: [{ pid: 1, course: { names, rows: [[0, 1, 1, 1]] } }] });
  assert.deepEqual(courses.all[0], [1, [[0, 1, 1, 1]]]);
});

/** A process of so many bytes, all of them one part. */
function process(pid, rss, part, at = 1) {
  return {
    pid,
    rss,
    at_s: at,
    ended_s: null,
    verdict: [],
    parts: { [part]: rss },
    c_library: { at_s: at + 0.1 },
  };
}

Deno.test("the bars are those of the largest processes, and of all together where there are several", () => {
  const many = Array.from({ length: 9 }, (_, index) => process(index + 1, 100 * (index + 1), "other"));
  const bars = barsOf(many, { processes: 9, pss: 900, parts: { other: 900 } });
  assert.deepEqual(bars.map(({ pid }) => pid), [0, 9, 8, 7, 6, 5, 4]);
  assert.match(bars[0].title, /All 9 processes: PSS 900 B/);
  const [alone] = barsOf([process(7, 100, "files")], { processes: 1, pss: 90, parts: { files: 90 } });
  assert.equal(alone.pid, 7);
  assert.equal(alone.when, "Mappings read at 1.0 s, the C library's heap at 1.1 s.");
  const [read] = barsOf([{ ...process(7, 100, "files"), objects_at_s: 0.9 }], null);
  assert.equal(
    read.when,
    "Mappings read at 1.0 s, Python's heap at 0.9 s, the C library's heap at 1.1 s.",
  );
  assert.deepEqual(barsOf([{ ...process(7, 100, "files"), parts: null }], null), []);
});

Deno.test("the course of the parts takes in each reading once, and is drawn as sums", () => {
  const courses = allCourses().parts;
  courses.restart([{ pid: 7, names: ["at_us", "files", "other"], rows: [[50_000, 3, 4]] }]);
  courses.add({ memory: [process(7, 100, "files")] });
  courses.add({ memory: [process(7, 100, "files")] });
  assert.deepEqual(courses.of(7).map(([at]) => at), [50_000, 1_100_000]);
  assert.deepEqual(courses.of(8), []);
  const [seconds, ...sums] = stacked(courses.of(7));
  assert.deepEqual(seconds, [0.05, 1.1]);
  assert.deepEqual(sums[0], [7, 100], "all parts together come first");
  assert.deepEqual(sums.at(-1 - PARTS.indexOf("files")), [3, 100]);
});

Deno.test("types say how they were told, how far off they may be, and what is sure to change", () => {
  const one = {
    pid: 7,
    interpreter: 0,
    at_s: 3.21,
    pages: 40,
    pages_read: 40,
    torn: 0,
    bytes_used: 1000,
    object_bytes: 750,
    large_bytes: null,
    large_known: 0,
    large_read: 0,
    large_torn: 0,
    large_cut: false,
    allocator: "pymalloc",
  };
  assert.match(
    howOf([one]),
    /^Counted in all 40 pools, as of 3\.2 s\. Of the 1000 B in use there, 75.0 % are objects/,
  );
  const sampled = { ...one, pid: 8, pages: 5000, pages_read: 1000 };
  assert.match(howOf([one, sampled]), /pid 7: Counted.* pid 8: Judged by 1,000 of 5,000 pools/);
  assert.match(
    howOf([{ ...one, large_bytes: 4096, large_known: 5000 }]),
    /Of 4.00 KiB in the C .* 4.00 KiB are objects/,
  );
  const torn = howOf([{ ...one, pages_read: 38, torn: 2, large_torn: 1, large_cut: true }]);
  assert.match(
    torn,
    /^Judged by 38 of 40 pools.* 2 changed while being read and were left out\. 1 part of the C /,
  );
  assert.match(torn, /more blocks than are walked over in one go/);
  assert.match(
    howOf([{ ...one, allocator: "mimalloc" }]),
    /^Counted in all 40 pages.* dicts and the like\.$/,
  );
  const blocks = {
    ...one,
    allocator: "malloc",
    pages: 0,
    pages_read: 0,
    large_bytes: 8192,
    large_known: 4096,
    large_read: 900,
  };
  assert.match(
    howOf([blocks]),
    /^Judged by 900 of the C library's blocks.* Of the 8.00 KiB in use there, 4.00 KiB/,
  );
  assert.equal(offOf(0, count), "");
  assert.equal(offOf(1200, count), "± 1,200");
  assert.deepEqual([paceOf(null, count), paceOf(0.2, count), paceOf(-7.6, count), paceOf(12000, count)], [
    "",
    "",
    "−8/s",
    "+12,000/s",
  ]);
});
