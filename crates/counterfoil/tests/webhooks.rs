//! Webhooks to a real HTTP server on the loopback, through the live client, from an event to the receiver's own check.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, response::Response};
use base::{Id, Secret, seconds};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use db::Tx;
use engine::{Event, Outside, Publish, Registry, Worker, outside::HttpClient};
use notices::webhooks::{self, DeliveryState, FanOut, NewWebhook, Webhook, query};
use outside::{Outgoing, OutgoingConfig};
use testkit::{World, both_engines, fake_outside};

type Answer = Box<dyn Fn() -> Response + Send>;

/// A receiver that checks what it gets as the documentation says, and answers from a list; 204 when it is empty.
#[derive(Clone, Default)]
struct Receiver {
    seen: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
    answers: Arc<Mutex<Vec<Answer>>>,
    hangs: Arc<Mutex<bool>>,
}

async fn receive(State(r): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    r.seen.lock().unwrap().push((headers, body));
    if *r.hangs.lock().unwrap() {
        std::future::pending::<()>().await;
    }
    let next = r.answers.lock().unwrap().pop();
    next.map_or_else(|| status(204), |answer| answer())
}

fn status(code: u16) -> Response {
    Response::builder().status(code).body(axum::body::Body::from("said by the receiver")).unwrap()
}

impl Receiver {
    async fn listen(&self) -> u16 {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let router = Router::new().fallback(receive).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        port
    }
    fn seen(&self) -> Vec<(HeaderMap, Bytes)> {
        self.seen.lock().unwrap().clone()
    }
}

/// HMAC-SHA256 by hand (RFC 2104), so that the product is not checked against itself.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    use sha2::{Digest as _, Sha256};
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let pad = |with: u8| block.map(|b| b ^ with);
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().to_vec()
}

fn is_genuine(secret: &Secret, headers: &HeaderMap, body: &[u8]) -> bool {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let key = STANDARD.decode(secret.reveal().strip_prefix("whsec_").unwrap()).unwrap();
    let mut text = format!("{}.{}.", header("webhook-id"), header("webhook-timestamp")).into_bytes();
    text.extend_from_slice(body);
    let wanted = format!("v1,{}", STANDARD.encode(hmac(&key, &text)));
    header("webhook-signature").split(' ').any(|s| s == wanted)
}

fn worker(world: &World, http: Outgoing) -> Worker {
    let mut registry = Registry::default();
    registry.handle_inside(FanOut { describe: Arc::new(|_, e| Ok(e.payload.clone())) });
    registry.handle(webhooks::Deliverer::default());
    let (outside, _) = fake_outside();
    Worker::new(world.db.clone(), Outside { http: Arc::new(http), ..outside }, registry)
}

fn loopback() -> Outgoing {
    let allow_networks = vec!["127.0.0.0/8".parse().unwrap()];
    Outgoing::new(&OutgoingConfig { allow_networks, ca_file: None })
        .unwrap()
        .within(Duration::from_millis(400))
}

fn publish(tx: &mut Tx<'_>) -> base::Result<()> {
    let payload = serde_json::json!({ "text": "Grüße · 你好" });
    let ticket_id = Some(uuid::Uuid::from_u128(7));
    tx.publish(Event { topic: "ticket.created", ticket_id, customer_id: None, is_public: true, payload })
}

async fn subscribe(world: &World, port: u16) -> (Secret, Id<Webhook>) {
    let url = format!("http://127.0.0.1:{port}/in");
    let new = NewWebhook { name: "test".into(), url, topics: vec!["ticket.*".into()] };
    let (secret, made) = world.db.write(world.scope(), |tx| webhooks::create(tx, new)).await.unwrap();
    (secret, made.id)
}

async fn newest(world: &World, id: Id<Webhook>) -> (webhooks::Delivery, Vec<webhooks::Attempt>) {
    let read = world.db.read(world.scope(), move |read| {
        let found = query::deliveries(read, id, None, None, 1)?.remove(0);
        let (delivery, _, log) = query::delivery(read, id, found.id)?;
        Ok((delivery, log))
    });
    read.await.unwrap()
}

both_engines! {
    async fn a_receiver_that_fails_first_gets_the_same_bytes_again_and_can_check_them(world) {
        let receiver = Receiver::default();
        let (secret, id) = subscribe(&world, receiver.listen().await).await;
        receiver.answers.lock().unwrap().push(Box::new(|| status(500)));
        world.db.write(world.scope(), publish).await.unwrap();
        let worker = worker(&world, loopback());
        worker.run_due().await.unwrap();
        let (delivery, log) = newest(&world, id).await;
        assert_eq!((delivery.state, log[0].status), (DeliveryState::Pending, Some(500)));
        assert_eq!(log[0].answer_excerpt, "said by the receiver");
        world.clock.advance(seconds(6));
        worker.run_due().await.unwrap();
        let seen = receiver.seen();
        assert_eq!(seen.len(), 2);
        assert_eq!((&seen[0].0["webhook-id"], &seen[0].1), (&seen[1].0["webhook-id"], &seen[1].1));
        for (headers, body) in &seen {
            assert!(is_genuine(&secret, headers, body));
            assert_eq!(headers["content-type"], "application/json");
            let mut changed = body.to_vec();
            changed[10] ^= 1;
            assert!(!is_genuine(&secret, headers, &changed));
        }
        let said: serde_json::Value = serde_json::from_slice(&seen[0].1).unwrap();
        assert_eq!(said["data"]["text"], "Grüße · 你好");
        assert_eq!(said["object"]["sequence"], 1);
        assert_eq!(newest(&world, id).await.0.state, DeliveryState::Delivered);
    }

    async fn a_receiver_that_hangs_is_left_and_tried_again(world) {
        let receiver = Receiver::default();
        let (_, id) = subscribe(&world, receiver.listen().await).await;
        *receiver.hangs.lock().unwrap() = true;
        world.db.write(world.scope(), publish).await.unwrap();
        let worker = worker(&world, loopback());
        worker.run_due().await.unwrap();
        let (delivery, log) = newest(&world, id).await;
        assert_eq!((delivery.state, log[0].status), (DeliveryState::Pending, None));
        assert!(log[0].error.as_deref().unwrap().contains("no whole answer"), "{log:?}");
        *receiver.hangs.lock().unwrap() = false;
        world.clock.advance(seconds(6));
        worker.run_due().await.unwrap();
        assert_eq!(newest(&world, id).await.0.state, DeliveryState::Delivered);
    }

    async fn a_private_address_is_not_called_unless_the_operator_allows_it(world) {
        let receiver = Receiver::default();
        let (_, id) = subscribe(&world, receiver.listen().await).await;
        world.db.write(world.scope(), publish).await.unwrap();
        let strict = Outgoing::new(&OutgoingConfig::default()).unwrap();
        assert!(strict.check("http://127.0.0.1:8080/").is_err());
        worker(&world, strict).run_due().await.unwrap();
        let (delivery, log) = newest(&world, id).await;
        assert_eq!(delivery.state, DeliveryState::Pending);
        assert!(log[0].error.as_deref().unwrap().contains("a loopback address"), "{log:?}");
        assert!(receiver.seen().is_empty());
    }
}
