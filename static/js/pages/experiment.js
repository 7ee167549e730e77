// @ts-check
/** One experiment, while it goes on and afterwards. */
import { find, make, setText } from "../base/dom.js";
import { attachThemeButton } from "../base/theme.js";
import { experimentStreamUrl, Problem, refusalOfExperiment, stopExperiment } from "../net/api.js";
import { Stream } from "../net/stream.js";
import { ProgressSection } from "../widgets/experiment/progress.js";
import { againUrl } from "../widgets/experiment/row.js";
import { scalingFigure, topOf } from "../widgets/experiment/scaling.js";
import { fillTable, notesOf, warningOf } from "../widgets/experiment/table.js";
import { askedOf, took } from "../widgets/experiment/words.js";
import { bandOf } from "../widgets/forecast_band.js";
import { Notice } from "../widgets/notice.js";

/** @import { Experiment } from "../net/api.js" */

const HEADINGS = {
  faster: "Something helps",
  "none-faster": "Nothing helps",
  "within-noise": "No difference beyond the noise",
  "too-few": "Too few repetitions to tell",
  nothing: "Nothing to compare",
};

const main = find(document, "#main", HTMLElement);
const id = main.dataset.experiment ?? "";
const notice = new Notice(find(document, "#notice", HTMLElement));
const progress = new ProgressSection(find(main, ".progress", HTMLElement));
const stop = find(main, ".stop", HTMLButtonElement);
/** What the result was drawn of. */
let drawn = "";

/** @param {Experiment} experiment */
function show(experiment) {
  const { name, state, error } = experiment;
  document.title = `${name} · experiment · GILScope`;
  setText(find(main, "h1.name", HTMLElement), name);
  setText(
    find(main, ".of", HTMLElement),
    askedOf(experiment) + (state === "running" ? "" : ` · took ${took(experiment.took_s)}`),
  );
  const badge = find(main, ".head .badge", HTMLElement);
  setText(badge, state === "running" ? "live" : state);
  badge.dataset.state = state;
  stop.hidden = state !== "running";
  const again = find(main, ".change", HTMLAnchorElement);
  again.hidden = state === "running";
  again.href = againUrl(id);
  const failure = find(main, ".failure", HTMLElement);
  failure.hidden = error === null;
  if (error) setText(failure, `${error.title}. ${error.detail} ${error.remedy}`);
  progress.update(experiment);
  showResult(experiment);
}

/** @param {Experiment} experiment */
function showResult(experiment) {
  const { configurations, scaling, verdict, state } = experiment;
  const measured = configurations.some(({ repetitions }) => repetitions > 0);
  const signature = JSON.stringify([configurations, verdict, state, experiment.forecast]);
  if (signature === drawn) return;
  drawn = signature;
  const said = find(main, ".verdict", HTMLElement);
  said.hidden = !measured;
  said.dataset.says = state === "running" ? "" : verdict.says;
  setText(find(said, "h2", HTMLElement), state === "running" ? "So far" : HEADINGS[verdict.says]);
  setText(find(said, ".sentence", HTMLElement), verdict.sentence);
  const fewest = Math.min(...configurations.map(({ repetitions }) => repetitions));
  setText(
    find(said, ".so-far", HTMLElement),
    state === "running"
      ? `After ${fewest} of ${experiment.asked.repeats} repetitions of each.`
      : warningOf(experiment),
  );
  showForecast(experiment);
  const curves = find(main, ".scaling", HTMLElement);
  curves.hidden = scaling.length === 0;
  const top = (/** @type {string} */ source) => topOf(scaling.filter((one) => one.source === source));
  find(curves, ".curves", HTMLElement).replaceChildren(
    ...scaling.map((one) => scalingFigure(one, top(one.source))),
  );
  const table = find(main, ".measured", HTMLElement);
  table.hidden = !measured && configurations.every(({ error }) => error === null);
  fillTable(find(table, "table", HTMLTableElement), experiment);
  find(table, ".notes", HTMLElement).replaceChildren(
    ...notesOf(experiment).map((note) => make("li", {}, note)),
  );
}

/** Forecast beside measurement, of one that is to prove a forecast. @param {Experiment} experiment */
function showForecast({ forecast, state }) {
  const section = find(main, ".forecast", HTMLElement);
  section.hidden = !forecast;
  if (!forecast) return;
  const {
    run,
    run_name: name,
    title,
    throughput,
    measured,
    in_band: inBand,
    unclear,
    sentence,
    assumptions,
  } = forecast;
  const judged = inBand !== null && state !== "running";
  section.dataset.inBand = judged && !unclear ? String(inBand) : "";
  const of = make("a", { href: `/runs/${encodeURIComponent(run)}` }, name);
  find(section, ".of-run", HTMLElement).replaceChildren(`${title}: foretold of the run `, of, ".");
  const badge = find(section, ".badge", HTMLElement);
  badge.hidden = !judged;
  setText(badge, (inBand ? "in the band" : "outside of the band") + (unclear ? ", unclear" : ""));
  find(section, ".drawn", HTMLElement).replaceChildren(bandOf(throughput, measured));
  setText(find(section, ".sentence", HTMLElement), sentence);
  find(section, "ul", HTMLElement).replaceChildren(...assumptions.map((each) => make("li", {}, each)));
}

/** Null for what is no JSON. @param {string} text @returns {Experiment | null} */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

stop.addEventListener("click", async () => {
  stop.disabled = true;
  try {
    await stopExperiment(id);
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    stop.disabled = false;
    notice.show(problem);
  }
});
const connection = find(main, ".connection", HTMLElement);
const stream = new Stream({
  url: experimentStreamUrl(id),
  decode: parsed,
  onMessage: show,
  onDamaged: () => {
    connection.hidden = false;
    setText(connection, "Something that the server sent could not be read; what comes next is shown.");
  },
  onConnection: (now) => {
    connection.hidden = now.state !== "waiting";
    setText(connection, "Server not reachable, trying again …");
    if (now.state === "refused" && now.problem instanceof Problem) notice.show(now.problem);
  },
  whyRefused: () => refusalOfExperiment(id),
});
stream.connect();
attachThemeButton(find(document, "#theme", HTMLButtonElement));
