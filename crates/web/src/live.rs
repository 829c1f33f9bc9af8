//! `/live`: one stream of hints a browser, "something about this ticket changed". What changed is fetched by the page,
//! through the same reads as ever, so the stream itself has nothing to leak. Staff also hear where a colleague came or went.

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use axum::{
    Router,
    extract::State,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::get,
};
use base::{Error, Id};
use desk::composing::presence;
use engine::StoredEvent;
use identity::Principal;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::http::{app::App, caller::Caller, failure::Outcome};

/// How far back each look goes: ids follow clocks, not commits, so a late commit may sort before what was read.
const OVERLAP: jiff::SignedDuration = base::seconds(5);
/// How often a stream looks by itself, should a wake-up be lost.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How often it is checked that the one who listens is still signed in.
const CHECK_EVERY: u32 = 6;

pub fn routes() -> Router<App> {
    Router::new().route("/live", get(live))
}

async fn live(State(app): State<App>, caller: Caller) -> Outcome<Response> {
    if !matches!(caller.principal, Principal::User { .. }) {
        return Err(Error::unauthenticated("credential.missing", "sign in first").into());
    }
    let (sender, receiver) = mpsc::channel::<Event>(64);
    tokio::spawn(follow(app, caller, sender));
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

async fn follow(app: App, caller: Caller, sender: mpsc::Sender<Event>) {
    let mut wakes = app.db().signals().events();
    let mut stopping = app.stopping();
    let mut seen: VecDeque<Uuid> = VecDeque::new();
    let mut stirred: VecDeque<presence::Stirred> = VecDeque::new();
    let is_staff = caller.principal.staff().is_some();
    // What happened before the stream began is on the page already.
    let start = app.db().now();
    let (mut epoch, mut looks) = (app.db().signals().access_epoch(), 0u32);
    loop {
        tokio::select! {
            woken = wakes.recv() => match woken {
                Ok(tenant) if tenant != caller.tenant_id() => continue,
                Ok(_) | Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
                Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
            },
            () = tokio::time::sleep(LOOK_EVERY) => looks += 1,
            _ = stopping.wait_for(|s| *s) => return,
            () = sender.closed() => return,
        }
        // Access changed, or some time passed: whoever was signed out hears nothing more; the page reconnects and asks anew.
        if app.db().signals().access_epoch() != epoch || looks >= CHECK_EVERY {
            (epoch, looks) = (app.db().signals().access_epoch(), 0);
            if !still_there(&app, &caller).await {
                return;
            }
        }
        let from = (app.db().now() - OVERLAP).max(start);
        let after: Id<engine::events::EventRow> = Id::new(from, &Zero);
        let looked = app.read(caller.scope(), move |read| {
            let events = engine::events::since(read, after.uuid(), 500)?;
            // Who is where is for staff; a customer's stream does not even ask.
            let present = if is_staff { presence::since(read, from)? } else { Vec::new() };
            Ok((events, present))
        });
        let Ok((events, present)) = looked.await else { continue };
        for change in present {
            if stirred.contains(&change) {
                continue;
            }
            let hint = serde_json::json!({ "topic": "presence", "ticket_id": change.0 }).to_string();
            stirred.push_back(change);
            if stirred.len() > 1024 {
                stirred.pop_front();
            }
            if sender.send(Event::default().event("change").data(hint)).await.is_err() {
                return;
            }
        }
        for event in events {
            if seen.contains(&event.id.uuid()) {
                continue;
            }
            seen.push_back(event.id.uuid());
            if seen.len() > 4096 {
                seen.pop_front();
            }
            if concerns(&caller, &event) {
                let hint = serde_json::json!({ "topic": "ticket", "ticket_id": event.ticket_id }).to_string();
                if sender.send(Event::default().event("change").data(hint)).await.is_err() {
                    return;
                }
            }
        }
    }
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

/// The smallest id of an instant.
struct Zero;
impl base::Entropy for Zero {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}
