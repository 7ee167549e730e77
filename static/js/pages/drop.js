// @ts-check
/**
 * On every page: a recording that is dropped anywhere is imported, and opened. And where the head has no room for
 * the names of all pages, that of the page which is open is in sight.
 */
import { make } from "../base/dom.js";
import { importRun, Problem } from "../net/api.js";

const veil = make("div", { class: "veil", hidden: "" }, make("p", {}, "Drop a recording to open it"));
const said = make("div", { class: "notice dropped", role: "alert", hidden: "" });
document.body.append(veil, said);
document.querySelector("header.top [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });

/** @param {DragEvent} event */
const holdsFile = (event) => event.dataTransfer?.types.includes("Files") ?? false;

addEventListener("dragover", (event) => {
  if (!holdsFile(event)) return;
  event.preventDefault();
  veil.hidden = false;
});
addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) veil.hidden = true;
});
addEventListener("drop", async (event) => {
  if (!holdsFile(event)) return;
  event.preventDefault();
  veil.hidden = true;
  const [recording] = event.dataTransfer?.files ?? [];
  try {
    if (recording) location.assign(`/runs/${encodeURIComponent((await importRun(recording)).id)}`);
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    said.textContent = `${problem.message} ${problem.body.remedy ?? ""}`;
    said.hidden = false;
  }
});
