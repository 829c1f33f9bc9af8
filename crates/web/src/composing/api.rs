//! `/api/admin/support/tickets/{id}/draft`, `…/presence`, `…/held`, and what a composer asks for while somebody types.

use aide::axum::{
    ApiRouter,
    routing::{delete_with, get_with, post_with},
};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use base::{Error, Id, OrNotFound as _, Result, Timestamp};
use desk::{
    composing::{
        drafts::{self, Draft, DraftFile, Written},
        held::{self, Held},
        presence::{self, Doing, Present},
    },
    tickets::{Markdown, Status, Ticket, mentions},
};
use identity::{Staff, User};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    http::{
        answer::{Answer, Nothing, Page},
        app::App,
        extract::{At, Params, Payload, StaffCaller},
        failure::Outcome,
        router::{Who, body, reads, writes},
        upload,
    },
    tickets::api::{TicketAt, must_exist},
};

/// A file that was stored already.
#[derive(Serialize, JsonSchema)]
pub struct FileOut {
    pub id: Uuid,
    pub filename: String,
    pub content_type: String,
    pub size_bytes: u64,
}

impl From<DraftFile> for FileOut {
    fn from(f: DraftFile) -> Self {
        let DraftFile { id, file } = f;
        Self { id, filename: file.filename, content_type: file.content_type, size_bytes: file.size_bytes }
    }
}

#[derive(Serialize, JsonSchema)]
pub struct DraftOut {
    /// `reply` or `note`.
    pub kind: String,
    pub body: String,
    /// The status to be set with the answer.
    pub status: Option<Status>,
    pub attachments: Vec<FileOut>,
    pub updated_at: Timestamp,
}

