//! From a delivery to its attempts. Each attempt is a job of its own, so the engine's own backoff plays no part.

use base::{Error, Id, OrNotFound, Result, Timestamp};
use db::Tx;
use engine::{
    Enqueue, Failure, Handler, Job, Outside, Step,
    outside::{HttpAnswer, HttpError, HttpRequest, Method},
};
use serde::{Deserialize, Serialize};

use super::{
    gate::{Gate, Place},
    model::{Attempt, Delivery, DeliveryState, retry_after, wait},
    ops, signature, store,
};

/// Of an answer's body, in the log.
const EXCERPT_MAX: usize = 2048;

/// One attempt of one delivery.
#[derive(Serialize, Deserialize)]
pub struct Deliver {
    pub delivery: Id<Delivery>,
    pub round: u32,
    pub attempt: u32,
}

impl Job for Deliver {
    const KIND: &'static str = "notices.deliver_webhook";
    fn key(&self) -> String {
        format!("{}/{}/{}", self.delivery, self.round, self.attempt)
    }
}

#[derive(Default)]
pub struct Deliverer {
    gate: Gate,
}

pub struct Plan {
    request: HttpRequest,
    started_at: Timestamp,
    place: Place,
}

pub struct Outcome {
    answer: Result<HttpAnswer, HttpError>,
    started_at: Timestamp,
}

impl Deliver {
    /// Whether this attempt is still to be made: nobody made it, and no replay began.
    fn is_due(&self, d: &Delivery) -> bool {
        d.state == DeliveryState::Pending && d.round == self.round && d.attempts + 1 == self.attempt
    }
}

impl Handler for Deliverer {
    type Job = Deliver;
    type Plan = Plan;
    type Outcome = Outcome;

    fn plan(&self, tx: &mut Tx<'_>, job: &Deliver) -> Result<Step<Plan>> {
        let now = tx.now();
        let Some(mut delivery) = store::lock_delivery(tx, job.delivery)?.filter(|d| job.is_due(d)) else {
            return Ok(Step::Done);
        };
        let webhook = store::find(tx, delivery.webhook_id)?.filter(|w| w.disabled_at.is_none());
        let Some(webhook) = webhook else {
            delivery.state = DeliveryState::Cancelled;
            delivery.next_attempt_at = None;
            delivery.ended_at = Some(now);
            delivery.last_error = Some("the webhook was off when its turn came".into());
            store::save_delivery(tx, &delivery)?;
            return Ok(Step::Done);
        };
        let Some(place) = self.gate.enter(webhook.id) else {
            let mut random = [0; 1];
            tx.entropy().fill(&mut random);
            return Ok(Step::Later(
                now + jiff::SignedDuration::from_millis(1000 + 16 * i64::from(random[0])),
            ));
        };
        let body = store::body(tx, delivery.message)?.or_not_found("message")?;
        let signatures = store::secrets(tx, webhook.id, now)?
            .iter()
            .map(|secret| signature::sign(secret, &delivery.message_id, now, &body))
            .collect::<Result<Vec<_>>>()?;
        let request = HttpRequest {
            method: Method::Post,
            url: webhook.url,
            headers: vec![
                ("content-type", "application/json".into()),
                ("webhook-id", delivery.message_id),
                ("webhook-timestamp", now.as_second().to_string()),
                ("webhook-signature", signatures.join(" ")),
            ],
            body: body.into(),
        };
        Ok(Step::Perform(Plan { request, started_at: now, place }))
    }

    async fn perform(&self, outside: &Outside, plan: Plan) -> Result<Outcome, Failure> {
        let Plan { request, started_at, place } = plan;
        let answer = outside.http.call(request).await;
        drop(place);
        // What the receiver said is an outcome, also when it said nothing: when to try again is decided in `settle`.
        Ok(Outcome { answer, started_at })
    }

