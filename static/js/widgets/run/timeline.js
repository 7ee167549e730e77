// @ts-check
/**
 * The timeline: who held the GIL, and what each thread did. It follows the run, or stands where it is put.
 * @import { RunState } from "../../state/run_state.js"
 * @import { FrameScheduler } from "../../base/scheduler.js"
 * @import { Palette } from "../../draw/palette.js"
 * @import { TimeWindow } from "../../state/time_window.js"
 * @import { LaneChoice } from "../../tracks/lane_choice.js"
 * @import { Row, TrackRow } from "../../tracks/rows.js"
 * @import { Found, Mark } from "../../tracks/marks.js"
 * @import { Area, SliceWay } from "./gestures.js"
 * @import { Selected } from "./selection_bar.js"
 * @import { Hovered } from "./legend.js"
 */
import { find, setText } from "../../base/dom.js";
import { duration, text } from "../../base/format.js";
import { TimeScale } from "../../base/time_scale.js";
import { Surface } from "../../draw/surface.js";
import {
  around,
  follow,
  interval,
  LIVE,
  pan,
  pause,
  put,
  shownUntil,
  standing,
  whole,
  withInView,
  zoom,
} from "../../state/time_window.js";
import { flowsOf } from "../../tracks/flows.js";
import { isAll, toggled } from "../../tracks/lane_choice.js";
import { idOf, marksAt, placeMarks } from "../../tracks/marks.js";
import { AXIS_HEIGHT, paint } from "../../tracks/painter.js";
import { heightOf, heightStuck, isStuck, layOut, rowAt, topIn, wantedHeight } from "../../tracks/rows.js";
import { CounterLanes } from "./counter_lanes.js";
import { attachGestures } from "./gestures.js";
import { Labels } from "./labels.js";
import { KeptSwitch } from "./kept_switch.js";
import { LaneTools } from "./lane_tools.js";
import { Minimap } from "./minimap.js";
import { Notes } from "./notes.js";
import { SelectionBar } from "./selection_bar.js";
import { Tip } from "./tip.js";

/** Thirty pictures a second: what drawing takes of the processor, the target may lack. */
const FRAME_MS = 30;
const REDUCED_FRAME_MS = 1_000;
const ZOOM_STEP = 1.5;
const PAN_STEP = 0.1;

export class Timeline {
  /** @type {TimeWindow} */
  #window = LIVE;
  /** @type {Row[]} */
  #rows = [];
  /** @type {Mark[]} */
  #marks = [];
  /** @type {Found | null} */
  #found = null;
  /** Of which the figures are asked for, wherever the view is. @type {Selected | null} */
  #selected = null;
  /** Of a run that is played again. @type {number | null} */
  #playheadUs = null;
  #section;
  /** @type {{x: number, y: number} | null} where the pointer is over the plot */
  #pointer = null;
  #drawnMs = -Infinity;
  /** The plot's place as it was when a frame began: to ask later, when labels have changed, lays the page out anew. */
  #room = { width: 1, height: 0, scrollTop: 0 };
  #state;
  #scheduler;
  #palette;
  #surface;
  #scroller;
  #labels;
  #tools;
  #counters;
  #minimap;
  #tip;
  #pauseButton;
  /** What threads did until the view stood still: its lanes stay as they are then. @type {RunState["figures"]} */
  #told = null;
  #liveButton;
  #spanText;
  #selection;
  #flows;
  #gestures;
  #resized;
  #onView;
  #onChoose;
  #onPlay;
  #notes;
  #reduced = matchMedia("(prefers-reduced-motion: reduce)");
  #draw = (/** @type {number} */ nowMs) => this.#frame(nowMs);

