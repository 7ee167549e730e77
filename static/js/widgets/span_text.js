// @ts-check
/** @import { Span } from "../state/run_state.js" */

/** A span of time in words, to the millisecond. @param {Span} span */
export const spanText = ({ fromUs, toUs }) => `${seconds(fromUs)} to ${seconds(toUs)} s`;

/** @param {number} us */
const seconds = (us) => (us / 1e6).toFixed(3);
