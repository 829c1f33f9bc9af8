//! Connecting a mailbox at its provider: what a person may meet on the way, and how tokens are fetched anew.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

mod support;

use std::time::Duration;

use base::{Id, Role, Secret, minutes};
use desk::channels::{mailbox, oauth};
use engine::outside::{HttpAnswer, HttpError};
use serde_json::{Value, json};
use support::{Client, Site, browser::Browser};
use testkit::{FakeHttp, both_engines};

const PROVIDERS: &str = "/api/admin/mail-providers";

struct Office {
    site: Site,
    admin: Client,
    desk: Browser,
    channel: String,
}

async fn office(world: testkit::World) -> Office {
    let site = Site::new(world).await;
    let admin = site.user("Root", Role::Admin).await;
    let made =
        admin.post("/api/admin/channels", json!({ "address": "support@here.example.org" })).await.expect(201);
    let google = json!({ "client_id": "our-id", "client_secret": "open sesame" });
    let set = admin.json("PUT", &format!("{PROVIDERS}/google"), &[], google).await;
    assert!(!set.text.contains("sesame"), "{}", set.text);
    set.expect(200);
    let desk = Browser::new(admin.clone()).await;
    Office { channel: made["id"].as_str().unwrap().to_owned(), site, admin, desk }
}

fn said(status: u16, body: Value) -> Result<HttpAnswer, HttpError> {
    Ok(HttpAnswer { status, retry_after: None, body: body.to_string().into(), took: Duration::ZERO })
}

fn granted() -> Value {
    json!({ "access_token": "at-1", "refresh_token": "rt-1", "expires_in": 3600, "token_type": "Bearer", "scope": "https://mail.google.com/ openid" })
}

impl Office {
    fn at(&self, path: &str) -> String {
        format!("/admin/channels/{}{path}", self.channel)
    }
    /// Presses the button; the state that goes to the provider.
    async fn leave(&self) -> String {
        let fields = [("provider", "google"), ("username", "support@here.example.org"), ("folder", "INBOX")];
        let page = self.desk.post(&self.at("/connect"), &fields).await;
        let page = Browser::opened(page, "connect").replace("&amp;", "&");
        assert!(page.contains("https://accounts.google.com/o/oauth2/v2/auth?"), "{page}");
        page.split_once("&state=").unwrap().1.split('&').next().unwrap().to_owned()
    }
    fn back(state: &str, more: &str) -> String {
        format!("/admin/channels/connected/google?state={state}&{more}")
    }
    async fn come_back(&self, state: &str, more: &str) -> (u16, String) {
        let answer = self.desk.client.get(&Self::back(state, more)).await;
        (answer.status.as_u16(), answer.text.replace("&#x2f;", "/"))
    }
    async fn is_connected(&self) -> bool {
        self.admin.get(&format!("/api{}", self.at("/mailbox"))).await.status.as_u16() == 200
    }
    async fn connect(&self) {
        self.site.http.answer_next([said(200, granted())]);
        let state = self.leave().await;
        assert_eq!(self.come_back(&state, "code=c&scope=x").await.0, 303);
    }
    async fn token(&self) -> base::Result<Secret> {
        let (db, http) = (&self.site.world.db, self.site.http.clone());
        oauth::token(db, http, self.site.world.scope(), Id::from_uuid(self.channel.parse().unwrap())).await
    }
}

