// @ts-check
/**
 * One run on the page, live or ended: its parts, and the stream that feeds them.
 * @import { FrameScheduler } from "../../base/scheduler.js"
 * @import { RunRequest } from "../../net/api.js"
 * @import { Span } from "../../state/run_state.js"
 * @import { Sentences } from "./explanation.js"
 */
import { copyOf, find } from "../../base/dom.js";
import { onThemeChange } from "../../base/theme.js";
import { readPalette } from "../../draw/palette.js";
import { getFigures, getSummary, Problem, refusalOf, replayUrl, stopRun, streamUrl } from "../../net/api.js";
import { untilAnswered } from "../../net/persist.js";
import { Stream } from "../../net/stream.js";
import { Decoder } from "../../state/decoded.js";
import { ofThreads } from "../../state/of_threads.js";
import { forgetProcesses } from "../../state/pids.js";
import { RunState } from "../../state/run_state.js";
import { Badges } from "./badges.js";
import { Details } from "../panels/details.js";
import { attachHistory } from "./earlier.js";
import { Explanation } from "./explanation.js";
import { attachExport } from "../export_menu.js";
import { attachCopyLink } from "./copy_link.js";
import { FigureTiles } from "./figures.js";
import { Honesty } from "./honesty.js";
import { keptNotes } from "./kept_notes.js";
import { Legend } from "./legend.js";
import { Player } from "./player.js";
import { Replay } from "./replay.js";
import { RunAddress } from "./run_address.js";
import { Shows } from "./shows.js";
import { SliceDetails } from "./slice.js";
import { SpanFigures, spanOnView } from "./span.js";
import { Splitter } from "./splitter.js";
import { Timeline } from "./timeline.js";
import { Title } from "./title.js";

/** Messages that change more than the timeline. */
const SHOWN = new Set(
  ["header", "process", "figures", "event", "heap", "report", "end", "missed", "run", "where", "summary"],
);

export class RunView {
  #state = new RunState();
  #decoder = new Decoder();
  /** @type {Stream | undefined} */
  #stream;
  #scheduler;
  #root;
  #title;
  #figures;
  #timeline;
  #details;
  #badges;
  #legend;
  #honesty;
  #shows;
  #explanation;
  #slice;
  #player;
  #replay;
  #span;
  #address;
  #sentencesOf;
  #onProblem;
  #endThemes;
  #gone = new AbortController();
  #hurry = () => this.#stream?.hurry();
  #tellHovered = () => this.#legend.update(this.#timeline.hovered);
  #update = () => this.#attempt(() => this.#showFigures());

