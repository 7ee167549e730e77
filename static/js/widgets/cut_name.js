// @ts-check
/** Names of threads where they have little room. */
import { make } from "../base/dom.js";

/** Letters of a name's end that are always shown. */
const TAIL = 4;

/**
 * A name that is cut in its middle: pools number their threads at the end. It is two boxes, so what holds it says the
 * name to who does not see it. @param {string} name
 */
export function cutName(name) {
  return make(
    "span",
    { class: "name cut" },
    make("span", {}, name.slice(0, -TAIL)),
    make("span", {}, name.slice(-TAIL)),
  );
}
