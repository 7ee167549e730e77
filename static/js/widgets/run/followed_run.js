// @ts-check
/**
 * A run that a page follows without being about it alone: its state, and the stream that feeds it.
 */
import { Problem, refusalOf, streamUrl } from "../../net/api.js";
import { Stream } from "../../net/stream.js";
import { Decoder } from "../../state/decoded.js";
import { RunState } from "../../state/run_state.js";
import { tellDamaged } from "./damaged.js";
import { attachHistory } from "./earlier.js";

export class FollowedRun {
  state = new RunState();
  #gone = new AbortController();
  #stream;

  /**
   * @param {string} id
   * @param {object} how
   * @param {boolean} [how.heap] whether the map of its heap is looked at
   * @param {HTMLElement} how.damaged the line that tells of damaged messages
   * @param {() => void} how.onNews
   * @param {(problem: Problem) => void} how.onProblem
   */
  constructor(id, { heap = false, damaged, onNews, onProblem }) {
    this.id = id;
    tellDamaged(damaged, 0);
    const damage = () => tellDamaged(damaged, ++this.state.damaged);
    attachHistory(this.state, id, onNews, this.#gone.signal);
    const decoder = new Decoder();
    this.#stream = new Stream({
      url: streamUrl(id, heap),
      decode: (text) => decoder.decode(text),
      onMessage: (message) => {
        try {
          this.state.take(message, performance.now());
        } catch (error) { // damage that lies deeper than the decoder looks
          reportError(error);
          damage();
        }
        onNews();
      },
      onDamaged: damage,
      onConnection: (connection) => {
        if (connection.state === "refused" && connection.problem instanceof Problem) {
          onProblem(connection.problem);
        }
      },
      whyRefused: () => refusalOf(id),
    });
    this.#stream.connect();
  }

  dispose() {
    this.#gone.abort();
    this.#stream.dispose();
  }
}
