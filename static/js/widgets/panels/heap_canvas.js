// @ts-check
/**
 * The live map of a heap: a canvas of pools, and what lies under the pointer.
 * @import { HeapFigures } from "../../state/messages.js"
 * @import { HeapMap, Pool } from "../../state/heap_map.js"
 * @import { Palette } from "../../draw/palette.js"
 * @import { PoolGrid } from "../../base/pool_grid.js"
 * @typedef {"size" | "fullness"} Colouring
 */
import { find, make } from "../../base/dom.js";
import { count, share, size, text } from "../../base/format.js";
import { layOutPools, poolUnder } from "../../base/pool_grid.js";
import { along } from "../../draw/palette.js";
import { paintPools } from "../../draw/pools.js";
import { Surface } from "../../draw/surface.js";
import { poolAt, poolCount } from "../../state/heap_map.js";

/** The height that a map fills at most, unless the heap is too large for it. */
const MOST_HEIGHT = 360;
const DISTANCE = 14;
/** What a pool keeps for itself, in bytes. */
const POOL_HEADER = 48;
/** A byte says how full a pool is: of more blocks than it can tell apart the number is not exact. */
const TOLD_APART = 255;

export class HeapCanvas {
  /** @type {HeapMap | null} */
  #map = null;
  /** @type {HeapFigures | null} */
  #figures = null;
  /** @type {PoolGrid | null} */
  #grid = null;
  /** @type {Colouring} */
  #colouring = "size";
  #shown = "";
  /** @type {{x: number, y: number} | null} */
  #pointer = null;
  #palette;
  #canvas;
  #surface;
  #tip;
  #host;

  /** @param {HTMLElement} root @param {Palette} palette */
  constructor(root, palette) {
    this.#host = find(root, ".map", HTMLElement);
    this.#canvas = find(this.#host, "canvas", HTMLCanvasElement);
    this.#surface = new Surface(this.#canvas);
    this.#tip = find(this.#host, ".tip", HTMLElement);
    this.#palette = palette;
    this.#canvas.addEventListener("pointermove", ({ offsetX: x, offsetY: y }) => this.#point({ x, y }));
    this.#canvas.addEventListener("pointerleave", () => this.#point(null));
  }

  /** @param {HeapMap | null} map @param {HeapFigures} figures @param {Colouring} colouring */
  update(map, figures, colouring) {
    this.#map = map;
    this.#figures = figures;
    this.#colouring = colouring;
    this.#draw();
  }

  /** @param {Palette} palette */
  recolour(palette) {
    this.#palette = palette;
    this.#shown = "";
    this.#draw();
  }

  #draw() {
    const [map, figures] = [this.#map, this.#figures];
    this.#host.hidden = !map?.arenas.length;
    const width = this.#host.clientWidth;
    if (!map || !figures || width === 0) return;
    const signature = `${map.version} ${width} ${this.#colouring} ${figures.pid}/${figures.interpreter}`;
    if (signature === this.#shown) return;
    this.#shown = signature;
    const { arenas } = map;
    const most = arenas.reduce((largest, arena) => Math.max(largest, poolCount(arena)), 0);
    this.#grid = layOutPools(arenas.length, most, width, MOST_HEIGHT);
    this.#surface.fit(width, this.#grid.height);
    this.#paint(this.#grid, map, figures.size_classes.length);
    this.#say();
  }

  /** @param {PoolGrid} grid @param {HeapMap} map @param {number} classes */
  #paint(grid, map, classes) {
    const { pools } = this.#palette;
    const scale = this.#colouring === "size"
      ? Array.from({ length: classes }, (_, index) => along(pools.sizes, index / Math.max(1, classes - 1)))
      : Array.from({ length: TOLD_APART + 1 }, (_, index) => along(pools.fullness, index / TOLD_APART));
    const { context, canvas } = this.#surface;
    const image = new ImageData(grid.width, grid.height);
    paintPools(new Uint32Array(image.data.buffer), grid, map.arenas, {
      scale: ({ sizeClass, fullness }) =>
        scale[
          this.#colouring === "size" ? Math.min(sizeClass, classes - 1) : Math.round(fullness * TOLD_APART)
        ],
      free: pools.free,
      uncarved: pools.uncarved,
      surface: this.#palette.surface,
    });
    const drawn = new OffscreenCanvas(grid.width, grid.height);
    drawn.getContext("2d")?.putImageData(image, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(drawn, 0, 0, canvas.width, canvas.height);
  }

  /** @param {{x: number, y: number} | null} at */
  #point(at) {
    this.#pointer = at;
    this.#say();
  }

  /** What lies under the pointer. */
  #say() {
    const [at, grid, figures] = [this.#pointer, this.#grid, this.#figures];
    const under = at && grid && poolUnder(grid, at.x, at.y);
    const arena = under ? this.#map?.arenas[under.arena] : undefined;
    const there = under && arena && under.pool < poolCount(arena);
    this.#tip.hidden = !there;
    if (!there || !figures || !at) return;
    const poolBytes = poolSizeOf(figures);
    const address = Math.ceil(arena.address / poolBytes) * poolBytes + under.pool * poolBytes;
    const noun = figures.allocator === "pymalloc" ? ["arena", "pool"] : ["segment", "page"];
    this.#tip.replaceChildren(
      make("b", {}, sentenceOf(poolAt(arena, under.pool), figures, poolBytes)),
      make("div", {}, `${noun[1]} ${under.pool + 1} of ${poolCount(arena)} · 0x${address.toString(16)}`),
      make("div", { class: "when" }, `${noun[0]} ${under.arena + 1} · 0x${arena.address.toString(16)}`),
    );
    const left = at.x + DISTANCE + this.#tip.offsetWidth < this.#host.clientWidth
      ? at.x + DISTANCE
      : at.x - DISTANCE - this.#tip.offsetWidth;
    this.#tip.style.left = `${Math.max(0, left)}px`;
    this.#tip.style.top = `${at.y + DISTANCE}px`;
  }
}

/** Pools are a power of two, and an arena that is not aligned loses one of them. @param {HeapFigures} figures */
function poolSizeOf({ arena_bytes: bytes, pools, pools_free: free }) {
  return 2 ** Math.floor(Math.log2(Math.max(1, bytes / Math.max(1, pools + free))));
}

/** @param {Pool} pool @param {HeapFigures} figures @param {number} poolBytes */
function sentenceOf(pool, { allocator, size_classes: classes }, poolBytes) {
  if (!pool.inUse) return pool.carved ? "free: it holds no block" : "never carved into blocks yet";
  const { size: block } = classes[pool.sizeClass] ?? { size: 0 };
  if (allocator !== "pymalloc" || block === 0) {
    return `blocks of ${text(size(block))}, ${text(share(pool.fullness))} in use`;
  }
  const room = Math.floor((poolBytes - POOL_HEADER) / block);
  const about = room > TOLD_APART ? "about " : "";
  return `blocks of ${block} B: ${about}${text(count(Math.round(pool.fullness * room)))} of ${room} in use`;
}
