// An answer and a note are begun beside each other: the field shows the one that is ticked, the other waits with its files.
// What was written for the team never stands where an answer is sent from.

/** `form.dataset.kind` is what the field holds. `leaving` is called before something else stands there. */
export function startKinds(form, leaving) {
  const text = form.elements.body;
  const list = form.querySelector("[data-kept]");
  const waiting = {};
  const aside = form.querySelector("template[data-aside]");
  if (aside) waiting[aside.dataset.aside] = { body: aside.content.querySelector("pre").textContent, files: [...aside.content.querySelectorAll("li")] };
  const ticked = () => form.querySelector("input[name=kind]:checked")?.value ?? form.dataset.kind;

  function turn(kind) {
    waiting[form.dataset.kind] = { body: text.value, files: [...list.children] };
    const { body, files } = waiting[kind] ?? { body: "", files: [] };
    delete waiting[kind];
    form.dataset.kind = kind;
    text.value = body;
    list.replaceChildren(...files);
    list.hidden = files.length === 0;
    form.dispatchEvent(new CustomEvent("turned"));
  }

  // A browser that loads the page again may remember what was ticked, and the text that goes with it.
  if (ticked() !== form.dataset.kind) {
    const remembered = text.value;
    text.value = text.defaultValue;
    turn(ticked());
    if (remembered) text.value = remembered;
  }
  form.addEventListener("change", () => {
    if (ticked() === form.dataset.kind) return;
    leaving();
    turn(ticked());
  });
  return {
    /** What waits: its kind, its text, the lines of its files. */
    begun: () => Object.entries(waiting).map(([kind, begun]) => ({ kind, ...begun })),
    /** Puts the line of a file where those of its kind are. */
    add(kind, line) {
      if (kind !== form.dataset.kind) { (waiting[kind] ??= { body: "", files: [] }).files.push(line); return; }
      list.append(line);
      list.hidden = false;
    },
  };
}
