// @ts-check
/** Sockets, of which static/js/early.js may have opened one before any module was there. */

/** @typedef {{socket: WebSocket, heard: Event[]}} Early what came of a socket before somebody listened */

/**
 * A socket to that address: the early one where it is the same, once. Whoever listens to it before the current
 * task ends is told all that has come.
 * @param {string} url @returns {WebSocket}
 */
export function openedSocket(url) {
  const page = /** @type {{openedEarly?: Early}} */ (globalThis);
  const early = page.openedEarly;
  delete page.openedEarly;
  if (early?.socket.url !== url) {
    early?.socket.close();
    return new WebSocket(url);
  }
  const { socket, heard } = early;
  queueMicrotask(() => heard.forEach((event) => socket.dispatchEvent(event)));
  return socket;
}
