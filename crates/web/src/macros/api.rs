//! `/api/admin/support/macros` and `/api/admin/support/canned-replies`.

use axum::extract::State;
use base::{Error, Id, Result, Timestamp};
use desk::{
    composing::drafts,
    macros::{self, Kind, Macro, MacroChanges, MacroPatch, Means, NewMacro, TextKind},
};
use identity::{User, teams::Team};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

pub use super::routes::routes;
use crate::{
    composing::api::FileOut,
    http::{
        answer::{Answer, Created, Idempotency, Nothing, Page, if_match, once},
        app::App,
        extract::{At, Params, Payload, StaffCaller, parse_json},
        failure::Outcome,
        part::Part,
        upload,
    },
    saved_views::api::sharing,
    tickets::{
        acts_api::named,
        api::{detail, read_json_body},
        wire::{MessageOut, TicketOut},
    },
};

/// Whose it is, who sees it, how often it is used.
#[derive(Serialize, JsonSchema)]
pub struct Kept {
    pub attachments: Vec<FileOut>,
    pub owner_id: Id<User>,
    pub team_id: Option<Id<Team>>,
    pub is_for_all: bool,
    /// By everybody who uses it.
    pub uses: u32,
    pub last_used_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Serialize, JsonSchema)]
pub struct CannedReplyOut {
    pub id: Id<Macro>,
    pub name: String,
    /// Markdown with placeholders.
    pub body: String,
    #[serde(flatten)]
    pub kept: Kept,
}

#[derive(Serialize, JsonSchema)]
pub struct MacroOut {
    pub id: Id<Macro>,
    pub name: String,
    /// What the text becomes: `reply` or `note`. Null where there is none.
    pub text_kind: Option<TextKind>,
    /// Markdown with placeholders.
    pub body: String,
    pub changes: MacroChanges,
    #[serde(flatten)]
    pub kept: Kept,
}

fn kept(m: &mut Macro) -> Kept {
    Kept {
        attachments: std::mem::take(&mut m.files).into_iter().map(Into::into).collect(),
        owner_id: m.owner_id,
        team_id: m.team_id,
        is_for_all: m.is_for_all,
        uses: m.uses,
        last_used_at: m.last_used_at,
        created_at: m.created_at,
        updated_at: m.updated_at,
    }
}

