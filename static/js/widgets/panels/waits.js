// @ts-check
/** How long threads wait for the GIL, and for whom. */
import { Histograms } from "./histograms.js";
import { LongestTable } from "./longest.js";
import { WaitMatrix } from "./matrix.js";

/** @type {import("./registry.js").Panel} */
export const waits = {
  key: "waits",
  label: "Waits",
  question: "How long threads wait for the GIL, and for whom",
  create(section, { ways }) {
    const matrix = new WaitMatrix(section);
    const histograms = new Histograms(section);
    const longest = new LongestTable(section, "waits", ways);
    const holds = new LongestTable(section, "holds", ways);
    return {
      update({ causes, summary, figures }) {
        matrix.update(causes.who_waits);
        histograms.update((summary ?? figures)?.threads ?? []);
        longest.update(causes.longest_waits);
        holds.update(causes.longest_holds);
      },
    };
  },
};
