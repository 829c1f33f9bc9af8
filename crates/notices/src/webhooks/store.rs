use base::{Error, Id, Result, Secret, Timestamp};
use db::{Read, Row, Tx, params};
use uuid::Uuid;

use super::model::{Attempt, Delivery, DeliveryState, Webhook, message_id};

db::statements! {
    INSERT = "insert into webhooks (tenant_id, id, name, url, topics, secret, version, created_at, updated_at) values (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?7)";
    FIND = "select id, name, url, topics, disabled_at, disabled_reason, failing_since, previous_until, version, created_at, updated_at
        from webhooks where tenant_id = ?1 and id = ?2 and deleted_at is null";
    LOCK = "select id, name, url, topics, disabled_at, disabled_reason, failing_since, previous_until, version, created_at, updated_at
        from webhooks where tenant_id = ?1 and id = ?2 and deleted_at is null {lock}";
    ALL = "select id, name, url, topics, disabled_at, disabled_reason, failing_since, previous_until, version, created_at, updated_at
        from webhooks where tenant_id = ?1 and deleted_at is null order by id";
    SECRETS = "select secret, previous_secret, previous_until from webhooks where tenant_id = ?1 and id = ?2";
    SAVE = "update webhooks set name = ?3, url = ?4, topics = ?5, disabled_at = ?6, disabled_reason = ?7, failing_since = ?8, version = ?9, updated_at = ?10
        where tenant_id = ?1 and id = ?2";
    ROTATE = "update webhooks set previous_secret = secret, secret = ?3, previous_until = ?4, version = version + 1, updated_at = ?5 where tenant_id = ?1 and id = ?2";
    DELETE = "update webhooks set deleted_at = ?3, secret = '', previous_secret = null, previous_until = null where tenant_id = ?1 and id = ?2";
    SET_FAILING = "update webhooks set failing_since = ?3 where tenant_id = ?1 and id = ?2";
    INSERT_MESSAGE = "insert into webhook_messages (tenant_id, id, topic, body, created_at) values (?1, ?2, ?3, ?4, ?5) on conflict (tenant_id, id) do nothing";
    BODY = "select body from webhook_messages where tenant_id = ?1 and id = ?2";
    INSERT_DELIVERY = "insert into webhook_deliveries (tenant_id, id, webhook_id, message_id, topic, state, attempts, round, attempts_before, next_attempt_at, created_at)
        values (?1, ?2, ?3, ?4, ?5, 'pending', 0, 1, 0, ?6, ?6) on conflict (tenant_id, webhook_id, message_id) do nothing";
    FIND_DELIVERY = "select id, webhook_id, message_id, topic, state, attempts, round, attempts_before, next_attempt_at, last_status, last_error, created_at, ended_at
        from webhook_deliveries where tenant_id = ?1 and id = ?2";
    LOCK_DELIVERY = "select id, webhook_id, message_id, topic, state, attempts, round, attempts_before, next_attempt_at, last_status, last_error, created_at, ended_at
        from webhook_deliveries where tenant_id = ?1 and id = ?2 {lock}";
    SAVE_DELIVERY = "update webhook_deliveries set state = ?3, attempts = ?4, round = ?5, attempts_before = ?6, next_attempt_at = ?7, last_status = ?8, last_error = ?9, ended_at = ?10
        where tenant_id = ?1 and id = ?2";
    DELIVERIES = "select id, webhook_id, message_id, topic, state, attempts, round, attempts_before, next_attempt_at, last_status, last_error, created_at, ended_at
        from webhook_deliveries where tenant_id = ?1 and webhook_id = ?2 and id < ?3 order by id desc limit ?4";
    DELIVERIES_OF_STATE = "select id, webhook_id, message_id, topic, state, attempts, round, attempts_before, next_attempt_at, last_status, last_error, created_at, ended_at
        from webhook_deliveries where tenant_id = ?1 and webhook_id = ?2 and state = ?5 and id < ?3 order by id desc limit ?4";
    IN_RANGE = "select id from webhook_deliveries where tenant_id = ?1 and webhook_id = ?2 and state = ?3 and id >= ?4 and id < ?5 order by id limit ?6";
    INSERT_ATTEMPT = "insert into webhook_attempts (tenant_id, delivery_id, number, started_at, duration_ms, status, error, answer_excerpt)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    ATTEMPTS = "select number, started_at, duration_ms, status, error, answer_excerpt from webhook_attempts where tenant_id = ?1 and delivery_id = ?2 order by number";
    FORGET_ATTEMPTS = "delete from webhook_attempts where tenant_id = ?1 and delivery_id in (select id from webhook_deliveries where tenant_id = ?1
        and message_id in (select id from webhook_messages where tenant_id = ?1 and created_at < ?2 order by created_at, id limit ?3))";
    FORGET_DELIVERIES = "delete from webhook_deliveries where tenant_id = ?1
        and message_id in (select id from webhook_messages where tenant_id = ?1 and created_at < ?2 order by created_at, id limit ?3)";
    FORGET_MESSAGES = "delete from webhook_messages where tenant_id = ?1 and id in (select id from webhook_messages where tenant_id = ?1 and created_at < ?2 order by created_at, id limit ?3)";
    FORGET_WEBHOOKS = "delete from webhooks where tenant_id = ?1 and deleted_at < ?2
        and not exists (select 1 from webhook_deliveries d where d.tenant_id = webhooks.tenant_id and d.webhook_id = webhooks.id)";
    FORGET_SECRETS = "update webhooks set previous_secret = null, previous_until = null where tenant_id = ?1 and previous_until <= ?2";
}