  /**
   * @param {HTMLElement} stage its children are replaced
   * @param {string} id
   * @param {object} how
   * @param {FrameScheduler} how.scheduler
   * @param {(workload: string) => Sentences | null} how.sentencesOf what the catalogue says of a workload
   * @param {(first: RunRequest, second: RunRequest | null) => Promise<void>} how.onTry
   * @param {(id: string) => Promise<void>} [how.onAgain] starts the same again
   * @param {(problem: Problem) => void} how.onProblem
   * @param {(url: string) => WebSocket} [how.open] the stream, where it does not come from a server
   * @param {Span & {summary: any} | null} [how.kept] the time that a page in a file opens at, with its figures
   */
  constructor(stage, id, { scheduler, sentencesOf, onTry, onAgain, onProblem, open, kept = null }) {
    this.#scheduler = scheduler;
    this.#sentencesOf = sentencesOf;
    this.#onProblem = onProblem;
    forgetProcesses();
    attachHistory(this.#state, id, () => this.#timeline.redraw(), this.#gone.signal);
    this.#root = copyOf("run-view");
    stage.replaceChildren(this.#root);
    const palette = readPalette();
    this.#title = new Title(this.#root, () => this.#stop(id), onAgain && (() => onAgain(id)));
    attachCopyLink(find(this.#root, "button.copy-link", HTMLButtonElement));
    attachExport(find(this.#root, "select.export", HTMLSelectElement), id, () => this.#spanOnView);
    this.#figures = new FigureTiles(this.#root);
    this.#timeline = new Timeline(this.#root, {
      state: this.#state,
      scheduler,
      palette,
      onView: () => {
        scheduler.redraw(this.#update);
        this.#address?.changed();
      },
      onPoint: () => scheduler.redraw(this.#tellHovered),
      onPlay: () => this.#player?.toggle(),
      // A file keeps nothing, and who may only look writes nothing.
      notes: open || document.body.dataset.role === "look" ? null : keptNotes(id, this.#state, {
        onNews: () => scheduler.redraw(this.#update),
        onProblem,
      }),
      onChoose: (id, us) => {
        this.#slice.show(id, us);
        this.#address?.chosen();
      },
      onSlice: (way) => {
        if (way !== "pin") this.#slice.go(way);
        else if (this.#slice.at) this.#timeline.pin(this.#slice.at.lane);
      },
    });
    this.#slice = new SliceDetails(this.#root, id, {
      state: this.#state,
      ids: () => this.#timeline.idsOnView,
      onShow: (found) => {
        this.#timeline.mark(found);
        this.#address?.changed();
      },
    });
    this.#replay = new Replay({
      url: (playhead) => replayUrl(id, playhead),
      onDamaged: () => this.#tellDamaged(),
      onNews: () => {
        scheduler.redraw(this.#update);
        this.#address?.changed();
      },
    });
    this.#span = new SpanFigures({
      ask: ({ fromUs, toUs }) =>
        open
          ? figuresIn(kept, fromUs, toUs)
          : untilAnswered(() => getFigures(id, fromUs, toUs), this.#gone.signal),
      onNews: () => scheduler.redraw(this.#update),
    });
    if (kept) this.#timeline.standAt({ startUs: kept.fromUs, endUs: kept.toUs });
    this.#details = new Details(this.#root, {
      id,
      state: this.#state,
      palette,
      timeline: this.#timeline,
      fixesOf: (finding, python) => this.#explanation?.fixesOf(finding, python) ?? [],
      onShow: (panel) => this.#look(id, panel),
      onWhere: () => this.#askForWhere(id),
    });
    this.#badges = new Badges(this.#root);
    this.#legend = new Legend(this.#root);
    this.#honesty = new Honesty(this.#root);
    new Splitter(this.#root);
    this.#shows = new Shows(this.#root);
    this.#explanation = new Explanation(this.#root, onTry);
    this.#endThemes = onThemeChange(() => this.#recolour());
    this.#stream = new Stream({
      url: streamUrl(id),
      decode: (text) => this.#decoder.decode(text),
      onMessage: (message) => this.#attempt(() => this.#take(message)),
      onDamaged: () => this.#tellDamaged(),
      onConnection: (connection) => this.#title.connected(connection),
      whyRefused: () => refusalOf(id),
      open,
    });
    addEventListener("online", this.#hurry);
    // A page in a file has no server that plays, and an address that holds nothing.
    if (!open) {
      this.#player = this.#playerOf();
      this.#address = new RunAddress({
        details: this.#details,
        timeline: this.#timeline,
        slice: this.#slice,
        replay: this.#replay,
      });
    }
    this.#stream.connect();
  }

