// @ts-check
/**
 * Notes are kept with the run: what a hand wrote goes to the server, and what the server has then is the run's.
 * @import { Note } from "../../net/api.js"
 * @import { RunState } from "../../state/run_state.js"
 * @import { NoteHands } from "./notes.js"
 */
import { addNote, changeNote, Problem, removeNote } from "../../net/api.js";

/**
 * @param {string} id of the run
 * @param {RunState} state
 * @param {{onNews: () => void, onProblem: (problem: Problem) => void}} told
 * @returns {NoteHands}
 */
export function keptNotes(id, state, { onNews, onProblem }) {
  /** @param {() => Promise<Note | null>} ask @param {string | null} without the one that it stands for */
  async function done(ask, without) {
    try {
      const note = await ask();
      const others = (state.run?.notes ?? []).filter((each) => each.id !== (note?.id ?? without));
      const notes = note ? [...others, note] : others;
      if (state.run) state.run = { ...state.run, notes: notes.sort((one, other) => one.at_us - other.at_us) };
      onNews();
      return true;
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      onProblem(problem);
      return false;
    }
  }
  return {
    add: (us, text) => done(() => addNote(id, us, text), null),
    change: (note, text) => done(() => changeNote(id, note, text), null),
    remove: (note) => done(() => removeNote(id, note), note),
  };
}
