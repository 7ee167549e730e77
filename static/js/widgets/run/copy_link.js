// @ts-check
/** The button that copies the page's address, in which the run, the time on view, the selection and the tab are. */

const SAID_MS = 2000;

/** @param {HTMLButtonElement} button */
export function attachCopyLink(button) {
  const label = button.textContent ?? "";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(location.href);
    } catch {
      prompt("This browser does not let a page copy. The address:", location.href);
      return;
    }
    button.textContent = "Copied";
    setTimeout(() => button.textContent = label, SAID_MS);
  });
}
