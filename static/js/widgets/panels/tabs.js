// @ts-check
/**
 * Panels behind tabs, of which one is on view: arrows, Home and End move among them. Until a hand chooses, the
 * page may.
 */
import { find } from "../../base/dom.js";

let made = 0;

export class Tabs {
  #tabs;
  #panels;
  #onShow;
  #chosen = false;

  /** @param {HTMLElement} root @param {(key: string) => void} onShow told which panel came into view */
  constructor(root, onShow) {
    const list = find(root, "[role=tablist]", HTMLElement);
    this.#onShow = onShow;
    this.#tabs = [...list.querySelectorAll("[role=tab]")].filter((tab) => tab instanceof HTMLElement);
    this.#panels = this.#tabs.map((tab) => find(root, `[data-panel="${tab.dataset.tab}"]`, HTMLElement));
    made += 1;
    this.#tabs.forEach((tab, index) => {
      tab.id = `tab-${made}-${index}`;
      this.#panels[index].id = `panel-${made}-${index}`;
      tab.setAttribute("aria-controls", this.#panels[index].id);
      this.#panels[index].setAttribute("aria-labelledby", tab.id);
      this.#panels[index].tabIndex = 0;
      tab.addEventListener("click", () => this.#choose(index));
    });
    list.addEventListener("keydown", (event) => this.#key(event));
    this.#show(0);
  }

  /** Puts a panel on view unless a hand has chosen one. @param {string} key */
  offer(key) {
    if (!this.#chosen && !this.isOn(key)) this.#show(this.#tabs.findIndex((tab) => tab.dataset.tab === key));
  }

  /** Puts a panel on view, as a hand wants. @param {string} key */
  open(key) {
    const index = this.#tabs.findIndex((tab) => tab.dataset.tab === key);
    this.#choose(index);
    this.#tabs[index].focus();
  }

  /** The panel that a hand has chosen, or null. */
  get chosen() {
    return this.#chosen ? this.#panels.find((panel) => !panel.hidden)?.dataset.panel ?? null : null;
  }

  /** Puts a panel on view as one that was chosen before; one that there is not is passed over. @param {string} key */
  restore(key) {
    const index = this.#tabs.findIndex((tab) => tab.dataset.tab === key);
    if (index >= 0) this.#choose(index);
  }

  /** @param {string} key */
  isOn(key) {
    return this.#panels.some((panel) => panel.dataset.panel === key && !panel.hidden);
  }

  /** @param {number} index */
  #choose(index) {
    this.#chosen = true;
    this.#show(index);
  }

  /** @param {number} shown */
  #show(shown) {
    this.#tabs.forEach((tab, index) => {
      tab.setAttribute("aria-selected", String(index === shown));
      tab.tabIndex = index === shown ? 0 : -1;
      this.#panels[index].hidden = index !== shown;
    });
    this.#onShow(this.#tabs[shown].dataset.tab ?? "");
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const last = this.#tabs.length - 1;
    const at = this.#tabs.findIndex((tab) => tab === event.target);
    const to = new Map([
      ["ArrowLeft", at === 0 ? last : at - 1],
      ["ArrowRight", at === last ? 0 : at + 1],
      ["Home", 0],
      ["End", last],
    ]).get(event.key);
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    this.#choose(to);
    this.#tabs[to].focus();
  }
}
