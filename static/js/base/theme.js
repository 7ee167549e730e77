// @ts-check
/** Light, dark, or as the system says: what was chosen is kept in this browser. */

const KEY = "theme";
const DARK = "(prefers-color-scheme: dark)";

/** @returns {"light" | "dark"} the theme that is on */
function currentTheme() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === "light" || chosen === "dark") return chosen;
  return matchMedia(DARK).matches ? "dark" : "light";
}

/** Makes a button change the theme. @param {HTMLButtonElement} button */
export function attachThemeButton(button) {
  const show = () => {
    const other = currentTheme() === "dark" ? "light" : "dark";
    button.textContent = other === "dark" ? "Dark" : "Light";
    button.setAttribute("aria-label", `Change to the ${other} theme`);
  };
  button.addEventListener("click", () => {
    const theme = currentTheme() === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    localStorage.setItem(KEY, theme);
  });
  onThemeChange(show);
  show();
}

/** Calls back whenever colours may have changed. Returns what ends it. @param {() => void} callback */
export function onThemeChange(callback) {
  const system = matchMedia(DARK);
  system.addEventListener("change", callback);
  const observer = new MutationObserver(callback);
  observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  return () => {
    system.removeEventListener("change", callback);
    observer.disconnect();
  };
}
