// The drafts of one ticket, kept by the server: text while it is typed, files as they are added, a preview as it is asked for.
import { size } from "./composer.js";
import { startKinds } from "./kinds.js";

const words = () => document.getElementById("words")?.dataset ?? {};
const say = (word, value) => (words()[word] ?? "").replace("#", value);

/** Where a tab keeps what it may have left unsent. */
const LEFT = "draft-left";

const textOf = (form, kind = form.dataset.kind, body = form.elements.body.value) => ({ kind, body, status: form.elements.then.value || null });

/** Keeps the texts, each kind's for itself; the last state of each always last. */
class Keeper {
  constructor(form) {
    this.form = form;
    this.url = `/api/admin/support/tickets/${form.dataset.ticket}/draft`;
    this.state = form.querySelector("[data-draft-state]");
    this.timer = 0;
    this.underWay = null;
    this.closed = false;
    /** By kind, what the server has and what it has to be told. */
    this.kept = {};
    this.unsent = {};
    /** By kind, the text that the server is known to have. */
    this.had = {};
  }

  /** What the page was drawn with is kept already. */
  drawn({ kind, body }) {
    this.kept[kind] = JSON.stringify(textOf(this.form, kind, body));
    this.had[kind] = body;
  }

  /** The page is left: what the server may not have when this tab asks for the page again stays in the tab, with its kind. */
  leave() {
    this.keep(true);
    if (this.closed) return;
    const bodies = Object.entries({ ...this.kept, ...this.unsent }).filter(([, said]) => said).map(([kind, said]) => [kind, JSON.parse(said).body]);
    const texts = bodies.map(([kind, body]) => ({ kind, body, had: this.had[kind] ?? "" })).filter(({ body, had }) => body !== had);
    if (texts.length) sessionStorage.setItem(LEFT, JSON.stringify({ ticket: this.form.dataset.ticket, at: Date.now(), texts }));
  }

  /** Puts it back where the server has nothing newer. */
  back() {
    const left = JSON.parse(sessionStorage.getItem(LEFT) ?? "null");
    sessionStorage.removeItem(LEFT);
    if (left?.ticket !== this.form.dataset.ticket || Date.now() - left.at > 60_000) return;
    const { dataset: { kind: shown }, elements: { body: text } } = this.form;
    for (const { kind, body, had } of left.texts) {
      // Written on elsewhere, or typed into before this script was there.
      if ((this.had[kind] ?? "") !== had || (kind === shown && text.value !== had)) continue;
      this.form.kinds.write(kind, body);
      this.unsent[kind] = JSON.stringify(textOf(this.form, kind, body));
      this.soon();
    }
  }

  /** What stands in the field is to be kept, whatever stands there next. */
  mark() {
    const text = textOf(this.form);
    const said = JSON.stringify(text);
    if (said === this.kept[text.kind] || (this.kept[text.kind] === undefined && !text.body)) delete this.unsent[text.kind];
    else this.unsent[text.kind] = said;
  }

  soon() {
    clearTimeout(this.timer);
    if (!this.closed) this.timer = setTimeout(() => this.keep(), 700);
  }

  async keep(last = false) {
    clearTimeout(this.timer);
    if (this.underWay && !last) { await this.underWay; }
    if (this.closed) return;
    this.mark();
    this.underWay = this.putAll(last).finally(() => { this.underWay = null; });
    await this.underWay;
  }

  /** What stands in the field goes last: the server shows again what was written last. A page that is left cannot wait in between. */
  async putAll(last) {
    const kinds = Object.keys(this.unsent).sort((one) => (one === this.form.dataset.kind ? 1 : -1));
    if (last) await Promise.all(kinds.map((kind) => this.put(kind, true)));
    else for (const kind of kinds) if (this.unsent[kind] !== undefined) await this.put(kind, false);
  }

  put(kind, last) {
    const text = this.unsent[kind];
    const { body } = JSON.parse(text);
    delete this.unsent[kind];
    this.kept[kind] = text;
    const failed = () => { this.said(words().draftFailed); this.kept[kind] = ""; this.unsent[kind] ??= text; };
    return fetch(this.url, { method: "PUT", headers: { "content-type": "application/json" }, body: text, credentials: "same-origin", keepalive: last && text.length < 60_000 })
      .then((answer) => {
        if (!answer.ok) { failed(); return; }
        this.had[kind] = body;
        this.said(answer.status === 204 ? "" : words().draftSaved);
      })
      .catch(failed);
  }

  said(text) { if (this.state) this.state.textContent = text ?? ""; }

  /**
   * Nothing is kept any more of what is sent; what is under way is waited for, so that it cannot come after the sending. What is
   * begun of the other kind is kept before.
   */
  async close() {
    clearTimeout(this.timer);
    this.closed = true;
    await this.underWay;
    delete this.unsent[this.form.dataset.kind];
    await Promise.all(Object.keys(this.unsent).map((kind) => this.put(kind, true)));
  }
}

