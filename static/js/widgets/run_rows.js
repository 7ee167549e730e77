// @ts-check
/**
 * A row a recorded run: where it leads, what was found, and what can be done with it.
 * @import { KeptRun } from "../net/api.js"
 * @typedef {{choose: (id: string, on: boolean) => void, again: (run: KeptRun) => void,
 *            change: (id: string, change: {name?: string, tags?: string[], pinned?: boolean}) => void,
 *            remove: (run: KeptRun) => void, find: (code: string) => void}} Hands what a row tells of what was pressed
 */
import { copyOf, make, setText } from "../base/dom.js";
import { duration, size, text } from "../base/format.js";
import { changeUrl } from "../net/api.js";
import { attachExport } from "./export_menu.js";
import { settingsOf, startedAt, startedShort, tagsIn } from "./run_list.js";

/** Of a run with more the rest is counted, so that a row stays a row. */
const MOST_FINDINGS = 3;

export class RunRow {
  /** @type {KeptRun} */
  #run;
  #hands;
  /** What the row tells of findings. @type {string | null} */
  #codes = null;

  /** @param {KeptRun} run @param {Hands} hands */
  constructor(run, hands) {
    this.#run = run;
    this.#hands = hands;
    this.box = make("input", { type: "checkbox" });
    this.box.addEventListener("change", () => hands.choose(run.id, this.box.checked));
    this.link = make("a", { href: `/runs/${encodeURIComponent(run.id)}` });
    this.pinned = make(
      "span",
      { class: "pinned-mark", title: "It stays when older runs make room" },
      "pinned",
    );
    this.command = make("span", { class: "command" });
    this.tags = make("span", { class: "tags" });
    this.name = make(
      "th",
      { scope: "row" },
      make("span", { class: "run" }, this.pinned, this.link),
      this.command,
      this.tags,
    );
    this.state = make("td");
    this.length = make("td", { class: "number" });
    this.size = make("td", { class: "number" });
    this.findings = make("td", { class: "codes" });
    this.again = button("Run again", () => hands.again(this.#run));
    this.vary = make("a", { class: "button", href: changeUrl(run.id) }, "Change");
    this.pin = button("Pin", () => hands.change(run.id, { pinned: !this.#run.pinned }));
    this.edit = button("Edit", () => this.#edit());
    this.remove = button("Delete", () => hands.remove(this.#run));
    this.export = exportMenu(run.id);
    this.act = make(
      "td",
      { class: "act" },
      this.again,
      " ",
      this.vary,
      " ",
      this.export,
      " ",
      this.pin,
      " ",
      this.edit,
      " ",
      this.remove,
    );
    this.element = make(
      "tr",
      {},
      make("td", { class: "choose" }, this.box),
      this.name,
      make("td", { class: "when", title: startedAt(run.started_at) }, startedShort(run.started_at)),
      make("td", { class: "kind" }, run.kind),
      this.state,
      this.length,
      this.size,
      this.findings,
      this.act,
    );
  }

  /** @param {KeptRun} run */
  update(run) {
    this.#run = run;
    const ended = !["starting", "running", "importing", "indexing"].includes(run.state);
    setText(this.link, run.name);
    this.link.title = run.name;
    this.box.setAttribute("aria-label", `Choose ${run.name}, ${startedAt(run.started_at)}`);
    this.pinned.hidden = !run.pinned;
    const command = run.command?.join(" ") ?? settingsOf(run);
    setText(this.command, command);
    this.command.title = command;
    setText(this.state, run.state.replace("_", " "));
    this.state.classList.toggle("failed", run.state === "failed");
    this.state.title = run.error?.detail ?? "";
    setText(this.length, text(duration(run.duration_s)));
    setText(this.size, run.bytes ? text(size(run.bytes)) : "–");
    this.#tellFindings(run.findings ?? []);
    this.tags.hidden = run.tags.length === 0;
    setText(this.tags, run.tags.join(", "));
    setText(this.pin, run.pinned ? "Unpin" : "Pin");
    this.again.hidden = this.vary.hidden = run.kind === "attach";
    for (const needsEnd of [this.pin, this.edit, this.remove]) {
      needsEnd.disabled = !ended || run.unrecorded !== null;
    }
  }

  /** Each by its title, and by its code where an older version recorded it. @param {KeptRun["findings"]} findings */
  #tellFindings(findings) {
    const codes = findings.map(({ code }) => code).join();
    if (codes === this.#codes) return;
    this.#codes = codes;
    this.findings.classList.toggle("nothing", findings.length === 0);
    if (findings.length === 0) return setText(this.findings, "–");
    const rows = findings.slice(0, MOST_FINDINGS).map(({ code, severity, title }) => {
      const found = button(title ?? code, () => this.#hands.find(code));
      found.className = "link";
      found.title = `Show the runs with this finding, ${code}`;
      return make("li", { "data-severity": severity }, found);
    });
    const others = findings.slice(MOST_FINDINGS).map(({ code, title }) => title ?? code);
    if (others.length) rows.push(make("li", { title: others.join("\n") }, `and ${others.length} more`));
    this.findings.replaceChildren(make("ul", { class: "brief" }, ...rows));
  }

  /** Puts fields for name and tags in the row's place. */
  #edit() {
    const name = make("input", { value: this.#run.name, maxlength: "80", "aria-label": "Name" });
    const tags = make("input", {
      value: this.#run.tags.join(", "),
      placeholder: "tags, separated by commas",
      "aria-label": "Tags, separated by commas",
    });
    const form = make("form", { class: "edit" }, name, tags, make("button", { type: "submit" }, "Save"));
    const close = () => {
      form.remove();
      this.edit.hidden = false;
      this.edit.focus();
    };
    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") close();
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      close();
      this.#hands.change(this.#run.id, {
        name: name.value.trim() || this.#run.name,
        tags: tagsIn(tags.value),
      });
    });
    this.edit.hidden = true;
    this.name.append(form);
    name.select();
  }
}

/** The menu that the page has a copy of. @param {string} id */
function exportMenu(id) {
  const menu = copyOf("export-menu");
  if (menu instanceof HTMLSelectElement) attachExport(menu, id);
  return menu;
}

/** @param {string} label @param {() => void} press */
function button(label, press) {
  const made = make("button", { type: "button" }, label);
  made.addEventListener("click", press);
  return made;
}
