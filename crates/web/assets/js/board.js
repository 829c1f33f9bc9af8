// Cards move by dragging or with Shift and an arrow; both send the form that the card has for everybody else.
import { refreshTimes } from "./time.js";

const board = () => document.getElementById("board");
let dragged = null;

async function move(card, status) {
  const form = card.querySelector("form");
  if (!form || !(card.dataset.moves ?? "").split(" ").includes(status)) return;
  const href = card.querySelector("a[data-row]")?.getAttribute("href");
  const body = new URLSearchParams(new FormData(form));
  body.set("status", status);
  const answer = await fetch(form.action, { method: "POST", body, credentials: "same-origin", headers: { accept: "text/html" } });
  // The answer is the board as it is now, with a word about what happened.
  const next = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ["board", "flash", "views"]) {
    const [old, fresh] = [document.getElementById(id), next.getElementById(id)];
    if (old && fresh) old.replaceWith(document.importNode(fresh, true));
  }
  refreshTimes();
  document.getElementById("announcer").textContent = document.getElementById("flash")?.textContent.trim() ?? "";
  [...board().querySelectorAll("a[data-row]")].find((a) => a.getAttribute("href") === href)?.focus();
}

/** To the next column on a side that the card may go to; true when there is a card. */
function step(card, by) {
  const columns = [...board().querySelectorAll("[data-column]")].map((c) => c.dataset.column);
  const may = (card.dataset.moves ?? "").split(" ");
  for (let n = columns.indexOf(card.dataset.status) + by; n >= 0 && n < columns.length; n += by) {
    if (may.includes(columns[n])) { move(card, columns[n]); return; }
  }
}

export function startBoard() {
  if (!board()) return;
  const column = (event) => event.target.closest?.("[data-column]");
  const allowed = (target) => dragged && target && (dragged.dataset.moves ?? "").split(" ").includes(target.dataset.column);
  const clear = () => { for (const one of document.querySelectorAll(".is-target")) one.classList.remove("is-target"); };
  document.addEventListener("dragstart", (event) => {
    dragged = event.target.closest?.("[data-card][draggable]");
    if (!dragged) return;
    dragged.classList.add("is-dragged");
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.querySelector(".number")?.textContent ?? "");
  });
  document.addEventListener("dragend", () => { dragged?.classList.remove("is-dragged"); dragged = null; clear(); });
  document.addEventListener("dragover", (event) => {
    clear();
    if (!allowed(column(event))) return;
    event.preventDefault();
    column(event).classList.add("is-target");
  });
  document.addEventListener("drop", (event) => {
    if (!allowed(column(event))) return;
    event.preventDefault();
    move(dragged, column(event).dataset.column);
  });
  document.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const card = event.target.closest?.("[data-card]");
    if (!by || !card || !event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    step(card, by);
  });
}
