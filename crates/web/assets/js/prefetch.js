// Fetches a page when its link is pointed at or focused, so that the click finds it in the cache.
const seen = new Set();
const saving = navigator.connection?.saveData === true;

function prefetch(event) {
  const link = event.target.closest?.("a[href]");
  if (!link || link.dataset.noPrefetch !== undefined || link.target || link.hasAttribute("download")) return;
  const url = new URL(link.href, location.href);
  if (url.origin !== location.origin || seen.has(url.href)) return;
  if (url.pathname === location.pathname && url.search === location.search) return;
  seen.add(url.href);
  const hint = document.createElement("link");
  hint.rel = "prefetch";
  hint.href = url.href;
  document.head.append(hint);
}

export function startPrefetch() {
  if (saving) return;
  document.addEventListener("pointerover", prefetch, { passive: true });
  document.addEventListener("focusin", prefetch);
}
