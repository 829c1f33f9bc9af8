// Fetches lists and tickets when their link is pointed at, so that the click finds them here. The browser holds such a
// page in memory and for that one click; a page of forms about other things is never fetched ahead, it might be old.
import { refresh } from "./live.js";

const AHEAD = {
  and: [
    { href_matches: ["/desk", "/desk\\?*", "/desk/tickets/*", "/help", "/help/tickets", "/help/tickets/*"] },
    { not: { href_matches: "/desk/tickets/new*" } },
    // The page one is on: a form on it leads back to it, changed.
    { not: { selector_matches: "[aria-current]" } },
  ],
};

export function startPrefetch() {
  // What was fetched ahead may be minutes old, and the server does not know yet that somebody reads it.
  const arrived = performance.getEntriesByType("navigation")[0];
  if (arrived?.deliveryType === "navigational-prefetch") refresh({ read: true });
  if (!HTMLScriptElement.supports?.("speculationrules")) return;
  const rules = { prefetch: [{ source: "document", where: AHEAD, eagerness: "moderate" }] };
  document.head.append(Object.assign(document.createElement("script"), { type: "speculationrules", textContent: JSON.stringify(rules) }));
}
