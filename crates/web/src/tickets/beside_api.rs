//! What is kept beside a ticket, over JSON: relations, participants, checklist, time, tags' colours.

use axum::extract::State;
use base::{Error, Id};
use desk::tickets::{
    self, Ticket,
    checklist::{self, ChecklistItem, ItemPatch},
    participants::{self, Participant},
    relations::{self, ChildAnswered, Relation},
    tags::{self, Tag},
    time_entries::{self, TimeEntry},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    acts_api::{acting, named},
    api::{TicketAt, must_exist, read_json_body},
    wire::email,
};
use crate::http::{
    answer::{Answer, Created, Idempotency, Nothing, Page, once},
    app::App,
    extract::{AdminCaller, At, Payload, StaffCaller, parse_json},
    failure::Outcome,
};

/// A whole list; these are short.
fn whole<T>(items: Vec<T>) -> Answer<Page<T>> {
    Answer::ok(Page { items, next_cursor: None })
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RelationIn {
    /// `related, duplicate_of, has_duplicate, child_of, parent_of`: how this ticket stands to the other.
    pub kind: String,
    /// Id or number of the other.
    pub ticket: String,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct RelationAt {
    pub id: Id<Ticket>,
    pub kind: String,
    pub other: Id<Ticket>,
}

pub async fn relations(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<TicketAt>,
) -> Outcome<Answer<Page<Relation>>> {
    must_exist(&app, &who, at.id).await?;
    Ok(whole(app.read(who.caller.scope(), move |read| relations::seen_by(read, &who.staff, at.id)).await?))
}

pub async fn relate(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<TicketAt>,
    payload: Payload,
) -> Outcome<Answer<Page<Relation>>> {
    acting(&app, &who, at.id).await?;
    let input: RelationIn = payload.json().await?;
    let kind = input.kind.parse()?;
    let settings = who.caller.tenant.settings.clone();
    Ok(whole(
        app.write(who.caller.scope(), move |tx| {
            let other = named(tx, "ticket", &input.ticket)?;
            relations::relate(tx, &settings, &who.staff, at.id, kind, other)
        })
        .await?,
    ))
}

pub async fn unrelate(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<RelationAt>,
) -> Outcome<Answer<Page<Relation>>> {
    acting(&app, &who, at.id).await?;
    let kind = at.kind.parse()?;
    let settings = who.caller.tenant.settings.clone();
    Ok(whole(
        app.write(who.caller.scope(), move |tx| {
            relations::unrelate(tx, &settings, &who.staff, at.id, kind, at.other)
        })
        .await?,
    ))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChildrenAnswerIn {
    /// Markdown: goes to the customer of every live child.
    pub body: String,
    #[serde(default)]
    pub resolve: bool,
}

pub async fn answer_children(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<TicketAt>,
    payload: Payload,
) -> Outcome<Created> {
    acting(&app, &who, at.id).await?;
    let key = payload.header("idempotency-key").map(str::to_owned);
    let body = read_json_body(payload).await?;
    let key = Idempotency::of(&who.caller, key.as_deref(), &format!("children:{}", at.id), &body)?;
    let input: ChildrenAnswerIn = parse_json(&body)?;
    let text = tickets::Markdown::parse("body", &input.body)?;
    let settings = who.caller.tenant.settings.clone();
    Ok(app
        .write(who.caller.scope(), move |tx| {
            once(tx, key.as_ref(), |tx| {
                let items: Vec<ChildAnswered> =
                    relations::answer_children(tx, &settings, &who.staff, at.id, &text, input.resolve)?;
                Ok(Page { items, next_cursor: None })
            })
        })
        .await?)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParticipantIn {
    pub email: String,
    #[serde(default)]
    pub name: String,
    /// The others are not told that they get a copy.
    #[serde(default)]
    pub hidden: bool,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct ParticipantAt {
    pub id: Id<Ticket>,
    pub email: String,
}

pub async fn participants(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<TicketAt>,
) -> Outcome<Answer<Page<Participant>>> {
    must_exist(&app, &who, at.id).await?;
    Ok(whole(app.read(who.caller.scope(), move |read| participants::of(read, at.id)).await?))
}

pub async fn add_participant(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<TicketAt>,
    payload: Payload,
) -> Outcome<Answer<Page<Participant>>> {
    acting(&app, &who, at.id).await?;
    let input: ParticipantIn = payload.json().await?;
    let address = email("email", &input.email)?;
    let settings = who.caller.tenant.settings.clone();
    Ok(whole(
        app.write(who.caller.scope(), move |tx| {
            participants::add(tx, &settings, &who.staff, at.id, &address, &input.name, input.hidden)
        })
        .await?,
    ))
}

pub async fn remove_participant(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<ParticipantAt>,
) -> Outcome<Answer<Page<Participant>>> {
    acting(&app, &who, at.id).await?;
    let address = email("email", &at.email)?;
    let settings = who.caller.tenant.settings.clone();
    Ok(whole(
        app.write(who.caller.scope(), move |tx| {
            participants::remove(tx, &settings, &who.staff, at.id, &address)
        })
        .await?,
    ))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChecklistIn {
    /// One step a line of at most 200 characters.
    pub items: Vec<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemPatchIn {
    pub text: Option<String>,
    pub done: Option<bool>,
    pub position: Option<u32>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct ItemAt {
    pub id: Id<Ticket>,
    pub item: Id<ChecklistItem>,
}

pub async fn checklist(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<TicketAt>,
) -> Outcome<Answer<Page<ChecklistItem>>> {
    must_exist(&app, &who, at.id).await?;
    Ok(whole(app.read(who.caller.scope(), move |read| checklist::of(read, at.id)).await?))
}

pub async fn add_items(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<TicketAt>,
    payload: Payload,
) -> Outcome<Created> {
    acting(&app, &who, at.id).await?;
    let key = payload.header("idempotency-key").map(str::to_owned);
    let body = read_json_body(payload).await?;
    let key = Idempotency::of(&who.caller, key.as_deref(), &format!("checklist:{}", at.id), &body)?;
    let input: ChecklistIn = parse_json(&body)?;
    if input.items.is_empty() {
        return Err(Error::field("items", "checklist.empty", "at least one step").into());
    }
    let settings = who.caller.tenant.settings.clone();
    Ok(app
        .write(who.caller.scope(), move |tx| {
            once(tx, key.as_ref(), |tx| {
                let items = checklist::add(tx, &settings, &who.staff, at.id, &input.items)?;
                Ok(Page { items, next_cursor: None })
            })
        })
        .await?)
}

pub async fn change_item(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<ItemAt>,
    payload: Payload,
) -> Outcome<Answer<Page<ChecklistItem>>> {
    acting(&app, &who, at.id).await?;
    let input: ItemPatchIn = payload.json().await?;
    let patch = ItemPatch { text: input.text, done: input.done, position: input.position };
    let settings = who.caller.tenant.settings.clone();
    Ok(whole(
        app.write(who.caller.scope(), move |tx| {
            checklist::change(tx, &settings, &who.staff, at.id, at.item, patch)
        })
        .await?,
    ))
}

pub async fn remove_item(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<ItemAt>,
) -> Outcome<Answer<Page<ChecklistItem>>> {
    acting(&app, &who, at.id).await?;
    let settings = who.caller.tenant.settings.clone();
    Ok(whole(
        app.write(who.caller.scope(), move |tx| checklist::remove(tx, &settings, &who.staff, at.id, at.item))
            .await?,
    ))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeIn {
    /// 1 to 1440.
    pub minutes: u32,
    #[serde(default)]
    pub note: String,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct EntryAt {
    pub id: Id<Ticket>,
    pub entry: Id<TimeEntry>,
}

pub async fn time(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<TicketAt>,
) -> Outcome<Answer<Page<TimeEntry>>> {
    must_exist(&app, &who, at.id).await?;
    Ok(whole(app.read(who.caller.scope(), move |read| time_entries::of(read, at.id)).await?))
}

pub async fn book_time(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<TicketAt>,
    payload: Payload,
) -> Outcome<Created> {
    acting(&app, &who, at.id).await?;
    let key = payload.header("idempotency-key").map(str::to_owned);
    let body = read_json_body(payload).await?;
    let key = Idempotency::of(&who.caller, key.as_deref(), &format!("time:{}", at.id), &body)?;
    let input: TimeIn = parse_json(&body)?;
    let settings = who.caller.tenant.settings.clone();
    Ok(app
        .write(who.caller.scope(), move |tx| {
            once(tx, key.as_ref(), |tx| {
                let items = time_entries::book(tx, &settings, &who.staff, at.id, input.minutes, &input.note)?;
                Ok(Page { items, next_cursor: None })
            })
        })
        .await?)
}

pub async fn remove_time(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<EntryAt>,
) -> Outcome<Answer<Page<TimeEntry>>> {
    acting(&app, &who, at.id).await?;
    let settings = who.caller.tenant.settings.clone();
    Ok(whole(
        app.write(who.caller.scope(), move |tx| {
            time_entries::remove(tx, &settings, &who.staff, at.id, at.entry)
        })
        .await?,
    ))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColourIn {
    /// `grey, blue, green, yellow, orange, red, purple, teal`.
    pub colour: String,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct TagAt {
    pub tag: String,
}

pub async fn tags(State(app): State<App>, who: StaffCaller) -> Outcome<Answer<Page<Tag>>> {
    Ok(whole(app.read(who.caller.scope(), tags::all).await?))
}

pub async fn colour_tag(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<TagAt>,
    payload: Payload,
) -> Outcome<Answer<Tag>> {
    let input: ColourIn = payload.json().await?;
    Ok(Answer::ok(
        app.write(who.caller.scope(), move |tx| tags::set_colour(tx, &at.tag, &input.colour)).await?,
    ))
}

pub async fn uncolour_tag(State(app): State<App>, who: AdminCaller, At(at): At<TagAt>) -> Outcome<Nothing> {
    app.write(who.caller.scope(), move |tx| tags::forget_colour(tx, &at.tag)).await?;
    Ok(Nothing)
}
