// @ts-check
/**
 * What a step tells: what to look for, the question, and its answer once that is shown.
 * @import { Answer } from "../../net/api.js"
 * @import { Chapter, Step } from "../../state/steps.js"
 * @typedef {{asked: string, question: string, mended: string | null, fixed: string | null, actions: HTMLButtonElement[]}} Lesson
 *     `question` is what the run is looked at for, `mended` the variant that does not show the trouble, as JSON
 */
import { find, make, prose, setText } from "../../base/dom.js";

/** The chapters that the page's table of contents lists. @param {HTMLElement} contents @returns {Chapter[]} */
export function chaptersIn(contents) {
  return [...contents.querySelectorAll("[data-chapter]")].map((item) => {
    const { chapter, title = "" } = /** @type {HTMLElement} */ (item).dataset;
    const links = [...item.querySelectorAll("[data-workload]")];
    return {
      number: Number(chapter),
      title,
      workloads: links.map((link) => /** @type {HTMLElement} */ (link).dataset.workload ?? ""),
    };
  });
}

export class LessonWords {
  #root;
  #answered = "";

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
  }

  /** @param {Step} step @param {Chapter} chapter @returns {Lesson} */
  show(step, chapter) {
    const template = find(
      document,
      `template.lesson-of[data-workload="${step.workload}"]`,
      HTMLTemplateElement,
    );
    const { title = "", sentence = "", asked = "", question = "" } = template.dataset;
    const words = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
    setText(find(this.#root, ".where .number", HTMLElement), `Chapter ${step.chapter}`);
    setText(find(this.#root, ".where .of-chapter", HTMLElement), chapter.title);
    setText(find(this.#root, ".told h1", HTMLElement), title);
    find(this.#root, ".sentence", HTMLElement).replaceChildren(...prose(sentence));
    setText(find(this.#root, ".question", HTMLElement), asked);
    this.#take(words, ".look-for");
    this.#take(words, ".explained");
    this.answer(null);
    document.title = `${title} · chapter ${step.chapter} · GILScope`;
    const fixed = words.querySelector(".fixed");
    return {
      asked,
      question,
      mended: fixed instanceof HTMLElement ? fixed.dataset.mended ?? null : null,
      fixed: fixed?.textContent ?? null,
      actions: [...words.querySelectorAll("button.act")].map((
        each,
      ) => /** @type {HTMLButtonElement} */ (each)),
    };
  }

  /** @param {Answer | null} answer null where it is not shown */
  answer(answer) {
    const signature = JSON.stringify(answer);
    if (signature === this.#answered) return;
    this.#answered = signature;
    const place = find(this.#root, ".answer", HTMLElement);
    place.hidden = answer === null;
    this.#root.classList.toggle("answered", answer !== null);
    find(this.#root, ".explained", HTMLElement).hidden = answer === null;
    if (!answer) return;
    setText(find(place, "h2", HTMLElement), answer.so_far ? "Answer, of the run so far" : "Answer");
    const list = (/** @type {string} */ selector, /** @type {string[]} */ sentences) => {
      const element = find(place, selector, HTMLElement);
      element.hidden = sentences.length === 0;
      element.replaceChildren(...sentences.map((one) => make("li", {}, ...prose(one))));
      const head = element.previousElementSibling;
      if (head?.matches("h3")) /** @type {HTMLElement} */ (head).hidden = element.hidden;
    };
    list(".reported", answer.reported);
    list(".says", answer.says);
    list(".missing", answer.missing);
    list(".found", answer.found.map(({ title }) => title));
  }

  /** @param {DocumentFragment} words @param {string} selector */
  #take(words, selector) {
    find(this.#root, selector, HTMLElement).replaceChildren(...find(words, selector, HTMLElement).childNodes);
  }
}
