// @ts-check
/**
 * The panels behind the timeline, in the order of their tabs. To add one: write its module in this room, which exports
 * a Panel, and name it here. Its section is made for it; markup that is better written than made goes into
 * templates/panels/KEY.html. Panels of readings that app/model/readings lists are found by the names that the page has
 * of them, and stand before the findings.
 * @import { Palette } from "../../draw/palette.js"
 * @import { RunState } from "../../state/run_state.js"
 * @import { Ways } from "./longest.js"
 * @import { FixesOf } from "../run/explanation.js"
 *
 * @typedef {object} Panel
 * @property {string} key of its tab and its section, unique
 * @property {string} label of its tab
 * @property {string} question that it answers: the tab's title
 * @property {(section: HTMLElement, page: Page) => Shown} create once for each run on view
 *
 * @typedef {object} Shown a panel of one run
 * @property {(state: RunState) => void} update with what is known now; only called while it is on view
 * @property {boolean} [always] call `update` also while it is not
 * @property {(palette: Palette) => void} [recolour] the theme has changed
 * @property {() => void} [again] what was asked for with `onWhere` has come, or could not be had
 * @property {() => void} [dispose]
 *
 * @typedef {object} Page what a panel may use of the page that it is on
 * @property {string} id of the run
 * @property {HTMLElement} root the run's whole view
 * @property {HTMLElement} tab its own
 * @property {Palette} palette
 * @property {Ways} ways to the timeline
 * @property {() => {startUs: number, endUs: number} | null} onView the interval that the timeline shows
 * @property {() => void} onWhere asks for flame graphs and places of a run that goes on
 * @property {FixesOf} fixesOf what mends a finding
 * @property {() => void} open puts the panel on view
 * @property {(key: string) => void} openPanel puts another one on view
 */
import { advice } from "./advice.js";
import { collector } from "./collector_panel.js";
import { findings } from "./findings_panel.js";
import { functions } from "./functions_panel.js";
import { heap } from "./heap_panel.js";
import { loops } from "./loops.js";
import { memory } from "./memory_panel.js";
import { overview } from "./overview.js";
import { process } from "./process.js";
import { result } from "./result.js";
import { threads } from "./threads.js";
import { waits } from "./waits.js";
import { where } from "./where_panel.js";

const readings = (document.documentElement.dataset.readings ?? "").split(" ").filter(Boolean);
const ofReadings = await Promise.all(readings.map((name) => import(`./readings/${name}.js`)));

/** @type {Panel[]} */
export const PANELS = [
  overview,
  threads,
  waits,
  loops,
  functions,
  where,
  heap,
  collector,
  memory,
  ...ofReadings.map(({ panel }) => panel),
  advice,
  findings,
  process,
  result,
];
