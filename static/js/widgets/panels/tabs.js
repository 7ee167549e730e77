// @ts-check
/**
 * Panels behind tabs, of which one is on view: arrows, Home and End move among them. Until a hand chooses, the
 * page may.
 */
import { find } from "../../base/dom.js";

let made = 0;

/** So much of the tab beside the one on view shows, so that it is seen to be there. */
const BESIDE_PX = 32;

export class Tabs {
  #list;
  #tabs;
  #panels;
  #onShow;
  #chosen = false;
  #shown = 0;

  /** @param {HTMLElement} root @param {(key: string) => void} onShow told which panel came into view */
  constructor(root, onShow) {
    const list = find(root, "[role=tablist]", HTMLElement);
    this.#list = list;
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
    // A tab that says how many there are grows, and pushes those behind it along.
    const grown = new ResizeObserver(() => this.#bringIntoView(this.#tabs[this.#shown]));
    for (const each of [list, ...this.#tabs]) grown.observe(each);
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
    this.#shown = shown;
    this.#bringIntoView(this.#tabs[shown]);
    this.#onShow(this.#tabs[shown].dataset.tab ?? "");
  }

  /** Along the line alone: the page stays where it is. @param {HTMLElement} tab */
  #bringIntoView({ offsetLeft: left, offsetWidth: width }) {
    const { scrollLeft, clientWidth } = this.#list;
    const [least, most] = [left + width + BESIDE_PX - clientWidth, left - BESIDE_PX];
    this.#list.scrollLeft = Math.min(Math.max(scrollLeft, least), Math.max(most, 0));
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
