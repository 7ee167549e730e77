// @ts-check
/**
 * A stream of messages that outlives its sockets: what breaks is tried again, later each time, until the server
 * says that it is over. What is told of the connection is one of
 *
 *     connecting                a socket is being opened
 *     open                      messages come
 *     waiting   retryAtMs       disconnected; tried again at that instant of Date.now()
 *     ended                     the server closed it: all has been said
 *     refused   problem         the server will not have it; trying again would not help
 *
 * @typedef {{state: "connecting" | "open" | "ended"} | {state: "waiting", retryAtMs: number}
 *           | {state: "refused", problem: Error}} Connection
 */

import { openedSocket } from "./opened.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8_000;
const CLOSED_IN_PEACE = 1000;

/** @param {number} failures how often it failed in a row, from 1 */
export function backOffMs(failures) {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1));
}

export class Stream {
  /** @type {WebSocket | null} */
  #socket = null;
  #failures = 0;
  #heard = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #disposed = false;
  /** All was said, or nothing will be. */
  #over = false;
  #url;
  #decode;
  #onMessage;
  #onDamaged;
  #onConnection;
  #whyRefused;
  #open;

  /**
   * @param {object} how
   * @param {string} how.url
   * @param {(text: string) => any} how.decode the message in what came; null where it cannot be used
   * @param {(message: any) => void} how.onMessage
   * @param {() => void} how.onDamaged something came that cannot be used: it is left out
   * @param {(connection: Connection) => void} how.onConnection
   * @param {() => Promise<Error | null>} how.whyRefused asked after a failure: the reason for which it is
   *     final, or null where it is worth trying again
   * @param {(url: string) => WebSocket} [how.open]
   */
  constructor({ url, decode, onMessage, onDamaged, onConnection, whyRefused, open = openedSocket }) {
    this.#url = url;
    this.#decode = decode;
    this.#onMessage = onMessage;
    this.#onDamaged = onDamaged;
    this.#onConnection = onConnection;
    this.#whyRefused = whyRefused;
    this.#open = open;
  }

  connect() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#heard = false;
    this.#onConnection({ state: "connecting" });
    const socket = this.#open(this.#url);
    this.#socket = socket;
    socket.onmessage = (event) => {
      if (socket !== this.#socket) return;
      if (!this.#heard) this.#hasOpened();
      const message = this.#decode(event.data);
      if (message === null) this.#onDamaged();
      else this.#onMessage(message);
    };
    socket.onclose = (event) => {
      if (socket === this.#socket) this.#closed(event.code);
    };
  }

  /** A message, not the handshake, is the proof: a server that accepts and then fails is not tried at once. */
  #hasOpened() {
    this.#heard = true;
    this.#failures = 0;
    this.#onConnection({ state: "open" });
  }

  /** @param {number} code */
  async #closed(code) {
    if (code === CLOSED_IN_PEACE) {
      this.#over = true;
      this.#onConnection({ state: "ended" });
      return;
    }
    this.#failures += 1;
    const waitMs = backOffMs(this.#failures);
    this.#onConnection({ state: "waiting", retryAtMs: Date.now() + waitMs });
    const broken = this.#socket;
    const problem = await this.#whyRefused();
    if (this.#disposed || this.#socket !== broken) return; // it goes on from another address already
    if (problem) {
      this.#over = true;
      this.#onConnection({ state: "refused", problem });
    } else this.#timer = setTimeout(() => this.connect(), waitMs);
  }

  /** Goes on from another address: what was open is let go of. @param {string} url */
  turnTo(url) {
    if (url === this.#url) return;
    this.#url = url;
    if (this.#over) return;
    this.#letGo();
    this.connect();
  }

  #letGo() {
    const socket = this.#socket;
    this.#socket = null; // what it says from now on is not listened to
    socket?.close();
  }

  /** Tries again at once, where it waits to. */
  hurry() {
    if (this.#timer !== undefined) this.connect();
  }

  dispose() {
    this.#disposed = true;
    clearTimeout(this.#timer);
    this.#letGo();
  }
}
