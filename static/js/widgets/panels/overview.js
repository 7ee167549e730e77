// @ts-check
/** What to look for, what was found, and what happens as it happens: others fill it. */

/** @type {import("./registry.js").Panel} */
export const overview = {
  key: "overview",
  label: "Overview",
  question: "What to look for, and what was found",
  create: () => ({ update() {} }),
};