function lineOf(form, file) {
  const item = document.createElement("li");
  item.dataset.file = file.id;
  const box = Object.assign(document.createElement("input"), { type: "checkbox", name: "kept", value: file.id, id: `kept-${file.id}`, checked: true });
  const label = Object.assign(document.createElement("label"), { htmlFor: box.id, textContent: `${file.filename} ` });
  label.append(Object.assign(document.createElement("span"), { className: "muted", textContent: size(file.size_bytes) }));
  item.append(box, label);
  removable(form, item);
  return item;
}

/** A button in the place of the box: gone at once, here and on the server. */
function removable(form, item) {
  const name = item.querySelector("label").firstChild.textContent.trim();
  const button = Object.assign(document.createElement("button"), { type: "button", className: "icon-button", textContent: "×" });
  button.setAttribute("aria-label", say("fileRemove", name));
  button.addEventListener("click", async () => {
    const answer = await fetch(`/api/admin/support/tickets/${form.dataset.ticket}/draft/attachments/${item.dataset.file}`, { method: "DELETE", credentials: "same-origin" }).catch(() => null);
    if (!answer || (!answer.ok && answer.status !== 404)) return;
    form.kinds.remove(item);
    form.elements.body.focus();
  });
  item.querySelector("input").hidden = true;
  item.append(button);
}

/** Shows files that the server has now, with the others of the kind they were added to. */
export function addShown(form, files, kind = form.dataset.kind) { for (const file of files) form.kinds.add(kind, lineOf(form, file)); }

/** Stores a file with what it was chosen for, whatever is ticked by the time it is its turn. */
function upload(form, file, kind) {
  const item = document.createElement("li");
  const bar = Object.assign(document.createElement("progress"), { max: 1, value: 0 });
  bar.setAttribute("aria-label", say("uploading", file.name));
  item.append(`${file.name} `, bar);
  form.kinds.add(kind, item);
  return new Promise((done) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/admin/support/tickets/${form.dataset.ticket}/draft/attachments`);
    request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) bar.value = event.loaded / event.total; });
    request.addEventListener("loadend", () => {
      if (request.status === 201) {
        form.kinds.remove(item);
        addShown(form, JSON.parse(request.responseText).items, kind);
      } else {
        let why = say("fileFailed", file.name);
        try { why = `${why} ${JSON.parse(request.responseText).detail}`; } catch { /* no answer at all */ }
        item.textContent = why;
        item.className = "field-problem";
      }
      done();
    });
    const body = new FormData();
    body.append("kind", kind);
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
  const { kind } = form.dataset;
  const answer = await fetch("/api/admin/support/preview", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ body: form.elements.body.value }), credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok) return;
  const { html } = await answer.json();
  // Turned to the other kind meanwhile: it is not what stands there.
  if (kind !== form.dataset.kind) return;
  // The server's HTML, clean already.
  box.innerHTML = html;
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
  const drawn = { kind: form.dataset.kind, body: form.elements.body.defaultValue };
  form.kinds = startKinds(form, () => keeper.mark());
  for (const begun of [drawn, ...form.kinds.begun().filter(({ kind }) => kind !== drawn.kind)]) if (begun.body) keeper.drawn(begun);
  keeper.back();
  for (const item of [...form.querySelectorAll("[data-kept] > li"), ...form.kinds.begun().flatMap(({ files }) => files)]) removable(form, item);
  form.addEventListener("input", () => keeper.soon());
  form.addEventListener("change", () => keeper.soon());
  for (const button of form.querySelectorAll("[data-no-js]")) button.hidden = true;
  for (const hint of form.querySelectorAll("[data-js]")) hint.hidden = false;
  const input = form.querySelector("input[type=file]");
  let uploads = Promise.resolve();
  const take = () => {
    const files = [...input.files];
    const { kind } = form.dataset;
    input.value = "";
    for (const file of files) uploads = uploads.then(() => upload(form, file, kind));
  };
  input?.addEventListener("change", take);
  // Chosen before this script was there: nothing waits in the field for whatever is sent.
  if (input?.files.length) take();
  const button = form.querySelector("[data-preview-button]");
  button?.addEventListener("click", (event) => { event.preventDefault(); preview(form, button); });
  form.addEventListener("turned", () => {
    const box = form.querySelector("[data-preview]");
    if (box.hidden) return;
    box.hidden = true;
    form.querySelector(".composer-text").hidden = false;
    button.textContent = words().preview;
  });
  // What is under way arrives first: a draft that comes after its answer would be a ghost.
  let ready = false;
  form.addEventListener("submit", (event) => {
    if (ready) return;
    event.preventDefault();
    const { submitter } = event;
    // In a turn of its own: while this event is still being told, a form does not submit again.
    Promise.all([keeper.close(), uploads]).then(() => setTimeout(() => { ready = true; form.requestSubmit(submitter); }));
  });
  addEventListener("pagehide", () => keeper.leave());
  addEventListener("pageshow", (event) => { if (event.persisted) { ready = false; keeper.closed = false; } });
  let timer = 0;
  const tick = () => { clearTimeout(timer); if (countDown()) timer = setTimeout(tick, 500); };
  tick();
  document.addEventListener("live:refreshed", tick);
}
