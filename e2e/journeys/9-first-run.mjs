// An empty installation: the link on the console makes the business and its owner, once.
import { Server } from "../lib/server.mjs";

export default async (t) => {
  const server = await Server.start();
  try {
    await server.serve();
    const link = server.log().match(/\/first-run\/[A-Za-z0-9_-]+/)?.[0];
    t.check("the console shows a link", link !== undefined, server.log());
    const page = await t.open({ js: false, url: server.url });
    const empty = await page.goto("/login");
    t.check("without it there is nothing to sign in to", empty.status() >= 400, empty.status());
    await page.goto(link);
    await t.shot(page, "first-run-light-1440", true);
    await page.getByRole("group", { name: "Your business" }).getByLabel("Name").fill("Juniper Fibre");
    await page.getByRole("group", { name: "Your account" }).getByLabel("Name").fill("Mira Holt");
    await page.getByLabel("E-mail address").fill("mira@juniper.example");
    await page.getByLabel("Password").fill("seven boats in a harbour");
    await page.getByRole("button", { name: "Create" }).click();
    await t.sees(page, "the owner is signed in", page.getByText("Juniper Fibre").first());
    const desk = await page.goto("/admin/settings");
    t.check("and may set it up", desk.status() === 200, desk.status());
    const other = await t.open({ js: false, url: server.url });
    const again = await other.goto(link);
    t.check("the link works once", again.status() === 404, again.status());
  } finally {
    await server.stop();
  }
};
