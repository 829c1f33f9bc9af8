// Asks in place before a form that destroys something. Without this module the server asks on a page of its own;
// `confirmed` tells it that the question was answered here.
export function startConfirm() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const question = event.submitter?.dataset.confirm ?? form.dataset.confirm;
    if (!question) return;
    if (!window.confirm(question)) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    if (!form.elements.confirmed) {
      const answer = Object.assign(document.createElement("input"), { type: "hidden", name: "confirmed", value: "true" });
      form.append(answer);
    }
  }, true);
}
