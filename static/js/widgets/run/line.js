// @ts-check
/**
 * What is said of the line to an observer that is elsewhere: how clocks stand, and what was cut.
 * @import { LineFigures } from "../../state/messages.js"
 */
import { count, duration, text } from "../../base/format.js";

/** The parts of a sentence; of a run that was observed from here none. @param {LineFigures | null | undefined} line */
export function ofLine(line) {
  if (!line) return [];
  const parts = [
    line.clock_ahead_s === null
      ? "the clock there was not compared with the one here"
      : `the clock there is ${text(duration(Math.abs(line.clock_ahead_s)))} ` +
        `${line.clock_ahead_s < 0 ? "behind" : "ahead of"} the one here, ± ${
          text(duration(line.clock_off_s))
        }`,
  ];
  if (line.cuts) {
    const times = line.cuts === 1 ? "once" : `${text(count(line.cuts))} times`;
    parts.push(`the line was cut ${times}, for ${text(duration(line.cut_s))}`);
  }
  if (line.dropped) {
    parts.push(
      `${text(count(line.dropped))} messages could not be kept there: ` +
        `${text(duration(line.gap_s))} of the run are unknown`,
    );
  }
  if (line.state === "cut") parts.push(`the line is cut, trying again: ${line.detail}`);
  if (line.state === "gone") parts.push(`the line was not had again: ${line.detail}`);
  return parts;
}
