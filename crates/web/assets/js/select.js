// Selecting rows: shift-click takes a range, the box on top takes the page, a word says how many are chosen. That the
// bar is there when something is ticked is the style sheet's doing.
const bar = () => document.getElementById("bulk");
const boxes = () => [...document.querySelectorAll("input[name=ids][form=bulk]")];
let last = null;

function count() {
  const form = bar();
  if (!form) return;
  const all = boxes();
  const chosen = all.filter((box) => box.checked).length;
  const top = document.querySelector("[data-select-page]");
  if (top) {
    top.hidden = false;
    top.checked = chosen > 0 && chosen === all.length;
    top.indeterminate = chosen > 0 && chosen < all.length;
  }
  const word = form.querySelector("[data-chosen]");
  if (word) { word.hidden = false; word.textContent = String(chosen); }
}

const takeRange = (from, to, on) => {
  const all = boxes();
  const [first, end] = [all.indexOf(from), all.indexOf(to)].sort((a, b) => a - b);
  if (first < 0) return;
  for (const between of all.slice(first, end + 1)) between.checked = on;
};

export const hasSelection = () => boxes().some((box) => box.checked) || Boolean(bar()?.querySelector("input[name=all]")?.checked);

/** Turns the row's box over, and those from the last one turned when `range`; true when there is one. */
export function toggleRow(row, range = false) {
  const box = row?.querySelector("input[name=ids]");
  if (!box) return false;
  box.checked = !box.checked;
  if (range && last) takeRange(last, box, box.checked);
  last = box;
  count();
  return true;
}

/** True when something was chosen. */
export function clearSelection() {
  if (!hasSelection()) return false;
  for (const box of boxes()) box.checked = false;
  const all = bar()?.querySelector("input[name=all]");
  if (all) all.checked = false;
  count();
  return true;
}

export function startSelection() {
  if (!bar()) return;
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-select-none]")) { clearSelection(); return; }
    const box = event.target.closest("input[name=ids]");
    if (!box) return;
    if (event.shiftKey && last) takeRange(last, box, box.checked);
    last = box;
    count();
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-select-page]")) for (const box of boxes()) box.checked = event.target.checked;
    count();
  });
  // Nothing chosen, nothing sent. Nothing to change: said here, where the selection stays.
  const problem = bar().querySelector("[data-bulk-nothing]");
  const fields = () => [...bar().elements].filter((field) => field.name && field.type !== "hidden" && field.name !== "ids" && field.name !== "all");
  const says = (field) => (field.type === "checkbox" ? false : field.value.trim() !== "");
  bar().addEventListener("submit", (event) => {
    if (hasSelection() && fields().some(says)) return;
    event.preventDefault();
    if (!hasSelection()) return;
    problem.hidden = false;
    bar().querySelector("select").focus();
  });
  bar().addEventListener("change", () => { problem.hidden = true; });
  const none = bar().querySelector("[data-select-none]");
  if (none) none.hidden = false;
  document.addEventListener("live:refreshed", count);
  // A page from the history remembers its boxes.
  addEventListener("pageshow", count);
  count();
}
