// Counts beside saved views: counted by looking, so asked for after the page is there, and again when the queue moves.
let waiting = 0;

async function fill() {
  try {
    const answer = await fetch("/api/admin/support/views?counts=true", { headers: { accept: "application/json" }, credentials: "same-origin" });
    if (!answer.ok) return;
    for (const view of (await answer.json()).items) {
      const link = document.querySelector(`[data-view="${CSS.escape(view.key)}"]`);
      if (!link || view.count === null) continue;
      let badge = link.querySelector(".count");
      if (view.count === 0) { badge?.remove(); continue; }
      if (!badge) link.append(badge = Object.assign(document.createElement("span"), { className: "count" }));
      badge.textContent = view.count > 999 ? "999+" : String(view.count);
    }
  } catch {
    // No count is better than a wrong one.
  }
}

export function startViews() {
  if (!document.querySelector("[data-view]")) return;
  fill();
  document.addEventListener("live:refreshed", () => {
    clearTimeout(waiting);
    waiting = setTimeout(fill, 2000);
  });
}