both_engines! {
    async fn what_goes_wrong_on_the_way_is_said_and_nothing_is_kept(world) {
        let office = office(world).await;
        let (state, http) = (office.leave().await, &office.site.http);
        assert_eq!(state.len(), 43);
        // Not ours, and not theirs.
        assert_eq!(office.come_back("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "code=c").await.0, 409);
        assert_eq!(office.come_back("", "code=c").await.0, 409);
        let back = Office::back(&state, "code=c");
        for other in [office.site.user("Second root", Role::Admin).await, office.site.neighbour("Their root", Role::Admin).await] {
            other.get(&back).await.expect_status(409);
        }
        let agent = office.site.user("Ben", Role::Agent).await;
        agent.get(&back).await.expect_status(403);
        // A provider cannot answer for another.
        let microsoft = back.replace("connected/google", "connected/microsoft");
        office.desk.client.get(&microsoft).await.expect_status(409);
        assert!(http.calls().is_empty(), "no code is given away for a state that is not right");

        // The state is still good, once.
        http.answer_next([said(200, json!({ "access_token": "at", "refresh_token": "rt", "scope": "openid email" }))]);
        let (status, page) = office.come_back(&state, "code=a%2Fb&prompt=consent").await;
        assert_eq!(status, 422);
        assert!(page.contains("it was not allowed to read the mailbox (https://mail.google.com/)"), "{page}");
        let call = http.calls().pop().unwrap();
        let body = String::from_utf8(call.body.to_vec()).unwrap();
        assert_eq!(call.url, "https://oauth2.googleapis.com/token");
        for part in ["grant_type=authorization_code", "code=a%2Fb", "client_secret=open+sesame", "code_verifier="] {
            assert!(body.contains(part), "{part}: {body}");
        }
        assert_eq!(office.come_back(&state, "code=a").await.0, 409);

        let cases = [
            (said(200, json!({ "access_token": "at", "expires_in": 3600 })), "no refresh token"),
            (said(200, json!("nonsense")), "something that is no token"),
            (said(400, json!({ "error": "invalid_grant", "error_description": "Bad Request" })), "invalid_grant: Bad Request"),
            (said(401, json!({ "error": "invalid_client" })), "check its id and secret"),
            (FakeHttp::status(502), "status 502"),
            (FakeHttp::no_answer("no connection"), "no connection"),
        ];
        for (answer, words) in cases {
            http.answer_next([answer]);
            let state = office.leave().await;
            let (status, page) = office.come_back(&state, "code=c").await;
            assert_eq!(status, 422, "{words}");
            assert!(page.contains(words), "{words}: {page}");
        }
        let state = office.leave().await;
        let (status, page) = office.come_back(&state, "error=access_denied").await;
        assert!(status == 422 && page.contains("not allowed"), "{page}");
        let state = office.leave().await;
        let (_, page) = office.come_back(&state, "error=%3Cscript%3E&error_description=x").await;
        assert!(!page.contains("<script>:"), "{page}");

        // Too late.
        let state = office.leave().await;
        office.site.world.clock.advance(minutes(16));
        assert_eq!(office.come_back(&state, "code=c").await.0, 409);
        assert!(!office.is_connected().await);
    }

    async fn a_connection_shows_who_made_it_and_no_token(world) {
        let office = office(world).await;
        office.connect().await;
        let mailbox = office.admin.get(&format!("/api{}", office.at("/mailbox"))).await.expect(200);
        assert_eq!((&mailbox["host"], &mailbox["sign_in"]), (&json!("imap.gmail.com"), &json!("oauth")), "{mailbox}");
        let page = office.desk.page(&office.at("")).await;
        assert!(page.contains("Google"), "{page}");
        let audit = office.admin.get("/api/admin/audit").await.text;
        for secret in ["at-1", "rt-1", "sesame"] {
            assert!(!page.contains(secret) && !audit.contains(secret) && !mailbox.to_string().contains(secret), "{secret}");
        }
        // A password takes its place, and the tokens are gone.
        let body = json!({ "host": "imap.here.example.org", "username": "support", "password": "open" });
        office.admin.json("PUT", &format!("/api{}", office.at("/mailbox")), &[], body).await.expect(200);
        assert_eq!(office.token().await.unwrap_err().code(), "oauth.ended");
        let theirs = office.site.neighbour("Their root", Role::Admin).await;
        assert_eq!(theirs.get(PROVIDERS).await.expect(200)["items"], json!([]));
        theirs.json("DELETE", &format!("{PROVIDERS}/google"), &[], json!({})).await.expect_status(404);
    }

    async fn tokens_are_fetched_before_they_end_by_one_at_a_time(world) {
        let office = office(world).await;
        office.connect().await;
        let (http, clock) = (office.site.http.clone(), office.site.world.clock.clone());
        assert_eq!(office.token().await.unwrap().reveal(), "at-1");
        assert_eq!(http.calls().len(), 1);

        // Of many who ask at once one fetches; the others have the old one, which is still good.
        clock.advance(minutes(56));
        http.answer_next([said(200, json!({ "access_token": "at-2", "refresh_token": "rt-2", "expires_in": 3600 }))]);
        let asked = futures::future::join_all((0..8).map(|_| office.token())).await;
        assert!(asked.iter().all(|t| ["at-1", "at-2"].contains(&t.as_ref().unwrap().reveal())));
        assert_eq!(http.calls().len(), 2, "one refresh");
        assert_eq!(office.token().await.unwrap().reveal(), "at-2");

        // One that is away is asked again, and what it may have taken is not forgotten.
        clock.advance(minutes(61));
        http.answer_next([FakeHttp::no_answer("no connection"), said(200, json!({ "access_token": "at-3", "expires_in": 60 }))]);
        assert_eq!(office.token().await.unwrap_err().code(), "oauth.unavailable");
        assert_eq!(office.token().await.unwrap().reveal(), "at-3");
        let bodies: Vec<String> = http.calls().iter().map(|c| String::from_utf8(c.body.to_vec()).unwrap()).collect();
        assert!(bodies[2].contains("refresh_token=rt-2") && bodies[3].contains("refresh_token=rt-2"), "the newest one");

        // A refused one is replaced, once; asked with an older one nothing is fetched.
        http.answer_next([said(200, json!({ "access_token": "at-4", "expires_in": 3600 }))]);
        let channel = Id::from_uuid(office.channel.parse().unwrap());
        for _ in 0..2 {
            let (db, http) = (&office.site.world.db, office.site.http.clone());
            let token = oauth::renewed(db, http, office.site.world.scope(), channel, Secret::new("at-3")).await;
            assert_eq!(token.unwrap().reveal(), "at-4");
        }
        // The provider ends it: nobody asks again until somebody signs in.
        clock.advance(minutes(70));
        http.answer_next([said(400, json!({ "error": "invalid_grant" }))]);
        for _ in 0..2 {
            assert_eq!(office.token().await.unwrap_err().code(), "oauth.ended");
        }
        let calls = http.calls().len();
        assert!(office.token().await.is_err());
        assert_eq!(http.calls().len(), calls);
        office.connect().await;
        assert_eq!(office.token().await.unwrap().reveal(), "at-1");
        let found = office.site.world.db.read(office.site.world.scope(), move |read| mailbox::find(read, channel)).await.unwrap();
        assert!(found.unwrap().is_by_oauth());
    }

    async fn a_channels_own_mail_server_is_tried_and_kept_without_its_password(world) {
        let office = office(world).await;
        let at = format!("/api{}", office.at("/outgoing"));
        office.admin.get(&at).await.expect(404);
        let server = json!({ "host": "smtp.here.example.org", "username": "support", "password": "open sesame" });
        office.admin.post(&format!("{at}/test"), json!({ "to": "root@example.org", "server": server })).await.expect_status(204);
        office.admin.post(&format!("{at}/test"), json!({ "to": "nobody", "server": server })).await.expect(422);
        office.admin.get(&at).await.expect(404);
        let set = office.admin.json("PUT", &at, &[], server).await;
        assert!(!set.text.contains("sesame"), "{}", set.text);
        assert_eq!(set.expect(200)["port"], 587);
        let elsewhere = json!({ "host": "smtp.evil.example", "username": "support" });
        assert_eq!(office.admin.json("PUT", &at, &[], elsewhere).await.expect(422)["errors"][0]["field"], "password");
        let by_oauth = json!({ "host": "smtp.gmail.com", "sign_in": "oauth" });
        assert_eq!(office.admin.json("PUT", &at, &[], by_oauth.clone()).await.expect(422)["errors"][0]["field"], "sign_in");
        office.connect().await;
        assert_eq!(office.admin.json("PUT", &at, &[], by_oauth).await.expect(200)["username"], "support@here.example.org");

        let fields = [
            ("host", "smtp.here.example.org"), ("port", "587"), ("tls", "starttls"), ("sign_in", "oauth"), ("then", "test"),
        ];
        let page = Browser::opened(office.desk.post(&office.at("/outgoing"), &fields).await, "outgoing");
        assert!(page.contains("A test is on its way to"), "{page}");
        assert!(office.desk.page(&office.at("")).await.contains("smtp.gmail.com"), "what was tried is not kept");
        assert!(!office.admin.get("/api/admin/audit").await.text.contains("sesame"));
        assert_eq!(office.desk.done(&office.at("/outgoing"), &fields[..4]).await, office.at(""));
        let theirs = office.site.neighbour("Their root", Role::Admin).await;
        theirs.get(&at).await.expect(404);
        office.admin.json("DELETE", &at, &[], json!({})).await.expect_status(204);
    }
}
