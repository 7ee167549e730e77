// @ts-check
/**
 * The C extensions that each process has loaded, and which of them would switch the GIL of a free-threaded build on.
 * @typedef {"declares" | "does-not" | "unknown"} Says
 * @typedef {{pid: number, at_s: number, ended: boolean, loaded: number, declares: number, does_not: number,
 *            unknown: number, rows: {file: string, says: Says, why: string}[], left_out: number}} Extensions as
 *     app/analysis/readings/extensions.py makes it
 */
import { find, make } from "../../../base/dom.js";
import { count, text } from "../../../base/format.js";
import { tableRows } from "../table_rows.js";

const WORDS = {
  "does-not": "does not declare",
  unknown: "cannot be known",
  declares: "declares that it can do without",
};
/** Of more than one. */
const SEVERAL = {
  "does-not": "do not declare",
  unknown: "cannot be known",
  declares: "declare that they can do without",
};
/** Those first about which something may have to be done. */
const ORDER = /** @type {Says[]} */ (Object.keys(WORDS));

/** @type {import("../registry.js").Panel} */
export const panel = {
  key: "extensions",
  label: "Extensions",
  question: "Which C extensions are loaded, and which of them would switch a free-threaded build's GIL on?",
  create(section) {
    const files = tableRows(section, ".files", fileRow);
    return {
      update: ({ told }) => {
        const processes = /** @type {Extensions[]} */ (told.readings?.extensions ?? []);
        const rows = eachOnce(processes);
        find(section, ".none", HTMLElement).hidden = processes.length > 0;
        for (const part of section.querySelectorAll(".part")) {
          if (part instanceof HTMLElement) part.hidden = processes.length === 0;
        }
        find(section, ".sum", HTMLElement).textContent = inWords(rows);
        files.update(rows);
        find(section, ".wide", HTMLElement).hidden = rows.length === 0;
      },
    };
  },
};

/** A file that several processes have loaded has one row. @param {Extensions[]} processes */
function eachOnce(processes) {
  const files = new Map(processes.flatMap(({ rows }) => rows.map((row) => [row.file, row])));
  return [...files.values()].sort((one, other) =>
    ORDER.indexOf(one.says) - ORDER.indexOf(other.says) || one.file.localeCompare(other.file)
  );
}

/** @param {{says: Says}[]} rows */
function inWords(rows) {
  if (rows.length === 0) {
    return "No C extension is loaded: nothing stands in the way of a free-threaded build.";
  }
  const parts = ORDER.flatMap((says) => {
    const number = rows.filter((row) => row.says === says).length;
    return number ? [`${number} ${number === 1 ? WORDS[says] : SEVERAL[says]}`] : [];
  });
  return `Of ${text(count(rows.length))} extension${rows.length === 1 ? "" : "s"}: ${parts.join(", ")}.`;
}

/** @param {{file: string, says: Says, why: string}} row */
function fileRow({ file, says, why }) {
  return make(
    "tr",
    {},
    make("th", { scope: "row", class: "place", title: file }, file.split("/").pop() ?? file),
    make("td", { class: says === "does-not" ? "near" : "" }, WORDS[says]),
    make("td", {}, why),
  );
}
