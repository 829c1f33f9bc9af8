// Two agents on one ticket: each sees the other, and nobody answers over somebody.
import { answer } from "../lib/flows.mjs";

export default async (t) => {
  const { id } = await t.world.ticket({ subject: "Who is on it?", description: "Hello?", category: "other", user_email: "emil@mail.example" });
  const [ben, cleo] = [await t.as("ben"), await t.as("cleo")];
  const presence = (page) => page.locator("#presence");
  await ben.goto(`/desk/tickets/${id}`);
  await cleo.goto(`/desk/tickets/${id}`);
  await t.sees(ben, "the first sees the second come", presence(ben).filter({ hasText: "Cleo Lindqvist is looking" }));
  await t.sees(cleo, "the second sees the first", presence(cleo).filter({ hasText: "Ben Okafor is looking" }));
  const etag = async () => (await t.world.api("GET", `/api/admin/support/tickets/${id}`)).headers.get("etag");
  const version = await etag();
  await ben.locator("textarea[name=body]").pressSequentially("A careful answer, with @hoc remarks");
  await t.sees(cleo, "and that he writes", presence(cleo).filter({ hasText: "Ben Okafor is replying" }));
  t.check("being there changes nothing", Boolean(version) && (await etag()) === version);
  await t.sees(ben, "the draft is on the server", ben.locator("[data-draft-state]", { hasText: "Draft saved" }));
  await ben.locator("select[name=then]").selectOption("pending_customer");
  await ben.locator("#attachments").setInputFiles({ name: "measured.txt", mimeType: "text/plain", buffer: Buffer.from("7 dB\n") });
  await t.sees(ben, "with its file", ben.locator("[data-kept] li", { hasText: "measured.txt" }));

  await answer(cleo, "Cleo was quicker.");
  await t.sees(ben, "her answer comes in while he writes", ben.locator(".message-outbound", { hasText: "Cleo was quicker." }));
  await ben.getByRole("button", { name: "Send" }).click();
  const refused = ben.locator(".composer [role=alert]");
  await t.sees(ben, "his is refused", refused.filter({ hasText: "Not sent" }));
  await t.sees(ben, "with what came in", refused.filter({ hasText: "Cleo was quicker." }));
  t.check("without what he had seen", !(await refused.innerText()).includes("Hello?"));
  t.check("the text is kept", (await ben.locator("textarea[name=body]").inputValue()).startsWith("A careful answer"));
  t.check("so is the choice of a status", (await ben.locator("select[name=then]").inputValue()) === "pending_customer");
  await t.sees(ben, "and the file", ben.locator("[data-kept] li", { hasText: "measured.txt" }));

  await ben.goto("/desk?view=all");
  await t.sees(ben, "the queue marks his draft", ben.locator("tr", { hasText: "Who is on it?" }).locator(".draft-mark"));
  await cleo.goto("/desk?view=all");
  t.check("for him alone", (await cleo.locator(".draft-mark").count()) === 0);
  await ben.goto(`/desk/tickets/${id}`);
  t.check("the page opens with the draft", (await ben.locator("textarea[name=body]").inputValue()).startsWith("A careful answer"));
  await ben.getByRole("button", { name: "Preview" }).click();
  await t.sees(ben, "it can be looked at", ben.locator("[data-preview]", { hasText: "A careful answer" }));
  await ben.getByRole("button", { name: "Write on" }).click();
  await ben.getByRole("button", { name: "Send" }).click();
  const sent = ben.locator(".message-outbound", { hasText: "A careful answer" });
  await t.sees(ben, "sent again, it goes with its file", sent.filter({ hasText: "measured.txt" }));
  await ben.reload();
  t.check("and is no draft any more", (await ben.locator("textarea[name=body]").inputValue()) === "");
  await cleo.goto(`/desk/tickets/${id}`);
  await t.sees(cleo, "he is still there", presence(cleo).filter({ hasText: "Ben Okafor is looking" }));
  await ben.goto("/desk");
  await cleo.waitForFunction(() => document.getElementById("presence").textContent.trim() === "").then(() => t.check("until he leaves", true), () => t.check("until he leaves", false));
};
