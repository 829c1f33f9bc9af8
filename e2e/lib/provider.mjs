// A provider of sign-ins on loopback (RFC 6749 with RFC 7636): people allow at /authorize, programs fetch at /token.
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";

export const CLIENT = { id: "harbour-desk", secret: "a secret of the provider's & ours" };
const secret = () => randomBytes(16).toString("base64url");

export class Provider {
  static async start() {
    const provider = new Provider();
    provider.codes = new Map();
    provider.fetched = 0;
    provider.server = createServer((request, response) => provider.answer(request, response));
    await new Promise((resolve) => provider.server.listen(0, "127.0.0.1", resolve));
    provider.url = `http://127.0.0.1:${provider.server.address().port}`;
    return provider;
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }

  async answer(request, response) {
    const { pathname, searchParams } = new URL(request.url, this.url);
    if (pathname === "/authorize") return this.authorize(searchParams, response);
    if (pathname === "/token" && request.method === "POST") {
      let body = "";
      for await (const piece of request) body += piece;
      return this.token(new URLSearchParams(body), response);
    }
    response.writeHead(404).end();
  }

  /** What the person sees, and where each button leads. */
  authorize(asked, response) {
    const code = secret();
    this.codes.set(code, { challenge: asked.get("code_challenge"), redirect: asked.get("redirect_uri") });
    const back = (answers) => {
      const url = new URL(asked.get("redirect_uri"));
      for (const [name, value] of Object.entries({ ...answers, state: asked.get("state") })) url.searchParams.set(name, value);
      return url.href.replaceAll("&", "&amp;");
    };
    const known = asked.get("client_id") === CLIENT.id && asked.get("code_challenge_method") === "S256";
    const page = known
      ? `<p>Sign in as ${asked.get("login_hint") ?? "anybody"}</p><a href="${back({ code })}">Allow</a> <a href="${back({ error: "access_denied" })}">Deny</a>`
      : "<p>Who are you?</p>";
    response.writeHead(200, { "content-type": "text/html" }).end(`<!doctype html><html lang="en"><title>Provider</title><link rel="icon" href="data:,">${page}`);
  }

  token(asked, response) {
    const code = this.codes.get(asked.get("code"));
    this.codes.delete(asked.get("code"));
    const proof = createHash("sha256").update(asked.get("code_verifier") ?? "").digest("base64url");
    const good = code?.challenge === proof && code.redirect === asked.get("redirect_uri") && asked.get("client_secret") === CLIENT.secret;
    if (good) this.fetched += 1;
    const said = good
      ? { access_token: secret(), refresh_token: secret(), expires_in: 3600, token_type: "Bearer", scope: "mail offline_access" }
      : { error: "invalid_grant" };
    response.writeHead(good ? 200 : 400, { "content-type": "application/json" }).end(JSON.stringify(said));
  }
}
