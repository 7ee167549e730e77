// @ts-check
/**
 * The run's notes in the dock, each at an instant of the timeline: a list of them, and the form in which one is written.
 * @import { Note } from "../../net/api.js"
 * @typedef {object} NoteHands what a hand does with them; each resolves whether it was done
 * @property {(us: number, text: string) => Promise<boolean>} add
 * @property {(id: string, text: string) => Promise<boolean>} change
 * @property {(id: string) => Promise<boolean>} remove
 */
import { find, make, setText } from "../../base/dom.js";
import { duration, text } from "../../base/format.js";

/** As app/runs/notes.py has them. */
const MOST_NOTES = 50;
const LONGEST_NOTE = 200;

export class Notes {
  /** In order of time. @type {Note[]} */
  #notes = [];
  /** @type {string | null} */
  #chosen = null;
  /** What the form is for. @type {{us: number, id: string | null}} */
  #written = { us: 0, id: null };
  #root;
  #form;
  #field;
  #list;
  #hands;
  #onGo;
  #onDone;

  /**
   * @param {HTMLElement} root
   * @param {object} how
   * @param {NoteHands | null} how.hands null where nothing can be written
   * @param {(us: number) => void} how.onGo told which instant was chosen
   * @param {() => void} how.onDone told that the form was closed
   */
  constructor(root, { hands, onGo, onDone }) {
    this.#hands = hands;
    this.#onGo = onGo;
    this.#onDone = onDone;
    find(root, "[data-act=note]", HTMLElement).hidden = hands === null;
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

  /** The note that a hand chose, by its id. */
  get chosen() {
    return this.#chosen;
  }

  /** @param {Note[]} notes that the run has @returns {boolean} whether they are others than before */
  update(notes) {
    if (JSON.stringify(notes) === JSON.stringify(this.#notes)) return false;
    this.#notes = notes;
    if (!notes.some(({ id }) => id === this.#chosen)) this.#chosen = null;
    this.#showList();
    return true;
  }

  /** @param {string} id @param {boolean} show goes to its time @returns {boolean} whether the run has it */
  choose(id, show = true) {
    const note = this.#notes.find((each) => each.id === id);
    if (!note) return false;
    this.#chosen = id;
    this.#showList();
    if (show) this.#onGo(note.at_us);
    return true;
  }

  /** Asks for the words of one at an instant. @param {number} us */
  write(us) {
    if (this.#hands) this.#ask(Math.round(us), null, "", this.#notes.length >= MOST_NOTES);
  }

  /** @param {number} us @param {string | null} id of one that is there @param {string} said @param {boolean} full */
  #ask(us, id, said, full = false) {
    this.#written = { us, id };
    setText(
      find(this.#form, ".at", HTMLElement),
      full
        ? `The run has ${MOST_NOTES} notes, which is the most: remove one first.`
        : `Note at ${timeOf(us)}`,
    );
    this.#field.value = said;
    this.#field.hidden = full;
    find(this.#form, "[type=submit]", HTMLButtonElement).hidden = full;
    this.#form.hidden = false;
    this.#root.hidden = false;
    if (full) find(this.#form, "[type=button]", HTMLButtonElement).focus();
    else this.#field.focus();
  }

  /** What could not be kept stays in the form. */
  async #keep() {
    const said = this.#field.value.trim();
    const { us, id } = this.#written;
    if (!said || !this.#hands) return this.#field.focus();
    const kept = await (id === null ? this.#hands.add(us, said) : this.#hands.change(id, said));
    if (kept) this.#close();
    else this.#field.focus();
  }

  #close() {
    this.#field.value = "";
    this.#form.hidden = true;
    this.#root.hidden = this.#notes.length === 0;
    this.#onDone();
  }

  #showList() {
    this.#list.replaceChildren(...this.#notes.map((note, index) => this.#item(note, index)));
    this.#list.hidden = this.#notes.length === 0;
    this.#root.hidden = this.#notes.length === 0 && this.#form.hidden;
  }

  /** @param {Note} note @param {number} index */
  #item({ id, at_us: us, text: said }, index) {
    const go = make(
      "button",
      { type: "button", class: "link", title: "Show this time" },
      make("b", {}, String(index + 1)),
      ` ${timeOf(us)}`,
    );
    go.addEventListener("click", () => this.choose(id));
    const item = make("li", {}, go, make("span", { class: "said" }, said));
    if (id === this.#chosen) item.setAttribute("aria-current", "true");
    if (this.#hands) item.append(...this.#buttons(id, us, said, this.#hands));
    return item;
  }

  /** @param {string} id @param {number} us @param {string} said @param {NoteHands} hands */
  #buttons(id, us, said, hands) {
    const edit = make("button", { type: "button", "aria-label": `Edit the note: ${said}` }, "Edit");
    edit.addEventListener("click", () => this.#ask(us, id, said));
    const remove = make("button", { type: "button", "aria-label": `Remove the note: ${said}` }, "Remove");
    remove.addEventListener("click", async () => {
      if (await hands.remove(id)) this.#onDone();
    });
    return [edit, remove];
  }
}

/** @param {number} us */
function timeOf(us) {
  return us === 0 ? "0 s" : text(duration(us / 1e6));
}
