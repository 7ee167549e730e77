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
    const value = valueOf(field);
    if (param) params[param] = value;
    else if (value !== null) request[field.name] = value;
  }
  return /** @type {RunRequest} */ (request);
}

/** @param {Element} element @returns {element is Field} */
export function isField(element) {
  return element instanceof HTMLInputElement || element instanceof HTMLSelectElement ||
    element instanceof HTMLTextAreaElement;
}

/** @param {Field} field */
export function valueOf(field) {
  const { type } = field.dataset;
  if (type === "bool" && field instanceof HTMLInputElement) return field.checked;
  if (type === "lines") return field.value.replace(/\n$/, "").split("\n");
  if (type !== "int" && type !== "float") return field.value;
  return field.value === "" ? null : Number(field.value);
}

/** Puts a request's settings into a form. @param {HTMLFormElement} form @param {RunRequest} request */
export function fill(form, request) {
  const { params = {}, ...asked } = /** @type {{params?: object, [name: string]: unknown}} */ (request);
  const given = new Map([
    ...Object.entries(asked),
    ...Object.entries(params).map(([name, value]) => /** @type {const} */ ([`params.${name}`, value])),
  ]);
  for (const field of form.elements) {
    if (!isField(field) || !given.has(field.name)) continue;
    const value = given.get(field.name);
    if (field instanceof HTMLInputElement && field.dataset.type === "bool") field.checked = Boolean(value);
    else if (field instanceof HTMLSelectElement && field.name === "python") {
      choosePython(field, String(value));
    } else field.value = Array.isArray(value) ? value.join("\n") : String(value);
    field.dispatchEvent(new Event("change"));
  }
}

/** A run tells its interpreter as "3.13.0t", a form offers paths. @param {HTMLSelectElement} select @param {string} name */
function choosePython(select, name) {
  const option = [...select.options].find(({ dataset, value }) => dataset.name === name || value === name);
  if (option) select.value = option.value;
}

/** @param {HTMLFormElement} form @param {HTMLElement} said @param {Problem} problem */
export function refuse(form, said, problem) {
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
