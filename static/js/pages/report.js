// @ts-check
/** One run in a file of its own, see app/exporters/html_page.py: no server is there to be asked. */
import { find } from "../base/dom.js";
import { FrameScheduler } from "../base/scheduler.js";
import { bytesOf } from "../base/shares.js";
import { attachThemeButton } from "../base/theme.js";
import { answerFrom, Problem } from "../net/api.js";
import { Told } from "../net/told.js";
import { Notice } from "../widgets/notice.js";
import { RunView } from "../widgets/run/run_view.js";

const notice = new Notice(find(document, "#notice", HTMLElement));
const scheduler = new FrameScheduler(
  (callback) => requestAnimationFrame(callback),
  (idle) => (document.body.dataset.idle = String(idle)),
);

async function data() {
  const packed = bytesOf(find(document, "#data", HTMLElement).textContent ?? "");
  const text = new Blob([/** @type {any} */ (packed)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(text).text());
}

const { header, run: said, summary, notes, span, timeline, lines } = await data();
const run = { ...said, notes };
answerFrom((path) => {
  if (path.endsWith("/summary")) return summary;
  if (path.includes("/timeline") && timeline) return timeline;
  throw new Problem({ title: "Not in this file", status: 404, detail: "This file does not hold it" });
});
const told = [
  ...(header ? [JSON.stringify({ ...header, run })] : []),
  ...(lines ?? []),
  JSON.stringify({ type: "run", run }),
  JSON.stringify({ type: "summary", summary }),
];
new RunView(find(document, "#stage", HTMLElement), run.id, {
  scheduler,
  sentencesOf: () => null,
  onTry: async () => {},
  onProblem: (problem) => notice.show(problem),
  open: () => /** @type {any} */ (new Told(told)),
  kept: span && { fromUs: span.from_us, toUs: span.to_us, summary: span.summary },
});
find(document, "select.export", HTMLElement).hidden = true;
find(document, "button.copy-link", HTMLElement).hidden = true;
attachThemeButton(find(document, "#theme", HTMLButtonElement));
