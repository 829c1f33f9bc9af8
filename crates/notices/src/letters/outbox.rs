//! The outbox: every letter that was ever written, and what became of it.

use base::{Email, Error, Id, OrNotFound, Result, Timestamp};
use db::{Read, Row, Tx, params};
use engine::{Enqueue, Job};
use identity::audit;
use serde::Serialize;
use uuid::Uuid;

use super::{
    LetterKind, SendLetter, budget, secret,
    template::{self, Rendered, Template},
    words,
};

#[derive(Clone, Debug, Serialize)]
pub struct Letter {
    pub id: Id<Letter>,
    pub kind: String,
    pub ticket_id: Option<Uuid>,
    pub to_email: Email,
    pub to_name: String,
    pub subject: String,
    pub body_text: String,
    pub body_html: String,
    pub message_id: String,
    pub in_reply_to: Option<String>,
    /// The conversation before it, oldest first.
    pub references: Vec<String>,
    /// Absent: the business's own address.
    pub from_email: Option<Email>,
    pub reply_to: Option<Email>,
    /// Whom the header names in To where it is not the recipient, and in Cc.
    pub shown: Shown,
    /// Where a program stops letters of this kind.
    pub unsubscribe: Option<String>,
    pub automatic: bool,
    /// `queued`, `sent`, `failed`, `uncertain`, `bounced`, or `held`: too many went to the same place.
    pub status: String,
    pub attempts: u32,
    pub last_error: Option<String>,
    pub created_at: Timestamp,
    pub sent_at: Option<Timestamp>,
}

/// Whom the header of a letter names besides its recipient.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Shown {
    /// To, where it is somebody else: the recipient got a copy.
    pub to: Option<Named>,
    pub cc: Vec<Named>,
}

/// An address as a header has it.
#[derive(Clone, Debug, PartialEq, Serialize, serde::Deserialize)]
pub struct Named {
    pub email: Email,
    pub name: String,
}

/// A letter about to be written.
#[derive(Clone, Debug)]
pub struct NewLetter {
    pub kind: LetterKind,
    pub to: Email,
    pub to_name: String,
    pub locale: String,
    pub ticket_id: Option<Uuid>,
    /// The domain of the Message-ID.
    pub domain: String,
    /// The address it is from and the one its answers go to, where it is not the business's own.
    pub from_email: Option<Email>,
    pub reply_to: Option<Email>,
    pub shown: Shown,
    /// The customer it is about: what all of their tickets may send has a limit.
    pub customer_id: Option<Uuid>,
    pub unsubscribe: Option<String>,
    /// The Message-ID it answers, so that mail programs show one thread.
    pub in_reply_to: Option<String>,
    /// Files that go along.
    pub files: Vec<LetterFile>,
    pub values: serde_json::Value,
}

impl NewLetter {
    /// To somebody, about nothing in particular, from the business's own address.
    pub fn to(kind: LetterKind, to: Email, name: &str, locale: &str, domain: String) -> Self {
        Self {
            kind,
            to,
            to_name: name.into(),
            locale: locale.into(),
            ticket_id: None,
            domain,
            from_email: None,
            reply_to: None,
            shown: Shown::default(),
            customer_id: None,
            unsubscribe: None,
            in_reply_to: None,
            files: Vec::new(),
            values: serde_json::Value::Null,
        }
    }
}

/// A file of a letter; its content is a blob of the tenant.
#[derive(Clone, Debug)]
pub struct LetterFile {
    pub filename: String,
    pub content_type: String,
    pub size_bytes: u64,
    pub sha256: [u8; 32],
}

macro_rules! columns {
    () => {
        "id, kind, ticket_id, to_email, to_name, subject, body_text, body_html, message_id, in_reply_to, mail_references,
         from_email, reply_to, shown_to, shown_cc, unsubscribe, automatic, status, attempts, last_error, created_at, sent_at"
    };
}

