// The words of letters: a preview while they are typed, with JavaScript and without, a test to oneself, and what another
// language says about it.
import { PHONE } from "../lib/journey.mjs";
import { people } from "../lib/world.mjs";

const LETTER = "/admin/letters/ticket_confirmation";

/** Words in the frame, asked of the page around it: nothing runs inside. */
async function shows(t, page, what, text) {
  let said = "";
  for (let tries = 0; tries < 60; tries += 1) {
    said = await page.evaluate(() => document.getElementsByName("letter-preview")[0].contentDocument?.body?.textContent ?? "");
    if (said.includes(text)) break;
    await page.waitForTimeout(100);
  }
  t.check(what, said.includes(text), said);
}

async function typesWithJavaScript(t) {
  const page = await t.as("admin");
  await page.goto(LETTER);
  await shows(t, page, "the letter stands beside its template", "Your support request SUP-00042 has been received");
  t.check("there is no button for what happens by itself", !(await page.getByRole("button", { name: "Preview" }).isVisible()));
  const before = await page.evaluate(() => history.length);
  const subject = page.getByLabel("Subject");
  await subject.fill("Received: {{ ticket_num");
  await shows(t, page, "half a placeholder is said to be wrong", "syntax error");
  await subject.fill("Received: {{ ticket_number }}");
  await shows(t, page, "the subject follows the keys", "Received: SUP-00042");
  await page.getByLabel("Text").fill("Dear **{{ name }}**,\n\n[Look]({{ link }})\n\n{{ business }}");
  await shows(t, page, "and so does the text", "Dear Ada Byron");
  const frame = await page.evaluate(() => {
    const { documentElement } = document.getElementsByName("letter-preview")[0].contentDocument;
    documentElement.querySelector("details").open = true;
    return { language: documentElement.lang, button: getComputedStyle(documentElement.querySelector("a")).borderTopWidth };
  });
  t.check("the frame says its language, and a letter keeps its style in it", frame.language === "en" && frame.button === "1px", JSON.stringify(frame));
  await page.getByLabel("Text").press("End");
  await page.getByLabel("Text").pressSequentially(" team");
  await shows(t, page, "the text follows", "Broadband team");
  const isOpen = await page.evaluate(() => document.getElementsByName("letter-preview")[0].contentDocument.querySelector("details").open);
  t.check("and the text part stays open", isOpen);
  t.check("the way back is not full of previews", (await page.evaluate(() => history.length)) === before);

  await page.getByRole("button", { name: "Send me a test" }).click();
  await t.sees(page, "a test is on its way", page.getByRole("status").getByText("A test is on its way to"));
  t.check("what was typed is still there", (await subject.inputValue()) === "Received: {{ ticket_number }}");
  await shows(t, page, "in the frame, too", "Received: SUP-00042");
  await t.shot(page, "letter-tested", true);
  const letter = await t.world.letter((text) => text.includes("Test: Received: SUP-00042"));
  t.check("it is to whoever asked", new RegExp(`^To:.*${people.admin.email}`, "im").test(letter), letter);
  await page.goto(LETTER);
  t.check("nothing was saved", (await subject.inputValue()).startsWith("Your support request"));
}

async function typesWithout(t) {
  const page = await t.as("admin", { js: false, viewport: PHONE });
  await page.goto(`${LETTER}?locale=de`);
  await shows(t, page, "the default is in the language", "ist bei uns eingegangen");
  await page.getByLabel("Subject").fill("Da: {{ ticket_number }}");
  await page.getByRole("button", { name: "Preview" }).click();
  await shows(t, page, "the button shows what is typed in the frame", "Da: SUP-00042");
  t.check("and the form stays as it is", (await page.getByLabel("Subject").inputValue()) === "Da: {{ ticket_number }}");
  await t.shot(page, "letter-without-js", true);

  await page.goto(LETTER);
  await page.getByLabel("Subject").fill("We have {{ ticket_number }}");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("link", { name: "Deutsch" }).click();
  await t.sees(page, "German says that its readers get English", page.getByText("gets the letter in English"));
  await t.shot(page, "letter-stand-in", true);
  await page.getByRole("button", { name: "Save" }).click();
  await page.goto(`${LETTER}?locale=de`);
  t.check("until its own words are saved", (await page.getByText("gets the letter in English").count()) === 0);
  for (const locale of ["en", "de"]) {
    await page.goto(`${LETTER}?locale=${locale}`);
    await page.getByRole("button", { name: "Back to the default" }).click();
    await page.getByRole("button", { name: "Back to the default" }).click();
    await t.sees(page, `${locale} is the default again`, page.getByText("Back to the default wording."));
  }
}

export default async (t) => {
  await typesWithJavaScript(t);
  await typesWithout(t);
};
