// While an answer is written: "/" at the start of a line finds canned replies and macros, "@" in a note finds people and
// teams. A combobox as ARIA describes it: the text keeps the focus, arrows move, Enter or Tab takes, Escape closes.
import { addShown } from "./drafts.js";

const words = () => document.getElementById("words")?.dataset ?? {};
const API = "/api/admin/support";
const MOST = 8;

async function items(path) {
  const answer = await fetch(API + path, { credentials: "same-origin" }).catch(() => null);
  return answer?.ok ? (await answer.json()).items : [];
}

/** What a macro without a text changes, in its own words. */
function does({ add_tags = [], remove_tags = [], ...changes }) {
  const plain = Object.entries(changes).filter(([, value]) => typeof value === "string" && !/^[0-9a-f-]{36}$/.test(value));
  return [...plain.map(([, value]) => value.replaceAll("_", " ")), ...add_tags.map((t) => `+${t}`), ...remove_tags.map((t) => `−${t}`)].join(" · ");
}

let kept = null;
function saved() {
  kept ??= Promise.all([items("/canned-replies"), items("/macros")]).then(([canned, macros]) => [
    ...canned.map((m) => ({ ...m, sort: "canned", about: m.body })),
    ...macros.map((m) => ({ ...m, sort: "macro", about: m.body || does(m.changes) })),
  ].sort((a, b) => b.uses - a.uses || a.name.localeCompare(b.name)));
  return kept;
}

let everybody = null;
const callable = () => (everybody ??= items("/mentions"));

const fits = (text, typed) => text.toLowerCase().split(/[\s.-]+/).some((word) => word.startsWith(typed)) || text.toLowerCase().startsWith(typed);

/** What is typed before the caret, if it asks for something. */
function asked(text, kind) {
  const before = text.value.slice(0, text.selectionStart);
  if (text.selectionStart !== text.selectionEnd) return null;
  const slash = before.match(/(?:^|\n)\/([^\n/]{0,40})$/);
  if (slash) return { sort: "/", typed: slash[1].toLowerCase(), from: before.length - slash[1].length - 1 };
  const at = before.match(/(?:^|[\s(])@([\p{L}\p{N}._-]{0,40})$/u);
  if (at && kind === "note") return { sort: "@", typed: at[1].toLowerCase(), from: before.length - at[1].length - 1 };
  return null;
}

export function startSuggestions(form) {
  const text = form.elements.body;
  const list = Object.assign(document.createElement("ul"), { id: "suggestions", className: "suggestions", hidden: true });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", words().suggestions ?? "");
  text.parentElement.append(list);
  // It is a combobox while there is something to choose; a plain field of many lines otherwise.
  text.setAttribute("aria-autocomplete", "list");
  text.setAttribute("aria-controls", list.id);
  let open = null, shown = [], at = 0;

  function close() {
    open = null;
    list.hidden = true;
    list.replaceChildren();
    text.removeAttribute("aria-activedescendant");
  }

  function mark() {
    [...list.children].forEach((item, n) => item.setAttribute("aria-selected", String(n === at)));
    const item = list.children[at];
    if (item?.id) text.setAttribute("aria-activedescendant", item.id);
    item?.scrollIntoView({ block: "nearest" });
  }

  function draw() {
    list.replaceChildren(...shown.map((one, n) => {
      const item = document.createElement("li");
      item.id = `suggestion-${n}`;
      item.setAttribute("role", "option");
      const name = Object.assign(document.createElement("span"), { className: "suggestion-name", textContent: one.name });
      const tag = one.sort === "macro" ? words().macroTag : one.is_team ? words().teamTag : "";
      const about = Object.assign(document.createElement("span"), { className: "suggestion-about muted", textContent: one.sort === "@" ? `@${one.handle}` : one.about.replace(/\s+/g, " ").slice(0, 90) });
      item.append(name, about);
      if (tag) item.append(Object.assign(document.createElement("span"), { className: "tag", textContent: tag }));
      item.addEventListener("mousedown", (event) => { event.preventDefault(); at = n; take(); });
      return item;
    }));
    if (shown.length === 0) {
      const none = Object.assign(document.createElement("li"), { className: "muted", textContent: words().noSuggestion });
      none.setAttribute("role", "option");
      none.setAttribute("aria-disabled", "true");
      list.append(none);
    }
    list.hidden = false;
    mark();
  }

  async function look() {
    const ask = asked(text, form.dataset.kind);
    if (!ask) { if (open) close(); return; }
    open = ask;
    const all = ask.sort === "/" ? await saved() : (await callable()).map((c) => ({ ...c, sort: "@" }));
    // Typed on, or left, while it was fetched.
    if (open !== ask) return;
    shown = all.filter((one) => fits(one.name, ask.typed) || (one.handle && fits(one.handle, ask.typed))).slice(0, MOST);
    // A slash or an at-sign that finds nothing is only a sign.
    if (shown.length === 0 && ask.typed.length > 2) { close(); return; }
    at = 0;
    draw();
  }

  function replace(ask, by) {
    text.setRangeText(by, ask.from, text.selectionStart, "end");
    text.dispatchEvent(new Event("input", { bubbles: true }));
  }

  async function take() {
    const [ask, one] = [open, shown[at]];
    if (!ask || !one) return;
    close();
    if (one.sort === "@") { replace(ask, `@${one.handle} `); return; }
    if (one.sort === "macro") {
      replace(ask, "");
      const select = form.elements.macro;
      if (![...select.options].some((o) => o.value === one.id)) select.add(new Option(one.name, one.id));
      select.value = one.id;
      form.requestSubmit(form.querySelector("[data-apply]"));
      return;
    }
    const { kind } = form.dataset;
    const answer = await fetch(`${API}/canned-replies/${one.id}/insert`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ ticket_id: form.dataset.ticket, kind }), credentials: "same-origin" }).catch(() => null);
    if (!answer?.ok) return;
    const { body, attachments } = await answer.json();
    addShown(form, attachments, kind);
    // Turned to the other kind meanwhile: the text is not for that.
    if (kind !== form.dataset.kind) return;
    replace(ask, body);
    text.focus();
  }

  text.addEventListener("input", look);
  text.addEventListener("click", look);
  text.addEventListener("blur", close);
  text.addEventListener("keydown", (event) => {
    if (!open || list.hidden) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && shown.length) { event.preventDefault(); at = (at + step + shown.length) % shown.length; mark(); return; }
    if ((event.key === "Enter" || event.key === "Tab") && shown.length && !event.ctrlKey && !event.metaKey) { event.preventDefault(); event.stopPropagation(); take(); return; }
    if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); close(); }
  });
  // The select does the same without a keyboard.
  form.querySelector("[data-insert]")?.addEventListener("click", async (event) => {
    const id = form.elements.canned.value;
    event.preventDefault();
    if (!id) { form.elements.canned.focus(); return; }
    open = { from: text.selectionStart };
    shown = [{ sort: "canned", id }];
    at = 0;
    await take();
    form.elements.canned.value = "";
  });
}
