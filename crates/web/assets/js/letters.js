// A letter beside its template, as it is typed. Without this module a button shows it in the same frame.

function startPreview(form) {
  const button = form.querySelector("[data-letter-preview]");
  const frame = document.getElementsByName(button.formTarget)[0];
  let timer = 0, latest = 0;
  button.hidden = true;

  async function show() {
    const turn = ++latest;
    const answer = await fetch(button.formAction, { method: "POST", body: new URLSearchParams(new FormData(form)), credentials: "same-origin" }).catch(() => null);
    // What is wrong with a template is an answer, too.
    if (!answer || (!answer.ok && answer.status !== 422) || turn !== latest) return;
    const html = new DOMParser().parseFromString(await answer.text(), "text/html");
    const shown = frame.contentDocument?.documentElement;
    if (turn !== latest || !shown) return;
    const open = shown.querySelector("details")?.open;
    const at = frame.contentWindow.scrollY;
    // In place, so that the frame neither blinks nor fills the list of pages to go back to.
    shown.innerHTML = html.documentElement.innerHTML;
    shown.lang = html.documentElement.lang;
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
