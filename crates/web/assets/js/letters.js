// A letter beside its template, as it is typed. Without this module a button shows it in the same frame.

function startPreview(form) {
  const button = form.querySelector("[data-letter-preview]");
  const frame = document.getElementsByName(button.formTarget)[0];
  let timer = 0, latest = 0;
  button.hidden = true;

  async function show() {
    const turn = ++latest;
    const answer = await fetch(button.formAction, { method: "POST", body: new URLSearchParams(new FormData(form)), credentials: "same-origin" }).catch(() => null);
    if (!answer?.ok || turn !== latest) return;
    const html = await answer.text();
    const shown = frame.contentDocument?.documentElement;
    if (turn !== latest || !shown) return;
    const open = shown.querySelector("details")?.open;
    const at = frame.contentWindow.scrollY;
    // In place, so that the frame neither blinks nor fills the list of pages to go back to. Parsed there, where a letter may
    // have its styles; here it may not.
    shown.innerHTML = html;
    shown.lang = html.match(/<html lang="([^"]*)"/)?.[1] ?? "";
    shown.querySelector("details")?.toggleAttribute("open", open ?? false);
    frame.contentWindow.scrollTo(0, at);
  }

  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(show, 250); });
  // What is typed may be more than what is saved: a test was sent, or the page was gone back to.
  frame.addEventListener("load", show, { once: true });
  if (frame.contentDocument?.readyState === "complete" && frame.contentDocument.URL !== "about:blank") show();
}

export function startLetters() {
  for (const form of document.querySelectorAll("[data-letter-form]")) startPreview(form);
}
