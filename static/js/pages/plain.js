// @ts-check
/** A page that only says something. */
import { find } from "../base/dom.js";
import { attachThemeButton } from "../base/theme.js";

attachThemeButton(find(document, "#theme", HTMLButtonElement));
