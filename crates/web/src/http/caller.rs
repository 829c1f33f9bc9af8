//! Who is asking.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, Method, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base::{Actor, Error, Result, TenantId};
use db::Scope;
use identity::{Principal, TenantRecord, Token, api_keys, sessions, tenants};
use uuid::Uuid;

use super::{app::App, failure::Failure};

/// Everything about a request that does not depend on its handler.
#[derive(Clone)]
pub struct Caller {
    pub tenant: Arc<TenantRecord>,
    pub principal: Principal,
    /// Signed in by cookie: then unsafe methods must come from our own pages.
    pub by_cookie: bool,
    pub request_id: Arc<str>,
    pub client: IpAddr,
    pub user_agent: Arc<str>,
    /// What a form of this session must carry; empty for somebody not signed in.
    pub csrf: Arc<str>,
}

pub const SESSION_COOKIE: &str = "counterfoil_session";
/// The prefix binds the cookie to this host, to https and to the whole site.
pub const SESSION_COOKIE_SECURE: &str = "__Host-counterfoil_session";

impl Caller {
    pub fn tenant_id(&self) -> TenantId {
        self.tenant.id
    }
    pub fn scope(&self) -> Scope {
        self.scope_as(self.principal.actor())
    }
    pub fn scope_as(&self, actor: Actor) -> Scope {
        Scope::tenant(self.tenant.id, actor).with_request(self.request_id.clone())
    }
    /// Whose idempotency keys these are.
    pub fn idempotency_owner(&self) -> String {
        match self.principal.actor().id {
            Some(id) => format!("{:?}:{id}", self.principal.actor().kind),
            None => format!("client:{}", self.client),
        }
    }
}

