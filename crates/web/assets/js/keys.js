// Shortcuts of the desk. Single keys only when nobody is typing, and only when they are switched on.
import { clearSelection, hasSelection, toggleRow } from "./select.js";

const OFF = "shortcuts-off";
const dialog = () => document.getElementById("shortcuts");
const target = (name) => document.querySelector(`[data-key="${name}"]`);
let prefix = "";

function rows() {
  return [...document.querySelectorAll("[data-row]")];
}

function move(step) {
  const all = rows();
  if (all.length === 0) return;
  const now = all.findIndex((row) => row.contains(document.activeElement) || row.getAttribute("aria-current") === "true");
  const next = all[Math.min(all.length - 1, Math.max(0, now + step))];
  (next.matches("a") ? next : next.querySelector("a"))?.focus();
  next.scrollIntoView({ block: "nearest" });
}

function go(name) {
  const element = target(name);
  if (!element) return false;
  const fold = element.closest("details");
  if (fold) fold.open = true;
  if (element.matches("a")) element.click();
  else if (element.matches("button")) element.click();
  else { element.focus(); element.scrollIntoView({ block: "nearest" }); ready(element); }
  return true;
}

// A short field is typed anew. What is written in a long one is gone on with: selected, the next letter would be all of it.
function ready(element) {
  if (element.matches("textarea")) element.setSelectionRange(element.value.length, element.value.length);
  else element.select?.();
}

// Pages without the link, such as those of the administration, lead there too.
function visit(name, address) {
  if (!go(name)) location.assign(address);
}

function choose(kind) {
  const radio = document.querySelector(`form[data-composer] input[name=kind][value=${kind}]`);
  if (!radio) return go(kind);
  radio.checked = true;
  radio.dispatchEvent(new Event("change", { bubbles: true }));
  return go("composer");
}

const row = () => rows().find((one) => one.contains(document.activeElement));

// In the queue a key acts on what is selected, or on the row one is at.
function inBulk(name) {
  if (!target(name)) return false;
  if (!hasSelection()) toggleRow(row());
  return hasSelection() && go(name);
}

// The word first, then the button that sends it.
function resolveMany() {
  const status = target("bulk-status");
  if (!status) return false;
  const before = status.value;
  status.value = "resolved";
  if (inBulk("bulk-apply")) return true;
  status.value = before;
  return false;
}

const actions = {
  j: () => move(1), k: () => move(-1),
  x: () => toggleRow(row()), X: () => toggleRow(row(), true),
  r: () => choose("reply"), n: () => choose("note"),
  a: () => inBulk("bulk-assignee") || go("claim") || go("assigned_to"), s: () => inBulk("bulk-status") || go("status"),
  p: () => inBulk("bulk-priority") || go("priority"), e: () => resolveMany() || go("resolve"),
  u: () => go("back"), "/": () => go("search"),
  "?": () => dialog()?.showModal(),
  gi: () => visit("inbox", "/desk?view=inbox"), gm: () => visit("mine", "/desk?view=mine"),
  gu: () => visit("unassigned", "/desk?view=unassigned"), gb: () => visit("board", "/desk/board"),
};

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || localStorage.getItem(OFF)) return;
  if (event.target.closest("input:not([type=checkbox]), select, textarea, [contenteditable], dialog[open]")) return;
  const key = prefix + event.key;
  prefix = "";
  if (event.key === "g" && key === "g") { prefix = "g"; setTimeout(() => { prefix = ""; }, 1000); return; }
  if (!actions[key]) return;
  event.preventDefault();
  actions[key]();
}

export function startKeys() {
  if (!dialog()) return;
  document.addEventListener("keydown", pressed);
  // Escape leaves a field, so that the single keys work again.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.target.closest("dialog[open]")) return;
    if (event.target.matches("input:not([type=checkbox]), select, textarea")) event.target.blur();
    else clearSelection();
  });
  for (const opener of document.querySelectorAll("[data-open-shortcuts]")) {
    opener.hidden = false;
    opener.addEventListener("click", () => dialog().showModal());
  }
  const toggle = document.getElementById("shortcuts-on");
  if (!toggle) return;
  toggle.checked = !localStorage.getItem(OFF);
  toggle.addEventListener("change", () => {
    if (toggle.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "1");
  });
}
