// @ts-check
/**
 * What of a run lies before the messages that a page was sent, asked of the server as it comes on view.
 * @import { RunState } from "../../state/run_state.js"
 */
import { getMessages, getTimeline } from "../../net/api.js";
import { untilAnswered } from "../../net/persist.js";
import { History } from "../../state/history.js";
import { piecesOf } from "../../state/run_state.js";

/**
 * Lets the state of a run know of its past.
 * @param {RunState} state @param {string} id of the run
 * @param {() => void} onNews told when there is more to draw
 * @param {AbortSignal} until nobody looks any more
 */
export function attachHistory(state, id, onNews, until) {
  state.history = new History({
    getTimeline: (fromUs, toUs, bins) => untilAnswered(() => getTimeline(id, fromUs, toUs, bins), until),
    getDetail: async (fromUs, toUs) => {
      const messages = await untilAnswered(() => getMessages(id, fromUs, toUs), until);
      const pieces = messages && piecesOf(messages);
      for (const message of pieces?.tasks ?? []) state.tasks.take(message);
      return pieces;
    },
    onNews: (bins) => {
      if (bins) state.takeEarlier(bins);
      onNews();
    },
  });
}
