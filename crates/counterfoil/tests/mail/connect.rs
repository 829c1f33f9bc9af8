//! A mailbox on Dovecot that an administrator signs in to at a provider, through the pages of the running server.

use std::fs;

use serde_json::{Value, json};
use testkit::peers::{Dovecot, OauthServer};

use crate::{
    letters::{SUPPORT, all, eventually, get, letter, settled, with_channel},
    support::{Place, Reply, Server},
};

struct Office {
    place: Place,
    dovecot: Dovecot,
    provider: OauthServer,
    /// The key of a program, and the session of a person.
    admin: String,
    password: String,
}

fn office(mut place: Place) -> Office {
    let provider = OauthServer::start();
    let dovecot = Dovecot::start(
        "mail_location = maildir:{folder}/mail/ada\n\
         passdb {\n driver = oauth2\n mechanisms = xoauth2 oauthbearer\n args = {folder}/oauth2.conf\n}",
    );
    fs::write(dovecot.folder.path().join("oauth2.conf"), provider.dovecot_config()).unwrap();
    place.set("outgoing.allow_networks", "127.0.0.0/8,::1/128");
    place.set("outgoing.ca_file", dovecot.folder.path().join("cert.pem").display());
    let (admin, _) = with_channel(&place);
    let user = "user create --tenant acme --email boss@acme.example --name Boss --role admin";
    let password = place.ok(&user.split(' ').collect::<Vec<_>>());
    Office { place, dovecot, provider, admin, password }
}

/// A person at a browser.
struct Person<'a> {
    server: &'a Server,
    bearer: String,
}

impl Person<'_> {
    fn send(&self, method: &str, path: &str, body: &str) -> Reply {
        let headers = [
            ("Host", "127.0.0.1"),
            ("Authorization", &*self.bearer),
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Sec-Fetch-Site", "same-origin"),
        ];
        self.server.address().send(method, path, &headers, body.as_bytes()).unwrap()
    }
    fn page(&self, path: &str) -> String {
        let reply = self.send("GET", path, "");
        let text = text(&reply);
        assert_eq!(reply.status, 200, "{path}: {text}");
        text
    }
    fn post(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let page = text(&self.send("GET", "/admin/channels/new", ""));
        let csrf = page.split_once("name=\"csrf\" value=\"").unwrap().1.split('"').next().unwrap().to_owned();
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields).append_pair("csrf", &csrf);
        self.send("POST", path, &form.finish())
    }
}

fn text(reply: &Reply) -> String {
    String::from_utf8_lossy(&reply.body).replace("&#x2f;", "/").replace("&amp;", "&")
}

/// Where a redirect leads, below its host.
fn location(head: &str) -> String {
    let url = head.split_once("location: ").unwrap().1.lines().next().unwrap();
    match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or_else(String::new, |at| rest[at..].to_owned()),
        None => url.to_owned(),
    }
}

impl Office {
    fn person<'a>(&self, server: &'a Server) -> Person<'a> {
        let body = json!({ "email": "boss@acme.example", "password": self.password });
        let session = server.call("POST", "/api/auth/login", "", Some(body));
        Person { server, bearer: format!("Bearer {}", session.body["token"].as_str().unwrap()) }
    }

    /// Registers at the provider, as a person does.
    fn register(&self, person: &Person<'_>) {
        let (authorize, token) = (self.provider.url("/authorize"), self.provider.url("/token"));
        let port = self.dovecot.imaps.to_string();
        let fields = [
            ("client_id", OauthServer::CLIENT_ID),
            ("client_secret", OauthServer::CLIENT_SECRET),
            ("authorize_url", &authorize),
            ("token_url", &token),
            ("scopes", "mail offline_access"),
            ("host", "localhost"),
            ("port", &port),
            ("tls", "tls"),
        ];
        let saved = person.post("/admin/channels/providers/other", &fields);
        assert_eq!(saved.status, 303, "{}", text(&saved));
    }

    fn channel(&self, server: &Server) -> String {
        let channel = all(server, "127.0.0.1", &self.admin, "/api/admin/channels").remove(0);
        format!("/admin/channels/{}", channel["id"].as_str().unwrap())
    }

    /// Presses the button, allows it at the provider, and comes back: where that leads.
    fn there_and_back(&self, person: &Person<'_>) -> String {
        let path = format!("{}/connect", self.channel(person.server));
        let fields =
            [("provider", "other"), ("username", SUPPORT), ("folder", "INBOX"), ("from_beginning", "true")];
        let leaving = person.post(&path, &fields);
        let page = text(&leaving);
        assert_eq!(leaving.status, 200, "{page}");
        assert!(!page.contains(OauthServer::CLIENT_SECRET));
        let url = page.split_once("0;url=").unwrap().1.split('"').next().unwrap();
        let path = url.strip_prefix(&self.provider.url("")).unwrap();
        let address = Address::of(self.provider.port);
        location(&address.get(path))
    }

    fn mailbox(&self, server: &Server) -> Value {
        get(server, "127.0.0.1", &self.admin, &format!("/api{}/mailbox", self.channel(server)))
    }

    fn deliver(&self, subject: &str) {
        self.dovecot.deliver(&format!("{subject}.a"), &letter("ada@example.net", subject));
    }
}

