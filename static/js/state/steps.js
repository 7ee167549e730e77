// @ts-check
/**
 * The steps of teaching: the book's chapters in order, each with the workloads that show it. Pure.
 * @typedef {{number: number, title: string, workloads: string[]}} Chapter one without a workload is none
 * @typedef {{chapter: number, workload: string}} Step
 */

/** The step that an address names; null for the table of contents, and for what is no step. @param {Chapter[]} chapters @param {string} path @returns {Step | null} */
export function stepAt(chapters, path) {
  const [, number, workload] = path.match(/^\/teach\/(\d+)(?:\/([^/]+))?$/) ?? [];
  const chapter = chapters.find((each) => each.number === Number(number));
  if (!chapter) return null;
  const name = workload === undefined ? chapter.workloads[0] : decodeURIComponent(workload);
  return chapter.workloads.includes(name) ? { chapter: chapter.number, workload: name } : null;
}

/** @param {Step} step */
export const pathOf = ({ chapter, workload }) => `/teach/${chapter}/${encodeURIComponent(workload)}`;

/** The first step of the chapter after a step's, or before it (`by` −1); null at the ends. @param {Chapter[]} chapters @param {Step} step @param {1 | -1} by @returns {Step | null} */
export function chapterBeside(chapters, step, by) {
  const place = chapters.findIndex(({ number }) => number === step.chapter);
  const next = chapters[place + by];
  return next ? { chapter: next.number, workload: next.workloads[0] } : null;
}

/** The next step, or the one before (`by` −1), on into other chapters; null at the ends. @param {Chapter[]} chapters @param {Step} step @param {1 | -1} by @returns {Step | null} */
export function stepBeside(chapters, step, by) {
  const all = chapters.flatMap(({ number, workloads }) =>
    workloads.map((workload) => ({ chapter: number, workload }))
  );
  return all[all.findIndex((each) => isSame(each, step)) + by] ?? null;
}

/** @param {Step | null} one @param {Step | null} other */
export function isSame(one, other) {
  return one?.chapter === other?.chapter && one?.workload === other?.workload;
}
