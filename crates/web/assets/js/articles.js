// Articles where people write: suggested to a customer who types a request, found and inserted by an agent who answers.

/** Under the subject: what may answer it already. The server draws the list. */
function suggest(region) {
  const form = region.closest("form");
  const fields = ["subject", "description"].map((name) => form.elements[name]);
  const button = form.querySelector("[data-suggest-button]");
  if (button) button.hidden = true;
  let timer = 0, shown = "", asking = null;
  async function look() {
    const typed = fields.map((field) => field.value.trim()).join(" ").slice(0, 400).trim();
    if (typed === shown) return;
    shown = typed;
    asking?.abort();
    if (typed.length < 4) { region.replaceChildren(); return; }
    asking = new AbortController();
    const answer = await fetch(`${region.dataset.suggest}?q=${encodeURIComponent(typed)}`, { credentials: "same-origin", signal: asking.signal }).catch(() => null);
    // The next key asked again, or we are asked to wait: what is there stays.
    if (!answer?.ok || shown !== typed) return;
    const html = new DOMParser().parseFromString(await answer.text(), "text/html");
    const [was, now] = [region.textContent, html.body.textContent];
    if (was !== now) region.replaceChildren(...document.adoptNode(html.body).childNodes);
  }
  form.addEventListener("input", (event) => {
    if (!fields.includes(event.target)) return;
    clearTimeout(timer);
    timer = setTimeout(look, 350);
  });
  // A draft that this tab kept is there before anything is typed.
  setTimeout(look, 0);
  // Answered: what was typed is not needed any more.
  document.getElementById("answered")?.addEventListener("submit", () => sessionStorage.removeItem(`draft:${form.dataset.draft}`));
}

/** The page that finds an article for an answer, as a dialog over the composer. */
function finder(button) {
  const form = button.closest("form");
  const text = form.elements.body;
  const dialog = Object.assign(document.createElement("dialog"), { className: "article-dialog" });
  document.body.append(dialog);
  const address = (q) => {
    const url = new URL(button.formAction);
    url.searchParams.set("kind", form.dataset.kind);
    url.searchParams.set("q", q);
    return url.href;
  };
  let timer = 0, latest = 0;

  async function page(q) {
    const turn = ++latest;
    const answer = await fetch(address(q), { credentials: "same-origin" }).catch(() => null);
    if (!answer?.ok || turn !== latest) return null;
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  }

  async function open() {
    const found = await page("");
    const part = found?.getElementById("article-finder");
    if (!part) return false;
    const title = document.adoptNode(found.querySelector("h1"));
    title.id = "article-dialog-title";
    dialog.setAttribute("aria-labelledby", title.id);
    dialog.replaceChildren(title, document.adoptNode(part));
    dialog.showModal();
    dialog.querySelector("input[type=search]").focus();
    return true;
  }

  async function find() {
    const list = (await page(dialog.querySelector("input[type=search]").value))?.querySelector(".insertables");
    if (list) dialog.querySelector(".insertables").replaceChildren(...document.adoptNode(list).childNodes);
  }

  function insert(what) {
    const before = text.value.slice(0, text.selectionStart);
    const needsSpace = before && !/\s$/.test(before);
    dialog.close();
    text.focus();
    text.setRangeText(`${needsSpace ? " " : ""}${what}`, text.selectionStart, text.selectionEnd, "end");
    text.dispatchEvent(new Event("input", { bubbles: true }));
  }

  button.addEventListener("click", (event) => {
    event.preventDefault();
    // Without an answer the page itself is asked for.
    open().then((opened) => { if (!opened) location.assign(address("")); });
  });
  dialog.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(find, 200); });
  dialog.addEventListener("submit", (event) => {
    event.preventDefault();
    const what = event.submitter?.dataset.insertText;
    if (what === undefined) find(); else insert(what);
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
}

export function startArticles() {
  for (const region of document.querySelectorAll("[data-suggest]")) suggest(region);
  for (const button of document.querySelectorAll("[data-insert-article]")) finder(button);
}
