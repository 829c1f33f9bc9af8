use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// A provider of sign-ins: people allow at `/authorize`, programs fetch at `/token` (RFC 6749 with RFC 7636), and mail servers
/// ask at `/introspect` whose a token is (RFC 7662). Every refresh token is good once.
pub struct OauthServer {
    pub port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    next: u32,
    codes: HashMap<String, Code>,
    /// Refresh token: whose.
    grants: HashMap<String, String>,
    /// Access token: whose, and until when.
    tokens: HashMap<String, (String, Instant)>,
    refreshed: u32,
    behaviour: Behaviour,
}

struct Code {
    challenge: String,
    redirect_uri: String,
    user: String,
}

/// How it answers.
#[derive(Clone)]
pub struct Behaviour {
    /// The person says no.
    pub denies: bool,
    /// Access tokens live so long.
    pub seconds: u64,
    pub gives_refresh: bool,
    /// What is granted, whatever was asked for; empty: all of it.
    pub scope: String,
    /// `/token` answers this, with status 200.
    pub nonsense: Option<String>,
    pub is_down: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            denies: false,
            seconds: 3600,
            gives_refresh: true,
            scope: String::new(),
            nonsense: None,
            is_down: false,
        }
    }
}

impl OauthServer {
    pub const CLIENT_ID: &str = "counterfoil";
    pub const CLIENT_SECRET: &str = "a secret of the provider & ours";

    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        // It ends with the test's process, and nobody has its port after the test.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = shared.clone();
                std::thread::spawn(move || drop(answer(stream, &shared)));
            }
        });
        Self { port, state }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What Dovecot's passdb `oauth2` is configured with.
    pub fn dovecot_config(&self) -> String {
        format!(
            "introspection_url = {}\nintrospection_mode = get\nusername_attribute = username\nactive_attribute = active\nactive_value = true\n",
            self.url("/introspect?token=")
        )
    }

    pub fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut lock(&self.state).behaviour);
    }

    /// Access tokens end before their time; what was granted goes on.
    pub fn end_tokens(&self) {
        lock(&self.state).tokens.clear();
    }

    /// The person takes everything back.
    pub fn revoke(&self) {
        let mut state = lock(&self.state);
        state.tokens.clear();
        state.grants.clear();
    }

    /// How often a token was fetched by a refresh token.
    pub fn refreshed(&self) -> u32 {
        lock(&self.state).refreshed
    }

    /// Refresh tokens and access tokens that are good now.
    pub fn secrets(&self) -> Vec<String> {
        let state = lock(&self.state);
        state.grants.keys().chain(state.tokens.keys()).cloned().collect()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer(stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut reader = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length.min(64 * 1024)];
    reader.read_exact(&mut body)?;
    let target = first.split(' ').nth(1).unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = |text: &[u8]| form_urlencoded::parse(text).into_owned().collect::<HashMap<String, String>>();
    let (status, header, text) = match path {
        "/authorize" => authorize(&mut lock(state), &pairs(query.as_bytes())),
        "/token" => token(&mut lock(state), &pairs(&body)),
        "/introspect" => introspect(&lock(state), &pairs(query.as_bytes())),
        _ => (404, String::new(), "{}".to_owned()),
    };
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n{header}\r\n",
        text.len()
    );
    reader.get_mut().write_all(format!("{head}{text}").as_bytes())
}

type Said = (u16, String, String);
type Pairs = HashMap<String, String>;

fn error(status: u16, code: &str) -> Said {
    (
        status,
        String::new(),
        format!(r#"{{"error":"{code}","error_description":"the test's provider says so"}}"#),
    )
}

fn authorize(state: &mut State, asked: &Pairs) -> Said {
    let get = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let is_right = get("response_type") == "code"
        && get("client_id") == OauthServer::CLIENT_ID
        && get("code_challenge_method") == "S256"
        && get("code_challenge").len() == 43
        && get("state").len() >= 22;
    if !is_right {
        return error(400, "invalid_request");
    }
    let (redirect, back) = (get("redirect_uri"), get("state"));
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("state", &back);
    if state.behaviour.denies {
        query.append_pair("error", "access_denied");
    } else {
        state.next += 1;
        let code = format!("code-{}/+&", state.next);
        let (challenge, user) = (get("code_challenge"), get("login_hint"));
        state.codes.insert(code.clone(), Code { challenge, redirect_uri: redirect.clone(), user });
        query.append_pair("code", &code).append_pair("session_state", "more than we know");
    }
    (302, format!("Location: {redirect}?{}\r\n", query.finish()), String::new())
}

fn token(state: &mut State, asked: &Pairs) -> Said {
    let get = |name: &str| asked.get(name).map(String::as_str).unwrap_or_default();
    if state.behaviour.is_down {
        return (503, String::new(), "<html>later</html>".into());
    }
    if let Some(nonsense) = &state.behaviour.nonsense {
        return (200, String::new(), nonsense.clone());
    }
    if (get("client_id"), get("client_secret")) != (OauthServer::CLIENT_ID, OauthServer::CLIENT_SECRET) {
        return error(401, "invalid_client");
    }
    let user = match get("grant_type") {
        "authorization_code" => {
            let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(get("code_verifier").as_bytes()));
            state
                .codes
                .remove(get("code"))
                .filter(|c| c.challenge == challenge && c.redirect_uri == get("redirect_uri"))
                .map(|c| c.user)
        }
        "refresh_token" => {
            state.refreshed += 1;
            state.grants.remove(get("refresh_token"))
        }
        _ => return error(400, "unsupported_grant_type"),
    };
    let Some(user) = user else { return error(400, "invalid_grant") };
    state.next += 1;
    let (access, refresh) = (format!("access-{}", state.next), format!("refresh-{}", state.next));
    let seconds = state.behaviour.seconds;
    state.tokens.insert(access.clone(), (user.clone(), Instant::now() + Duration::from_secs(seconds)));
    let mut text = format!(r#"{{"access_token":"{access}","token_type":"Bearer","expires_in":{seconds}"#);
    if state.behaviour.gives_refresh {
        state.grants.insert(refresh.clone(), user.clone());
        text.push_str(&format!(r#","refresh_token":"{refresh}""#));
    }
    if !state.behaviour.scope.is_empty() {
        text.push_str(&format!(r#","scope":"{}""#, state.behaviour.scope));
    }
    let claims = URL_SAFE_NO_PAD.encode(format!(r#"{{"email":"{user}"}}"#));
    text.push_str(&format!(r#","id_token":"e30.{claims}.x"}}"#));
    (200, String::new(), text)
}

fn introspect(state: &State, asked: &Pairs) -> Said {
    let known =
        asked.get("token").and_then(|t| state.tokens.get(t)).filter(|(_, until)| *until > Instant::now());
    let text = match known {
        Some((user, _)) => format!(r#"{{"active":true,"username":"{user}"}}"#),
        None => r#"{"active":false}"#.into(),
    };
    (200, String::new(), text)
}