/// Another server than ours.
struct Address(u16);

impl Address {
    fn of(port: u16) -> Self {
        Self(port)
    }
    /// The head of an answer, as it is written.
    fn get(&self, path: &str) -> String {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", self.0)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").unwrap();
        let mut raw = String::new();
        stream.read_to_string(&mut raw).unwrap();
        raw.replace("Location: ", "location: ")
    }
}

fn a_mailbox_is_connected_stays_connected_and_says_when_it_is_not(place: Place) {
    let office = office(place);
    office.deliver("One");
    let server = office.place.serve();
    let person = office.person(&server);
    office.register(&person);
    let shown = person.page("/admin/channels/providers/other");
    assert!(shown.contains("/admin/channels/connected/other"), "{shown}");
    assert!(!shown.contains(OauthServer::CLIENT_SECRET));

    // Nobody says yes, and nothing is kept.
    office.provider.behave(|b| b.denies = true);
    let back = office.there_and_back(&person);
    let refused = person.send("GET", &back, "");
    assert_eq!(refused.status, 422, "{}", text(&refused));
    assert!(text(&refused).contains("the access was not allowed"), "{}", text(&refused));
    assert_eq!(person.send("GET", &back, "").status, 409, "a sign-in ends once");

    // An hour of theirs is eight seconds here.
    office.provider.behave(|b| (b.denies, b.seconds) = (false, 8));
    let back = office.there_and_back(&person);
    assert_eq!(office.person(&server).send("GET", &back, "").status, 409, "another session ends nothing");
    let done = person.send("GET", &back, "");
    assert_eq!(done.status, 303, "{}", text(&done));
    assert_eq!(location(&done.head), office.channel(&server));
    assert_eq!(person.send("GET", &back, "").status, 409, "a sign-in ends once");
    assert_eq!(settled(&server, &office.admin, "One")["outcome"], "ticket");
    assert_eq!(office.mailbox(&server)["sign_in"], "oauth");
    assert!(office.dovecot.log().contains("method=XOAUTH2"), "{}", office.dovecot.log());
    assert_eq!(office.provider.refreshed(), 0);

    // The token ends while we are away; the next is fetched, and the refresh token that replaces ours is kept.
    server.stop();
    std::thread::sleep(std::time::Duration::from_secs(8));
    office.deliver("Two");
    let server = office.place.serve();
    assert_eq!(settled(&server, &office.admin, "Two")["outcome"], "ticket");
    assert_eq!(office.provider.refreshed(), 1);

    // A token is taken back before its time: the mailbox refuses it, and another is fetched once.
    server.stop();
    office.provider.behave(|b| b.seconds = 3600);
    office.provider.end_tokens();
    office.deliver("Three");
    let server = office.place.serve();
    assert_eq!(settled(&server, &office.admin, "Three")["outcome"], "ticket");
    assert_eq!(office.provider.refreshed(), 2);
    // What was taken from whom is told to nobody.
    let person = office.person(&server);
    let pages = [
        person.page(&office.channel(&server)),
        person.page("/admin/audit"),
        get(&server, "127.0.0.1", &office.admin, "/api/admin/audit").to_string(),
        office.mailbox(&server).to_string(),
        get(&server, "127.0.0.1", &office.admin, "/api/admin/mail-providers").to_string(),
    ];
    for secret in office.provider.secrets().iter().map(String::as_str).chain([OauthServer::CLIENT_SECRET]) {
        assert!(pages.iter().all(|page| !page.contains(&format!("{secret}\""))), "{secret}");
    }

    // Everything is taken back: nobody knocks any more, and the administrators hear of it.
    server.stop();
    office.provider.revoke();
    office.deliver("Four");
    let server = office.place.serve();
    let paused =
        eventually("it is paused", || Some(office.mailbox(&server)).filter(|m| !m["paused_at"].is_null()));
    assert_eq!(paused["error_code"], "oauth.ended", "{paused}");
    let asked = office.provider.refreshed();
    std::thread::sleep(std::time::Duration::from_secs(6)); // longer than the list of mailboxes is looked at
    assert_eq!(office.provider.refreshed(), asked);
    let person = office.person(&server);
    let told = person.page("/desk/notifications");
    assert!(told.contains("connect again"), "{told}");
    assert!(person.page(&office.channel(&server)).contains("Connect again"));

    // Signing in again goes on where it stopped.
    let back = office.there_and_back(&person);
    assert_eq!(person.send("GET", &back, "").status, 303);
    assert_eq!(settled(&server, &office.admin, "Four")["outcome"], "ticket");
    let subjects = crate::letters::subjects(&server, &office.admin);
    assert_eq!(subjects, ["Four", "One", "Three", "Two"]);
    server.stop();
}

