// @ts-check
/** A bar of the shares that states have. */
import { make, setText } from "../../base/dom.js";
import { share, text } from "../../base/format.js";
import { STATES } from "../../state/messages.js";

/**
 * Shares of the states, one beside the other. In words they are of the time that was seen, as findings tell them; what was
 * not seen is hatched.
 */
export class StateBar {
  /** @param {readonly string[]} named states, the greatest of which stands beside it */
  constructor(named = STATES) {
    this.named = named;
    this.parts = STATES.map((state) => make("i", { class: `swatch ${state}` }));
    this.caption = make("span", { class: "caption" });
    this.element = make(
      "div",
      { class: "state-bar" },
      make("div", { class: "bar" }, ...this.parts),
      this.caption,
    );
  }

  /** @param {{[state: string]: number | null} | null} shares */
  update(shares) {
    const known = STATES.map((state) => shares?.[state] ?? 0);
    this.parts.forEach((part, index) => {
      part.style.width = `${known[index] * 100}%`;
    });
    const unknown = known[STATES.indexOf("unknown")];
    const seen = known.map((value, index) => STATES[index] === "unknown" ? 0 : value / (1 - unknown || 1));
    const greatest = seen.indexOf(Math.max(...seen.filter((_, index) => this.named.includes(STATES[index]))));
    setText(this.caption, seen[greatest] > 0 ? `${STATES[greatest]} ${text(share(seen[greatest]))}` : "–");
    const words = STATES.map((state, index) => `${state} ${text(share(seen[index]))}`)
      .filter((_, index) => seen[index] > 0);
    if (unknown > 0) words.push(`of the time that was seen; ${text(share(unknown))} was not`);
    this.element.title = words.join("\n");
  }
}
