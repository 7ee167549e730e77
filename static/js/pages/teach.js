// @ts-check
/** Teaching: a teacher's page, and that of an audience, which follows it. */
import { find, setText } from "../base/dom.js";
import { FrameScheduler } from "../base/scheduler.js";
import { attachThemeButton, onThemeChange } from "../base/theme.js";
import { readPalette } from "../draw/palette.js";
import { getTeaching, Problem } from "../net/api.js";
import { Notice } from "../widgets/notice.js";
import { Audience } from "../widgets/teaching/audience.js";
import { attachAudienceLink } from "../widgets/teaching/audience_link.js";
import { attachFullScreen } from "../widgets/teaching/full_screen.js";
import { attachKeys } from "../widgets/teaching/keys.js";
import { chaptersIn, LessonWords } from "../widgets/teaching/lesson_words.js";
import { LivePicture } from "../widgets/teaching/live_picture.js";
import { Teacher } from "../widgets/teaching/teacher.js";

const COUNT_EVERY_MS = 5_000;

const main = find(document, "#main", HTMLElement);
const notice = new Notice(find(document, "#notice", HTMLElement));
const onProblem = (/** @type {Problem} */ problem) => notice.show(problem);
const scheduler = new FrameScheduler(
  (callback) => requestAnimationFrame(callback),
  (idle) => (document.body.dataset.idle = String(idle)),
);
const chapters = chaptersIn(find(main, ".contents", HTMLElement));
const words = new LessonWords(find(main, ".lesson", HTMLElement));
/** @type {Teacher | null} */
let teacher = null;
const picture = new LivePicture(find(main, ".picture", HTMLElement), {
  scheduler,
  palette: readPalette(),
  onProblem,
  onNews: (state) => teacher?.update(state),
});
onThemeChange(() => picture.recolour(readPalette()));
attachThemeButton(find(document, "#theme", HTMLButtonElement));
const full = attachFullScreen(find(main, "[data-act=full]", HTMLButtonElement), main);

if ("follows" in main.dataset) {
  new Audience(main, { chapters, words, picture, onProblem });
  attachKeys({ full });
} else teach();

function teach() {
  const hand = teacher = new Teacher(main, { chapters, words, picture, titleOf, onProblem });
  attachAudienceLink(
    find(main, "[data-act=audience]", HTMLButtonElement),
    find(main, "dialog.audience", HTMLDialogElement),
    onProblem,
  );
  attachKeys({
    full,
    next: () => hand.turn(1),
    previous: () => hand.turn(-1),
    on: () => hand.turnStep(1),
    back: () => hand.turnStep(-1),
    run: () => hand.run(),
    reveal: () => hand.reveal(),
  });
  addEventListener("popstate", () => hand.open());
  hand.open();
  countFollowers();
  setInterval(countFollowers, COUNT_EVERY_MS);
}

/** @param {string} workload */
function titleOf(workload) {
  const template = find(document, `template.lesson-of[data-workload="${workload}"]`, HTMLTemplateElement);
  return template.dataset.title ?? workload;
}

/** How many follow; where the server does not answer that stays as it was. */
async function countFollowers() {
  if (document.hidden) return;
  try {
    const { followers } = await getTeaching();
    const place = find(main, ".followers", HTMLElement);
    place.hidden = followers === 0;
    setText(place, `${followers} watching`);
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
  }
}
