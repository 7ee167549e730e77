// @ts-check
/**
 * Elements in order, each of which lives as long as its item does, so that a selection, a focus or a hand on it
 * survives what comes new.
 * @template Item
 */
export class KeyedRows {
  /** @type {Map<string, {element: HTMLElement, update: (item: Item) => void}>} */
  #rows = new Map();
  #body;
  #keyOf;
  #create;

  /**
   * @param {HTMLElement} body
   * @param {(item: Item) => string} keyOf
   * @param {(item: Item) => {element: HTMLElement, update: (item: Item) => void}} create
   */
  constructor(body, keyOf, create) {
    this.#body = body;
    this.#keyOf = keyOf;
    this.#create = create;
  }

  /** @param {Item[]} items in the order in which they are to stand */
  update(items) {
    const gone = new Set(this.#rows.keys());
    /** @type {Set<string>} */
    const taken = new Set();
    for (const [index, item] of items.entries()) {
      // Two may have one key, such as two lambdas of a file: the second has an element of its own.
      let key = this.#keyOf(item);
      while (taken.has(key)) key += "'";
      taken.add(key);
      gone.delete(key);
      let row = this.#rows.get(key);
      if (!row) this.#rows.set(key, row = this.#create(item));
      if (this.#body.children[index] !== row.element) {
        this.#body.insertBefore(row.element, this.#body.children[index] ?? null);
      }
      row.update(item);
    }
    for (const key of gone) {
      this.#rows.get(key)?.element.remove();
      this.#rows.delete(key);
    }
  }
}
