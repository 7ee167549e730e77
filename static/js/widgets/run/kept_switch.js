// @ts-check
/** A button that is on or off; this browser keeps which. */
export class KeptSwitch {
  #button;
  #key;

  /** @param {HTMLButtonElement} button on until a hand turns it off @param {string} key under which it is kept */
  constructor(button, key) {
    this.#button = button;
    this.#key = key;
    this.#show();
  }

  get on() {
    return this.#button.getAttribute("aria-pressed") === "true";
  }

  toggle() {
    localStorage.setItem(this.#key, this.on ? "off" : "on");
    this.#show();
  }

  #show() {
    this.#button.setAttribute("aria-pressed", String(localStorage.getItem(this.#key) !== "off"));
  }
}
