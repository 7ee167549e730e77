// @ts-check
/**
 * Two runs to be compared, one after the other, so that neither is in the other's way. What is to follow is kept in
 * this tab's memory, and not in an address: to open an address starts nothing.
 * @import { RunRequest } from "./api.js"
 */
import { startRun } from "./api.js";

/** @param {string} id */
const keyOf = (id) => `then:${id}`;

/**
 * Starts the first, and notes the second.
 * @param {RunRequest} first @param {RunRequest} second
 * @returns {Promise<string>} the page that compares them, and starts the second when the first has ended
 */
export async function startPair(first, second) {
  const { id } = await startRun(first);
  sessionStorage.setItem(keyOf(id), JSON.stringify(second));
  return `/compare?runs=${encodeURIComponent(id)}`;
}

/** What is to follow a run, or null. @param {string} id @returns {RunRequest | null} */
export function followerOf(id) {
  return JSON.parse(sessionStorage.getItem(keyOf(id)) ?? "null");
}

/** Starts what was to follow a run, once. @param {string} id @returns {Promise<string>} its id */
export async function startFollower(id) {
  const request = followerOf(id);
  sessionStorage.removeItem(keyOf(id));
  if (!request) throw new Error(`nothing is to follow run ${id}`);
  return (await startRun(request)).id;
}
