// A view is kept and shared with a team; a selection is changed and taken back; a card moves by mouse, by key, by form.
const subject = "Storm took the line";

async function views(t) {
  const people = (await t.world.api("GET", "/api/admin/users")).json.items;
  const id = (email) => people.find((one) => one.email.startsWith(email)).id;
  await t.world.api("POST", "/api/admin/teams", { name: "Storm desk", members: [id("ben"), id("cleo")] });
  for (const n of [1, 2, 3]) {
    await t.world.ticket({ subject: `${subject} ${n}`, description: "No light since the storm.", category: "technical", user_email: "emil@mail.example", tags: ["storm"] });
  }
  const ben = await t.as("ben");
  await ben.goto("/desk?view=all&tag=storm");
  await ben.getByText("Save as a view").click();
  await ben.getByLabel("Name").fill("After the storm");
  await ben.getByLabel("Who sees it").selectOption({ label: "Team Storm desk" });
  await ben.getByRole("button", { name: "Save" }).click();
  await t.sees(ben, "the view is in the sidebar", ben.getByRole("navigation", { name: "Main" }).getByRole("link", { name: /After the storm/ }));
  const cleo = await t.as("cleo");
  await cleo.getByRole("link", { name: /After the storm/ }).click();
  await t.sees(cleo, "a colleague of the team has it, too", cleo.getByRole("heading", { level: 1, name: /After the storm/ }));
  t.check("with its tickets alone", (await cleo.locator("tr[data-row]").count()) === 3);
  await t.sees(cleo, "and with its count", cleo.locator(".saved-view .count", { hasText: "3" }));
  return { ben, cleo };
}

async function selection(t, cleo) {
  const rows = cleo.locator("tr[data-row] input[name=ids]");
  await rows.nth(0).click();
  await rows.nth(2).click({ modifiers: ["Shift"] });
  await t.sees(cleo, "shift takes the range", cleo.locator(".bulk-head", { hasText: "3 selected" }));
  await cleo.locator("#bulk select[name=priority]").selectOption("urgent");
  await cleo.getByRole("button", { name: "Apply" }).click();
  await t.sees(cleo, "one request changes all", cleo.locator(".flash", { hasText: "3" }));
  t.check("they are urgent", (await cleo.locator(".priority-urgent").count()) === 3);
  await cleo.locator(".flash").getByRole("button", { name: "Undo" }).click();
  await cleo.goBack().catch(() => {});
  await cleo.goto("/desk?view=all&tag=storm");
  t.check("taken back they are not", (await cleo.locator(".priority-urgent").count()) === 0);
}

async function board(t, ben) {
  await ben.goto("/desk/board?tag=storm");
  const column = (status) => ben.locator(`[data-column=${status}]`);
  const card = (n) => ben.locator("[data-card]", { hasText: `${subject} ${n}` });
  await card(1).dragTo(column("in_progress"));
  await t.sees(ben, "a card is dragged to another column", column("in_progress").locator("[data-card]", { hasText: `${subject} 1` }));
  await card(2).locator("a[data-row]").focus();
  await ben.keyboard.press("Shift+ArrowRight");
  await t.sees(ben, "a card is moved by key", column("open").locator("[data-card]", { hasText: `${subject} 2` }));
  t.check("and keeps the focus", await card(2).locator("a[data-row]").evaluate((a) => a === document.activeElement));
  await card(3).locator("summary").click();
  await card(3).getByRole("button", { name: "Waiting for customer" }).click();
  await t.sees(ben, "a card is moved by its form", column("pending_customer").locator("[data-card]", { hasText: `${subject} 3` }));
  await ben.getByText("New ticket").first().click();
  await ben.locator("#board-email").fill("emil@mail.example");
  await ben.locator("#board-subject").fill("Made on the board");
  await ben.locator("#board-body").fill("We call you back.");
  await ben.locator(".panel-form").getByRole("button", { name: "New ticket" }).click();
  await t.sees(ben, "a ticket is made from here", ben.getByText("The ticket is there."));
}

export default async (t) => {
  const { ben, cleo } = await views(t);
  await selection(t, cleo);
  await board(t, ben);
};
