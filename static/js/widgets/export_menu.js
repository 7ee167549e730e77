// @ts-check
/** The formats in which a run can be taken away; the browser saves the file that was chosen. */
import { exportUrl } from "../net/api.js";

/**
 * @param {HTMLSelectElement} menu
 * @param {string} id of the run
 * @param {() => {fromUs: number, toUs: number} | null} [spanOnView] null: all of it
 */
export function attachExport(menu, id, spanOnView = () => null) {
  menu.addEventListener("change", () => {
    if (menu.value) location.assign(exportUrl(id, menu.value, spanOnView()));
    menu.value = "";
  });
}
