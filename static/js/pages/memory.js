// @ts-check
/** The memory manager, layer by layer: a ladder to climb, names and objects, and other languages beside it. */
import { find } from "../base/dom.js";
import { FrameScheduler } from "../base/scheduler.js";
import { attachThemeButton, onThemeChange } from "../base/theme.js";
import { readPalette } from "../draw/palette.js";
import { Climb } from "../widgets/lessons/climb.js";
import { Lesson, showResult } from "../widgets/lessons/lesson.js";
import { Notice } from "../widgets/notice.js";
import { ObjectGraph } from "../widgets/lessons/object_graph.js";
import { TrimLesson } from "../widgets/lessons/trim.js";

/** @import { Problem } from "../net/api.js" */

const main = find(document, "#main", HTMLElement);
const notice = new Notice(find(document, "#notice", HTMLElement));
const onProblem = (/** @type {Problem} */ problem) => notice.show(problem);
const scheduler = new FrameScheduler(
  (callback) => requestAnimationFrame(callback),
  (idle) => (document.body.dataset.idle = String(idle)),
);
const climb = new Climb(main, { scheduler, palette: readPalette(), onProblem });
onThemeChange(() => climb.recolour(readPalette()));

new TrimLesson(find(main, ".trim-lesson", HTMLElement), { scheduler, onProblem });

const graphs = find(main, ".graph-lesson", HTMLElement);
const graph = new ObjectGraph(find(graphs, ".object-graph", HTMLElement));
const lines = new Lesson(graphs, {
  scheduler,
  onNews: ({ reports }) => graph.update(reports.steps),
  onProblem,
});
const step = find(graphs, "[type=submit]", HTMLButtonElement);
find(graphs, "form", HTMLFormElement).addEventListener("submit", async (event) => {
  event.preventDefault();
  const code = find(graphs, "textarea", HTMLTextAreaElement).value;
  const python = find(graphs, "#graph-python", HTMLSelectElement).value;
  step.disabled = true;
  await lines.start({ workload: "object-graph", params: { code }, python });
  step.disabled = false;
});
step.disabled = false;

const languages = find(main, ".languages", HTMLElement);
const allocate = new Lesson(languages, {
  scheduler,
  onNews: (state) => showResult(languages, state),
  onProblem,
});
const run = find(languages, "[data-run]", HTMLButtonElement);
run.addEventListener("click", () => allocate.start({ workload: "allocate" }));
run.disabled = false;
attachThemeButton(find(document, "#theme", HTMLButtonElement));
