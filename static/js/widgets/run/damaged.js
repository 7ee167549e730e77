// @ts-check
/** The line that tells how many messages of a server were damaged, and left out. */
import { setText } from "../../base/dom.js";
import { count, text } from "../../base/format.js";

/** @param {HTMLElement} line @param {number} messages none: nothing is told */
export function tellDamaged(line, messages) {
  line.hidden = messages === 0;
  setText(
    line,
    messages === 1
      ? "1 message from the server was damaged. It was left out; all others are shown."
      : `${
        text(count(messages))
      } messages from the server were damaged. They were left out; all others are shown.`,
  );
}
