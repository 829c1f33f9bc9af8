//! What is said to a provider (RFC 6749, RFC 7636), and what its answers mean.

use base::{Error, Kind, Result, Secret};
use base64::{
    Engine as _,
    engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD},
};
use engine::outside::{HttpAnswer, HttpRequest, Method};
use form_urlencoded::Serializer;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{client::OauthClient, provider::Provider};

/// Where a token is good for no time that the provider names: in seconds.
const UNNAMED_SECONDS: u64 = 600;
/// Nobody believes in a token for longer: in seconds.
const MOST_SECONDS: u64 = 24 * 3600;

/// What a provider gives. Debug shows no token.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub access_token: Secret,
    /// None: the one that is known stays.
    pub refresh_token: Option<Secret>,
    pub seconds: u64,
    pub scope: Option<String>,
    /// Who signed in, as the provider says.
    pub account: Option<String>,
}

/// The page a person signs in at.
pub(super) fn authorization(
    client: &OauthClient,
    state: &str,
    verifier: &str,
    redirect_url: &str,
    hint: &str,
) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
    let mut query = Serializer::new(String::new());
    query
        .append_pair("response_type", "code")
        .append_pair("client_id", &client.client_id)
        .append_pair("redirect_uri", redirect_url);
    if !client.scopes().is_empty() {
        query.append_pair("scope", client.scopes());
    }
    query
        .append_pair("state", state)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256")
        .append_pair("login_hint", hint);
    if client.provider == Provider::Google {
        // Without both of them Google gives a refresh token the first time alone.
        query.append_pair("access_type", "offline").append_pair("prompt", "consent");
    }
    let url = client.authorize_url();
    let glue = if url.contains('?') { '&' } else { '?' };
    format!("{url}{glue}{}", query.finish())
}

fn ask(client: &OauthClient, pairs: &[(&str, &str)]) -> HttpRequest {
    let mut body = Serializer::new(String::new());
    body.extend_pairs(pairs).append_pair("client_id", &client.client_id);
    if !client.client_secret.is_empty() {
        body.append_pair("client_secret", client.client_secret.reveal());
    }
    HttpRequest {
        method: Method::Post,
        url: client.token_url(),
        headers: vec![
            ("Content-Type", "application/x-www-form-urlencoded".into()),
            ("Accept", "application/json".into()),
        ],
        body: body.finish().into(),
    }
}

/// A code for tokens.
pub(super) fn exchange(
    client: &OauthClient,
    code: &str,
    verifier: &Secret,
    redirect_url: &str,
) -> HttpRequest {
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect_url),
        ("code_verifier", verifier.reveal()),
    ];
    ask(client, &pairs)
}

/// The next token.
pub(super) fn refresh(client: &OauthClient, refresh_token: &Secret) -> HttpRequest {
    ask(client, &[("grant_type", "refresh_token"), ("refresh_token", refresh_token.reveal())])
}

#[derive(Deserialize)]
struct Given {
    access_token: Option<String>,
    refresh_token: Option<String>,
    expires_in: Option<serde_json::Value>,
    scope: Option<String>,
    id_token: Option<String>,
    token_type: Option<String>,
}

#[derive(Deserialize)]
struct Refused {
    error: String,
    #[serde(default)]
    error_description: String,
}

/// Reads what the token endpoint answered.
///
/// # Errors
/// `oauth.ended`: the provider takes back what it gave. `oauth.client`: it does not take our registration.
/// `oauth.unavailable`: it may pass by itself. None of them holds a token.
pub(super) fn read(answer: &HttpAnswer) -> Result<Tokens> {
    if let Ok(refused) = serde_json::from_slice::<Refused>(&answer.body)
        && answer.status != 200
    {
        return Err(refusal(answer.status, &refused));
    }
    if answer.status != 200 {
        return Err(unavailable(format!("the provider answers with status {}", answer.status)));
    }
    let nonsense = || unavailable("the provider answers with something that is no token".into());
    let given: Given = serde_json::from_slice(&answer.body).map_err(|_| nonsense())?;
    let is_token =
        |t: &String| !t.is_empty() && t.len() <= 32 * 1024 && t.bytes().all(|b| b.is_ascii_graphic());
    let access_token = given.access_token.filter(is_token).ok_or_else(nonsense)?;
    if given.token_type.is_some_and(|t| !t.eq_ignore_ascii_case("bearer")) {
        return Err(nonsense());
    }
    // Some write the number as a text.
    let seconds = given.expires_in.and_then(|s| s.as_u64().or_else(|| s.as_str()?.parse().ok()));
    Ok(Tokens {
        access_token: Secret::new(access_token),
        refresh_token: given.refresh_token.filter(is_token).map(Secret::new),
        seconds: seconds.unwrap_or(UNNAMED_SECONDS).min(MOST_SECONDS),
        scope: given.scope.filter(|s| !s.trim().is_empty()),
        account: given.id_token.as_deref().and_then(account),
    })
}

