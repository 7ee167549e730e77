// @ts-check
/** How good forecasts were, of those that were measured on this machine. */
import { find, make, setText } from "../base/dom.js";
import { share, text } from "../base/format.js";
import { attachThemeButton } from "../base/theme.js";
import { getAccuracy, Problem } from "../net/api.js";
import { bandOf, measuredWords, times } from "../widgets/forecast_band.js";
import { Notice } from "../widgets/notice.js";
import { startedAt } from "../widgets/run_list.js";

/** @import { Accuracy, ForecastPair } from "../net/api.js" */

/** @type {{[choice: string]: string}} */
const NAMES = {
  "free-threading": "Free-threading",
  processes: "Processes",
  subinterpreters: "Subinterpreters",
  "thread-more": "One thread more",
  "thread-fewer": "One thread fewer",
};

const main = find(document, "#main", HTMLElement);
const inAll = find(main, ".in-all", HTMLElement);
const notice = new Notice(find(document, "#notice", HTMLElement));

/** @param {Accuracy} found */
function show({ sentence, ways, pairs, unmeasured }) {
  setText(inAll, sentence);
  fill(".ways", ways.map(wayRow));
  fill(".pairs", pairs.map(pairRow));
  const left = find(main, ".unmeasured", HTMLElement);
  left.hidden = unmeasured === 0;
  const experiments = unmeasured === 1 ? "One experiment" : `${unmeasured} experiments`;
  setText(left, `${experiments} more came to no figure, or to fewer than four repetitions.`);
}

/** @param {string} part @param {HTMLElement[]} rows */
function fill(part, rows) {
  const section = find(main, part, HTMLElement);
  section.hidden = rows.length === 0;
  find(section, "tbody", HTMLTableSectionElement).replaceChildren(...rows);
}

/** @param {Accuracy["ways"][number]} way */
function wayRow({ choice, count, in_band: inside, median_off: off }) {
  return make(
    "tr",
    {},
    make("th", { scope: "row" }, NAMES[choice] ?? choice),
    make("td", { class: "number" }, String(count)),
    make("td", { class: "number" }, `${inside} of ${count}`),
    make("td", { class: "number" }, text(share(off))),
  );
}

/** @param {ForecastPair} pair */
function pairRow(pair) {
  const { run, run_name: name, choice, title, throughput, measured, off, in_band: inside, experiment } = pair;
  return make(
    "tr",
    { "data-in-band": String(inside) },
    make("th", { scope: "row" }, make("a", { href: `/runs/${encodeURIComponent(run)}` }, name)),
    make("td", { title }, NAMES[choice] ?? choice),
    make("td", { class: "number" }, times(throughput.middle)),
    make("td", { class: "number" }, `${throughput.low.toFixed(2)} to ${throughput.high.toFixed(2)}`),
    make("td", {}, bandOf(throughput, measured)),
    make("td", { class: "number" }, measured ? measuredWords(measured) : "–"),
    make(
      "td",
      { class: "number" },
      off === null ? "–" : `${off < 0 ? "−" : "+"}${text(share(Math.abs(off)))}`,
    ),
    make("td", { title: pair.sentence }, inside ? "yes" : make("b", {}, "no"), ...notes(pair)),
    make(
      "td",
      { class: "when" },
      make("a", { href: `/experiments/${encodeURIComponent(experiment)}` }, startedAt(pair.started_at)),
    ),
  );
}

/** What makes a judgement doubtful. @param {ForecastPair} pair */
function notes({ unclear, measured }) {
  const words = [...(unclear ? ["unclear"] : []), ...(measured?.disturbed ? ["disturbed"] : [])];
  return words.length > 0 ? [" ", make("span", { class: "asked" }, words.join(", "))] : [];
}

async function load() {
  try {
    show(await getAccuracy());
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    inAll.hidden = true;
    notice.show(problem);
  }
}

attachThemeButton(find(document, "#theme", HTMLButtonElement));
load();
