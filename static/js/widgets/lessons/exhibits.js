// @ts-check
/**
 * Pictures and tables that a workload made. A picture goes into an img, where no script in it would run.
 * @typedef {{title: string, svg?: string, png_base64?: string, alt: string}} Picture
 * @typedef {{title?: string, columns: string[], heads?: {label: string, unit: string}[], rows: unknown[][]}} Table `heads`
 *     where the names of the columns are not what a person is shown
 */
import { make } from "../../base/dom.js";
import { measuredOf, unitOf } from "../fields.js";

/** @param {Picture} picture */
export function pictureOf({ title, svg, png_base64: png, alt }) {
  const src = svg
    ? `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`
    : `data:image/png;base64,${png}`;
  return make("figure", { class: "picture" }, make("img", { src, alt }), make("figcaption", {}, title));
}

/** @param {Table} table */
export function tableOf({ title, columns, heads: told, rows }) {
  const shows = told
    ? told.map(({ label, unit }) => ({
      name: label,
      show: (/** @type {unknown} */ value) => measuredOf(value, unit),
    }))
    : columns.map(unitOf);
  const isNumber = columns.map((_, index) => rows.some((row) => typeof row[index] === "number"));
  const classOf = (/** @type {number} */ index) => isNumber[index] ? "number" : "text";
  const heads = columns.map((_, index) =>
    make("th", { scope: "col", class: classOf(index) }, shows[index].name)
  );
  const body = rows.map((row) =>
    make(
      "tr",
      {},
      ...row.map((value, index) => make("td", { class: classOf(index) }, shows[index].show(value))),
    )
  );
  const table = make(
    "table",
    { class: "exhibit" },
    make("thead", {}, make("tr", {}, ...heads)),
    make("tbody", {}, ...body),
  );
  if (title) table.prepend(make("caption", {}, title));
  return make("div", { class: "wide", tabindex: "0" }, table);
}
