// Keeps relative times true while the page stays open. The words come from the server, so that they never differ.
const words = () => document.getElementById("words")?.dataset ?? {};

function text(seconds) {
  const w = words();
  const say = (pattern, n) => pattern?.replace("#", String(n));
  if (seconds < 45) return w.timeNow;
  if (seconds < 3600) return say(w.timeMinutes, Math.max(1, Math.floor((seconds + 30) / 60)));
  if (seconds < 86400) return say(w.timeHours, Math.floor(seconds / 3600));
  if (seconds < 7 * 86400) return say(w.timeDays, Math.floor(seconds / 86400));
  return null;
}

export function refreshTimes(root = document) {
  const now = Date.now();
  for (const time of root.querySelectorAll("time[data-relative]")) {
    const seconds = (now - Date.parse(time.dateTime)) / 1000;
    if (seconds < 0) continue;
    const next = text(seconds);
    if (next && next !== time.textContent) time.textContent = next;
  }
}

export function startTimes() {
  setInterval(refreshTimes, 30_000);
  document.addEventListener("visibilitychange", () => document.hidden || refreshTimes());
}
