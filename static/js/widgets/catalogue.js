// @ts-check
/**
 * The catalogue: found by search, started by a button, or by a form that says what it is to be started with.
 * @import { RunRequest, Problem } from "../net/api.js"
 * @import { Sentences } from "./run/explanation.js"
 * @import { Offers } from "./run/fixes.js"
 */
import { find } from "../base/dom.js";
import { CatalogueGroups } from "./catalogue_groups.js";
import { attachForm, fill } from "./launch_form.js";

export class Catalogue {
  #root;
  #start;
  /** Forms that were opened: of the many that there are, only these are made to work. @type {Set<HTMLFormElement>} */
  #attached = new Set();

  /**
   * @param {HTMLElement} root
   * @param {(request: RunRequest) => Promise<Problem | null>} start resolves when it runs, or with the refusal
   */
  constructor(root, start) {
    this.#root = root;
    this.#start = start;
    const search = find(root, "#search", HTMLInputElement);
    search.addEventListener("input", () => this.#filter(search.value));
    const groups = new CatalogueGroups(root);
    groups.onChange = () => {
      this.#filter(search.value);
      this.#stopAt(this.#cards()[0]);
    };
    const opened = (/** @type {Event} */ { target }) => {
      if (target instanceof HTMLDetailsElement && target.open) this.#formOf(target);
    };
    root.addEventListener("toggle", opened, { capture: true }); // it does not bubble
    this.#stopAt(this.#cards()[0]);
    root.addEventListener("focusin", ({ target }) => {
      const card = target instanceof Element ? target.closest(".workload") : null;
      if (card instanceof HTMLElement) this.#stopAt(card);
    });
    root.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Those that the search has left. @returns {HTMLElement[]} */
  #cards() {
    return [...this.#root.querySelectorAll(".workload")].flatMap((card) =>
      card instanceof HTMLElement && !card.hidden ? [card] : []
    );
  }

  /**
   * Of so many cards one alone is reached by the tab key, and the others from there by the arrows: who comes by keys is
   * at the run after a few stops.
   * @param {HTMLElement | undefined} stop
   */
  #stopAt(stop) {
    if (!stop) return;
    for (const card of this.#root.querySelectorAll(".workload")) {
      for (const part of partsOf(card)) part.tabIndex = card === stop ? 0 : -1;
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { target } = event;
    const card = target instanceof HTMLElement && target.closest(".workload");
    if (!(target instanceof HTMLElement) || !(card instanceof HTMLElement)) return;
    const part = partsOf(card).indexOf(target);
    const cards = this.#cards();
    const at = cards.indexOf(card);
    const to = /** @type {{[key: string]: [number, number]}} */ ({
      ArrowDown: [at + 1, part],
      ArrowUp: [at - 1, part],
      Home: [0, part],
      End: [cards.length - 1, part],
      ArrowLeft: [at, 0],
      ArrowRight: [at, 1],
    })[event.key];
    if (part < 0 || !to) return;
    event.preventDefault();
    event.stopPropagation(); // the timeline has its own use for them
    const next = cards[Math.min(cards.length - 1, Math.max(0, to[0]))];
    partsOf(next)[to[1]]?.focus();
  }

  /** The form of a card. @param {HTMLElement} card */
  #formOf(card) {
    const form = find(card, "form", HTMLFormElement);
    if (this.#attached.has(form)) return form;
    this.#attached.add(form);
    const offered = find(document, "#script-python", HTMLSelectElement);
    find(form, "[name=python]", HTMLSelectElement).append(
      ...[...offered.options].map((option) => option.cloneNode(true)),
    );
    attachForm(form, this.#start);
    return form;
  }

  /** What is to be read beside a run of that workload, and the code of the finding that it is there to show. @param {string} workload @returns {Sentences | null} */
  sentencesOf(workload) {
    const card = this.#root.querySelector(`[data-name="${CSS.escape(workload)}"]`);
    if (!card) return null;
    const [lookFor, explained] = ["look-for", "explain"].map((kind) =>
      document.importNode(find(card, `template.${kind}`, HTMLTemplateElement).content, true)
    );
    const finding = card instanceof HTMLElement ? card.dataset.finding ?? null : null;
    return { lookFor, explained, finding, offers: offersOf(find(card, "form", HTMLFormElement)) };
  }

  /** Opens a workload's form, with these settings in it. @param {string} workload @param {RunRequest} request */
  open(workload, request) {
    const card = find(this.#root, `[data-name="${CSS.escape(workload)}"]`, HTMLElement);
    find(card, "details", HTMLDetailsElement).open = true;
    const form = this.#formOf(card);
    fill(form, request);
    form.scrollIntoView({ block: "nearest" });
    find(form, "[type=submit]", HTMLButtonElement).focus();
  }

  /** Marks the workload that is on view. @param {string | null} workload */
  mark(workload) {
    for (const card of this.#root.querySelectorAll(".workload")) {
      card.classList.toggle("current", card instanceof HTMLElement && card.dataset.name === workload);
    }
    const current = this.#root.querySelector(".workload.current");
    if (current instanceof HTMLElement && !this.#root.contains(document.activeElement)) this.#stopAt(current);
  }

  /** @param {string} wanted */
  #filter(wanted) {
    const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const family of this.#root.querySelectorAll(".family")) {
      let inFamily = 0;
      for (const card of family.querySelectorAll(".workload")) {
        if (!(card instanceof HTMLElement)) continue;
        card.hidden = !words.every((word) => card.dataset.search?.includes(word));
        inFamily += card.hidden ? 0 : 1;
      }
      if (family instanceof HTMLElement) family.hidden = inFamily === 0;
      found += inFamily;
    }
    find(this.#root, ".none", HTMLElement).hidden = found > 0;
    const cards = this.#cards();
    if (!cards.some((card) => partsOf(card)[0]?.tabIndex === 0)) this.#stopAt(cards[0]);
  }
}

/** What a workload can be started with, as its form and that of one's own lines say. @param {HTMLFormElement} form @returns {Offers} */
function offersOf(form) {
  const executor = form.querySelector("[name=executor]");
  const workers = form.querySelector("[name=workers]");
  const python = document.querySelector("#script-python");
  const optionsOf = (/** @type {Element | null} */ select) =>
    select instanceof HTMLSelectElement ? [...select.options] : [];
  return {
    executors: optionsOf(executor).map(({ value, dataset }) => ({ name: value, least: dataset.least })),
    leastWorkers: workers instanceof HTMLInputElement ? Number(workers.min) : null,
    least: form.dataset.least,
    interpreters: optionsOf(python).filter(({ disabled }) => !disabled).map(({ value, dataset }) => ({
      path: value,
      name: dataset.name ?? "",
      version: dataset.version ?? "",
    })),
  };
}

/** What of a card is pressed: its form, and its run. @param {Element} card */
function partsOf(card) {
  return [...card.querySelectorAll(":scope > details > summary, :scope > .go")].flatMap((part) =>
    part instanceof HTMLElement ? [part] : []
  );
}
