// @ts-check
/** Rows of a panel's table. */
import { find } from "../../base/dom.js";
import { KeyedRows } from "../../base/keyed_rows.js";

/**
 * Each is made anew where what it says has changed.
 * @template T
 * @param {HTMLElement} panel @param {string} part of it that has the table @param {(one: T) => HTMLElement} rowOf
 * @param {(one: T) => unknown} alsoOf what else a row depends on
 */
export function tableRows(panel, part, rowOf, alsoOf = () => null) {
  return new KeyedRows(
    find(panel, `${part} tbody`, HTMLTableSectionElement),
    (/** @type {T} */ one) => JSON.stringify([one, alsoOf(one)]),
    (one) => ({ element: rowOf(one), update: () => {} }),
  );
}
