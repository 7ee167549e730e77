// @ts-check
/**
 * How far each measure can be trusted, in a word each; the reason on hover and on focus.
 * @import { Process } from "../../state/messages.js"
 * @typedef {{measure: string, level: string, of?: string, why: string}} Badge `of` where not all processes have it
 */
import { find, make } from "../../base/dom.js";
import { seen, text } from "../../base/format.js";
import { isThin } from "../../state/messages.js";
import { processName } from "../../state/pids.js";

/** The measures as they are spoken of, in the order in which they are shown. */
const NAMES = /** @type {{[measure: string]: string}} */ ({
  gil: "GIL",
  gil_wait: "waits",
  threads: "threads",
  stacks: "stacks",
  heap: "heap",
  types: "object types",
  gc: "collector",
});
/** As in app/analysis/capabilities.py. */
const SAMPLED = new Set(["gil", "gil_wait", "threads"]);
const RANK = ["exact", "inferred", "unavailable"];

export class Badges {
  #list;
  /** By measure. @type {Map<string, {signature: string, element: HTMLElement}>} */
  #shown = new Map();

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#list = find(root, ".badges", HTMLElement);
  }

  /** @param {Iterable<Process>} processes @param {number | null | undefined} coverage of the run so far */
  update(processes, coverage) {
    const badges = badgesOf(processes, coverage).sort(byLevel);
    const known = [...this.#shown.keys()];
    const same = badges.length === known.length && badges.every(({ measure }, at) => known[at] === measure);
    const shown = badges.map((badge) => this.#elementOf(badge, same));
    badges.forEach((badge, at) =>
      shown[at].classList.toggle("same", at > 0 && levelOf(badge) === levelOf(badges[at - 1]))
    );
    // What has not changed stays where it is: somebody may be reading its reason.
    if (!same) this.#list.replaceChildren(...shown);
    this.#shown = new Map(badges.map((badge, place) => [
      badge.measure,
      { signature: JSON.stringify(badge), element: shown[place] },
    ]));
  }

  /** The badge's element: the one that is shown where it says the same. @param {Badge} badge @param {boolean} inPlace */
  #elementOf(badge, inPlace) {
    const known = this.#shown.get(badge.measure);
    if (known?.signature === JSON.stringify(badge)) return known.element;
    const element = elementOf(badge);
    if (inPlace) known?.element.replaceWith(element);
    return element;
  }
}

/**
 * The worst that is said of each measure by the processes that have it, and which have not. Where little was seen, what is known
 * by sampling is exact only of that.
 * @param {Iterable<Process>} processes
 * @param {number | null} [coverage]
 * @returns {Badge[]}
 */
export function badgesOf(processes, coverage = null) {
  const readable = [...processes].filter(({ python }) => python !== null);
  return Object.keys(NAMES).flatMap((measure) => {
    const told = readable.filter(({ capabilities }) => capabilities[measure]);
    if (told.length === 0) return [];
    const having = told.filter(({ capabilities }) => capabilities[measure] !== "unavailable");
    const lacking = told.filter((process) => !having.includes(process));
    if (having.length && lacking.length) return [mixed(measure, having, lacking)];
    const level = worstOf(measure, told);
    const reasons = new Set(told.map(({ why }) => why[measure]).filter(Boolean));
    if (level === "exact" && SAMPLED.has(measure) && isThin(coverage)) {
      const why = `exact of what was seen, which is ${text(seen(coverage))} of the time`;
      return [{ measure, level: "inferred", why }];
    }
    return [{ measure, level, why: [...reasons].join("; ") }];
  });
}

/** @param {string} measure @param {Process[]} processes */
function worstOf(measure, processes) {
  return processes.map(({ capabilities }) => capabilities[measure])
    .reduce((worst, next) => RANK.indexOf(next) > RANK.indexOf(worst) ? next : worst);
}

/**
 * A measure that some processes have: the figures are of those.
 * @param {string} measure @param {Process[]} having @param {Process[]} lacking @returns {Badge}
 */
function mixed(measure, having, lacking) {
  const reasons = new Set(having.map(({ why }) => why[measure]).filter(Boolean));
  const lacks = new Set(lacking.map(({ why }) => why[measure]).filter(Boolean));
  const pids = lacking.map(({ pid }) => processName(pid)).join(", ");
  const lack = `unavailable in ${pids}${lacks.size ? `: ${[...lacks].join("; ")}` : ""}`;
  return {
    measure,
    level: worstOf(measure, having),
    of: `in ${having.length} of ${having.length + lacking.length} processes`,
    why: [...reasons, lack].join("; "),
  };
}

/** In words. @param {Pick<Badge, "level" | "of">} badge */
function levelOf({ level, of }) {
  return of ? `${level} ${of}` : level;
}

/** Those of a level stand together, the exact ones first. @param {Badge} one @param {Badge} other */
function byLevel(one, other) {
  return RANK.indexOf(one.level) - RANK.indexOf(other.level) || Number(!!one.of) - Number(!!other.of);
}

/** @param {Badge} badge */
function elementOf({ measure, level, of, why }) {
  const told = levelOf({ level, of });
  const said = `${NAMES[measure]} ${told}`;
  const item = make("li", { "data-level": level }, NAMES[measure], make("span", {}, ` ${told}`));
  if (!why) return item;
  item.tabIndex = 0;
  item.setAttribute("aria-label", `${said}: ${why}`);
  item.append(make("span", { class: "why", "aria-hidden": "true" }, `${sentence(why)}.`));
  return item;
}

/** @param {string} why */
function sentence(why) {
  return why.charAt(0).toUpperCase() + why.slice(1).replace(/\.$/, "");
}
