//! The real router on a world of its own, with typed clients: anonymous, customer, agents, admin, keys, the other tenant.
#![allow(dead_code)]

pub mod browser;

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use base::{Actor, Email, Role, TenantId};
use db::Scope;
use engine::{Outside, Registry, Worker};
use http_body_util::BodyExt as _;
use identity::{KeyScope, Links, api_keys, sessions, users};
use serde_json::Value;
use testkit::{DiesAt, FakeHttp, FakeMailer, World, fake_outside_with_http};
use tower::ServiceExt as _;

pub struct Site {
    pub world: World,
    pub router: Router,
    pub mailer: Arc<FakeMailer>,
    /// Receivers of webhooks.
    pub http: Arc<FakeHttp>,
    outside: Outside,
    _stop: tokio::sync::watch::Sender<bool>,
}

/// Somebody with a credential, at one host.
#[derive(Clone)]
pub struct Client {
    pub router: Router,
    pub token: Option<String>,
    pub host: &'static str,
    pub user_id: Option<uuid::Uuid>,
    pub email: String,
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: axum::http::HeaderMap,
    pub text: String,
}

impl Answer {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {} {}", self.status, self.text))
    }
    /// The body as JSON, of an answer with this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        if self.text.is_empty() { Value::Null } else { self.json() }
    }
    #[track_caller]
    pub fn expect_status(&self, status: u16) {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
    }
    pub fn etag(&self) -> String {
        self.headers.get(header::ETAG).map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default()
    }
}

fn links() -> Links {
    Links::parse("http://127.0.0.1:8080").unwrap()
}

pub fn registry() -> Registry {
    let mut registry = Registry::default();
    registry.handle(notices::letters::Sender {
        links: links(),
        settled: Arc::new(|tx, letter, status| desk::tickets::letter_settled(tx, letter.uuid(), status)),
        ways: None,
    });
    registry.handle_inside(desk::tickets::jobs::Announcer { links: links() });
    registry.handle(desk::intake::MailWorker::default());
    registry.every("desk.sweep_mails", base::minutes(1), desk::intake::sweep);
    registry.handle_inside(desk::csat::jobs::Asker { links: links() });
    registry.handle_inside(desk::bulk::jobs::BulkRunner);
    registry.handle_inside(desk::bulk::jobs::BulkUndoer);
    registry.handle_inside(desk::rules::jobs::ChangeLooker);
    registry.handle_inside(desk::rules::jobs::TimeLooker);
    registry.handle_inside(desk::rules::jobs::DueTaker);
    registry.every("desk.run_rule_timers", base::seconds(15), desk::rules::jobs::run_timers);
    registry.every("desk.forget_rule_runs", base::minutes(10), desk::rules::forget_old);
    registry.handle_inside(desk::composing::held::Releaser);
    registry.every("desk.forget_composing", base::minutes(5), desk::composing::forget_old);
    registry.handle_inside(notices::webhooks::FanOut { describe: Arc::new(web::webhooks::describe) });
    registry.handle(notices::webhooks::Deliverer::default());
    registry.every("notices.forget_deliveries", base::minutes(10), notices::webhooks::forget_old);
    registry.handle_inside(desk::tickets::search::Indexer);
    registry.handle_inside(desk::tickets::search::CustomerIndexer);
    registry.every("desk.index_tickets", base::minutes(1), desk::tickets::search::catch_up);
    registry.every("desk.close_resolved", base::minutes(5), desk::tickets::close_resolved);
    registry.every("desk.archive_old", base::minutes(30), desk::tickets::archive_old);
    registry.every("desk.wake_snoozed", base::minutes(1), desk::tickets::wake_due);
    registry.handle(desk::leftovers::Sweeper);
    registry.every("desk.sweep_leftovers", base::hours(1), desk::leftovers::sweep_due);
    registry.every("desk.purge_deleted", base::hours(1), desk::tickets::purge_deleted);
    registry.every("desk.fold_counts", base::seconds(5), desk::tickets::counts::fold);
    registry.handle_inside(desk::reports::Filler);
    registry.every("desk.fill_reports", base::seconds(15), desk::reports::catch_up);
    registry.every_piece("desk.fold_reports", base::seconds(2), desk::reports::fold);
    registry.every_piece("desk.fold_cohorts", base::seconds(2), desk::reports::cohorts::fold);
    registry
}