    fn settle(
        &self,
        tx: &mut Tx<'_>,
        job: &Deliver,
        outcome: Result<Outcome, Failure>,
        _: bool,
    ) -> Result<()> {
        let Outcome { answer, started_at } =
            outcome.map_err(|f| Error::bug(format!("an attempt failed by itself: {}", f.detail())))?;
        let Some(mut delivery) = store::lock_delivery(tx, job.delivery)?.filter(|d| job.is_due(d)) else {
            return Ok(());
        };
        let attempt = attempt_of(job.attempt, started_at, &answer);
        store::insert_attempt(tx, delivery.id, &attempt)?;
        delivery.attempts = job.attempt;
        delivery.last_status = attempt.status;
        delivery.last_error.clone_from(&attempt.error);
        let succeeded = attempt.status.is_some_and(|s| (200..300).contains(&s));
        let asked = match &answer {
            Ok(a) if matches!(a.status, 429 | 503) => {
                a.retry_after.as_deref().and_then(|t| retry_after(t, tx.now()))
            }
            _ => None,
        };
        let goes_on = ops::note_health(tx, delivery.webhook_id, succeeded, attempt.status == Some(410))?;
        let mut random = [0; 1];
        tx.entropy().fill(&mut random);
        let failed = delivery.attempts - delivery.attempts_before;
        let next = wait(failed, asked, random[0]).filter(|_| goes_on).map(|w| tx.now() + w);
        let result = match (succeeded, next) {
            (true, _) => "delivered",
            (false, Some(_)) => "again",
            (false, None) => "failed",
        };
        metrics::counter!("counterfoil_webhook_attempts_total", "result" => result).increment(1);
        match (succeeded, next) {
            (true, _) => end(tx, &mut delivery, DeliveryState::Delivered),
            (false, None) => end(tx, &mut delivery, DeliveryState::Failed),
            (false, Some(at)) => {
                delivery.next_attempt_at = Some(at);
                let job = Deliver { delivery: delivery.id, round: job.round, attempt: job.attempt + 1 };
                tx.enqueue_at(&job, at)?;
            }
        }
        store::save_delivery(tx, &delivery)
    }
}

fn end(tx: &Tx<'_>, delivery: &mut Delivery, state: DeliveryState) {
    delivery.state = state;
    delivery.next_attempt_at = None;
    delivery.ended_at = Some(tx.now());
}

fn attempt_of(number: u32, started_at: Timestamp, answer: &Result<HttpAnswer, HttpError>) -> Attempt {
    let took = match answer {
        Ok(a) => a.took,
        Err(e) => e.took,
    };
    let (status, error, excerpt) = match answer {
        Ok(a) if (200..300).contains(&a.status) => (Some(a.status), None, excerpt(&a.body)),
        Ok(a) if (300..400).contains(&a.status) => {
            let said = format!("answered {}; redirects are not followed", a.status);
            (Some(a.status), Some(said), excerpt(&a.body))
        }
        Ok(a) => (Some(a.status), Some(format!("answered {}", a.status)), excerpt(&a.body)),
        Err(e) => (None, Some(e.detail.chars().take(500).collect()), String::new()),
    };
    Attempt {
        number,
        started_at,
        duration_ms: i64::try_from(took.as_millis()).unwrap_or(i64::MAX),
        status: status.map(u32::from),
        error,
        answer_excerpt: excerpt,
    }
}

/// The beginning of a body as text that can be stored and shown.
fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(EXCERPT_MAX)]);
    text.chars().map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::excerpt;

    #[test]
    fn an_excerpt_is_short_and_holds_nothing_that_cannot_be_stored() {
        assert_eq!(excerpt(b"ok\n\0\x1b[31m"), "ok\n\u{fffd}\u{fffd}[31m");
        assert!(excerpt(&[b'x'; 100_000]).len() == 2048);
        assert!(excerpt(&[0xff; 10]).chars().all(|c| c == '\u{fffd}'));
    }
}