db::statements! {
    INSERT = "insert into letters (tenant_id, id, kind, ticket_id, to_email, to_name, subject, body_text, body_html, message_id, in_reply_to,
        automatic, status, attempts, created_at, mail_references, from_email, reply_to, shown_to, shown_cc, customer_id, unsubscribe)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 0, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)";
    BY_ID = concat!("select ", columns!(), " from letters where tenant_id = ?1 and id = ?2");
    PAGE = concat!("select ", columns!(), " from letters where tenant_id = ?1 and id < ?2 order by id desc limit ?3");
    AGAIN = "update letters set status = 'queued', last_error = null where tenant_id = ?1 and id = ?2 and status in ('failed', 'uncertain', 'bounced', 'held')";
    ADD_FILE = "insert into letter_files (tenant_id, letter_id, position, filename, content_type, size_bytes, sha256)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    FILES = "select filename, content_type, size_bytes, sha256 from letter_files where tenant_id = ?1 and letter_id = ?2 order by position";
    BY_MESSAGE_ID = concat!("select ", columns!(), " from letters where tenant_id = ?1 and message_id = ?2");
    BOUNCED = "update letters set status = 'bounced', last_error = ?3 where tenant_id = ?1 and id = ?2 and status in ('sent', 'uncertain')";
    SETTLE = "update letters set status = ?3, attempts = attempts + 1, last_error = ?4, sent_at = ?5 where tenant_id = ?1 and id = ?2";
    SAY = "update letters set status = ?3, last_error = ?4 where tenant_id = ?1 and id = ?2 and (status <> ?3 or last_error is null or last_error <> ?4)";
    DROP_FILES_OF_TICKET = "delete from letter_files where tenant_id = ?1 and letter_id in (select id from letters where tenant_id = ?1 and ticket_id = ?2)";
    DROP_OF_TICKET = "delete from letters where tenant_id = ?1 and ticket_id = ?2";
    FIRST_OF_TICKET = "select message_id from letters where tenant_id = ?1 and ticket_id = ?2 and to_email = ?3 order by id limit 1";
}

fn map(row: &Row<'_>) -> Result<Letter> {
    let mut c = row.columns();
    Ok(Letter {
        id: c.next()?,
        kind: c.next()?,
        ticket_id: c.next()?,
        to_email: c.next()?,
        to_name: c.next()?,
        subject: c.next()?,
        body_text: c.next()?,
        body_html: c.next()?,
        message_id: c.next()?,
        in_reply_to: c.next()?,
        references: serde_json::from_value(c.next()?).map_err(Error::from_source)?,
        from_email: c.next()?,
        reply_to: c.next()?,
        shown: Shown {
            to: c
                .next::<Option<serde_json::Value>>()?
                .map(serde_json::from_value)
                .transpose()
                .map_err(Error::from_source)?,
            cc: serde_json::from_value(c.next()?).map_err(Error::from_source)?,
        },
        unsubscribe: c.next()?,
        automatic: c.next()?,
        status: c.next()?,
        attempts: c.next()?,
        last_error: c.next()?,
        created_at: c.next()?,
        sent_at: c.next()?,
    })
}

/// A letter that was just put into the outbox.
#[derive(Clone, Copy, Debug)]
pub struct Posted {
    pub id: Id<Letter>,
    /// It waits until somebody lets it go: too many went to the same place.
    pub is_held: bool,
}

impl Posted {
    pub const fn status(self) -> &'static str {
        if self.is_held { "held" } else { "queued" }
    }
}

/// Renders a letter, puts it into the outbox and queues the job that sends it.
pub fn post(tx: &mut Tx<'_>, new: NewLetter) -> Result<Posted> {
    let rendered = template::render(&template::template_of(tx, new.kind, &new.locale)?, &new.values)?;
    let is_automatic = new.kind.is_automatic();
    let is_held = is_automatic && is_spent(tx, &new)?;
    put(tx, new, rendered, is_automatic, is_held)
}