fn webhook(row: &Row<'_>) -> Result<Webhook> {
    let mut c = row.columns();
    let (id, name, url) = (c.next()?, c.next()?, c.next()?);
    let topics: serde_json::Value = c.next()?;
    Ok(Webhook {
        id,
        name,
        url,
        topics: serde_json::from_value(topics).map_err(Error::from_source)?,
        disabled_at: c.next()?,
        disabled_reason: c.next()?,
        failing_since: c.next()?,
        previous_secret_until: c.next()?,
        version: c.next()?,
        created_at: c.next()?,
        updated_at: c.next()?,
    })
}

pub fn insert(tx: &mut Tx<'_>, w: &Webhook, secret: &Secret) -> Result<()> {
    let topics = serde_json::json!(w.topics);
    tx.execute(&INSERT, params![w.id, w.name, w.url, topics, secret.reveal(), w.created_at]).map(|_| ())
}
pub fn find(read: &Read<'_>, id: Id<Webhook>) -> Result<Option<Webhook>> {
    read.query_one(&FIND, params![id], webhook)
}
pub fn lock(tx: &mut Tx<'_>, id: Id<Webhook>) -> Result<Option<Webhook>> {
    tx.query_one(&LOCK, params![id], webhook)
}
pub fn all(read: &Read<'_>) -> Result<Vec<Webhook>> {
    read.query_all(&ALL, params![], webhook)
}
/// The secrets that sign at an instant, the present one first.
pub fn secrets(read: &Read<'_>, id: Id<Webhook>, now: Timestamp) -> Result<Vec<Secret>> {
    let found = read.query_one(&SECRETS, params![id], |row| {
        let mut c = row.columns();
        Ok((c.next::<String>()?, c.next::<Option<String>>()?, c.next::<Option<Timestamp>>()?))
    })?;
    let Some((secret, previous, until)) = found else { return Ok(Vec::new()) };
    let previous = previous.filter(|_| until.is_some_and(|u| u > now));
    Ok([Some(secret), previous].into_iter().flatten().map(Secret::new).collect())
}
pub fn save(tx: &mut Tx<'_>, w: &Webhook) -> Result<()> {
    let topics = serde_json::json!(w.topics);
    let values = params![
        w.id,
        w.name,
        w.url,
        topics,
        w.disabled_at,
        w.disabled_reason,
        w.failing_since,
        w.version,
        w.updated_at
    ];
    tx.execute(&SAVE, values).map(|_| ())
}
pub fn rotate(tx: &mut Tx<'_>, id: Id<Webhook>, secret: &Secret, previous_until: Timestamp) -> Result<()> {
    let now = tx.now();
    tx.execute(&ROTATE, params![id, secret.reveal(), previous_until, now]).map(|_| ())
}
pub fn delete(tx: &mut Tx<'_>, id: Id<Webhook>) -> Result<()> {
    let now = tx.now();
    tx.execute(&DELETE, params![id, now]).map(|_| ())
}
pub fn set_failing(tx: &mut Tx<'_>, id: Id<Webhook>, since: Option<Timestamp>) -> Result<()> {
    tx.execute(&SET_FAILING, params![id, since]).map(|_| ())
}

