// @ts-check
/**
 * Notes that a hand puts on the timeline, each at an instant: a list of them, and the form in which one is written. The
 * page's address keeps them, so that a link shows them too.
 * @import { Note } from "../../state/address.js"
 */
import { find, make, setText } from "../../base/dom.js";
import { duration, text } from "../../base/format.js";
import { LONGEST_NOTE, MOST_NOTES } from "../../state/address.js";

export class Notes {
  /** In order of time. @type {Note[]} */
  #notes = [];
  #atUs = 0;
  #root;
  #form;
  #field;
  #list;
  #hands;

  /**
   * @param {HTMLElement} root
   * @param {{onGo: (us: number) => void, onChange: () => void, onDone: () => void}} hands told which instant was pressed,
   *     that there are other notes, and that the form was closed
   */
  constructor(root, hands) {
    this.#hands = hands;
    this.#root = find(root, ".own-notes", HTMLElement);
    this.#form = find(this.#root, "form", HTMLFormElement);
    this.#field = find(this.#form, "input", HTMLInputElement);
    this.#field.maxLength = LONGEST_NOTE;
    this.#list = find(this.#root, "ol", HTMLElement);
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#keep();
    });
    this.#form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#close();
    });
    find(this.#form, "[type=button]", HTMLButtonElement).addEventListener("click", () => this.#close());
  }

  get all() {
    return this.#notes;
  }

  /** Puts back those that there were. @param {Note[]} notes */
  restore(notes) {
    this.#put(notes);
  }

  /** Asks for the words of one at an instant. @param {number} us */
  write(us) {
    this.#atUs = Math.round(us);
    const full = this.#notes.length >= MOST_NOTES;
    setText(
      find(this.#form, ".at", HTMLElement),
      full ? `There are ${MOST_NOTES} notes, which is the most: remove one first.` : `Note at ${timeOf(us)}`,
    );
    this.#field.hidden = full;
    find(this.#form, "[type=submit]", HTMLButtonElement).hidden = full;
    this.#form.hidden = false;
    this.#root.hidden = false;
    if (full) find(this.#form, "[type=button]", HTMLButtonElement).focus();
    else this.#field.focus();
  }

  #keep() {
    const said = this.#field.value.trim();
    if (!said) return this.#field.focus();
    this.#put([...this.#notes, { us: this.#atUs, text: said }]);
    this.#hands.onChange();
    this.#close();
  }

  #close() {
    this.#field.value = "";
    this.#form.hidden = true;
    this.#root.hidden = this.#notes.length === 0;
    this.#hands.onDone();
  }

  /** @param {Note[]} notes */
  #put(notes) {
    this.#notes = [...notes].sort((one, other) => one.us - other.us);
    this.#list.replaceChildren(...this.#notes.map((note, index) => this.#item(note, index)));
    this.#list.hidden = this.#notes.length === 0;
    this.#root.hidden = this.#notes.length === 0 && this.#form.hidden;
  }

  /** @param {Note} note @param {number} index */
  #item(note, index) {
    const go = make(
      "button",
      { type: "button", class: "link", title: "Show this time" },
      make("b", {}, String(index + 1)),
      ` ${timeOf(note.us)}`,
    );
    go.addEventListener("click", () => this.#hands.onGo(note.us));
    const remove = make(
      "button",
      { type: "button", "aria-label": `Remove the note: ${note.text}` },
      "Remove",
    );
    remove.addEventListener("click", () => {
      this.#put(this.#notes.filter((other) => other !== note));
      this.#hands.onChange();
      this.#hands.onDone();
    });
    return make("li", {}, go, make("span", { class: "said" }, note.text), remove);
  }
}

/** @param {number} us */
function timeOf(us) {
  return us === 0 ? "0 s" : text(duration(us / 1e6));
}
