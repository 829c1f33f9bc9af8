// Adds and removes the rows of a form in place. Without this module the same buttons answer with the page anew; here its
// form takes the place of the old one.
export function startRows() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-in-place]");
    const form = button?.closest("form[data-rows]");
    if (!form || form.dataset.busy) return;
    event.preventDefault();
    form.dataset.busy = "true";
    const body = new URLSearchParams(new FormData(form));
    body.append(button.name, button.value);
    try {
      const answer = await fetch(form.action, { method: "POST", body, headers: { accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = page.getElementById(form.id);
      if (!answer.ok || !next) throw new Error(answer.statusText);
      const group = button.closest("section")?.querySelector("h2")?.id;
      form.replaceWith(document.adoptNode(next));
      focusIn(document.getElementById(group)?.closest("section"), button.value.startsWith("add"));
    } catch {
      // What the server says is said in full.
      delete form.dataset.busy;
      button.removeAttribute("data-in-place");
      button.click();
    }
  });
}

function focusIn(section, added) {
  const rows = section?.querySelectorAll(".rule-part");
  const row = added && rows?.length ? rows[rows.length - 1] : null;
  const target = row?.querySelector("select, input:not([type=hidden]), textarea") ?? section?.querySelector(".rule-add select");
  target?.focus();
}