impl From<Macro> for CannedReplyOut {
    fn from(mut m: Macro) -> Self {
        let kept = kept(&mut m);
        Self { id: m.id, name: m.name, body: m.body, kept }
    }
}
impl From<Macro> for MacroOut {
    fn from(mut m: Macro) -> Self {
        let kept = kept(&mut m);
        Self { id: m.id, name: m.name, text_kind: m.text_kind, body: m.body, changes: m.changes, kept }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CannedReplyIn {
    pub name: String,
    /// Markdown. May name `{{ticket.number}}`, `{{customer.first_name}}` and others; an unknown one is answered with the list.
    pub body: String,
    /// Shares it with a team.
    pub team_id: Option<Id<Team>>,
    /// Shares it with all of the staff. Admins only.
    #[serde(default)]
    pub is_for_all: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CannedReplyPatchIn {
    pub name: Option<String>,
    pub body: Option<String>,
    /// Null makes it personal again.
    #[serde(default, deserialize_with = "some")]
    pub team_id: Option<Option<Id<Team>>>,
    pub is_for_all: Option<bool>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MacroIn {
    pub name: String,
    /// `reply` unless it is said otherwise.
    pub text_kind: Option<TextKind>,
    /// Markdown with placeholders. Empty: it only changes something.
    #[serde(default)]
    pub body: String,
    #[serde(default)]
    pub changes: MacroChanges,
    /// Shares it with a team.
    pub team_id: Option<Id<Team>>,
    /// Shares it with all of the staff. Admins only.
    #[serde(default)]
    pub is_for_all: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MacroPatchIn {
    pub name: Option<String>,
    pub text_kind: Option<TextKind>,
    pub body: Option<String>,
    /// The whole set of changes.
    pub changes: Option<MacroChanges>,
    /// Null makes it personal again.
    #[serde(default, deserialize_with = "some")]
    pub team_id: Option<Option<Id<Team>>>,
    pub is_for_all: Option<bool>,
}

fn some<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<Option<Option<Id<Team>>>, D::Error> {
    Option::<Id<Team>>::deserialize(d).map(Some)
}

/// Who sees it from now on; none where nothing of it was said.
fn shared(team: Option<Option<Id<Team>>>, all: Option<bool>) -> Result<Option<macros::Sharing>> {
    match (team, all) {
        (None, None) => Ok(None),
        (team, all) => sharing(team.flatten(), all.unwrap_or(false)).map(Some),
    }
}

impl CannedReplyIn {
    fn into_new(self) -> Result<NewMacro> {
        Ok(NewMacro {
            kind: Kind::CannedReply,
            name: self.name,
            text_kind: Some(TextKind::Reply),
            body: self.body,
            changes: MacroChanges::default(),
            sharing: sharing(self.team_id, self.is_for_all)?,
            files: Vec::new(),
        })
    }
}
impl MacroIn {
    fn into_new(self) -> Result<NewMacro> {
        Ok(NewMacro {
            kind: Kind::Macro,
            name: self.name,
            text_kind: self.text_kind,
            body: self.body,
            changes: self.changes,
            sharing: sharing(self.team_id, self.is_for_all)?,
            files: Vec::new(),
        })
    }
}
impl CannedReplyPatchIn {
    fn into_patch(self) -> Result<MacroPatch> {
        let sharing = shared(self.team_id, self.is_for_all)?;
        Ok(MacroPatch { name: self.name, body: self.body, sharing, ..MacroPatch::default() })
    }
}
impl MacroPatchIn {
    fn into_patch(self) -> Result<MacroPatch> {
        Ok(MacroPatch {
            name: self.name,
            text_kind: self.text_kind.map(Some),
            body: self.body,
            changes: self.changes,
            sharing: shared(self.team_id, self.is_for_all)?,
            ..MacroPatch::default()
        })
    }
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct MacrosQuery {
    /// A part of the name.
    pub q: Option<String>,
    pub cursor: Option<String>,
    /// 1 to 100; absent: the whole list.
    pub limit: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct MacroAt {
    pub id: Id<Macro>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct MacroFileAt {
    pub id: Id<Macro>,
    pub file_id: Uuid,
}

async fn listed<T: From<Macro> + Send + 'static>(
    app: &App,
    who: StaffCaller,
    kind: Kind,
    query: MacrosQuery,
) -> Outcome<Answer<Page<T>>> {
    let place = Part { cursor: query.cursor, limit: query.limit }.place()?;
    let q = query.q.unwrap_or_default().to_lowercase();
    let mut found = app.read(who.caller.scope(), move |read| macros::visible(read, &who.staff, kind)).await?;
    found.retain(|m| m.name.to_lowercase().contains(&q));
    Ok(Answer::ok(place.of(found.into_iter().map(Into::into).collect())))
}

/// Whether it exists for this caller, before anything of the body is looked at; and that they may write at all.
async fn must_exist(app: &App, who: &StaffCaller, kind: Kind, id: Id<Macro>) -> Result<Macro> {
    let staff = who.staff.clone();
    app.read(who.caller.scope(), move |read| macros::get_visible(read, &staff, kind, id)).await
}

async fn saved<T: From<Macro> + Serialize>(
    app: &App,
    who: StaffCaller,
    route: &str,
    key: Option<String>,
    body: &[u8],
    new: impl FnOnce(&[u8]) -> Result<NewMacro>,
) -> Outcome<Created> {
    let key = Idempotency::of(&who.caller, key.as_deref(), route, body)?;
    let new = new(body)?;
    let made = app.write(who.caller.scope(), move |tx| {
        once(tx, key.as_ref(), |tx| {
            let made = macros::save(tx, &who.staff, new)?;
            Ok(T::from(made))
        })
    });
    Ok(made.await?)
}

/// A key has none of its own.
fn person(who: &StaffCaller) -> Result<()> {
    if who.staff.user_id.is_some() {
        return Ok(());
    }
    Err(Error::forbidden("role.person_only", "a key has none of its own; a person saves and shares them"))
}

fn not_read_only(who: &StaffCaller) -> Result<()> {
    if who.staff.read_only {
        Err(Error::forbidden("key.read_only", "this key may only read"))
    } else {
        Ok(())
    }
}

async fn changed<T: From<Macro>>(
    app: &App,
    who: StaffCaller,
    kind: Kind,
    id: Id<Macro>,
    patch: MacroPatch,
) -> Outcome<Answer<T>> {
    let m = app.write(who.caller.scope(), move |tx| macros::change(tx, &who.staff, kind, id, patch)).await?;
    Ok(Answer::ok(m.into()))
}

/// The handlers of one kind, under names of their own.
macro_rules! kind {
    ($module:ident, $kind:expr, $route:literal, $out:ty, $input:ty, $patch:ty) => {
        pub mod $module {
            use super::*;

            pub async fn list(
                State(app): State<App>,
                who: StaffCaller,
                Params(query): Params<MacrosQuery>,
            ) -> Outcome<Answer<Page<$out>>> {
                listed(&app, who, $kind, query).await
            }

            pub async fn create(
                State(app): State<App>,
                who: StaffCaller,
                payload: Payload,
            ) -> Outcome<Created> {
                person(&who)?;
                let key = payload.header("idempotency-key").map(str::to_owned);
                let body = read_json_body(payload).await?;
                let read = |b: &[u8]| parse_json::<$input>(b)?.into_new();
                saved::<$out>(&app, who, $route, key, &body, read).await
            }

            pub async fn show(
                State(app): State<App>,
                who: StaffCaller,
                At(at): At<MacroAt>,
            ) -> Outcome<Answer<$out>> {
                Ok(Answer::ok(must_exist(&app, &who, $kind, at.id).await?.into()))
            }

            pub async fn change(
                State(app): State<App>,
                who: StaffCaller,
                At(at): At<MacroAt>,
                payload: Payload,
            ) -> Outcome<Answer<$out>> {
                must_exist(&app, &who, $kind, at.id).await?;
                not_read_only(&who)?;
                let patch = payload.json::<$patch>().await?.into_patch()?;
                changed(&app, who, $kind, at.id, patch).await
            }

            pub async fn delete(
                State(app): State<App>,
                who: StaffCaller,
                At(at): At<MacroAt>,
            ) -> Outcome<Nothing> {
                app.write(who.caller.scope(), move |tx| macros::delete(tx, &who.staff, $kind, at.id)).await?;
                Ok(Nothing)
            }

            pub async fn attach(
                State(app): State<App>,
                who: StaffCaller,
                At(at): At<MacroAt>,
                payload: Payload,
            ) -> Outcome<Answer<$out>> {
                must_exist(&app, &who, $kind, at.id).await?;
                not_read_only(&who)?;
                let form = upload::read_form(&app, &who.caller, payload).await?;
                form.only(&[])?;
                if form.files.is_empty() {
                    return Err(Error::field("attachments", "attachments.none", "at least one file").into());
                }
                let patch = MacroPatch { add_files: form.files, ..MacroPatch::default() };
                changed(&app, who, $kind, at.id, patch).await
            }

            pub async fn detach(
                State(app): State<App>,
                who: StaffCaller,
                At(at): At<MacroFileAt>,
            ) -> Outcome<Answer<$out>> {
                let m = must_exist(&app, &who, $kind, at.id).await?;
                if !m.files.iter().any(|f| f.id == at.file_id) {
                    return Err(Error::not_found("file").into());
                }
                let keep = m.files.iter().map(|f| f.id).filter(|id| *id != at.file_id).collect();
                let patch = MacroPatch { keep_files: Some(keep), ..MacroPatch::default() };
                changed(&app, who, $kind, at.id, patch).await
            }
        }
    };
}
kind!(canned, Kind::CannedReply, "canned_replies", CannedReplyOut, CannedReplyIn, CannedReplyPatchIn);
kind!(whole, Kind::Macro, "macros", MacroOut, MacroIn, MacroPatchIn);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnTicket {
    /// Id or number of the ticket.
    pub ticket_id: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IntoDraft {
    /// Id or number of the ticket.
    pub ticket_id: String,
    /// `reply` or `note`: whose draft its files go to; without it, the one you wrote last.
    pub kind: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub struct Inserted {
    /// The text with the ticket's values in it.
    pub body: String,
    /// Its files, which are in your draft on this ticket now.
    pub attachments: Vec<FileOut>,
}

pub async fn insert(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<MacroAt>,
    payload: Payload,
) -> Outcome<Answer<Inserted>> {
    must_exist(&app, &who, Kind::CannedReply, at.id).await?;
    not_read_only(&who)?;
    let input: IntoDraft = payload.json().await?;
    let out = app
        .write(who.caller.scope(), move |tx| {
            let ticket = named(tx, "ticket_id", &input.ticket_id)?;
            let (body, files) = macros::insert(tx, &who.staff, at.id, ticket)?;
            // A key has no draft to put files into.
            let attachments = match who.staff.user_id {
                Some(_) => drafts::attach(tx, &who.staff, ticket, input.kind.as_deref(), files)?,
                None => Vec::new(),
            };
            Ok(Inserted { body, attachments: attachments.into_iter().map(Into::into).collect() })
        })
        .await?;
    Ok(Answer::ok(out))
}

#[derive(Serialize, JsonSchema)]
pub struct AppliedOut {
    pub ticket: TicketOut,
    /// The answer or note it wrote.
    pub message: Option<MessageOut>,
}

pub async fn apply(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<MacroAt>,
    payload: Payload,
) -> Outcome<Created> {
    must_exist(&app, &who, Kind::Macro, at.id).await?;
    not_read_only(&who)?;
    let expected = if_match(&payload);
    let key = payload.header("idempotency-key").map(str::to_owned);
    let body = read_json_body(payload).await?;
    let key = Idempotency::of(&who.caller, key.as_deref(), &format!("macro:{}", at.id), &body)?;
    let input: OnTicket = parse_json(&body)?;
    let means = Means { expected_version: expected?, held: false };
    let settings = who.caller.tenant.settings.clone();
    Ok(app
        .write(who.caller.scope(), move |tx| {
            once(tx, key.as_ref(), |tx| {
                let ticket = named(tx, "ticket_id", &input.ticket_id)?;
                let applied = macros::apply(tx, &settings, &who.staff, at.id, ticket, means)?;
                let (ticket, _) = detail(tx, &who.staff, applied.ticket)?;
                Ok(AppliedOut { ticket, message: applied.message.map(Into::into) })
            })
        })
        .await?)
}
