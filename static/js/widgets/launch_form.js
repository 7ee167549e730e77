// @ts-check
/**
 * A form that starts a run: what it asks for, and what is said of it when it is refused.
 * @import { RunRequest, Problem } from "../net/api.js"
 * @typedef {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} Field
 */
import { find } from "../base/dom.js";
import { attachExecutorChoice } from "./executor_choice.js";

/**
 * @param {HTMLFormElement} form
 * @param {(request: RunRequest) => Promise<Problem | null>} start resolves when it runs, or with the refusal
 */
export function attachForm(form, start) {
  const said = find(form, ".problem", HTMLElement);
  attachExecutorChoice(form);
  form.addEventListener("input", () => {
    said.hidden = true;
    for (const field of form.elements) field.removeAttribute("aria-invalid");
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    said.hidden = true;
    const problem = await start(requestOf(form));
    if (problem) refuse(form, said, problem);
  });
}

/** @param {HTMLFormElement} form @returns {RunRequest} */
function requestOf(form) {
  /** @type {{[name: string]: unknown}} */
  const params = {};
  const { workload } = form.dataset;
  /** @type {{[name: string]: unknown}} */
  const request = workload ? { workload, params } : {};
  for (const field of form.elements) {
    if (!isField(field) || !field.name) continue;
    const [, param] = field.name.split("params.");
    if (param) params[param] = valueOf(field);
    else request[field.name] = valueOf(field);
  }
  return /** @type {RunRequest} */ (request);
}

/** @param {Element} element @returns {element is Field} */
function isField(element) {
  return element instanceof HTMLInputElement || element instanceof HTMLSelectElement ||
    element instanceof HTMLTextAreaElement;
}

/** @param {Field} field */
function valueOf(field) {
  const { type } = field.dataset;
  if (type === "bool" && field instanceof HTMLInputElement) return field.checked;
  return type === "int" || type === "float" ? Number(field.value) : field.value;
}

/** @param {HTMLFormElement} form @param {HTMLElement} said @param {Problem} problem */
function refuse(form, said, problem) {
  const { errors = [], remedy = "" } = problem.body;
  for (const { field } of errors) {
    form.querySelector(`[name="${CSS.escape(field)}"]`)?.setAttribute("aria-invalid", "true");
  }
  const [invalid] = form.querySelectorAll("[aria-invalid]");
  if (invalid instanceof HTMLElement) invalid.focus();
  const details = errors.map(({ detail }) => detail);
  said.textContent = [...new Set([problem.message, ...details, remedy])].filter(Boolean).join(" ");
  said.hidden = false;
}
