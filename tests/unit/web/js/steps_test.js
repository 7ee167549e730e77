import assert from "node:assert/strict";
import { chapterBeside, isSame, pathOf, stepAt, stepBeside } from "../../../../static/js/state/steps.js";
import { isAlone } from "../../../../static/js/widgets/teaching/audience_link.js";
import { deedOf } from "../../../../static/js/widgets/teaching/keys.js";

const CHAPTERS = [
  { number: 2, title: "Law", workloads: ["amdahl"] },
  { number: 12, title: "Deadlocks", workloads: ["deadlock", "philosophers"] },
  { number: 15, title: "The lock", workloads: ["convoy"] },
];
const step = (
  /** @type {number} */ chapter,
  /** @type {string} */ workload,
) => ({ chapter, workload });

Deno.test("an address names a step, a chapter its first one, and anything else none", () => {
  assert.deepEqual(
    stepAt(CHAPTERS, "/teach/12/philosophers"),
    step(12, "philosophers"),
  );
  assert.deepEqual(stepAt(CHAPTERS, "/teach/12"), step(12, "deadlock"));
  for (
    const path of [
      "/teach",
      "/teach/13",
      "/teach/12/convoy",
      "/teach/follow",
      "/",
    ]
  ) {
    assert.equal(stepAt(CHAPTERS, path), null, path);
  }
  assert.deepEqual(
    stepAt(CHAPTERS, pathOf(step(15, "convoy"))),
    step(15, "convoy"),
  );
});

Deno.test("a chapter leads to the first step of the next, and ends are ends", () => {
  assert.deepEqual(
    chapterBeside(CHAPTERS, step(12, "philosophers"), 1),
    step(15, "convoy"),
  );
  assert.deepEqual(
    chapterBeside(CHAPTERS, step(12, "philosophers"), -1),
    step(2, "amdahl"),
  );
  assert.equal(chapterBeside(CHAPTERS, step(15, "convoy"), 1), null);
  assert.equal(chapterBeside(CHAPTERS, step(2, "amdahl"), -1), null);
});

Deno.test("steps go on into the next chapter, and back", () => {
  const found = ["amdahl"];
  let at = /** @type {import("../../../../static/js/state/steps.js").Step | null} */ (step(
    2,
    "amdahl",
  ));
  while (at && (at = stepBeside(CHAPTERS, at, 1))) found.push(at.workload);
  assert.deepEqual(found, ["amdahl", "deadlock", "philosophers", "convoy"]);
  assert.deepEqual(
    stepBeside(CHAPTERS, step(12, "deadlock"), -1),
    step(2, "amdahl"),
  );
  assert.equal(stepBeside(CHAPTERS, step(2, "amdahl"), -1), null);
});

Deno.test("a step is the same by chapter and workload: one workload belongs to several chapters", () => {
  assert.ok(isSame(step(12, "deadlock"), step(12, "deadlock")));
  assert.ok(!isSame(step(12, "deadlock"), step(15, "deadlock")));
  assert.ok(!isSame(step(12, "deadlock"), null));
});

Deno.test("keys do what they say, without a modifier and not held down", () => {
  const press = (/** @type {string} */ key, how = {}) =>
    deedOf(
      /** @type {KeyboardEvent} */ (/** @type {unknown} */ ({
        key,
        target: null,
        ...how,
      })),
    );
  assert.equal(press("ArrowRight"), "next");
  assert.equal(press("PageUp"), "back");
  assert.equal(press(" "), "run");
  assert.equal(press("Enter"), "run");
  assert.equal(press("A"), "reveal");
  assert.equal(press("f"), "full");
  assert.equal(press("f", { ctrlKey: true }), null);
  assert.equal(press("a", { metaKey: true }), null);
  assert.equal(press("Enter", { repeat: true }), null);
  assert.equal(press("x"), null);
});

Deno.test("an address of this machine alone is known", () => {
  for (const name of ["localhost", "127.0.0.1", "127.80.2.9", "[::1]"]) {
    assert.ok(isAlone(name), name);
  }
  for (const name of ["box.example", "192.168.0.9", "127.example"]) {
    assert.ok(!isAlone(name), name);
  }
});
