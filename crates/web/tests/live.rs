//! The stream of hints: what happened after a page was made is told, also before its stream began, and to nobody else.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

mod support;

use std::time::Duration;

use axum::{body::Body, http::Request};
use base::{Role, Timestamp, minutes, seconds};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use support::{Client, Site};
use testkit::both_engines;
use tower::ServiceExt as _;

/// One open stream.
struct Stream {
    body: Body,
    read: String,
}

impl Stream {
    async fn open(who: &Client, since: Option<Timestamp>) -> Self {
        let uri = since.map_or_else(|| "/live".to_owned(), |at| format!("/live?since={at}"));
        let bearer = format!("Bearer {}", who.token.as_ref().unwrap());
        let request = Request::get(uri).header("host", who.host).header("authorization", bearer);
        let response = who.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 200);
        Self { body: response.into_body(), read: String::new() }
    }
    /// The next hint, leaving out who is where.
    async fn next(&mut self) -> Value {
        tokio::time::timeout(Duration::from_secs(20), self.read_on()).await.expect("a hint in time")
    }
    async fn read_on(&mut self) -> Value {
        loop {
            if let Some((event, rest)) = self.read.split_once("\n\n") {
                let is_change = event.contains("event: change");
                let data = event.lines().find_map(|l| l.strip_prefix("data: ")).unwrap_or("null").to_owned();
                self.read = rest.to_owned();
                let hint: Value = serde_json::from_str(&data).unwrap();
                if is_change && hint["topic"] != "presence" {
                    return hint;
                }
                continue;
            }
            let frame = self.body.frame().await.expect("an open stream").unwrap();
            self.read.push_str(&String::from_utf8_lossy(&frame.into_data().unwrap()));
        }
    }
    async fn hears(&mut self, ticket: &str) {
        while self.next().await["ticket_id"] != ticket {}
    }
    /// Nothing of `ticket` comes before a hint of `later`, which is known to come.
    async fn hears_not(&mut self, ticket: &str, later: &str) {
        loop {
            let hint = self.next().await;
            assert_ne!(hint["ticket_id"], ticket);
            if hint["ticket_id"] == later {
                return;
            }
        }
    }
}

both_engines! {
    async fn what_happens_between_the_page_and_its_stream_is_told(world) {
        let site = Site::new(world).await;
        let (ben, ada) = (site.user("Ben", Role::Agent).await, site.user("Ada", Role::Customer).await);
        let page_made = site.world.db.now();
        site.world.clock.advance(seconds(30));
        let ticket = ada.file("Between the two").await;
        site.world.clock.advance(seconds(20));
        Stream::open(&ben, Some(page_made)).await.hears(&ticket).await;
        // And what comes later, by a stream that has no page.
        let mut stream = Stream::open(&ben, None).await;
        let later = ada.file("Later").await;
        stream.hears_not(&ticket, &later).await;
    }

    async fn an_old_page_is_told_to_look_again(world) {
        let site = Site::new(world).await;
        let (ben, ada) = (site.user("Ben", Role::Agent).await, site.user("Ada", Role::Customer).await);
        let page_made = site.world.db.now();
        ada.file("Long ago").await;
        site.world.clock.advance(minutes(10));
        let mut stream = Stream::open(&ben, Some(page_made)).await;
        assert_eq!(stream.next().await["topic"], "resync");
        // A clock that is ahead of ours loses nothing.
        let mut ahead = Stream::open(&ben, Some(site.world.db.now() + minutes(60))).await;
        let now = ada.file("Now").await;
        ahead.hears(&now).await;
        let wrong = ben.get("/live?since=yesterday").await.expect(422);
        assert_eq!(wrong["errors"][0]["field"], "since", "{wrong}");
    }

    async fn a_customer_hears_of_what_is_theirs_and_the_neighbour_of_nothing(world) {
        let site = Site::new(world).await;
        let ben = site.user("Ben", Role::Agent).await;
        let (ada, bob) = (site.user("Ada", Role::Customer).await, site.user("Bob", Role::Customer).await);
        let them = site.neighbour("Their agent", Role::Agent).await;
        let their_customer = site.neighbour("Their customer", Role::Customer).await;
        let start = site.world.db.now();
        let adas = ada.file("Ada's").await;
        let bobs = bob.file("Bob's").await;
        let theirs = their_customer.file("Theirs").await;
        site.world.clock.advance(seconds(3));
        Stream::open(&bob, Some(start)).await.hears_not(&adas, &bobs).await;
        let mut neighbour = Stream::open(&them, Some(start)).await;
        neighbour.hears_not(&adas, &theirs).await;
        // A note is nothing a customer hears of.
        site.world.clock.advance(seconds(30));
        let noted = site.world.db.now();
        let note = json!({ "body": "Careful.", "is_internal": true });
        ben.post(&format!("/api/admin/support/tickets/{adas}/messages"), note).await.expect(201);
        site.world.clock.advance(seconds(3));
        let mut customer = Stream::open(&ada, Some(noted)).await;
        let second = ada.file("Ada's second").await;
        customer.hears_not(&adas, &second).await;
    }

    async fn more_than_a_look_can_read_is_a_word_to_look_again(world) {
        let site = Site::new(world).await;
        let ben = site.user("Ben", Role::Agent).await;
        let ticket = uuid::Uuid::from_u128(7);
        let filled = site.world.db.write(site.world.scope(), move |tx| {
            for _ in 0..600 {
                engine::Publish::publish(tx, engine::Event {
                    topic: "ticket.changed",
                    ticket_id: Some(ticket),
                    customer_id: None,
                    is_public: false,
                    payload: json!({}),
                })?;
            }
            Ok(())
        });
        filled.await.unwrap();
        let mut stream = Stream::open(&ben, Some(site.world.db.now())).await;
        assert_eq!(stream.next().await["topic"], "resync");
    }
}
