// @ts-check
/**
 * What is said of a workload beside its run: what to look for, why it is so, what helps, and the variant that mends it.
 * @import { RunRequest } from "../../net/api.js"
 * @import { Finding, Run } from "../../state/messages.js"
 * @import { Offers, Python } from "./fixes.js"
 * @typedef {{workload: string | null, params: {[name: string]: unknown}, executor: string | null,
 *            workers: number | null, python?: string | null}} Variant what is null stays as it is
 * @typedef {{lookFor: DocumentFragment, explained: DocumentFragment, finding: string | null, offers: Offers}} Sentences
 *     `finding` is the code of the one that the workload is there to show
 * @typedef {{title: string, start: () => Promise<void>}} Fix a way to run it so that a finding does not come
 * @typedef {(finding: Finding, python: Python) => Fix[]} FixesOf what mends a finding of a run on that Python
 */
import { find } from "../../base/dom.js";
import { settingsFor } from "./fixes.js";

export class Explanation {
  #root;
  #onTry;
  /** @type {Run | null} */
  #run = null;
  /** @type {{finding: string, title: string, variant: Variant} | null} */
  #fix = null;
  /** What its workload can be started with. @type {Offers | null} */
  #offers = null;

  /**
   * @param {HTMLElement} root
   * @param {(first: RunRequest, second: RunRequest | null) => Promise<void>} onTry told to start a run, and to
   *     compare it with another
   */
  constructor(root, onTry) {
    this.#root = root;
    this.#onTry = onTry;
  }

  /** @param {Run} run @param {Sentences | null} sentences null where it is no workload of the catalogue */
  show(run, sentences) {
    this.#run = run;
    const look = find(this.#root, ".look", HTMLElement);
    look.hidden = sentences === null;
    const explained = find(this.#root, ".explained", HTMLElement);
    explained.hidden = sentences === null;
    this.#fix = null;
    this.#offers = sentences?.offers ?? null;
    if (!sentences) return;
    const fixed = sentences.explained.querySelector("[data-mended]");
    if (sentences.finding && fixed instanceof HTMLElement) {
      const { mended = "null", title = "" } = fixed.dataset;
      this.#fix = { finding: sentences.finding, title, variant: JSON.parse(mended) };
    }
    find(look, ".sentences", HTMLElement).replaceChildren(sentences.lookFor);
    explained.replaceChildren(sentences.explained);
    this.#readBeside(explained.querySelector(".beside"));
    for (const button of explained.querySelectorAll("[data-try]")) {
      if (button instanceof HTMLButtonElement) button.addEventListener("click", () => this.#try(button));
    }
  }

  /**
   * What mends a finding of this run, where that is a setting: the version that its workload has without it, then what
   * the advice names.
   * @param {Finding} finding @param {Python} python @returns {Fix[]}
   */
  fixesOf(finding, python) {
    const run = this.#run;
    if (!run) return [];
    const own = this.#fix?.finding === finding.code ? this.#fix : null;
    const settings = this.#offers ? settingsFor(finding, run, this.#offers, python) : [];
    const others = settings.filter(({ variant: { executor } }) =>
      executor === null || executor !== own?.variant.executor
    );
    return [...(own ? [own] : []), ...others].map(({ title, variant }) => ({
      title,
      start: () => this.#onTry(mendedOf(run, variant), null),
    }));
  }

  /** A table is too wide for the place beside the result. @param {Element | null} table */
  #readBeside(table) {
    const place = find(this.#root, ".read-beside", HTMLElement);
    place.hidden = table === null;
    place.replaceChildren(...(table ? [table] : []));
  }

  /** @param {HTMLButtonElement} button */
  async #try(button) {
    const variant = button.closest("[data-mended]");
    if (!this.#run || !(variant instanceof HTMLElement)) return;
    const mended = mendedOf(this.#run, JSON.parse(variant.dataset.mended ?? "null"));
    button.disabled = true;
    try {
      if (button.dataset.try === "both") await this.#onTry(requestOf(this.#run), mended);
      else await this.#onTry(mended, null);
    } finally {
      button.disabled = false;
    }
  }
}

/** What would start a run anew; it may be called otherwise than its workload. @param {Run} run @returns {RunRequest & {workload: string}} */
export function requestOf({ name, workload, params, executor, workers, seconds, python }) {
  return {
    workload: workload ?? name,
    params,
    ...(executor && { executor }),
    ...(workers && { workers }),
    ...(seconds && { seconds }),
    ...(python && { python }),
  };
}

/** What starts the mended variant of a run. @param {Run} run @param {Variant} variant @returns {RunRequest} */
export function mendedOf(run, { workload, params, executor, workers, python }) {
  const { workload: ownName, params: own, executor: kind, workers: number, ...rest } = requestOf(run);
  const another = workload !== null && workload !== ownName;
  // Another workload has parameters and workers of its own.
  const kept = another ? {} : { ...(kind && { executor: kind }), ...(number && { workers: number }) };
  return {
    ...rest,
    ...kept,
    workload: workload ?? ownName,
    params: another ? params : { ...own, ...params },
    ...(executor && { executor }),
    ...(workers && { workers }),
    ...(python && { python }),
  };
}
