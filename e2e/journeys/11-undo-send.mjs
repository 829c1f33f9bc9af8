// An answer waits some seconds: it can be taken back, and until it goes nobody outside knows of it.
import { setTimeout as sleep } from "node:timers/promises";
import { answer } from "../lib/flows.mjs";
import { people } from "../lib/world.mjs";

export default async (t) => {
  const { world } = t;
  const said = async (id) => (await world.api("GET", `/api/admin/support/tickets/${id}`)).json.messages.length;
  await world.undoSend(5);
  try {
    for (const js of [true, false]) {
      const how = js ? "" : " (no JavaScript)";
      const { id } = await world.ticket({ subject: `Sent too early${how}`, description: "Please help.", category: "other", user_email: people.dora.email });
      const [ben, dora] = [await t.as("ben", { js }), await t.as("dora")];
      await ben.goto(`/desk/tickets/${id}`);
      await answer(ben, "Dear **Walter**,", { then: "resolved" });
      const held = ben.locator(".held-mine");
      await t.sees(ben, `the answer is shown, waiting${how}`, held.filter({ hasText: "Walter" }));
      if (js) await t.sees(ben, "and counts down", held.locator("[data-countdown]", { hasText: /in \d s/ }));
      await dora.goto(`/help/tickets/${id}`);
      t.check(`the customer sees nothing of it${how}`, !(await dora.content()).includes("Walter") && (await said(id)) === 1);
      await held.getByRole("button", { name: "Take back" }).click();
      await t.sees(ben, `it is taken back${how}`, ben.getByText("Taken back. It is your draft again."));
      t.check(`into the composer${how}`, (await ben.locator("textarea[name=body]").inputValue()) === "Dear **Walter**,");
      t.check(`with the status that was chosen${how}`, (await ben.locator("select[name=then]").inputValue()) === "resolved");
      await sleep(6_500);
      t.check(`and does not go out${how}`, (await said(id)) === 1);
      await answer(ben, "Dear **Dora**,", { then: "pending_customer" });
      await t.sees(ben, `the next one waits too${how}`, held.filter({ hasText: "Dora" }));
      if (!js) { await sleep(7_000); await ben.reload(); }
      await t.sees(ben, `and is released${how}`, ben.locator(".message-outbound strong", { hasText: "Dora" }), 15_000);
      await t.sees(ben, `with its status${how}`, ben.locator(".conversation-meta", { hasText: /Waiting/ }));
      t.check(`nothing waits any more${how}`, (await held.count()) === 0);
      await t.sees(dora, `the customer reads it${how}`, dora.locator(".bubble-theirs strong", { hasText: "Dora" }), 12_000);
      for (const page of [ben, dora]) await page.context().close();
    }
  } finally {
    await world.undoSend(0);
  }
};