#[test]
fn a_mailbox_is_connected_and_stays_connected_on_sqlite() {
    a_mailbox_is_connected_stays_connected_and_says_when_it_is_not(Place::sqlite());
}

#[test]
fn a_mailbox_is_connected_and_stays_connected_on_postgres() {
    a_mailbox_is_connected_stays_connected_and_says_when_it_is_not(Place::postgres());
}

#[test]
fn the_wrong_account_and_a_registration_that_is_refused_are_said_so() {
    let office = office(Place::sqlite());
    let server = office.place.serve();
    let person = office.person(&server);
    office.register(&person);
    // Somebody else's account: what the mailbox itself says counts.
    let path = format!("{}/connect", office.channel(&server));
    let fields = [("provider", "other"), ("username", "grace@acme.example"), ("folder", "Nowhere")];
    let leaving = text(&person.post(&path, &fields));
    let url = leaving.split_once("0;url=").unwrap().1.split('"').next().unwrap().replace("grace", "ada");
    let back =
        location(&Address::of(office.provider.port).get(url.strip_prefix(&office.provider.url("")).unwrap()));
    let refused = text(&person.send("GET", &back, ""));
    assert!(refused.contains("ada@acme.example is not let into this mailbox"), "{refused}");
    assert_eq!(
        server.call("GET", &format!("/api{}/mailbox", office.channel(&server)), &office.admin, None).status,
        404
    );

    // The secret ran out: mailboxes stop, and go on with a new one by themselves.
    let back = office.there_and_back(&person);
    assert_eq!(person.send("GET", &back, "").status, 303);
    eventually("it is read", || Some(office.mailbox(&server)).filter(|m| !m["checked_at"].is_null()));
    let mut body = json!({
        "client_id": OauthServer::CLIENT_ID, "client_secret": "an old secret", "authorize_url": office.provider.url("/authorize"),
        "token_url": office.provider.url("/token"), "scopes": "mail", "host": "localhost", "port": office.dovecot.imaps,
    });
    let set = server.call("PUT", "/api/admin/mail-providers/other", &office.admin, Some(body.clone()));
    assert_eq!(set.status, 200, "{set:?}");
    assert!(!set.body.to_string().contains("an old secret"));
    server.stop();
    office.provider.end_tokens();
    let server = office.place.serve();
    let paused = eventually("it is paused", || {
        Some(office.mailbox(&server)).filter(|m| m["error_code"] == "oauth.client")
    });
    assert!(!paused["paused_at"].is_null(), "{paused}");
    body["client_secret"] = OauthServer::CLIENT_SECRET.into();
    assert_eq!(server.call("PUT", "/api/admin/mail-providers/other", &office.admin, Some(body)).status, 200);
    office.deliver("One");
    assert_eq!(settled(&server, &office.admin, "One")["outcome"], "ticket");
    server.stop();
}
