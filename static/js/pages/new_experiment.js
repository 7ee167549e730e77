// @ts-check
/** The form of a new experiment. */
import { find } from "../base/dom.js";
import { attachThemeButton } from "../base/theme.js";
import { planExperiment, Problem, startExperiment } from "../net/api.js";
import { bodyOf, showPlan, showRefusal } from "../widgets/experiment/form.js";
import { Notice } from "../widgets/notice.js";

const TYPING_MS = 250;
const form = document.querySelector("form.experiment");
const notice = new Notice(find(document, "#notice", HTMLElement));

/** @param {HTMLFormElement} form */
function attach(form) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let asking;
  let asked = 0;

  /** Only what was asked last is shown. */
  async function plan() {
    const turn = ++asked;
    try {
      const found = await planExperiment(bodyOf(form));
      if (turn === asked) showPlan(form, found);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (turn === asked) showRefusal(form, problem);
    }
  }

  form.addEventListener("input", () => {
    clearTimeout(asking);
    asking = setTimeout(plan, TYPING_MS);
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clearTimeout(asking);
    const button = find(form, "[type=submit]", HTMLButtonElement);
    button.disabled = true;
    try {
      const { id } = await startExperiment(bodyOf(form));
      location.assign(`/experiments/${encodeURIComponent(id)}`);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      button.disabled = false;
      if (problem.body.status === 422) showRefusal(form, problem);
      else notice.show(problem);
    }
  });
  form.querySelector("[data-act=workload]")?.addEventListener("change", ({ target }) => {
    if (target instanceof HTMLSelectElement) {
      location.assign(`/experiments/new?workload=${encodeURIComponent(target.value)}`);
    }
  });
  plan();
}

if (form instanceof HTMLFormElement) attach(form);
attachThemeButton(find(document, "#theme", HTMLButtonElement));
