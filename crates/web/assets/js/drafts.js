// The draft of one ticket, kept by the server: text while it is typed, files as they are added, a preview as it is asked for.
import { size } from "./composer.js";

const words = () => document.getElementById("words")?.dataset ?? {};
const say = (word, value) => (words()[word] ?? "").replace("#", value);

function textOf(form) {
  return {
    kind: form.querySelector("input[name=kind]:checked")?.value ?? "reply",
    body: form.elements.body.value,
    status: form.elements.then.value || null,
  };
}

/** Keeps the text; one request at a time, the last state always last. */
class Keeper {
  constructor(form) {
    this.form = form;
    this.url = `/api/admin/support/tickets/${form.dataset.ticket}/draft`;
    this.kept = JSON.stringify(textOf(form));
    this.state = form.querySelector("[data-draft-state]");
    this.timer = 0;
    this.underWay = null;
    this.closed = false;
  }

  soon() {
    clearTimeout(this.timer);
    if (!this.closed) this.timer = setTimeout(() => this.keep(), 700);
  }

  async keep(last = false) {
    clearTimeout(this.timer);
    if (this.underWay && !last) { await this.underWay; }
    const text = JSON.stringify(textOf(this.form));
    if (text === this.kept || this.closed) return;
    this.kept = text;
    this.underWay = fetch(this.url, { method: "PUT", headers: { "content-type": "application/json" }, body: text, credentials: "same-origin", keepalive: last && text.length < 60_000 })
      .then((answer) => { this.said(answer.ok ? (answer.status === 204 ? "" : words().draftSaved) : words().draftFailed); if (!answer.ok) this.kept = ""; })
      .catch(() => { this.said(words().draftFailed); this.kept = ""; })
      .finally(() => { this.underWay = null; });
    await this.underWay;
  }

  said(text) { if (this.state) this.state.textContent = text ?? ""; }

  /** Nothing is kept any more; what is under way is waited for, so that it cannot come after the sending. */
  async close() {
    clearTimeout(this.timer);
    this.closed = true;
    await this.underWay;
  }
}

function shown(form, file) {
  const list = form.querySelector("[data-kept]");
  const item = document.createElement("li");
  item.dataset.file = file.id;
  const box = Object.assign(document.createElement("input"), { type: "checkbox", name: "kept", value: file.id, id: `kept-${file.id}`, checked: true });
  const label = Object.assign(document.createElement("label"), { htmlFor: box.id, textContent: `${file.filename} ` });
  label.append(Object.assign(document.createElement("span"), { className: "muted", textContent: size(file.size_bytes) }));
  item.append(box, label);
  list.append(item);
  removable(form, item);
  list.hidden = false;
}

/** A button in the place of the box: gone at once, here and on the server. */
function removable(form, item) {
  const name = item.querySelector("label").firstChild.textContent.trim();
  const button = Object.assign(document.createElement("button"), { type: "button", className: "icon-button", textContent: "×" });
  button.setAttribute("aria-label", say("fileRemove", name));
  button.addEventListener("click", async () => {
    const answer = await fetch(`/api/admin/support/tickets/${form.dataset.ticket}/draft/attachments/${item.dataset.file}`, { method: "DELETE", credentials: "same-origin" }).catch(() => null);
    if (!answer || (!answer.ok && answer.status !== 404)) return;
    item.remove();
    const list = form.querySelector("[data-kept]");
    list.hidden = list.children.length === 0;
    form.elements.body.focus();
  });
  item.querySelector("input").hidden = true;
  item.append(button);
}

export function addShown(form, files) { for (const file of files) shown(form, file); }

function upload(form, file) {
  const list = form.querySelector("[data-kept]");
  const item = document.createElement("li");
  const bar = Object.assign(document.createElement("progress"), { max: 1, value: 0 });
  bar.setAttribute("aria-label", say("uploading", file.name));
  item.append(`${file.name} `, bar);
  list.append(item);
  list.hidden = false;
  return new Promise((done) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/admin/support/tickets/${form.dataset.ticket}/draft/attachments`);
    request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) bar.value = event.loaded / event.total; });
    request.addEventListener("loadend", () => {
      if (request.status === 201) {
        item.remove();
        addShown(form, JSON.parse(request.responseText).items);
      } else {
        let why = say("fileFailed", file.name);
        try { why = `${why} ${JSON.parse(request.responseText).detail}`; } catch { /* no answer at all */ }
        item.textContent = why;
        item.className = "field-problem";
      }
      done();
    });
    const body = new FormData();
    body.append("attachments", file);
    request.send(body);
  });
}

async function preview(form, button) {
  const box = form.querySelector("[data-preview]");
  const text = form.querySelector(".composer-text");
  if (!box.hidden) {
    box.hidden = true;
    text.hidden = false;
    button.textContent = words().preview;
    form.elements.body.focus();
    return;
  }
  if (!form.elements.body.value.trim()) { box.textContent = words().previewEmpty; box.hidden = false; text.hidden = true; button.textContent = words().write; return; }
  const answer = await fetch("/api/admin/support/preview", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ body: form.elements.body.value }), credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok) return;
  // The server's HTML, clean already.
  box.innerHTML = (await answer.json()).html;
  box.hidden = false;
  text.hidden = true;
  button.textContent = words().write;
}

/** Seconds until a held answer goes. */
function countDown() {
  let waiting = false;
  for (const part of document.querySelectorAll("[data-countdown]")) {
    const left = Math.ceil((Date.parse(part.dataset.countdown) - Date.now()) / 1000);
    part.textContent = left > 0 ? say("heldIn", left) : words().heldNow;
    waiting ||= left > -30;
  }
  return waiting;
}

export function startDraft(form) {
  const keeper = new Keeper(form);
  form.keeper = keeper;
  form.addEventListener("input", () => keeper.soon());
  form.addEventListener("change", () => keeper.soon());
  for (const button of form.querySelectorAll("[data-no-js]")) button.hidden = true;
  for (const hint of form.querySelectorAll("[data-js]")) hint.hidden = false;
  for (const item of form.querySelectorAll("[data-kept] > li")) removable(form, item);
  const input = form.querySelector("input[type=file]");
  let uploads = Promise.resolve();
  input?.addEventListener("change", () => {
    const files = [...input.files];
    input.value = "";
    for (const file of files) uploads = uploads.then(() => upload(form, file));
  });
  const button = form.querySelector("[data-preview-button]");
  button?.addEventListener("click", (event) => { event.preventDefault(); preview(form, button); });
  // What is under way arrives first: a draft that comes after its answer would be a ghost.
  let ready = false;
  form.addEventListener("submit", (event) => {
    if (ready) return;
    event.preventDefault();
    const { submitter } = event;
    // In a turn of its own: while this event is still being told, a form does not submit again.
    Promise.all([keeper.close(), uploads]).then(() => setTimeout(() => { ready = true; form.requestSubmit(submitter); }));
  });
  addEventListener("pagehide", () => keeper.keep(true));
  addEventListener("pageshow", (event) => { if (event.persisted) { ready = false; keeper.closed = false; } });
  let timer = 0;
  const tick = () => { clearTimeout(timer); if (countDown()) timer = setTimeout(tick, 500); };
  tick();
  document.addEventListener("live:refreshed", tick);
}
