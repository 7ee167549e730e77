// @ts-check
/** Which executors the chosen interpreter can do: those that it cannot are greyed out, with the reason. */
import { find, setText } from "../base/dom.js";

/** @param {HTMLFormElement} form */
export function attachExecutorChoice(form) {
  const python = form.elements.namedItem("python");
  const executor = form.elements.namedItem("executor");
  if (!(python instanceof HTMLSelectElement)) return;
  const options = executor instanceof HTMLSelectElement ? [...executor.options] : [];
  const own = executor instanceof HTMLSelectElement ? executor.value : "";
  const judge = () => {
    const version = python.selectedOptions[0]?.dataset.version ?? "";
    for (const option of options) {
      const why = whyNot(version, option.dataset.least);
      option.disabled = why !== null;
      option.textContent = why === null ? option.value : `${option.value} (${why})`;
    }
    if (executor instanceof HTMLSelectElement && executor.selectedOptions[0]?.disabled) {
      const possible = options.filter(({ disabled }) => !disabled).map(({ value }) => value);
      executor.value = possible.includes(own) ? own : possible[0] ?? own;
    }
    const why = whyNot(version, form.dataset.least);
    const said = form.querySelector(".cannot");
    if (said instanceof HTMLElement) {
      said.hidden = why === null;
      setText(said, why === null ? "" : `This workload ${why}.`);
    }
    find(form, "[type=submit]", HTMLButtonElement).disabled = why !== null;
  };
  python.addEventListener("change", judge);
  judge();
}

/** @param {string} version @param {string | undefined} least */
export function whyNot(version, least) {
  if (!least || version === "") return null;
  const [have, need] = [version, least].map((text) => text.split(".").map(Number));
  const differs = need.findIndex((part, index) => part !== (have[index] ?? 0));
  if (differs < 0 || (have[differs] ?? 0) > need[differs]) return null;
  return `needs CPython ${least} or later`;
}
