import assert from "node:assert/strict";
import { Problem } from "../../../../static/js/net/api.js";
import { untilAnswered } from "../../../../static/js/net/persist.js";

/** A server that answers so, one after another: a number is the status of a refusal or a failure. */
function answering(...answers) {
  const waited = [];
  const ask = () => {
    const answer = answers.shift();
    return typeof answer === "number"
      ? Promise.reject(new Problem({ title: "", status: answer }))
      : Promise.resolve(answer);
  };
  const wait = (ms) => Promise.resolve(void waited.push(ms));
  return { ask, wait, waited, left: answers };
}

const { signal } = new AbortController();

Deno.test("a server that is away or fails is asked again, later each time", async () => {
  const { ask, wait, waited } = answering(0, 503, 500, "bins");
  assert.equal(await untilAnswered(ask, signal, wait), "bins");
  assert.deepEqual(waited, [500, 1000, 2000]);
});

Deno.test("what is refused is not asked for again", async () => {
  const { ask, wait, waited, left } = answering(0, 409, "bins");
  assert.equal(await untilAnswered(ask, signal, wait), null);
  assert.deepEqual([waited, left], [[500], ["bins"]]);
});

Deno.test("nothing is asked once nobody waits for it, and a fault of the page is not taken for a refusal", async () => {
  const gone = new AbortController();
  const { ask, left } = answering(0, "bins");
  const asked = untilAnswered(ask, gone.signal);
  gone.abort();
  assert.equal(await asked, null);
  assert.deepEqual(left, ["bins"]);
  await assert.rejects(untilAnswered(() => Promise.reject(new TypeError("x")), signal), TypeError);
});
