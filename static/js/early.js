// @ts-check
// Not a module: it opens the stream of the run on view at once. The page's own script comes, and runs, long after
// the server could have answered; it takes over what has come until then: see net/opened.js.
{
  const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/api/v1${location.pathname}/stream`);
  /** @type {Event[]} */
  const heard = [];
  /** @param {Event} event */
  const hear = (event) => heard.push(event);
  socket.onmessage = hear;
  socket.onclose = hear;
  Object.assign(globalThis, { openedEarly: { socket, heard } });
}
