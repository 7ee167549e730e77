// @ts-check
/** The figures over time. */
import { ChartBoard } from "../../charts/board.js";

/** @type {import("./registry.js").Panel} */
export const charts = {
  key: "charts",
  label: "Charts",
  question: "Metrics over time",
  create(section, { palette, onView }) {
    const board = new ChartBoard(section, palette, onView);
    return {
      update: ({ series }) => board.update(series),
      recolour: (colours) => board.recolour(colours),
      dispose: () => board.dispose(),
    };
  },
};
