// @ts-check
/**
 * A run played again by the server: where it is put, and what it then tells. See app/runs/replay.py.
 * @typedef {{at_us: number, speed: number}} Playhead `speed` 0: it stands
 */
import { Decoder } from "../../state/decoded.js";
import { RunState } from "../../state/run_state.js";

export class Replay {
  /** The run as it was at the playhead; null before the server said so. @type {RunState | null} */
  then = null;
  /** @type {Playhead | null} */
  playhead = null;
  /** Where it was put, while it is on its way there: in a long run that takes a while. @type {number | null} */
  #goalUs = null;
  /** @type {RunState | null} what is being told */
  #coming = null;
  /** @type {WebSocket | null} */
  #socket = null;
  #url;
  #onNews;
  #onDamaged;
  #open;

  /**
   * @param {object} how
   * @param {(playhead: Playhead) => string} how.url from where
   * @param {() => void} how.onNews told when the playhead has moved, and what is known of that moment is there
   * @param {() => void} how.onDamaged something came that cannot be used: it is left out
   * @param {(url: string) => WebSocket} [how.open]
   */
  constructor({ url, onNews, onDamaged, open = (address) => new WebSocket(address) }) {
    this.#url = url;
    this.#onNews = onNews;
    this.#onDamaged = onDamaged;
    this.#open = open;
  }

  /** Whether it is on its way to where it was put. */
  get seeks() {
    return this.#goalUs !== null;
  }

  /** Where the playhead is, or will be as soon as it has come there; null outside of a replay. */
  get atUs() {
    return this.#goalUs ?? this.playhead?.at_us ?? null;
  }

  /** Puts the playhead there, and plays so many times as fast as it was. @param {number} atUs @param {number} speed */
  go(atUs, speed) {
    const order = { at_us: Math.max(0, Math.round(atUs)), speed };
    this.#goalUs = order.at_us;
    this.#onNews();
    const socket = this.#socket;
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(order));
    else this.#connect(order);
  }

  /** Plays on from where it is; 0 stands. @param {number} speed */
  play(speed) {
    const socket = this.#socket;
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ at_us: null, speed }));
    else this.go(this.playhead?.at_us ?? 0, speed);
  }

  /** Back to the whole run. */
  leave() {
    const socket = this.#socket;
    this.#goalUs = null;
    this.#socket =
      this.then =
      this.playhead =
      this.#coming =
        null;
    socket?.close();
  }

  /** @param {Playhead} order */
  #connect(order) {
    this.#socket?.close();
    const socket = this.#open(this.#url(order));
    const decoder = new Decoder();
    this.#socket = socket;
    socket.onmessage = (event) => {
      if (socket !== this.#socket) return;
      const message = decoder.decode(event.data);
      if (message) this.#attempt(message);
      else this.#onDamaged();
    };
    socket.onclose = () => {
      if (socket !== this.#socket) return;
      this.#socket = null;
      this.#goalUs = null;
      if (this.playhead) this.playhead = { ...this.playhead, speed: 0 };
      this.#onNews();
    };
  }

  /** Damage that lies deeper than the decoder looks: what comes next is shown all the same. @param {any} message */
  #attempt(message) {
    try {
      this.#take(message);
    } catch (error) {
      reportError(error);
      this.#onDamaged();
    }
  }

  /** @param {any} message */
  #take(message) {
    if (message.type === "playhead") {
      this.then = this.#coming;
      this.playhead = message;
      this.#goalUs = null;
      this.#onNews();
      return;
    }
    // A header tells all of a moment anew; what is told of a standing playhead alone stays until then.
    if (message.type === "header") {
      const known = this.#coming;
      this.#coming = new RunState();
      this.#coming.where = known?.where ?? null;
      this.#coming.flame = known?.flame ?? null;
    }
    this.#coming?.take(message, performance.now());
  }
}