/// Finds tenant and principal and puts the [`Caller`] on the request. A credential that is wrong is refused here;
/// none at all is somebody not signed in.
pub async fn identify(State(app): State<App>, request: Request, next: Next) -> Response {
    let request_id: Arc<str> =
        request.extensions().get::<RequestId>().map_or_else(|| "".into(), |r| r.0.clone());
    let (mut parts, body) = request.into_parts();
    match find(&app, &parts, request_id).await {
        Ok(caller) => {
            parts.extensions.insert(caller);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(error) => Failure(error).into_response(),
    }
}

/// The id a request is known by in logs, audits and problem documents.
#[derive(Clone)]
pub struct RequestId(pub Arc<str>);

impl RequestId {
    pub fn new() -> Self {
        Self(Uuid::new_v4().simple().to_string().into())
    }
}
impl Default for RequestId {
    fn default() -> Self {
        Self::new()
    }
}

async fn find(app: &App, parts: &Parts, request_id: Arc<str>) -> Result<Caller> {
    let headers = &parts.headers;
    let peer =
        parts.extensions.get::<ConnectInfo<SocketAddr>>().map_or(IpAddr::from([127, 0, 0, 1]), |c| c.0.ip());
    let trusted = app.config().trusted_proxies.iter().any(|net| net.contains(peer));
    let client = if trusted { forwarded_client(app, headers).unwrap_or(peer) } else { peer };
    let host = if trusted { text(headers, "x-forwarded-host") } else { None };
    let host = host
        .or_else(|| text(headers, header::HOST.as_str()))
        .or_else(|| parts.uri.host())
        .unwrap_or_default();
    // A flood is asked to wait, by the client it comes from; loopback is the operator's own.
    if !client.is_loopback() && !app.admit(client, app.db().now()) {
        return Err(Error::limited("requests.too_many", "too many requests; wait a minute", 60));
    }
    let all = app.tenants().await?;
    if all.is_empty() {
        return Err(Error::unavailable(
            "installation.empty",
            "nothing is set up here yet; follow the link that the server printed at its start",
        ));
    }
    let tenant = Arc::new(tenants::choose(&all, host)?.clone());
    let user_agent: Arc<str> =
        text(headers, "user-agent").unwrap_or_default().chars().take(200).collect::<String>().into();
    let nobody = Caller {
        tenant,
        principal: Principal::Nobody,
        by_cookie: false,
        request_id,
        client,
        user_agent,
        csrf: "".into(),
    };
    // What stands there opens a door for mail, and is looked at there: it is nobody's session.
    if parts.uri.path().starts_with("/api/mail/") {
        return Ok(nobody);
    }
    let (token, by_cookie) = match bearer(headers)? {
        Some(token) => (token, false),
        None => match cookie(
            headers,
            if app.config().links.is_https() { SESSION_COOKIE_SECURE } else { SESSION_COOKIE },
        )
        .and_then(Token::parse)
        {
            Some(token) => (token, true),
            None => return Ok(nobody),
        },
    };
    match principal_of(app, nobody.tenant.id, &token).await? {
        Some(principal) => {
            if by_cookie && !is_safe(&parts.method) {
                check_same_origin(app, &nobody.tenant, headers)?;
            }
            let csrf = csrf_of(&token);
            Ok(Caller { principal, by_cookie, csrf, ..nobody })
        }
        // An old cookie is no reason to refuse a public page; an old key is one to refuse a call.
        None if by_cookie => Ok(nobody),
        None => Err(Error::unauthenticated(
            "credential.unknown",
            "the key or session is not valid here; sign in again or use another key",
        )),
    }
}

/// Derived from the session's secret, so it dies with the session and nobody else can know it.
fn csrf_of(token: &Token) -> Arc<str> {
    use sha2::Digest as _;
    let hash = sha2::Sha256::digest(format!("csrf:{}", token.reveal()).as_bytes());
    hash.iter().take(20).map(|b| format!("{b:02x}")).collect::<String>().into()
}

async fn principal_of(app: &App, tenant: TenantId, token: &Token) -> Result<Option<Principal>> {
    let (hash, now) = (token.hash(), app.db().now());
    if let Some(known) = app.remembered(tenant, &hash, now) {
        return Ok(Some(known));
    }
    let epoch = app.db().signals().access_epoch();
    let looked_up = token.clone();
    let scope = Scope::tenant(tenant, Actor::system());
    let found = app
        .read(scope.clone(), move |read| {
            if looked_up.reveal().starts_with("cfk_") {
                return Ok(api_keys::find(read, &looked_up)?.map(|key| (Principal::Key(Box::new(key)), None)));
            }
            let found = sessions::find(read, &looked_up)?;
            Ok(found.map(|(user, session)| (Principal::of_session(user, &session), Some(session.expires_at))))
        })
        .await?;
    let Some((principal, expires)) = found else { return Ok(None) };
    let until = (now + base::minutes(5)).min(expires.unwrap_or(now + base::minutes(5)));
    app.remember(epoch, tenant, hash, principal.clone(), until);
    // Once each time it is looked up, so at most every few minutes, and nobody waits for it.
    let (db, seen) = (app.db().clone(), principal.clone());
    tokio::spawn(async move {
        db.write(scope.background(), move |tx| match seen {
            Principal::Key(key) => api_keys::used(tx, key.id),
            Principal::User { session, .. } => sessions::seen(tx, session),
            Principal::Nobody => Ok(()),
        })
        .await
        .ok();
    });
    Ok(Some(principal))
}

pub fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// A form must come from our own page: the browser says so itself.
pub fn check_same_origin(app: &App, tenant: &TenantRecord, headers: &HeaderMap) -> Result<()> {
    let refused =
        || Err(Error::forbidden("origin.foreign", "this request did not come from one of our own pages"));
    match text(headers, "sec-fetch-site") {
        Some("same-origin" | "none") => return Ok(()),
        Some(_) => return refused(),
        None => {}
    }
    let Some(origin) = text(headers, "origin") else { return refused() };
    let host = text(headers, header::HOST.as_str()).unwrap_or_default();
    let ours = app.config().links.base(tenant);
    if origin == ours || origin.split_once("://").is_some_and(|(_, h)| h == host && !host.is_empty()) {
        Ok(())
    } else {
        refused()
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|v| v.to_str().ok())
}

/// The last address that no proxy of ours added.
fn forwarded_client(app: &App, headers: &HeaderMap) -> Option<IpAddr> {
    let mut hops: Vec<IpAddr> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .filter_map(|v| v.trim().parse().ok())
        .collect();
    while let Some(last) = hops.pop() {
        if hops.is_empty() || !app.config().trusted_proxies.iter().any(|net| net.contains(last)) {
            return Some(last);
        }
    }
    None
}

fn bearer(headers: &HeaderMap) -> Result<Option<Token>> {
    let Some(value) = text(headers, header::AUTHORIZATION.as_str()) else { return Ok(None) };
    let refused = || {
        Error::unauthenticated(
            "credential.malformed",
            "expected Authorization: Bearer and a key or session token",
        )
    };
    let (scheme, token) = value.split_once(' ').ok_or_else(refused)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(refused());
    }
    Token::parse(token.trim()).map(Some).ok_or_else(refused)
}

/// The value of a cookie of the request.
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(header::COOKIE);
    let mut pairs = all
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .filter_map(|p| p.trim().split_once('='));
    pairs.find(|(n, _)| *n == name).map(|(_, v)| v)
}
