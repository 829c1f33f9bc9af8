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

  const of = (kind) => (waiting[kind] ??= { body: "", files: [] });

  function turn(kind) {
    waiting[form.dataset.kind] = { body: text.value, files: [...list.children] };
    const { body, files } = of(kind);
    delete waiting[kind];
    form.dataset.kind = kind;
    text.value = body;
    list.replaceChildren(...files);
    list.hidden = files.length === 0;
    form.dispatchEvent(new CustomEvent("turned"));
  }

  // Ticked before this script was there. What stood in the field of a note stays a note, also with more typed into it; what was
  // typed after a note was ticked is one, above what is begun of it.
  const typed = text.value === text.defaultValue ? null : text.value;
  if (ticked() !== form.dataset.kind) {
    if (typed !== null && form.dataset.kind === "note") form.querySelector("input[name=kind][value=note]").checked = true;
    else {
      text.value = text.defaultValue;
      turn(ticked());
      if (typed !== null) text.value = text.value ? `${typed}\n\n${text.value}` : typed;
    }
  }
  form.addEventListener("change", () => {
    if (ticked() === form.dataset.kind) return;
    leaving();
    turn(ticked());
  });
  return {
    /** What waits: its kind, its text, the lines of its files. */
    begun: () => Object.entries(waiting).map(([kind, begun]) => ({ kind, ...begun })),
    /** Text of this kind, in the field or where it waits. */
    write(kind, body) { if (kind === form.dataset.kind) text.value = body; else of(kind).body = body; },
    /** Puts the line of a file where those of its kind are. */
    add(kind, line) {
      if (kind !== form.dataset.kind) { of(kind).files.push(line); return; }
      list.append(line);
      list.hidden = false;
    },
    /** Takes it away from there, wherever they are by now. */
    remove(line) {
      line.remove();
      for (const one of Object.values(waiting)) one.files = one.files.filter((other) => other !== line);
      list.hidden = list.children.length === 0;
    },
  };
}
