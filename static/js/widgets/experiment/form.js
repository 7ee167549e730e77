// @ts-check
/**
 * The form of a new experiment: what it asks for, what that comes to, and what is said where it is refused.
 * @import { PlannedExperiment, Problem } from "../../net/api.js"
 * @typedef {{[name: string]: unknown}} Body
 */
import { find, make, setText } from "../../base/dom.js";
import { isField, valueOf } from "../launch_form.js";
import { about } from "./words.js";

/** @param {HTMLFormElement} form @returns {Body} */
export function bodyOf(form) {
  /** @type {{[name: string]: unknown}} */
  const params = {};
  /** @type {Body} */
  const body = form.dataset.workload ? { workload: form.dataset.workload, params } : {};
  for (const field of form.elements) {
    if (!isField(field) || !field.name) continue;
    const [, param] = field.name.split("params.");
    if (param) params[param] = valueOf(field);
    else if (field instanceof HTMLInputElement && field.type === "checkbox") {
      const chosen = /** @type {string[]} */ (body[field.name] ??= []);
      if (field.checked) chosen.push(field.value);
    } else if (field.dataset.type === "counts") body[field.name] = countsOf(field.value);
    else if (field.dataset.type !== "word" || field.value.trim()) {
      const value = valueOf(field);
      if (value !== null) body[field.name] = value;
    }
  }
  return body;
}

/** "1, 2,4" as numbers; what is no number is left for the server to refuse. @param {string} text */
export function countsOf(text) {
  return text.split(",").map((word) => word.trim()).filter(Boolean).map((word) =>
    /^\d+$/.test(word) ? Number(word) : word
  );
}

/**
 * What the experiment comes to.
 * @param {HTMLFormElement} form @param {PlannedExperiment} plan
 */
export function showPlan(form, { configurations, runs, about_s: aboutS, left_out: leftOut }) {
  const combinations = `${configurations} ${configurations === 1 ? "combination" : "combinations"}`;
  const lasts = aboutS === null
    ? "How long that takes is known once the first has ended."
    : `It takes ${about(aboutS)}; disturbed repetitions are made again, and come on top.`;
  setText(find(form, ".plan", HTMLElement), `${combinations}, ${runs} runs, one at a time. ${lasts}`);
  find(form, ".left-out", HTMLElement).replaceChildren(
    ...leftOut.map(({ executor, python, why }) =>
      make("li", {}, `Left out: ${executor} on CPython ${python}: ${why}.`)
    ),
  );
  for (const field of form.elements) field.removeAttribute("aria-invalid");
  find(form, ".problem", HTMLElement).hidden = true;
  find(form, "[type=submit]", HTMLButtonElement).disabled = false;
}

/** Why it cannot be. @param {HTMLFormElement} form @param {Problem} problem */
export function showRefusal(form, problem) {
  const { errors = [], remedy = "" } = problem.body;
  for (const field of form.elements) field.removeAttribute("aria-invalid");
  for (const { field } of errors) {
    const [name] = field.startsWith("params.") ? [field] : field.split(".");
    form.querySelector(`[name="${CSS.escape(name)}"]`)?.setAttribute("aria-invalid", "true");
  }
  const said = find(form, ".problem", HTMLElement);
  setText(said, [problem.message, remedy].filter(Boolean).join(" "));
  said.hidden = false;
  setText(find(form, ".plan", HTMLElement), "Nothing can be measured like this:");
  find(form, ".left-out", HTMLElement).replaceChildren();
  find(form, "[type=submit]", HTMLButtonElement).disabled = true;
}
