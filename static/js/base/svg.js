// @ts-check
/** Drawings made of elements: their text is text, and their colours come from the style sheet. */

const SPACE = "http://www.w3.org/2000/svg";

/**
 * A new element of a drawing.
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag
 * @param {{[attribute: string]: string | number}} [attributes]
 * @param {...(Node | string)} children
 * @returns {SVGElementTagNameMap[K]}
 */
export function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** The point of an arrow, to be named as a line's marker-end. @param {string} id @param {string} [kind] a class */
export function arrowHead(id, kind = "") {
  return draw(
    "marker",
    {
      id,
      class: kind,
      viewBox: "0 0 8 8",
      refX: 7,
      refY: 4,
      markerWidth: 7,
      markerHeight: 7,
      orient: "auto-start-reverse",
    },
    draw("path", { d: "M0 0L8 4L0 8z" }),
  );
}

/** @param {string} text @param {number} most letters */
export function shortened(text, most) {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}