  /**
   * @param {HTMLElement} root
   * @param {object} how
   * @param {RunState} how.state
   * @param {FrameScheduler} how.scheduler
   * @param {Palette} how.palette
   * @param {() => void} how.onView told when a hand chose another interval
   * @param {() => void} how.onPoint told when a hand points at another place
   * @param {() => void} how.onPlay told when a key wants a run that has ended to be played, or to pause
   * @param {(id: number | string, us: number) => void} how.onChoose told which thread's slice, or which counter, at which
   *     instant a hand chose
   * @param {import("./notes.js").NoteHands | null} how.notes what a hand does with notes; null where nothing is written
   * @param {(way: SliceWay) => void} how.onSlice told that a key wants another slice, or something of the one chosen
   */
  constructor(root, { state, scheduler, palette, onView, onPoint, onPlay, onChoose, onSlice, notes }) {
    this.#section = find(root, ".timeline", HTMLElement);
    this.#state = state;
    this.#scheduler = scheduler;
    this.#palette = palette;
    this.#onView = onView;
    this.#onChoose = onChoose;
    this.#onPlay = onPlay;
    this.#scroller = find(root, ".scroller", HTMLElement);
    this.#surface = new Surface(find(root, "canvas.plot", HTMLCanvasElement));
    this.#tools = new LaneTools(root, () => this.#act(() => onView()));
    this.#counters = new CounterLanes(root, () => this.#act(() => onView()));
    this.#labels = new Labels(find(root, ".labels", HTMLElement), {
      onPin: (id) => this.pin(id),
      onCollapse: (pid) => this.#tools.change({ collapsed: toggled(this.#tools.choice.collapsed, pid) }),
    });
    this.#minimap = new Minimap(root, (span) => this.#act(() => this.#put(span)));
    this.#tip = new Tip(find(root, ".tip", HTMLElement));
    this.#pauseButton = find(root, "[data-act=pause]", HTMLButtonElement);
    this.#liveButton = find(root, "[data-act=live]", HTMLButtonElement);
    this.#spanText = find(root, ".buttons .span", HTMLElement);
    this.#selection = new SelectionBar(root, () => this.select(null));
    this.#notes = new Notes(root, {
      hands: notes,
      onGo: (us) =>
        this.#act(() => {
          this.#goTo(us);
          onView();
        }),
      onDone: () => this.#scroller.focus(),
    });
    this.#flows = new KeptSwitch(find(root, "[data-act=flows]", HTMLButtonElement), "flows");
    this.#gestures = attachGestures(root, this.#surface.canvas, {
      zoomAt: (factor, x) => this.#act(() => this.#zoom(factor, x)),
      dragBy: (pixels) => this.#act(() => this.#pan(-pixels / this.#surface.canvas.clientWidth)),
      step: (steps) => this.#act(() => this.#pan(steps * PAN_STEP)),
      zoomStep: (steps) => this.#act(() => this.#zoom(ZOOM_STEP ** -steps, null)),
      reset: () => this.#act(() => this.#zoom(LIVE.spanUs / this.#window.spanUs, null)),
      fit: () => this.#act(() => this.#fit()),
      select: (area) => this.#act(() => this.#select(area)),
      selectFound: () => this.#act(() => this.#found && this.select(this.#found)),
      focus: () => this.#act(() => this.#focus()),
      togglePause: () => this.#state.ended ? this.#onPlay() : this.#act(() => this.#togglePause()),
      live: () => this.#act(() => this.#follow()),
      toggleFlows: () => this.#act(() => this.#flows.toggle()),
      toggleCounters: () => this.#counters.toggle(),
      search: () => this.#tools.search(),
      note: () => this.#notes.write(this.#noteUs()),
      slice: (way) => this.#slice(way, onSlice),
      point: (at) => {
        this.#pointer = at;
        this.redraw(); // first: it asks the page for sizes, which what is told of the point changes
        onPoint();
      },
      choose: (at) => this.#choose(at ?? this.#pointer),
    });
    this.#scroller.addEventListener("scroll", () => this.redraw());
    this.#resized = new ResizeObserver(() => this.redraw());
    this.#resized.observe(this.#scroller);
  }

  /** The interval on view; null before the first frame. */
  get onView() {
    const edgeUs = this.#edgeUs(performance.now());
    return edgeUs === null ? null : interval(this.#window, edgeUs);
  }

  /** What can be chosen of the lanes, from above: counters by their keys, threads by their lanes. */
  get idsOnView() {
    return this.#rows.flatMap((row) => idOf(row) ?? []);
  }

  /** @param {import("../../net/api.js").Note[]} notes that the run has */
  putNotes(notes) {
    if (this.#notes.update(notes)) this.redraw();
  }

  /** The note that a hand chose, by its id, or null. */
  get note() {
    return this.#notes.chosen;
  }

  /** @param {string} id @param {boolean} show brings its time on view @returns {boolean} whether there is such a note */
  chooseNote(id, show) {
    return this.#notes.choose(id, show);
  }

  /** Which lanes a hand has chosen. */
  get lanes() {
    return this.#tools.choice;
  }

  /** @param {Partial<LaneChoice>} choice as it was before */
  chooseLanes(choice) {
    this.#tools.change(choice);
  }

  /** Which counters have a lane, as the address says it. */
  get counters() {
    return this.#counters.word;
  }

  /** @param {string} word as it was before */
  chooseCounters(word) {
    this.#counters.restore(word);
    this.redraw();
  }

  /** Pins a thread's lane or a counter's, or lets it go. @param {number | string} id */
  pin(id) {
    if (typeof id === "string") this.#counters.pin(id);
    else this.#tools.change({ pinned: toggled(this.#tools.choice.pinned, id) });
  }

  /** The time that a hand has selected, or null. */
  get selected() {
    return this.#selected;
  }

  /** @param {{startUs: number, endUs: number, lanes?: ReadonlySet<number> | null} | null} time of all threads, or of `lanes` */
  select(time) {
    this.#selected = time && { startUs: time.startUs, endUs: time.endUs, lanes: time.lanes ?? null };
    this.#onView();
    this.redraw();
  }

  /** Whether it shows the same time for good. */
  get stands() {
    return this.#window.endUs !== null;
  }

  /** Where a hand has put it; null while it follows the run. */
  get standsAt() {
    const { spanUs, endUs } = this.#window;
    return endUs === null ? null : { startUs: endUs - spanUs, endUs };
  }

  /** Stands on that interval, as soon as there is something to draw. @param {{startUs: number, endUs: number}} shown */
  standAt(shown) {
    this.#window = standing(shown);
    this.redraw();
  }

  /** Shows all of a run that has ended, unless a hand has put it elsewhere. */
  showWhole() {
    const edgeUs = this.#edgeUs(performance.now());
    if (edgeUs === null) return;
    if (this.#window === LIVE) this.#window = this.#whole(edgeUs);
    // Asked for now, and not when it is drawn: the next frame may be a while away where a page is being opened.
    this.#askFor(interval(this.#window, edgeUs), edgeUs, Infinity);
    this.redraw();
  }

  /** Marks where a run is that is played again, and brings it into view. @param {number | null} us */
  playAt(us) {
    if (us === this.#playheadUs) return;
    this.#playheadUs = us;
    const edgeUs = this.#edgeUs(performance.now());
    if (us !== null && edgeUs !== null) this.#window = withInView(this.#window, us, edgeUs);
    this.redraw();
  }

  /** The thread under the pointer and the time of it that is drawn, or null. @returns {Hovered | null} */
  get hovered() {
    const row = this.#pointer && this.#rowAt(this.#pointer.y);
    const edgeUs = this.#edgeUs(performance.now());
    if (row?.kind !== "lane" || edgeUs === null) return null;
    const { startUs, endUs } = interval(this.#window, edgeUs);
    const { lane, track } = row;
    const from = Math.max(startUs, track.length && !track.overview ? track.startAt(0) : startUs);
    const until = Math.min(endUs, shownUntil(this.#window, edgeUs));
    return until > from ? { lane, track, startUs: from, endUs: until } : null;
  }

  /** The instant from which this page has a thread's states; Infinity where it has none. @param {number} lane */
  hasSince(lane) {
    if (this.#state.history) return 0;
    const track = this.#state.lanes.get(lane)?.track;
    return track?.length ? track.startAt(0) : Infinity;
  }

  /** Puts a piece of time on view, and marks it. @param {Found} found */
  reveal(found) {
    this.#act(() => {
      const edgeUs = this.#edgeUs(performance.now());
      if (edgeUs === null) return;
      this.#found = found;
      this.#set(around(found.startUs, found.endUs, Math.max(edgeUs, found.endUs)));
      const { startUs, endUs } = interval(this.#window, edgeUs);
      this.#layOut(startUs, endUs);
      this.#scrollTo(found.lane);
    });
  }

  /** Draws with the next frame, whatever the clock of the animation says. */
  redraw() {
    this.#drawnMs = -Infinity;
    this.#scheduler.redraw(this.#draw);
  }

  /** New frames are there to be drawn. */
  changed() {
    this.#scheduler.redraw(this.#draw);
  }

  /** @param {Palette} palette */
  recolour(palette) {
    this.#palette = palette;
    this.redraw();
  }

  dispose() {
    this.#gestures.dispose();
    this.#resized.disconnect();
    this.#scheduler.forget(this.#draw);
  }

  /** @param {() => void} action */
  #act(action) {
    this.#scheduler.act(action);
    this.redraw();
  }

  /** @param {TimeWindow} window */
  #set(window) {
    this.#window = window;
    this.#onView();
  }

  /** @param {number} factor @param {number | null} x where; null is the middle */
  #zoom(factor, x) {
    const edgeUs = this.#edgeUs(performance.now());
    if (edgeUs === null) return;
    const { startUs, endUs } = interval(this.#window, edgeUs);
    const share = x === null ? 0.5 : x / this.#surface.canvas.clientWidth;
    this.#set(zoom(this.#window, factor, startUs + share * (endUs - startUs), edgeUs));
  }

  /** @param {number} share of the window, later if positive */
  #pan(share) {
    const edgeUs = this.#edgeUs(performance.now());
    if (edgeUs !== null) this.#set(pan(this.#window, share * this.#window.spanUs, edgeUs));
  }

  /** @param {Area} area */
  #select({ fromX, toX, fromY, toY }) {
    const edgeUs = this.#edgeUs(performance.now());
    const shown = this.onView;
    if (edgeUs === null || !shown) return;
    const scale = new TimeScale(shown.startUs, shown.endUs, this.#surface.canvas.clientWidth);
    const [startUs, endUs] = [Math.max(0, scale.toUs(fromX)), Math.min(scale.toUs(toX), edgeUs)];
    if (endUs > startUs) {
      this.select({ startUs, endUs, lanes: fromY === null ? null : this.#lanesWithin(fromY, toY) });
    }
  }

  /** Those that a hand went over; null where that is all of them, or none. @param {number} fromY @param {number} toY over the plot */
  #lanesWithin(fromY, toY) {
    const { scrollTop } = this.#scroller;
    const covered = heightStuck(this.#rows, scrollTop);
    const all = this.#rows.flatMap((row) => row.kind === "lane" ? [row] : []);
    const within = all.filter((row) => {
      const top = topIn(row, scrollTop);
      const from = isStuck(row, scrollTop) ? top : Math.max(covered, top);
      const to = top + row.height;
      return to > from && from < toY - AXIS_HEIGHT && to > fromY - AXIS_HEIGHT;
    });
    return within.length && within.length < all.length ? new Set(within.map(({ lane }) => lane.lane)) : null;
  }

  /** The key that takes a slice away takes the selection after it. @param {SliceWay} way @param {(way: SliceWay) => void} onSlice */
  #slice(way, onSlice) {
    if (way === "close" && this.#found === null) this.#act(() => this.select(null));
    else onSlice(way);
    if (way === "close") this.mark(null); // of what was looked up there is no slice
  }

  /** Shows what is selected or marked, or all of the run where nothing is, or that is on view already. */
  #focus() {
    const { startUs, endUs } = this.#selected ?? this.#found ?? {};
    const shown = this.onView;
    if (startUs === undefined || endUs === undefined || !shown || isAround(shown, startUs, endUs)) {
      this.#fit();
    } else this.#set(around(startUs, endUs, Math.max(this.#edgeUs(performance.now()) ?? endUs, endUs)));
  }

  /** @param {{startUs: number, endUs: number}} span that a hand wants on view */
  #put(span) {
    const edgeUs = this.#edgeUs(performance.now());
    if (edgeUs !== null) this.#set(put(span, edgeUs));
  }

  /** Where a note belongs: under the pointer, at what is chosen, at the playhead, or in the middle of the view. */
  #noteUs() {
    const { startUs, endUs } = this.onView ?? { startUs: 0, endUs: 0 };
    const edgeUs = this.#edgeUs(performance.now()) ?? 0;
    const pointed = this.#pointer &&
      new TimeScale(startUs, endUs, this.#surface.canvas.clientWidth).toUs(this.#pointer.x);
    const us = pointed ?? this.#found?.startUs ?? this.#selected?.startUs ?? this.#playheadUs;
    return Math.min(edgeUs, Math.max(0, us ?? (startUs + Math.min(endUs, edgeUs)) / 2));
  }

  /** Brings an instant into the middle, where it is not on view. @param {number} us */
  #goTo(us) {
    const shown = this.onView;
    if (!shown || (us >= shown.startUs && us <= shown.endUs)) return;
    const half = (shown.endUs - shown.startUs) / 2;
    this.#put({ startUs: Math.max(0, us - half), endUs: Math.max(0, us - half) + 2 * half });
  }

  #fit() {
    const edgeUs = this.#edgeUs(performance.now());
    if (edgeUs !== null) this.#set(this.#whole(edgeUs));
  }

  /** The measured time: the program was being started before. @param {number} edgeUs */
  #whole(edgeUs) {
    return whole(edgeUs - (this.#state.figures?.begin_us ?? 0));
  }

  #togglePause() {
    const edgeUs = this.#edgeUs(performance.now());
    if (edgeUs === null) return;
    if (this.#window.endUs === null) this.#set(pause(this.#window, edgeUs));
    else this.#follow();
  }

  #follow() {
    this.#found = null;
    this.#set(follow(this.#window));
  }

  /** @param {number | string | null} id */
  #scrollTo(id) {
    this.#section.scrollIntoView({ block: "nearest" });
    const row = this.#rows.find((candidate) => idOf(candidate) === id);
    if (!row) return;
    const { scrollTop, clientHeight } = this.#scroller;
    const top = topIn(row, scrollTop);
    const from = row.stuckAt === undefined ? heightStuck(this.#rows, scrollTop) : 0;
    const inView = top >= from && top + row.height + AXIS_HEIGHT <= clientHeight;
    if (!inView) this.#scroller.scrollTop = row.top - clientHeight / 2;
  }

  /** As far as the run has come, on this page's clock. @param {number} nowMs */
  #edgeUs(nowMs) {
    return this.#state.edgeUs(nowMs);
  }

  /** @param {number} nowMs */
  #frame(nowMs) {
    const edgeUs = this.#edgeUs(nowMs);
    if (edgeUs === null) return;
    const { startUs, endUs } = interval(this.#window, edgeUs);
    const least = this.#reduced.matches ? REDUCED_FRAME_MS : FRAME_MS;
    const due = nowMs - this.#drawnMs >= least;
    if (due) {
      this.#drawnMs = nowMs;
      this.#measure();
      this.#minimap.update(this.#state, this.#palette, { startUs, endUs }, edgeUs);
      this.#paint(startUs, endUs, edgeUs);
      this.#showControls();
    }
    const moves = this.#window.endUs === null && edgeUs < (this.#state.lastUs ?? edgeUs);
    if (moves || !due) this.#scheduler.redraw(this.#draw);
  }

  /** Asks the page for all sizes at once, before anything of it is changed. */
  #measure() {
    const { clientWidth, clientHeight, scrollTop } = this.#scroller;
    this.#room = { width: Math.max(1, clientWidth - this.#labels.width), height: clientHeight, scrollTop };
    this.#surface.measure();
    if (this.#pointer) this.#tip.measure(this.#surface.canvas);
  }

  /**
   * What of that interval the page does not have.
   * @param {{startUs: number, endUs: number}} shown @param {number} edgeUs @param {number} usPerPixel
   */
  #askFor({ startUs, endUs }, edgeUs, usPerPixel) {
    if (startUs >= this.#state.heldFromUs) return;
    this.#state.history?.look(startUs, Math.min(endUs, edgeUs), usPerPixel);
  }

  /** @param {number} startUs @param {number} endUs */
  #layOut(startUs, endUs) {
    const choice = this.#tools.choice;
    const room = this.#room.height - AXIS_HEIGHT;
    if (this.#window.endUs === null || this.#state.ended) this.#told = this.#state.figures;
    const counters = this.#counters.rows(this.#state, choice.text);
    this.#rows = layOut(this.#state, startUs, endUs, choice, room, this.#told, counters);
    this.#scroller.style.setProperty("--lanes", `${AXIS_HEIGHT + wantedHeight(this.#rows)}px`);
    const shown = lanesOf(this.#rows).length;
    const there = isAll(choice) ? shown : lanesOf(layOut(this.#state, startUs, endUs)).length;
    this.#tools.tell(shown, there);
  }

  /** @param {number} startUs @param {number} endUs @param {number} edgeUs */
  #paint(startUs, endUs, edgeUs) {
    const untilUs = shownUntil(this.#window, edgeUs);
    this.#layOut(startUs, Math.min(endUs, untilUs));
    const { width, scrollTop } = this.#room;
    this.#askFor({ startUs, endUs }, edgeUs, (endUs - startUs) / width);
    const height = Math.max(AXIS_HEIGHT + heightOf(this.#rows), 1);
    const visible = Math.min(height, this.#room.height);
    this.#surface.resize(width, visible);
    const scale = new TimeScale(startUs, endUs, width);
    const pointer = this.#pointer;
    const cursorUs = pointer ? scale.toUs(pointer.x) : null;
    const toldUs = cursorUs ?? this.#found?.startUs ?? this.#playheadUs;
    this.#labels.show(
      this.#rows,
      toldUs ?? this.#knownUs(Math.min(endUs, untilUs)),
      toldUs !== null,
    );
    const flows = this.#flows.on ? flowsOf(this.#rows, scale, untilUs) : [];
    this.#marks = placeMarks(this.#state.events, this.#rows, scale, untilUs);
    paint(this.#surface, this.#palette, {
      rows: this.#rows,
      lanes: this.#state.lanes,
      scale,
      originUs: 0,
      scrollTop,
      height: visible,
      cursorUs,
      playheadUs: this.#playheadUs,
      edgeUs: untilUs,
      marks: this.#marks,
      flows,
      found: this.#found,
      selected: this.#selected,
      notes: this.#notes.all,
    });
    if (pointer && scale.toUs(pointer.x) <= untilUs) this.#showTip(pointer, scale);
    else this.#tip.hide();
  }

  /** The last instant of a view of which the counters are known. @param {number} untilUs */
  #knownUs(untilUs) {
    return Math.min(untilUs, (this.#state.series.column("at_us").at(-1) ?? 0) - 1);
  }

  /** @param {{x: number, y: number}} pointer @param {TimeScale} scale */
  #showTip(pointer, scale) {
    const row = this.#rowAt(pointer.y);
    const events = marksAt(this.#marks, row, pointer.x).map(({ event }) => event);
    this.#tip.show(row, scale.toUs(pointer.x), pointer, this.#state.lanes, events, scale.usPerPixel);
  }

  /** Of the slice there, or of the first thread's in the middle. @param {{x: number, y: number} | null} at */
  #choose(at) {
    const edgeUs = this.#edgeUs(performance.now());
    if (edgeUs === null) return;
    const { startUs, endUs } = interval(this.#window, edgeUs);
    const untilUs = shownUntil(this.#window, edgeUs);
    const width = this.#surface.canvas.clientWidth;
    const us = at
      ? new TimeScale(startUs, endUs, width).toUs(at.x)
      : (startUs + Math.min(endUs, untilUs)) / 2;
    const row = at ? this.#rowAt(at.y) : this.#rows.find(({ kind }) => kind === "lane");
    const id = row && (row.kind === "gil" ? holderAt(row, us) : idOf(row));
    if (id !== undefined && us <= untilUs) this.#onChoose(id, us);
  }

  /** Marks a piece of time, where it is. @param {Found | null} found */
  mark(found) {
    this.#found = found;
    this.redraw();
  }

  /** @param {number} y over the plot */
  #rowAt(y) {
    return y < AXIS_HEIGHT ? undefined : rowAt(this.#rows, y - AXIS_HEIGHT, this.#room.scrollTop);
  }

  #showControls() {
    const following = this.#window.endUs === null;
    const paused = !following;
    this.#pauseButton.setAttribute("aria-pressed", String(paused));
    setText(this.#pauseButton, paused ? "Go on" : "Pause");
    this.#pauseButton.hidden = this.#state.ended;
    this.#liveButton.disabled = following;
    setText(this.#liveButton, this.#state.ended ? "End" : "Live");
    setText(this.#spanText, text(duration(this.#window.spanUs / 1e6)));
    this.#selection.update(this.#selected);
  }
}

/** @param {Row[]} rows */
function lanesOf(rows) {
  return rows.flatMap((row) => row.kind === "lane" ? [row.lane] : []);
}

/** Whether that is what `around` makes of it. @param {{startUs: number, endUs: number}} shown @param {number} startUs @param {number} endUs */
function isAround(shown, startUs, endUs) {
  const wanted = interval(around(startUs, endUs, shown.endUs), shown.endUs);
  return Math.abs(wanted.endUs - wanted.startUs - (shown.endUs - shown.startUs)) < 1 &&
    startUs >= shown.startUs && endUs <= shown.endUs;
}

/** The thread that holds a GIL at an instant, where there is one. @param {TrackRow} row @param {number} us */
function holderAt({ track }, us) {
  const index = track.indexAt(us);
  return index < 0 || track.valueAt(index) < 0 ? undefined : track.valueAt(index);
}
