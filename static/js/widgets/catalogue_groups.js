// @ts-check
/** The cards of the catalogue under other heads: by subject, by the question that each answers, or by the book's chapters. */
import { find, make } from "../base/dom.js";

const KEPT = "catalogue";

/** What a workload is looked at for, in the words of who asks. @type {{[question: string]: string}} */
const QUESTIONS = {
  gil: "Why is my program slow?",
  work: "Should I use threads?",
  locks: "Why does it hang, or lose work?",
  loop: "What keeps the event loop?",
  memory: "Where did the memory go?",
};

export class CatalogueGroups {
  /** Told that the cards stand otherwise. */
  onChange = () => {};
  #place;
  #cards;
  #chapters;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#place = find(root, ".families", HTMLElement);
    // In the catalogue's own order, whatever they are grouped by.
    this.#cards = [...root.querySelectorAll(".workload")].flatMap((card) =>
      card instanceof HTMLElement
        ? [{ card, subject: card.closest(".family")?.getAttribute("data-family") ?? "" }]
        : []
    );
    this.#chapters = JSON.parse(find(document, "#chapters", HTMLElement).textContent ?? "{}");
    const choice = find(root, "#grouping", HTMLSelectElement);
    choice.value = localStorage.getItem(KEPT) ?? "";
    if (choice.selectedIndex < 0) choice.value = "";
    if (choice.value) this.#group(choice.value);
    choice.addEventListener("change", () => {
      localStorage.setItem(KEPT, choice.value);
      this.#group(choice.value);
      this.onChange();
    });
  }

  /** @param {string} by */
  #group(by) {
    /** @type {Map<string, HTMLElement[]>} */
    const groups = new Map(by === "question" ? Object.values(QUESTIONS).map((title) => [title, []]) : []);
    const cards = by === "chapter"
      ? this.#cards.toSorted((one, other) => chapterOf(one.card) - chapterOf(other.card))
      : this.#cards;
    for (const { card, subject } of cards) {
      const title = this.#titleOf(card, subject, by);
      groups.set(title, [...(groups.get(title) ?? []), card]);
    }
    for (const family of this.#place.querySelectorAll(".family")) family.remove();
    const none = find(this.#place, ".none", HTMLElement);
    for (const [title, members] of groups) {
      if (members.length) {
        none.before(make("section", { class: "family" }, make("h2", {}, title), ...members));
      }
    }
  }

  /** @param {HTMLElement} card @param {string} subject @param {string} by */
  #titleOf(card, subject, by) {
    const { question = "", chapter } = card.dataset;
    if (by === "question") return QUESTIONS[question] ?? subject;
    if (by !== "chapter") return subject;
    return chapter ? `${chapter} · ${this.#chapters[chapter] ?? ""}` : "In no chapter";
  }
}

/** Those in none stand last. @param {HTMLElement} card */
function chapterOf({ dataset: { chapter } }) {
  return chapter ? Number(chapter) : Infinity;
}
