// @ts-check
/** The formats in which a run can be taken away; the browser saves the file that was chosen. */
import { exportUrl } from "../net/api.js";

/** @param {HTMLSelectElement} menu @param {string} id of the run */
export function attachExport(menu, id) {
  menu.addEventListener("change", () => {
    if (menu.value) location.assign(exportUrl(id, menu.value));
    menu.value = "";
  });
}
