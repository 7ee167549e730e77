// @ts-check
/** The keys of teaching; a presenter's remote sends some of them. */

/** What each key does, by its name in lower case. @type {{[key: string]: string}} */
const DOES = {
  "arrowright": "next",
  "arrowleft": "previous",
  "pagedown": "on",
  "pageup": "back",
  "enter": "run",
  " ": "run",
  "a": "reveal",
  "f": "full",
};

/** Where keys have a meaning of their own. */
const OWN = "a, button, input, select, textarea, dialog, [popover], [contenteditable]";

/**
 * What a key is to do; null where it is not ours: with a modifier, held down, or pressed on what takes keys itself.
 * @param {KeyboardEvent} event
 */
export function deedOf(event) {
  const { key, target, altKey, ctrlKey, metaKey, repeat } = event;
  const deed = DOES[key.toLowerCase()] ?? null;
  if (deed === null || altKey || ctrlKey || metaKey || repeat) return null;
  const own = target && "closest" in target ? /** @type {Element} */ (target).closest(OWN) : null;
  if (!own) return deed;
  // A button and a link take but the keys that press them.
  return own.matches("a, button") && deed !== "run" ? deed : null;
}

/** @param {{[deed: string]: () => void}} deeds */
export function attachKeys(deeds) {
  addEventListener("keydown", (event) => {
    const deed = deedOf(event);
    if (deed === null || !(deed in deeds)) return;
    event.preventDefault();
    deeds[deed]();
  });
}
