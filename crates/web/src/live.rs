//! `/live`: one stream of hints a browser, "something about this ticket changed". What changed is fetched by the page,
//! through the same reads as ever, so the stream itself has nothing to leak. Staff also hear where a colleague came or went.

use std::{
    collections::VecDeque,
    convert::Infallible,
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::State,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::get,
};
use base::{Error, Id, Timestamp};
use desk::composing::presence;
use engine::StoredEvent;
use identity::Principal;
use serde_json::json;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::{
    http::{app::App, caller::Caller, extract::Params, failure::Outcome},
    tickets::wire::instant,
};

/// How far back each look goes: ids follow clocks, not commits, so a late commit may sort before what was read.
const OVERLAP: jiff::SignedDuration = base::seconds(5);
/// How far before the page's own instant the first look goes, for what was being committed while the page was read.
const BEFORE_PAGE: jiff::SignedDuration = base::seconds(2);
/// A page older than this is told to look again, whatever happened since.
const REMEMBERED: jiff::SignedDuration = base::minutes(1);
/// Events of one look. Where more happened the page is told to look again, and no more often than `BUSY_PAUSE`.
const LOOK_LIMIT: u32 = 500;
const BUSY_PAUSE: Duration = Duration::from_secs(1);
/// How often a stream looks by itself, should a wake-up be lost.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How often it is checked that the one who listens is still signed in, however much there is to tell.
const CHECK_EVERY: Duration = Duration::from_secs(60);

pub fn routes() -> Router<App> {
    Router::new().route("/live", get(live))
}

/// `since`: when the page was made, so that what happened between then and the stream's beginning is told as well.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    since: Option<String>,
}

async fn live(State(app): State<App>, caller: Caller, Params(asked): Params<Asked>) -> Outcome<Response> {
    if !matches!(caller.principal, Principal::User { .. }) {
        return Err(Error::unauthenticated("credential.missing", "sign in first").into());
    }
    let since = instant("since", asked.since.as_ref())?;
    let (sender, receiver) = mpsc::channel::<Event>(64);
    tokio::spawn(async move {
        let Err(Ended) = Follower::new(&app, &caller, sender).run(since).await;
    });
    let stream = futures::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|event| (Ok::<_, Infallible>(event), receiver))
    });
    let keep_alive = KeepAlive::new().interval(Duration::from_secs(20));
    let mut response = Sse::new(stream).keep_alive(keep_alive).into_response();
    // A proxy that buffers would turn "live" into "later".
    response.headers_mut().insert("x-accel-buffering", axum::http::HeaderValue::from_static("no"));
    Ok(response)
}

/// Whether this listener may know of this event.
fn concerns(caller: &Caller, event: &StoredEvent) -> bool {
    match (caller.principal.staff(), caller.principal.customer()) {
        // Hints are of tickets; what else happens is on no page that listens.
        (Some(_), _) => event.ticket_id.is_some(),
        (None, Some(customer)) => {
            event.is_public && event.customer_id.is_some() && event.customer_id == customer.customer_id
        }
        (None, None) => false,
    }
}

/// Whoever listened is gone, or must not hear more.
struct Ended;

/// One stream, and what it has told.
struct Follower<'a> {
    app: &'a App,
    caller: &'a Caller,
    sender: mpsc::Sender<Event>,
    seen: VecDeque<Uuid>,
    stirred: VecDeque<presence::Stirred>,
}

impl<'a> Follower<'a> {
    fn new(app: &'a App, caller: &'a Caller, sender: mpsc::Sender<Event>) -> Self {
        Self { app, caller, sender, seen: VecDeque::new(), stirred: VecDeque::new() }
    }

