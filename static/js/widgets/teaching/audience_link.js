// @ts-check
/**
 * The address for an audience: who opens it looks, and follows.
 * @import { Problem as Refusal } from "../../net/api.js"
 */
import { find, setText } from "../../base/dom.js";
import { makeAudienceCode, Problem } from "../../net/api.js";
import { attachCopyLink } from "../run/copy_link.js";

const SECONDS_AN_HOUR = 3600;

/** Whether a host name is of this machine alone. @param {string} name */
export const isAlone = (name) => /^(localhost|127(\.\d+){3}|\[::1\])$/.test(name);

/**
 * @param {HTMLButtonElement} button @param {HTMLDialogElement} dialog @param {(problem: Refusal) => void} onProblem
 */
export function attachAudienceLink(button, dialog, onProblem) {
  let address = "";
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const { code, expires_s: expiresS } = await makeAudienceCode();
      address = `${location.origin}/teach/follow?code=${encodeURIComponent(code)}`;
      setText(find(dialog, ".address code", HTMLElement), address);
      setText(find(dialog, ".hours", HTMLElement), String(Math.round(expiresS / SECONDS_AN_HOUR)));
      find(dialog, ".alone", HTMLElement).hidden = !isAlone(location.hostname);
      dialog.showModal();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      onProblem(problem);
    } finally {
      button.disabled = false;
    }
  });
  attachCopyLink(find(dialog, ".copy", HTMLButtonElement), () => address);
  find(dialog, ".close", HTMLButtonElement).addEventListener("click", () => dialog.close());
}
