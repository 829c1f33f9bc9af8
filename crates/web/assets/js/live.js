// Replaces what changed on the server, and only that. One stream per browser: a shared worker holds it for all tabs.
// The body says what the page is about: data-live-topics="queue ticket", data-live-ticket="<id>".
// Elements marked data-live with an id are replaced when the same page, fetched again, has other content for them.
import { refreshTimes } from "./time.js";

const topics = new Set((document.body.dataset.liveTopics ?? "").split(" ").filter(Boolean));
const ticket = document.body.dataset.liveTicket;
// Where this page is, when it was the answer to a form and its own address cannot be fetched.
const page = document.body.dataset.livePage;
// Where much happens a page is fetched this often and no more.
const PAUSE = 1_000;
let waiting = 0;
let last = 0;
let running = false;
let again = false;

function concerns(change) {
  if (change.topic === "resync") return true;
  if (change.topic === "ticket" && ticket) return change.ticket_id === ticket || topics.has("queue");
  if (change.topic === "presence") return false;
  if (change.topic === "ticket") return topics.has("queue");
  return topics.has(change.topic);
}

// Somebody is typing or choosing in there, or has and not sent it yet: leave it alone.
const touched = (field) => field.matches("select")
  ? [...field.options].some((o) => o.selected !== o.defaultSelected) && [...field.options].some((o) => o.defaultSelected)
  : field.matches("[type=checkbox], [type=radio]") ? field.checked !== field.defaultChecked // without a value it has one: "on"
  : field.type !== "hidden" && field.value !== field.defaultValue;
// The version an answer is written against stays what it was when its first word was typed, so that sending it can say
// what came in since.
const writing = (field) => field.type === "hidden" && [...field.form?.querySelectorAll("textarea") ?? []].some((text) => text.value);
const inUse = (element) => element.matches("input") ? writing(element) : [...element.querySelectorAll("input, select, textarea")]
  .some((field) => field === document.activeElement || touched(field));

/** `read`: somebody is reading, so the server may mark it read. */
export async function refresh({ read = false } = {}) {
  if (running) { again = true; return; }
  running = true;
  try {
    const answer = await fetch(page ?? location.href, { headers: { accept: "text/html", ...(read ? {} : { "x-live": "1" }) }, credentials: "same-origin" });
    if (!answer.ok || answer.redirected) return;
    const next = new DOMParser().parseFromString(await answer.text(), "text/html");
    let changed = false;
    for (const old of document.querySelectorAll("[data-live][id]")) {
      const fresh = next.getElementById(old.id);
      if (!fresh || inUse(old)) continue;
      const before = old.innerHTML;
      if (fresh.innerHTML === before && fresh.value === old.value && fresh.textContent === old.textContent) continue;
      const focused = old.contains(document.activeElement) ? document.activeElement.id || document.activeElement.getAttribute("href") : null;
      const grew = old.dataset.liveThread !== undefined && fresh.children.length > old.children.length;
      const node = document.importNode(fresh, true);
      const folds = node.querySelectorAll("details");
      old.querySelectorAll("details").forEach((fold, n) => { if (fold.open && folds[n]) folds[n].open = true; });
      old.replaceWith(node);
      if (focused) (document.getElementById(focused) ?? node.querySelector(`[href="${CSS.escape(focused)}"]`))?.focus();
      changed ||= grew;
    }
    // The word about the last form is said once: if this answer carries it, it is said here.
    const [said, word] = [document.getElementById("flash"), next.getElementById("flash")];
    if (said && word?.children.length && !said.children.length) said.replaceWith(document.importNode(word, true));
    refreshTimes();
    document.dispatchEvent(new CustomEvent("live:refreshed"));
    if (changed) announce(document.getElementById("words")?.dataset.liveChanged);
  } catch {
    // The network is away; the stream will say when it is back.
  } finally {
    running = false;
    last = Date.now();
    if (again) { again = false; schedule(); }
  }
}

function announce(text) {
  const region = document.getElementById("announcer");
  if (region && text) region.textContent = text;
}

// Several events of one change arrive together: wait a moment, fetch once. More of them do not put it off any further.
function schedule() {
  if (waiting) return;
  const wait = document.hidden ? 2_000 : Math.max(150, last + PAUSE - Date.now());
  waiting = setTimeout(() => { waiting = 0; refresh(); }, wait);
}

function received(change) {
  // Who is where is asked for by itself: the page need not be fetched for it.
  if (change.topic === "presence") document.dispatchEvent(new CustomEvent("live:presence", { detail: change }));
  if (concerns(change)) schedule();
}

export function startLive() {
  if (topics.size === 0 || !document.body.dataset.liveUrl) return;
  const { liveUrl: url, liveSince: since } = document.body.dataset;
  if (window.SharedWorker) {
    try {
      const worker = new SharedWorker(new URL("./live-worker.js", import.meta.url), { name: "live" });
      worker.port.onmessage = (event) => received(event.data);
      worker.port.start();
      worker.port.postMessage({ open: url, since });
      addEventListener("pagehide", () => worker.port.postMessage({ close: true }));
      addEventListener("pageshow", (event) => { if (event.persisted) { worker.port.postMessage({ open: url }); schedule(); } });
      return;
    } catch {
      // Not allowed here: a stream of this tab's own.
    }
  }
  const stream = new EventSource(`${url}?since=${encodeURIComponent(since)}`);
  stream.addEventListener("change", (event) => received(JSON.parse(event.data)));
}