pub fn insert_message(tx: &mut Tx<'_>, id: Uuid, topic: &str, body: &str) -> Result<()> {
    let now = tx.now();
    tx.execute(&INSERT_MESSAGE, params![id, topic, body, now]).map(|_| ())
}
pub fn body(read: &Read<'_>, message: Uuid) -> Result<Option<String>> {
    read.query_one(&BODY, params![message], |row| row.get(0))
}

/// A delivery that is to begin now; none when this webhook has this message already.
pub fn insert_delivery(
    tx: &mut Tx<'_>,
    to: Id<Webhook>,
    message: Uuid,
    topic: &str,
) -> Result<Option<Id<Delivery>>> {
    let (id, now) = (tx.new_id(), tx.now());
    let made = tx.execute(&INSERT_DELIVERY, params![id, to, message, topic, now])? == 1;
    Ok(made.then_some(id))
}

fn delivery(row: &Row<'_>) -> Result<Delivery> {
    let mut c = row.columns();
    let (id, webhook_id) = (c.next()?, c.next()?);
    let message: Uuid = c.next()?;
    let (topic, state, attempts, round, attempts_before) =
        (c.next()?, c.next()?, c.next()?, c.next()?, c.next()?);
    Ok(Delivery {
        id,
        webhook_id,
        message_id: message_id(message),
        message,
        topic,
        state,
        attempts,
        round,
        attempts_before,
        next_attempt_at: c.next()?,
        last_status: c.next()?,
        last_error: c.next()?,
        created_at: c.next()?,
        ended_at: c.next()?,
    })
}

pub fn find_delivery(read: &Read<'_>, id: Id<Delivery>) -> Result<Option<Delivery>> {
    read.query_one(&FIND_DELIVERY, params![id], delivery)
}
pub fn lock_delivery(tx: &mut Tx<'_>, id: Id<Delivery>) -> Result<Option<Delivery>> {
    tx.query_one(&LOCK_DELIVERY, params![id], delivery)
}
pub fn save_delivery(tx: &mut Tx<'_>, d: &Delivery) -> Result<()> {
    let values = params![
        d.id,
        d.state,
        d.attempts,
        d.round,
        d.attempts_before,
        d.next_attempt_at,
        d.last_status,
        d.last_error,
        d.ended_at
    ];
    tx.execute(&SAVE_DELIVERY, values).map(|_| ())
}
/// The newest deliveries of a webhook before an id.
pub fn deliveries(
    read: &Read<'_>,
    of: Id<Webhook>,
    state: Option<DeliveryState>,
    before: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Delivery>> {
    let before = before.unwrap_or(Uuid::max());
    match state {
        Some(state) => read.query_all(&DELIVERIES_OF_STATE, params![of, before, limit, state], delivery),
        None => read.query_all(&DELIVERIES, params![of, before, limit], delivery),
    }
}
/// Ids of a state's deliveries from one id to before another, oldest first.
pub fn in_range(
    read: &Read<'_>,
    of: Id<Webhook>,
    state: DeliveryState,
    from: Uuid,
    to: Uuid,
    limit: u32,
) -> Result<Vec<Id<Delivery>>> {
    read.query_all(&IN_RANGE, params![of, state, from, to, limit], |row| row.get(0))
}

pub fn insert_attempt(tx: &mut Tx<'_>, of: Id<Delivery>, a: &Attempt) -> Result<()> {
    let values = params![of, a.number, a.started_at, a.duration_ms, a.status, a.error, a.answer_excerpt];
    tx.execute(&INSERT_ATTEMPT, values).map(|_| ())
}
pub fn attempts(read: &Read<'_>, of: Id<Delivery>) -> Result<Vec<Attempt>> {
    read.query_all(&ATTEMPTS, params![of], |row| {
        let mut c = row.columns();
        Ok(Attempt {
            number: c.next()?,
            started_at: c.next()?,
            duration_ms: c.next()?,
            status: c.next()?,
            error: c.next()?,
            answer_excerpt: c.next()?,
        })
    })
}

/// Deletes up to `most` messages from before an instant with everything that hangs on them.
pub fn forget(tx: &mut Tx<'_>, before: Timestamp, most: u32) -> Result<()> {
    tx.execute(&FORGET_ATTEMPTS, params![before, most])?;
    tx.execute(&FORGET_DELIVERIES, params![before, most])?;
    tx.execute(&FORGET_MESSAGES, params![before, most])?;
    tx.execute(&FORGET_WEBHOOKS, params![before])?;
    let now = tx.now();
    tx.execute(&FORGET_SECRETS, params![now]).map(|_| ())
}