    async fn run(mut self, since: Option<Timestamp>) -> Result<Infallible, Ended> {
        let app = self.app;
        // Listening begins before the first look, so that nothing falls between the two.
        let mut wakes = app.db().signals().events();
        let mut stopping = app.stopping();
        let now = app.db().now();
        let mut start = since.map_or(now, |at| at.min(now) - BEFORE_PAGE);
        let is_old = start < now - REMEMBERED;
        if is_old {
            start = now;
        }
        // Whoever keeps hints for others knows from where on they are complete.
        self.send("begun", json!({ "at": start })).await?;
        if is_old {
            self.tell_to_look_again().await?;
        }
        let mut is_busy = self.look(start).await?;
        let (mut epoch, mut checked) = (app.db().signals().access_epoch(), Instant::now());
        loop {
            if is_busy {
                tokio::time::sleep(BUSY_PAUSE).await;
            } else {
                tokio::select! {
                    woken = wakes.recv() => match woken {
                        Ok(tenant) if tenant != self.caller.tenant_id() => continue,
                        Ok(_) | Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
                        Err(tokio::sync::broadcast::error::RecvError::Closed) => return Err(Ended),
                    },
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                    _ = stopping.wait_for(|s| *s) => return Err(Ended),
                    () = self.sender.closed() => return Err(Ended),
                }
            }
            // Access changed, or some time passed: whoever was signed out hears nothing more; the page reconnects and asks
            // anew.
            if app.db().signals().access_epoch() != epoch || checked.elapsed() >= CHECK_EVERY {
                (epoch, checked) = (app.db().signals().access_epoch(), Instant::now());
                if !still_there(app, self.caller).await {
                    return Err(Ended);
                }
            }
            is_busy = self.look((app.db().now() - OVERLAP).max(start)).await?;
        }
    }

    /// Tells what happened from this instant on and was not told yet. Answers whether more happened than one look reads.
    async fn look(&mut self, from: Timestamp) -> Result<bool, Ended> {
        let after = Id::<engine::events::EventRow>::first_of(from);
        let is_staff = self.caller.principal.staff().is_some();
        let looked = self.app.read(self.caller.scope(), move |read| {
            let events = engine::events::since(read, after.uuid(), LOOK_LIMIT)?;
            // Who is where is for staff; a customer's stream does not even ask.
            let present = if is_staff { presence::since(read, from)? } else { Vec::new() };
            Ok((events, present))
        });
        let Ok((events, present)) = looked.await else { return Ok(false) };
        for change in present {
            if remember(&mut self.stirred, change, 1024) {
                self.tell(json!({ "topic": "presence", "ticket_id": change.0, "at": change.2 })).await?;
            }
        }
        if events.len() >= LOOK_LIMIT as usize {
            self.tell_to_look_again().await?;
            return Ok(true);
        }
        for event in events {
            if remember(&mut self.seen, event.id.uuid(), 4096) && concerns(self.caller, &event) {
                self.tell(json!({ "topic": "ticket", "ticket_id": event.ticket_id, "at": event.created_at }))
                    .await?;
            }
        }
        Ok(false)
    }

    async fn tell_to_look_again(&self) -> Result<(), Ended> {
        self.tell(json!({ "topic": "resync", "at": self.app.db().now() })).await
    }
    async fn tell(&self, hint: serde_json::Value) -> Result<(), Ended> {
        self.send("change", hint).await
    }
    async fn send(&self, name: &str, data: serde_json::Value) -> Result<(), Ended> {
        self.sender.send(Event::default().event(name).data(data.to_string())).await.map_err(|_| Ended)
    }
}

/// Whether it is new among the latest `most`.
fn remember<T: PartialEq>(told: &mut VecDeque<T>, one: T, most: usize) -> bool {
    let is_new = !told.contains(&one);
    if is_new {
        told.push_back(one);
        if told.len() > most {
            told.pop_front();
        }
    }
    is_new
}

async fn still_there(app: &App, caller: &Caller) -> bool {
    let Principal::User { user, session } = &caller.principal else { return false };
    let (user, session) = (user.id, *session);
    let scope = caller.scope();
    let found = app.read(scope, move |read| {
        let alive = identity::sessions::of_user(read, user)?.iter().any(|s| s.id == session);
        let enabled = identity::users::find(read, user)?.is_some_and(|u| u.disabled_at.is_none());
        Ok(alive && enabled)
    });
    found.await.unwrap_or(true)
}