  #playerOf() {
    return new Player(this.#root, {
      onGo: (atUs, speed) => this.#replay.go(atUs, speed),
      onPlay: (speed) => this.#replay.play(speed),
      onLeave: () => {
        this.#replay.leave();
        this.#scheduler.redraw(this.#update);
        this.#address?.changed();
      },
    });
  }

  dispose() {
    this.#gone.abort();
    this.#address?.dispose();
    this.#replay.leave();
    this.#span.dispose();
    this.#stream?.dispose();
    this.#timeline.dispose();
    this.#details.dispose();
    this.#title.dispose();
    this.#endThemes();
    this.#scheduler.forget(this.#update);
    this.#scheduler.forget(this.#tellHovered);
    removeEventListener("online", this.#hurry);
    this.#root.remove();
  }

  /** Damage that lies deeper than the decoder looks: what comes next is shown all the same. @param {() => void} work */
  #attempt(work) {
    try {
      work();
    } catch (error) {
      reportError(error);
      this.#tellDamaged();
    }
  }

  #tellDamaged() {
    this.#state.damaged += 1;
    this.#title.damaged(this.#state.damaged);
  }

  /** @param {any} message */
  #take(message) {
    this.#state.take(message, performance.now());
    if (message.type === "frame" || message.type === "collector") this.#timeline.changed();
    if (SHOWN.has(message.type)) this.#scheduler.redraw(this.#update);
    if (message.type === "header") this.#begin();
    if (message.type === "summary") this.#showEnded();
    if (["summary", "run", "event"].includes(message.type)) this.#timeline.redraw();
  }

  get #spanOnView() {
    const { selected, onView, stands } = this.#timeline;
    return spanOnView(this.#state, selected ?? onView, selected !== null || stands);
  }

  /** Of a run that is played again what stands for a moment is of the playhead's. */
  #showFigures() {
    this.#span.look(this.#state, this.#spanOnView);
    const ofAll = this.#replay.then ?? this.#span.then ?? this.#state;
    const lanes = this.#timeline.selected?.lanes;
    const shown = lanes ? ofThreads(ofAll, lanes) : ofAll;
    const { figures, processes, summary } = shown;
    if (this.#state.run?.notes) this.#timeline.putNotes(this.#state.run.notes);
    this.#address?.restore(this.#state);
    this.#timeline.playAt(this.#replay.playhead?.at_us ?? null);
    this.#player?.update(this.#state, this.#replay);
    this.#root.classList.toggle("free", this.#state.free);
    this.#root.classList.toggle("unseen", this.#state.ended && this.#state.lastUs === null);
    this.#title.update(this.#state);
    this.#figures.update(shown, lanes?.size ?? null);
    this.#badges.update(processes.values(), summary ? summary.sampling.coverage : figures?.observer.coverage);
    this.#details.update(shown);
    this.#tellHovered();
    this.#honesty.update(shown);
    this.#shows.update(shown);
  }

  /** The map of the heap is read only while somebody looks at it. @param {string} id @param {string} panel */
  #look(id, panel) {
    this.#stream?.turnTo(streamUrl(id, panel === "heap"));
    if (panel === "where" && this.#state.hello && !this.#state.where) this.#askForWhere(id);
    this.#scheduler.redraw(this.#update);
    this.#address?.changed();
  }

  #begin() {
    this.#showEnded();
    this.#explain();
  }

  /** Whoever saw a run end, and left its timeline alone, sees what whoever opens it then does: all of it. */
  #showEnded() {
    if (this.#state.ended && this.#state.figures) this.#timeline.showWhole();
  }

  #explain() {
    const { run } = this.#state;
    if (run) {
      this.#explanation.show(
        run,
        run.kind === "workload" ? this.#sentencesOf(run.workload ?? run.name) : null,
      );
    }
  }

  /** @param {string} id */
  async #stop(id) {
    try {
      await stopRun(id);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.#title.stopAgain();
      this.#onProblem(problem);
    }
  }

  /** @param {string} id */
  async #askForWhere(id) {
    try {
      const summary = await getSummary(id);
      // The run may have ended meanwhile, and said more.
      if (!this.#state.summary) this.#state.tellWhere(summary);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.#onProblem(problem);
    }
    this.#details.again();
    this.#scheduler.redraw(this.#update);
  }

  #recolour() {
    const palette = readPalette();
    this.#timeline.recolour(palette);
    this.#details.recolour(palette);
    this.#scheduler.redraw(this.#update);
  }
}

/** Whoever drags comes back to a time within half a millisecond, as it is said. */
const SAME_US = 500;

/**
 * What a page in a file knows of a time; null where that is not the one that it was made for.
 * @param {Span & {summary: any} | null} kept @param {number} fromUs @param {number} toUs
 */
function figuresIn(kept, fromUs, toUs) {
  const same = kept && Math.abs(kept.fromUs - fromUs) <= SAME_US && Math.abs(kept.toUs - toUs) <= SAME_US;
  return same ? kept.summary : null;
}
