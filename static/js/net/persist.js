// @ts-check
/** Requests that outlast a server that is away for a while. */
import { Problem } from "./api.js";
import { backOffMs } from "./stream.js";

/**
 * What a request answers; one that the server failed, or did not answer, is made again, later each time.
 * @template T
 * @param {() => Promise<T>} ask
 * @param {AbortSignal} until nothing is asked any more
 * @param {(ms: number, until: AbortSignal) => Promise<void>} [wait]
 * @returns {Promise<T | null>} null where the server refuses it, or nobody waits for it any more
 */
export async function untilAnswered(ask, until, wait = pause) {
  for (let failures = 1; !until.aborted; failures += 1) {
    try {
      return await ask();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.isRefusal) return null;
    }
    await wait(backOffMs(failures), until);
  }
  return null;
}

/** @param {number} ms @param {AbortSignal} until @returns {Promise<void>} */
function pause(ms, until) {
  return new Promise((resolve) => {
    if (until.aborted) return resolve();
    const timer = setTimeout(resolve, ms);
    until.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}