fn refusal(status: u16, refused: &Refused) -> Error {
    let why = match one_line(&refused.error_description) {
        words if words.is_empty() => one_line(&refused.error),
        words => format!("{}: {words}", one_line(&refused.error)),
    };
    match refused.error.as_str() {
        "temporarily_unavailable" | "server_error" | "slow_down" => {
            unavailable(format!("the provider says {why}"))
        }
        _ if status == 429 || status >= 500 => unavailable(format!("the provider says {why}")),
        "invalid_grant" | "interaction_required" | "consent_required" | "login_required" => {
            let why = format!("the provider ends the connection ({why}): connect again");
            Error::new(Kind::Unavailable, "oauth.ended", why)
        }
        _ => {
            let why = format!("the provider does not take the registration ({why}): check its id and secret");
            Error::new(Kind::Unavailable, "oauth.client", why)
        }
    }
}

#[track_caller]
pub(super) fn unavailable(why: String) -> Error {
    Error::new(Kind::Unavailable, "oauth.unavailable", why)
}

/// Words of a provider, for pages.
pub(super) fn one_line(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(250).collect();
    line.trim().to_owned()
}

/// Who an ID token says signed in. It came from the provider itself over its own connection, so its signature adds nothing
/// (OpenID Connect Core, 3.1.3.7), and what it says is shown and decides nothing.
fn account(id_token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        email: Option<String>,
        preferred_username: Option<String>,
        upn: Option<String>,
    }
    let claims = id_token.split('.').nth(1)?;
    let bytes = URL_SAFE_NO_PAD.decode(claims).or_else(|_| URL_SAFE.decode(claims)).ok()?;
    let claims: Claims = serde_json::from_slice(&bytes).ok()?;
    let named = claims.email.or(claims.preferred_username).or(claims.upn)?;
    Some(one_line(&named)).filter(|n| !n.is_empty())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{super::client::tests::client, *};

    fn answer(status: u16, body: &str) -> HttpAnswer {
        HttpAnswer { status, retry_after: None, body: body.to_owned().into(), took: Duration::ZERO }
    }

    #[test]
    fn the_page_to_sign_in_at_carries_a_challenge_and_no_secret() {
        let url = authorization(
            &client(Provider::Google),
            "STATE",
            "VERIFIER",
            "https://desk.example/back",
            "a@b.example",
        );
        assert!(
            url.starts_with(
                "https://accounts.google.com/o/oauth2/v2/auth?response_type=code&client_id=client&"
            ),
            "{url}"
        );
        for part in [
            "redirect_uri=https%3A%2F%2Fdesk.example%2Fback",
            "scope=https%3A%2F%2Fmail.google.com%2F+",
            "state=STATE",
            "code_challenge_method=S256",
            "access_type=offline",
            "prompt=consent",
            "login_hint=a%40b.example",
        ] {
            assert!(url.contains(part), "{part}: {url}");
        }
        assert!(!url.contains("VERIFIER") && !url.contains("s3cret"), "{url}");
        // RFC 7636, appendix B.
        let example = authorization(
            &client(Provider::Other),
            "s",
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            "u",
            "h",
        );
        assert!(example.contains("code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"), "{example}");
        assert!(!example.contains("prompt="));
        let microsoft = authorization(&client(Provider::Microsoft), "s", "v", "u", "h");
        assert!(
            microsoft.starts_with("https://login.microsoftonline.com/common/oauth2/v2.0/authorize?"),
            "{microsoft}"
        );
        assert!(
            microsoft.contains("IMAP.AccessAsUser.All") && microsoft.contains("offline_access"),
            "{microsoft}"
        );
    }

    #[test]
    fn answers_are_read_with_care() {
        let good = r#"{"access_token":"at","refresh_token":"rt","expires_in":3599,"token_type":"Bearer","scope":"a b",
            "id_token":"e30.eyJlbWFpbCI6ImFkYUBleGFtcGxlLm9yZyJ9.x"}"#;
        let tokens = read(&answer(200, good)).unwrap();
        assert_eq!((tokens.access_token.reveal(), tokens.seconds), ("at", 3599));
        assert_eq!(tokens.account.as_deref(), Some("ada@example.org"));
        assert!(!format!("{tokens:?}").contains("\"at\""));
        assert_eq!(read(&answer(200, r#"{"access_token":"a","expires_in":"60"}"#)).unwrap().seconds, 60);
        assert_eq!(read(&answer(200, r#"{"access_token":"a"}"#)).unwrap().seconds, UNNAMED_SECONDS);
        let cases = [
            (200, "<html>", "oauth.unavailable"),
            (200, r#"{"access_token":""}"#, "oauth.unavailable"),
            (200, r#"{"access_token":"a\u000db"}"#, "oauth.unavailable"),
            (200, r#"{"access_token":"a","token_type":"mac"}"#, "oauth.unavailable"),
            (302, "", "oauth.unavailable"),
            (502, "bad gateway", "oauth.unavailable"),
            (503, r#"{"error":"invalid_grant"}"#, "oauth.unavailable"),
            (
                400,
                r#"{"error":"invalid_grant","error_description":"Token has been expired or revoked."}"#,
                "oauth.ended",
            ),
            (401, r#"{"error":"invalid_client"}"#, "oauth.client"),
            (400, r#"{"error":"temporarily_unavailable"}"#, "oauth.unavailable"),
        ];
        for (status, body, code) in cases {
            assert_eq!(read(&answer(status, body)).unwrap_err().code(), code, "{status} {body}");
        }
    }
}
