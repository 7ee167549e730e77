// @ts-check
/** Buttons that copy an address: the page's, in which the run, the time on view, the selection and the tab are. */

const SAID_MS = 2000;

/** @param {HTMLButtonElement} button @param {() => string} address */
export function attachCopyLink(button, address = () => location.href) {
  const label = button.textContent ?? "";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(address());
    } catch {
      prompt("This browser does not let a page copy. The address:", address());
      return;
    }
    button.textContent = "Copied";
    setTimeout(() => button.textContent = label, SAID_MS);
  });
}
