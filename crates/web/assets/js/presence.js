// Says every ten seconds that somebody is here, and shows who else is. Silence means gone, so nothing has to be cleared.
import { refresh } from "./live.js";

const EVERY = 10_000;
const words = () => document.getElementById("words")?.dataset ?? {};

export function startPresence() {
  const place = document.querySelector("[data-presence]");
  const form = document.querySelector("form[data-composer][data-ticket]");
  if (!place || !form) return;
  const url = `/api/admin/support/tickets/${form.dataset.ticket}/presence`;
  let typed = 0, told = "", timer = 0, sending = null;

  const doing = () => (Date.now() - typed < EVERY ? "typing" : "viewing");

  function show({ items }) {
    const line = items.map(({ name, is_typing, is_sending }) => {
      const word = is_sending ? words().presenceSending : is_typing ? words().presenceWriting : words().presenceLooking;
      return word.replace("#", name);
    });
    const text = line.join(" · ");
    if (place.textContent.trim() !== text) place.textContent = text;
    // An answer on its way is part of the page: it came, or went, or was taken back.
    const now = items.filter((one) => one.is_sending).map((one) => one.user_id).join();
    if (sending !== null && sending !== now) refresh();
    sending = now;
  }

  async function tell() {
    clearTimeout(timer);
    timer = setTimeout(tell, EVERY);
    // A tab nobody sees is nobody looking.
    if (document.hidden) return;
    told = doing();
    try {
      const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ doing: told }), credentials: "same-origin" });
      if (answer.ok) show(await answer.json());
      else if (answer.status === 403 || answer.status === 404) clearTimeout(timer);
    } catch { /* the network is away; said again soon */ }
  }

  function leave() {
    clearTimeout(timer);
    fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ doing: "gone" }), credentials: "same-origin", keepalive: true }).catch(() => {});
  }

  form.elements.body.addEventListener("input", () => {
    typed = Date.now();
    if (told !== "typing") { told = "typing"; tell(); }
  });
  document.addEventListener("live:presence", async (event) => {
    if (event.detail.ticket_id !== form.dataset.ticket || document.hidden) return;
    const answer = await fetch(url, { credentials: "same-origin" }).catch(() => null);
    if (answer?.ok) show(await answer.json());
  });
  document.addEventListener("visibilitychange", () => { if (document.hidden) leave(); else tell(); });
  addEventListener("pagehide", leave);
  addEventListener("pageshow", (event) => { if (event.persisted) tell(); });
  tell();
}
