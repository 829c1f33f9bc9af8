// Writing: Ctrl+Enter sends, notes look like notes, files show their sizes, new conversations survive a reload.
// On a ticket's page the server keeps the draft, see drafts.js.
import { startDraft } from "./drafts.js";
import { startSuggestions } from "./suggest.js";

const words = () => document.getElementById("words")?.dataset ?? {};
export const size = (n) => n < 1e3 ? `${n} B` : n < 1e6 ? `${Math.round(n / 1e3)} kB` : `${(n / 1e6).toFixed(1).replace(".0", "")} MB`;

function tint(form) {
  const kind = form.querySelector("input[name=kind]:checked")?.value;
  if (!kind) return;
  form.dataset.kind = kind;
  for (const part of form.querySelectorAll("[data-only]")) part.hidden = part.dataset.only !== kind;
}

/** A form that belongs to no ticket yet: this tab keeps what is typed. */
function keepHere(form) {
  const key = `draft:${form.dataset.draft}`;
  const fields = [...form.querySelectorAll("textarea[name], input[name=subject]")];
  try {
    const kept = JSON.parse(sessionStorage.getItem(key) ?? "{}");
    for (const field of fields) if (!field.value && kept[field.name]) field.value = kept[field.name];
  } catch { /* a broken draft is no draft */ }
  let timer = 0;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const values = Object.fromEntries(fields.map((f) => [f.name, f.value]));
      sessionStorage.setItem(key, JSON.stringify(values));
      const state = form.querySelector("[data-draft-state]");
      if (state) state.textContent = words().draftKept;
    }, 400);
  });
  form.addEventListener("submit", () => { clearTimeout(timer); sessionStorage.removeItem(key); });
}

function listFiles(input) {
  input.addEventListener("change", () => {
    input.parentElement.querySelector(".file-list")?.remove();
    if (input.files.length < 1) return;
    const list = Object.assign(document.createElement("ul"), { className: "file-list" });
    for (const file of input.files) {
      list.append(Object.assign(document.createElement("li"), { textContent: `${file.name} · ${size(file.size)}` }));
    }
    input.after(list);
  });
}

function addFiles(form, files) {
  const input = form.querySelector("input[type=file]");
  if (!input || files.length === 0) return;
  const all = new DataTransfer();
  for (const file of [...input.files, ...files]) all.items.add(file);
  input.files = all.files;
  input.dispatchEvent(new Event("change"));
}

// The form goes as it is, once; a bar shows that something large is under way.
function sendOnce(form) {
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    const button = event.submitter ?? form.querySelector("button");
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
    if (button) { button.setAttribute("aria-disabled", "true"); button.textContent = words().sending ?? button.textContent; }
    const files = form.querySelector("input[type=file]");
    if (files?.files.length) files.parentElement.querySelector(".file-list")?.append(document.createElement("progress"));
  });
}

export function startComposers() {
  for (const form of document.querySelectorAll("form[data-draft]")) keepHere(form);
  for (const input of document.querySelectorAll("input[type=file][data-files]")) {
    if (!input.closest("form[data-ticket]")) listFiles(input);
  }
  for (const form of document.querySelectorAll("form[data-composer]")) {
    // Before the tint: the text changes with the kind, or it would be kept as what it is not.
    if (form.dataset.ticket) startDraft(form);
    tint(form);
    form.addEventListener("change", () => tint(form));
    if (form.dataset.ticket) startSuggestions(form);
    sendOnce(form);
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); form.requestSubmit(form.querySelector("button.button-primary")); }
    });
    form.addEventListener("paste", (event) => addFiles(form, event.clipboardData?.files ?? []));
    form.addEventListener("dragover", (event) => { event.preventDefault(); form.classList.add("dropping"); });
    form.addEventListener("dragleave", () => form.classList.remove("dropping"));
    form.addEventListener("drop", (event) => {
      form.classList.remove("dropping");
      if (!event.dataTransfer?.files.length) return;
      event.preventDefault();
      addFiles(form, event.dataTransfer.files);
    });
  }
  // Back to a page from the history: it may be sent again.
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });
}
