// @ts-check
/** Which functions hold the GIL, and which make others wait. */
import { FlamePanel } from "./flame_panel.js";
import { HotFunctions } from "./functions.js";

/** @type {import("./registry.js").Panel} */
export const functions = {
  key: "functions",
  label: "Functions",
  question: "Which functions hold the GIL, and which make others wait",
  create(section, { onWhere }) {
    const hot = new HotFunctions(section);
    const flame = new FlamePanel(section, onWhere);
    return {
      update(state) {
        hot.update(state.causes.hot);
        flame.update(state);
      },
      again: () => flame.again(),
    };
  },
};