impl From<Draft> for DraftOut {
    fn from(d: Draft) -> Self {
        let attachments = d.files.into_iter().map(Into::into).collect();
        Self { kind: d.kind, body: d.body, status: d.status, attachments, updated_at: d.updated_at }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftIn {
    /// `reply` or `note`.
    pub kind: String,
    /// An empty text without attachments is no draft.
    pub body: String,
    pub status: Option<Status>,
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct DraftQuery {
    /// `reply` or `note`: each has a draft of its own.
    pub kind: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct FileAt {
    pub id: Id<Ticket>,
    pub file_id: Uuid,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct HeldAt {
    pub id: Id<Ticket>,
    pub held_id: Id<Held>,
}

/// A key writes nothing here, whatever the body says.
fn person(staff: &Staff) -> Result<()> {
    if staff.user_id.is_some() {
        return Ok(());
    }
    Err(Error::forbidden("role.person_only", "drafts and presence are people's, not a key's"))
}

pub async fn show_draft(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<TicketAt>,
    Params(query): Params<DraftQuery>,
) -> Outcome<Answer<DraftOut>> {
    must_exist(&app, &who, at.id).await?;
    person(&who.staff)?;
    let found = app
        .read(who.caller.scope(), move |read| drafts::find(read, &who.staff, at.id, query.kind.as_deref()))
        .await?;
    Ok(Answer::ok(found.or_not_found("draft")?.into()))
}

pub async fn keep_draft(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<TicketAt>,
    payload: Payload,
) -> Outcome<Response> {
    must_exist(&app, &who, at.id).await?;
    person(&who.staff)?;
    let input: DraftIn = payload.json().await?;
    let written = Written { kind: input.kind, body: input.body, status: input.status };
    let kept = app.write(who.caller.scope(), move |tx| drafts::keep(tx, &who.staff, at.id, written)).await?;
    Ok(match kept {
        Some(draft) => Json(DraftOut::from(draft)).into_response(),
        None => Nothing.into_response(),
    })
}

pub async fn forget_draft(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<TicketAt>,
    Params(query): Params<DraftQuery>,
) -> Outcome<Nothing> {
    must_exist(&app, &who, at.id).await?;
    person(&who.staff)?;
    app.write(who.caller.scope(), move |tx| drafts::forget(tx, &who.staff, at.id, query.kind.as_deref()))
        .await?;
    Ok(Nothing)
}

pub async fn attach(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<TicketAt>,
    payload: Payload,
) -> Outcome<Answer<Page<FileOut>>> {
    must_exist(&app, &who, at.id).await?;
    person(&who.staff)?;
    let form = upload::read_form(&app, &who.caller, payload).await?;
    form.only(&["kind"])?;
    if form.files.is_empty() {
        return Err(Error::field("attachments", "attachments.none", "at least one file").into());
    }
    let kind = form.get("kind").map(str::to_owned);
    let added = app
        .write(who.caller.scope(), move |tx| {
            drafts::attach(tx, &who.staff, at.id, kind.as_deref(), form.files)
        })
        .await?;
    Ok(Answer::created(Page { items: added.into_iter().map(Into::into).collect(), next_cursor: None }))
}

pub async fn detach(State(app): State<App>, who: StaffCaller, At(at): At<FileAt>) -> Outcome<Nothing> {
    must_exist(&app, &who, at.id).await?;
    person(&who.staff)?;
    app.write(who.caller.scope(), move |tx| drafts::detach(tx, &who.staff, at.id, at.file_id)).await?;
    Ok(Nothing)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PresenceIn {
    /// `viewing`, `typing`, or `gone` when the page is left. Say it again every ten seconds: silence is `gone`.
    pub doing: Doing,
}

async fn there(app: &App, who: StaffCaller, id: Id<Ticket>) -> Outcome<Answer<Page<Present>>> {
    let items = app.read(who.caller.scope(), move |read| presence::others(read, &who.staff, id)).await?;
    Ok(Answer::ok(Page { items, next_cursor: None }))
}

pub async fn show_presence(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<TicketAt>,
) -> Outcome<Answer<Page<Present>>> {
    must_exist(&app, &who, at.id).await?;
    there(&app, who, at.id).await
}

pub async fn tell_presence(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<TicketAt>,
    payload: Payload,
) -> Outcome<Answer<Page<Present>>> {
    must_exist(&app, &who, at.id).await?;
    person(&who.staff)?;
    let input: PresenceIn = payload.json().await?;
    let staff = who.staff.clone();
    app.write(who.caller.scope(), move |tx| presence::tell(tx, &staff, at.id, input.doing)).await?;
    there(&app, who, at.id).await
}

#[derive(Serialize, JsonSchema)]
pub struct HeldOut {
    pub id: Id<Held>,
    pub user_id: Id<User>,
    pub user_name: String,
    pub body: String,
    /// The status that is set when it goes out.
    pub status: Option<Status>,
    pub created_at: Timestamp,
    pub release_at: Timestamp,
}

impl From<Held> for HeldOut {
    fn from(h: Held) -> Self {
        Self {
            status: h.status_then(),
            id: h.id,
            user_id: h.user_id,
            user_name: h.user_name,
            body: h.body.source,
            created_at: h.created_at,
            release_at: h.release_at,
        }
    }
}

pub async fn list_held(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<TicketAt>,
) -> Outcome<Answer<Page<HeldOut>>> {
    must_exist(&app, &who, at.id).await?;
    let held = app.read(who.caller.scope(), move |read| held::of(read, at.id)).await?;
    Ok(Answer::ok(Page { items: held.into_iter().map(Into::into).collect(), next_cursor: None }))
}

pub async fn take_back(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<HeldAt>,
) -> Outcome<Answer<DraftOut>> {
    must_exist(&app, &who, at.id).await?;
    person(&who.staff)?;
    let draft = app
        .write(who.caller.scope(), move |tx| {
            held::take_back(tx, &who.staff, at.id, at.held_id)?;
            drafts::find(tx, &who.staff, at.id, Some("reply"))
        })
        .await?;
    Ok(Answer::ok(draft.or_not_found("draft")?.into()))
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct MentionsQuery {
    /// The beginning of a name.
    pub q: Option<String>,
}

pub async fn callable(
    State(app): State<App>,
    who: StaffCaller,
    Params(query): Params<MentionsQuery>,
) -> Outcome<Answer<Page<mentions::Callable>>> {
    let typed = query.q.unwrap_or_default();
    let items = app.read(who.caller.scope(), move |read| mentions::callable(read, &typed, 20)).await?;
    Ok(Answer::ok(Page { items, next_cursor: None }))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewIn {
    /// Markdown.
    pub body: String,
}

#[derive(Serialize, JsonSchema)]
pub struct PreviewOut {
    pub html: String,
}

pub async fn preview(_: StaffCaller, payload: Payload) -> Outcome<Answer<PreviewOut>> {
    let input: PreviewIn = payload.json().await?;
    Ok(Answer::ok(PreviewOut { html: Markdown::parse("body", &input.body)?.html }))
}

pub fn routes() -> ApiRouter<App> {
    use Who::*;
    const TICKET: &str = "/api/admin/support/tickets/{id}";
    let at = |rest: &str| format!("{TICKET}/{rest}");
    ApiRouter::new()
        .api_route(
            &at("draft"),
            get_with(show_draft, |op| {
                reads(op, "admin.draft.show", "Your draft on this ticket: without a kind, the one you wrote last", StaffPeople)
                    .response::<200, Json<DraftOut>>()
            })
            .put_with(keep_draft, |op| {
                body::<DraftIn>(writes(op, "admin.draft.keep", "Keep what you wrote so far of this kind", StaffPeople))
                    .response::<200, Json<DraftOut>>()
                    .response::<204, ()>()
            })
            .delete_with(forget_draft, |op| {
                writes(op, "admin.draft.forget", "Throw your draft away: without a kind, both", StaffPeople).response::<204, ()>()
            }),
        )
        .api_route(
            &at("draft/attachments"),
            post_with(attach, |op| {
                writes(op, "admin.draft.attach", "Add files to your draft (multipart; a field kind: reply or note, without it the one you wrote last)", StaffPeople)
                    .response::<201, Json<Page<FileOut>>>()
            }),
        )
        .api_route(
            &at("draft/attachments/{file_id}"),
            delete_with(detach, |op| {
                writes(op, "admin.draft.detach", "Take a file off your draft", StaffPeople)
                    .response::<204, ()>()
            }),
        )
        .api_route(
            &at("presence"),
            get_with(show_presence, |op| {
                reads(op, "admin.presence.show", "Who else is looking, writing or sending", Staff)
                    .response::<200, Json<Page<Present>>>()
            })
            .post_with(tell_presence, |op| {
                body::<PresenceIn>(writes(op, "admin.presence.tell", "Say that you are there", StaffPeople))
                    .response::<200, Json<Page<Present>>>()
            }),
        )
        .api_route(
            &at("held"),
            get_with(list_held, |op| {
                reads(op, "admin.held.list", "Answers that can still be taken back", Staff)
                    .response::<200, Json<Page<HeldOut>>>()
            }),
        )
        .api_route(
            &at("held/{held_id}"),
            delete_with(take_back, |op| {
                writes(op, "admin.held.take_back", "Take your answer back into a draft", StaffPeople)
                    .response::<200, Json<DraftOut>>()
            }),
        )
        .api_route(
            "/api/admin/support/mentions",
            get_with(callable, |op| {
                reads(op, "admin.mentions.list", "People and teams a note can call", Staff)
                    .response::<200, Json<Page<mentions::Callable>>>()
            }),
        )
        .api_route(
            "/api/admin/support/preview",
            post_with(preview, |op| {
                body::<PreviewIn>(reads(op, "admin.preview", "Markdown as it will be shown", Staff))
                    .response::<200, Json<PreviewOut>>()
            }),
        )
}