impl Site {
    pub async fn new(world: World) -> Self {
        for tenant in [world.here, world.there] {
            let scope = Scope::tenant(tenant, Actor::operator());
            world.db.write(scope, desk::prepare_tenant).await.unwrap();
        }
        // The worlds' tenants were made with empty settings, which read as the defaults.
        let (outside, mailer, http) = fake_outside_with_http();
        let (stop, stopping) = tokio::sync::watch::channel(false);
        let config = web::WebConfig {
            links: links(),
            trusted_proxies: Vec::new(),
            requests_per_minute: 100_000,
            letters_are_kept: true,
        };
        let app = web::App::new(world.db.clone(), outside.clone(), config, stopping, Arc::new(String::new));
        Self { router: web::service(app), world, mailer, http, outside, _stop: stop }
    }

    /// Works every job that is due: letters are in `mailer` afterwards.
    pub async fn work(&self) {
        Worker::new(self.world.db.clone(), self.outside.clone(), registry()).run_due().await.unwrap();
    }
    /// The same by a process that dies at these moments.
    pub async fn work_and_die(&self, moments: &[engine::Moment]) {
        let worker = Worker::new(self.world.db.clone(), self.outside.clone(), registry());
        worker.with_probe(DiesAt::new(moments.iter().copied())).run_due().await.unwrap();
    }
    pub async fn schedules(&self) {
        Worker::new(self.world.db.clone(), self.outside.clone(), registry()).run_schedules().await.unwrap();
    }

    pub fn anonymous(&self) -> Client {
        Client {
            router: self.router.clone(),
            token: None,
            host: "here.example.org",
            user_id: None,
            email: String::new(),
        }
    }

    /// A signed-in user of the first tenant.
    pub async fn user(&self, name: &str, role: Role) -> Client {
        self.user_at(self.world.here, "here.example.org", name, role).await
    }
    /// A signed-in user of the neighbour.
    pub async fn neighbour(&self, name: &str, role: Role) -> Client {
        self.user_at(self.world.there, "there.example.org", name, role).await
    }

    async fn user_at(&self, tenant: TenantId, host: &'static str, name: &str, role: Role) -> Client {
        let email = format!("{}@example.org", name.to_lowercase().replace(' ', "."));
        let (address, name): (Email, String) = (email.parse().unwrap(), name.to_owned());
        let (token, id) = self
            .world
            .db
            .write(Scope::tenant(tenant, Actor::operator()), move |tx| {
                let new = users::NewUser {
                    email: address,
                    name,
                    role,
                    password_hash: None,
                    verified: true,
                    locale: "en".into(),
                    time_zone: "UTC".into(),
                };
                let user = users::create(tx, new)?;
                if role == Role::Customer {
                    crm::customers::tie_verified_user(tx, &user)?;
                }
                let (token, _) = sessions::begin(tx, &user, "test", "127.0.0.1")?;
                Ok((token, user.id))
            })
            .await
            .unwrap();
        Client {
            router: self.router.clone(),
            token: Some(token.reveal().to_owned()),
            host,
            user_id: Some(id.uuid()),
            email,
        }
    }

    pub async fn key(&self, scope: KeyScope) -> Client {
        let (token, _) = self
            .world
            .db
            .write(self.world.scope(), move |tx| api_keys::create(tx, "test", scope))
            .await
            .unwrap();
        Client { token: Some(token.reveal().to_owned()), ..self.anonymous() }
    }
}

impl Client {
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, self.host);
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        Answer { status, headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }
    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], Vec::new()).await
    }
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.json("POST", path, &[], body).await
    }
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.json("PATCH", path, &[], body).await
    }
    pub async fn json(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Value) -> Answer {
        let mut all = vec![("content-type", "application/json")];
        all.extend_from_slice(headers);
        self.send(method, path, &all, body.to_string().into_bytes()).await
    }
    /// Files a ticket and answers its id.
    pub async fn file(&self, subject: &str) -> String {
        let body = serde_json::json!({ "subject": subject, "description": "It does not work.", "category": "technical" });
        self.post("/api/support/tickets", body).await.expect(201)["id"].as_str().unwrap().to_owned()
    }
}
