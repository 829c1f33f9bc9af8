// Ctrl K: go anywhere, do anything this page offers. Actions are the links and buttons of the page itself, so what is
// not offered cannot be done from here either.
const dialog = () => document.getElementById("palette");
const input = () => document.getElementById("palette-q");
const list = () => document.getElementById("palette-list");
let items = [];
let at = 0;
let asked = 0;
let timer = 0;

const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
const words = (element) => (element.getAttribute("aria-label") ?? element.querySelector("span:not(.count)")?.textContent ?? element.textContent).replace(/\s+/g, " ").trim();

/** What the page offers now. */
function actions() {
  const seen = new Set();
  const out = [];
  const offered = "nav[aria-label] .sidebar a, .sidebar a, .topbar-actions > a, .menu-panel > a, .conversation button, .conversation summary, .endings summary, .queue-tools a";
  for (const element of document.querySelectorAll(offered)) {
    const label = words(element);
    if (!label || seen.has(label) || element.closest("dialog, .composer-kind, [hidden]")) continue;
    seen.add(label);
    out.push({ kind: "action", label, detail: "", element });
  }
  return out;
}

function draw(found) {
  items = found;
  at = 0;
  const box = list();
  box.replaceChildren(...items.map((item, n) => {
    const line = document.createElement("li");
    line.id = `palette-${n}`;
    line.role = "option";
    const label = Object.assign(document.createElement("span"), { textContent: item.label });
    const kind = Object.assign(document.createElement("span"), { className: "muted", textContent: item.detail || dialog().dataset[item.kind] });
    line.append(label, kind);
    line.addEventListener("mousemove", () => choose(n));
    line.addEventListener("click", () => run(item));
    return line;
  }));
  if (items.length === 0) box.append(Object.assign(document.createElement("li"), { className: "palette-none", role: "option", ariaDisabled: "true", textContent: dialog().dataset.none }));
  choose(0);
}

function choose(n) {
  at = Math.max(0, Math.min(items.length - 1, n));
  for (const [i, line] of [...list().children].entries()) line.setAttribute("aria-selected", String(i === at && items.length > 0));
  input().setAttribute("aria-activedescendant", items.length ? `palette-${at}` : "");
  list().children[at]?.scrollIntoView({ block: "nearest" });
}

function run(item) {
  if (!item) return;
  dialog().close();
  if (item.href) { location.assign(item.href); return; }
  const fold = item.element.closest("details");
  if (item.element.matches("summary")) {
    fold.open = true;
    fold.querySelector("input:not([type=hidden]), select, textarea, button")?.focus();
  } else {
    if (fold && !item.element.matches("a")) fold.open = true;
    item.element.click();
  }
}

async function search() {
  const q = input().value.trim();
  const mine = ++asked;
  const needle = plain(q);
  const fitting = actions().filter((a) => needle.split(" ").every((word) => plain(a.label).includes(word)));
  let found = [];
  try {
    const answer = await fetch(`/desk/find?q=${encodeURIComponent(q)}`, { headers: { accept: "application/json" }, credentials: "same-origin" });
    if (answer.ok) found = await answer.json();
  } catch {
    // Without the network there are still the actions.
  }
  // Somebody typed on: a later answer counts.
  if (mine !== asked) return;
  // Words that begin an action's name mean the action; else what is found comes first.
  const named = q ? fitting.filter((a) => plain(a.label).startsWith(needle)) : [];
  draw([...named, ...found, ...fitting.filter((a) => !named.includes(a))].slice(0, 24));
}

export function openPalette() {
  if (!dialog() || dialog().open) return;
  input().value = "";
  dialog().showModal();
  input().focus();
  draw(actions().slice(0, 12));
  search();
}

export function startPalette() {
  if (!dialog()) return;
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      openPalette();
    }
  });
  input().addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(search, 80); });
  input().addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) { event.preventDefault(); choose((at + step + items.length) % Math.max(1, items.length)); }
    if (event.key === "Enter") { event.preventDefault(); run(items[at]); }
  });
  dialog().addEventListener("click", (event) => { if (event.target === dialog()) dialog().close(); });
  for (const opener of document.querySelectorAll("[data-open-palette]")) {
    opener.hidden = false;
    opener.addEventListener("click", () => { opener.closest("details")?.removeAttribute("open"); openPalette(); });
  }
}