/// The same for what its reader can do without, since it stands elsewhere too: where [`post`] would hold it, it is not
/// made, and none is answered; see [`budget::tell_of_pause`]. A flood would fill the outbox with letters that nobody will ever let go.
pub fn post_dispensable(
    tx: &mut Tx<'_>,
    kind: LetterKind,
    to: &Email,
    make: impl FnOnce(&mut Tx<'_>) -> Result<NewLetter>,
) -> Result<Option<Posted>> {
    if budget::pauses(tx, kind, to)? {
        return Ok(None);
    }
    let new = make(tx)?;
    let rendered = template::render(&template::template_of(tx, kind, &new.locale)?, &new.values)?;
    put(tx, new, rendered, kind.is_automatic(), false).map(Some)
}

fn is_spent(read: &Read<'_>, new: &NewLetter) -> Result<bool> {
    budget::is_spent(read, new.kind, &new.to, new.ticket_id, new.customer_id)
}

/// Sends words that need not be saved to whoever is about to save them. Nobody's answer is awaited.
pub fn post_test(tx: &mut Tx<'_>, new: NewLetter, subject: &str, body: &str) -> Result<Posted> {
    let template = Template {
        kind: new.kind.as_str().into(),
        locale: new.locale.clone(),
        subject: base::text::line("subject", subject, 250)?,
        body: base::text::body("body", body, 64 * 1024)?,
        updated_at: None,
    };
    let mut rendered = template::render(&template, &new.values)?;
    rendered.subject.insert_str(0, words::language(&new.locale).test);
    let is_held = is_spent(tx, &new)?;
    put(tx, new, rendered, true, is_held)
}

fn put(
    tx: &mut Tx<'_>,
    new: NewLetter,
    rendered: Rendered,
    is_automatic: bool,
    is_held: bool,
) -> Result<Posted> {
    let (id, now): (Id<Letter>, _) = (tx.new_id(), tx.now());
    let message_id = mail::message_id(id.uuid(), &secret::of(tx, secret::MESSAGE_IDS)?, &new.domain)?;
    let first = match new.ticket_id {
        Some(ticket) => {
            tx.query_one(&FIRST_OF_TICKET, params![ticket, new.to], |row| row.get::<String>(0))?
        }
        None => None,
    };
    let in_reply_to = new.in_reply_to.or_else(|| first.clone());
    let mut references: Vec<&String> = first.iter().chain(&in_reply_to).collect();
    references.dedup();
    let posted = Posted { id, is_held };
    // What staff hears of a customer is not sent to them, and must not use up what they may get.
    let customer_id = new.customer_id.filter(|_| !new.kind.is_to_staff());
    if is_held {
        budget::tell(tx)?;
    }
    tx.execute(
        &INSERT,
        params![
            id,
            new.kind.as_str(),
            new.ticket_id,
            new.to,
            new.to_name,
            rendered.subject,
            rendered.text,
            rendered.html(),
            message_id,
            in_reply_to,
            is_automatic,
            posted.status(),
            now,
            serde_json::json!(references),
            new.from_email,
            new.reply_to,
            new.shown.to.as_ref().map(|to| serde_json::json!(to)),
            serde_json::json!(new.shown.cc),
            customer_id,
            new.unsubscribe
        ],
    )?;
    for (position, file) in new.files.iter().enumerate() {
        let (position, size) = (position as u64, file.size_bytes);
        tx.execute(&ADD_FILE, params![id, position, file.filename, file.content_type, size, file.sha256])?;
    }
    if !is_held {
        tx.enqueue(&SendLetter { letter: id })?;
    }
    Ok(posted)
}

/// Files that go along with a letter, in their order.
pub fn files(read: &Read<'_>, id: Id<Letter>) -> Result<Vec<LetterFile>> {
    read.query_all(&FILES, params![id], |row| {
        Ok(LetterFile {
            filename: row.get(0)?,
            content_type: row.get(1)?,
            size_bytes: row.get(2)?,
            sha256: row.get(3)?,
        })
    })
}

pub(super) fn find(read: &Read<'_>, id: Id<Letter>) -> Result<Option<Letter>> {
    read.query_one(&BY_ID, params![id], map)
}

pub fn get(read: &Read<'_>, id: Id<Letter>) -> Result<Letter> {
    find(read, id)?.or_not_found("letter")
}

/// The letter of a Message-ID of ours, as a mail that came in names it.
pub fn by_message_id(read: &Read<'_>, message_id: &str) -> Result<Option<Letter>> {
    read.query_one(&BY_MESSAGE_ID, params![message_id], map)
}

/// A letter came back. False when it was on record already.
pub fn bounced(tx: &mut Tx<'_>, id: Id<Letter>, why: &str) -> Result<bool> {
    tx.execute(&BOUNCED, params![id, why]).map(|n| n == 1)
}

/// Newest first, before an id.
pub fn list(read: &Read<'_>, before: Option<Uuid>, limit: u32) -> Result<Vec<Letter>> {
    read.query_all(&PAGE, params![before.unwrap_or(Uuid::max()), limit], map)
}

/// Which letters a list is of; newest first.
#[derive(Clone, Debug, Default)]
pub struct LetterFilter {
    pub status: Option<String>,
    /// Contained in address or subject.
    pub q: Option<String>,
    pub before: Option<Uuid>,
}

pub fn search(read: &Read<'_>, filter: &LetterFilter, limit: u32) -> Result<Vec<Letter>> {
    let mut text = format!("select {} from letters where tenant_id = ?1 and id < ?2", columns!());
    let mut values = vec![db::Value::Uuid(filter.before.unwrap_or(Uuid::max()))];
    if let Some(status) = &filter.status {
        values.push(db::Value::Text(status));
        text.push_str(&format!(" and status = ?{}", values.len() + 1));
    }
    if let Some(q) = &filter.q {
        values.push(db::dialect::contains_pattern(&q.to_lowercase()));
        let p = values.len() + 1;
        text.push_str(&format!(
            " and (lower(to_email) like ?{p} escape '\\' or lower(subject) like ?{p} escape '\\')"
        ));
    }
    values.push(db::Value::Int(limit.into()));
    text.push_str(&format!(" order by id desc limit ?{}", values.len() + 1));
    read.query_all(&db::Sql::built(text), &values, map)
}

/// Tries a letter that failed once more, under the Message-ID it has.
pub fn resend(tx: &mut Tx<'_>, id: Id<Letter>) -> Result<()> {
    get(tx, id)?;
    if tx.execute(&AGAIN, params![id])? == 0 {
        return Err(Error::conflict(
            "letter.not_failed",
            "only a letter that failed or is held can be sent again",
        ));
    }
    let job = SendLetter { letter: id };
    if !engine::store::rerun_key(tx, SendLetter::KIND, &job.key())? {
        tx.enqueue(&job)?;
    }
    audit::record(tx, audit::Change::new("letter.resent", "letter", Some(id.uuid())))
}

/// Letters of a ticket go with what was said on it.
pub fn forget_ticket(tx: &mut Tx<'_>, ticket: Uuid) -> Result<()> {
    tx.execute(&DROP_FILES_OF_TICKET, params![ticket])?;
    tx.execute(&DROP_OF_TICKET, params![ticket]).map(|_| ())
}

/// Where a letter stands without an attempt, and why. False where that is said already.
pub(super) fn say(tx: &mut Tx<'_>, id: Id<Letter>, status: &str, why: &str) -> Result<bool> {
    tx.execute(&SAY, params![id, status, why]).map(|n| n == 1)
}

pub(super) fn settle(tx: &mut Tx<'_>, id: Id<Letter>, status: &str, error: Option<&str>) -> Result<()> {
    let sent_at = (status == "sent").then(|| tx.now());
    tx.execute(&SETTLE, params![id, status, error, sent_at]).map(|_| ())
}
