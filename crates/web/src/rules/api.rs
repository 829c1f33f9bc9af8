//! JSON handlers. Agents read rules and what they did; administrators write them.

use axum::extract::State;
use base::{Error, Id, Result, Timestamp};
use db::Read;
use desk::{
    Ticket,
    rules::{
        self, Action, Condition, Definition, NewRule, Outcome as Became, Rule, RulePatch, Run, Trigger,
        dry_run::{DryRun, Which, dry_run},
        query,
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    admin::api::ThingAt,
    http::{
        answer::{Answer, Created, Idempotency, Nothing, Page, if_match, once},
        app::App,
        extract::{AdminCaller, At, Params, Payload, StaffCaller, parse_json},
        failure::Outcome,
        part::Part,
    },
    tickets::{
        api::{id_cursor, read_json_body},
        wire::limit,
    },
};

/// Fired more often than this is counted no further.
pub const FIRED_CAP: u32 = 999;

#[derive(Serialize, JsonSchema)]
pub struct RuleOut {
    #[serde(flatten)]
    pub rule: Rule,
    pub last_fired_at: Option<Timestamp>,
    /// In the last 30 days; 1000 stands for more than 999.
    pub fired_count: u32,
}

fn out(read: &Read<'_>, rule: Rule) -> Result<RuleOut> {
    let (last_fired_at, fired_count) = query::fired(read, rule.id, FIRED_CAP)?;
    Ok(RuleOut { rule, last_fired_at, fired_count })
}

/// A technician sees the tickets that are theirs and no rules.
fn check_reads(who: &StaffCaller) -> Result<()> {
    if who.staff.role.sees_all_tickets() {
        return Ok(());
    }
    Err(Error::forbidden("role.agents_only", "only those who see the whole queue may do this"))
}

pub async fn list(
    State(app): State<App>,
    who: StaffCaller,
    Params(part): Params<Part>,
) -> Outcome<Answer<Page<RuleOut>>> {
    check_reads(&who)?;
    let place = part.place()?;
    let items = app
        .read(who.caller.scope(), |read| query::all(read)?.into_iter().map(|r| out(read, r)).collect())
        .await?;
    Ok(Answer::ok(place.of(items)))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleIn {
    pub name: String,
    pub trigger: Trigger,
    /// Every one of these has to hold.
    #[serde(default)]
    pub all: Vec<Condition>,
    /// And one of these, where there are any.
    #[serde(default)]
    pub any: Vec<Condition>,
    pub actions: Vec<Action>,
    /// On from the start unless this is false.
    pub enabled: Option<bool>,
}

pub async fn create(State(app): State<App>, who: AdminCaller, payload: Payload) -> Outcome<Created> {
    let key = payload.header("idempotency-key").map(str::to_owned);
    let body = read_json_body(payload).await?;
    let key = Idempotency::of(&who.caller, key.as_deref(), "admin.rules", &body)?;
    let i: RuleIn = parse_json(&body)?;
    let definition = Definition { trigger: i.trigger, all: i.all, any: i.any, actions: i.actions };
    let new = NewRule { name: i.name, definition, enabled: i.enabled.unwrap_or(true) };
    let made = app.write(who.caller.scope(), move |tx| {
        once(tx, key.as_ref(), |tx| {
            let rule = rules::create(tx, new)?;
            out(tx, rule)
        })
    });
    Ok(made.await?)
}

pub async fn show(State(app): State<App>, who: StaffCaller, At(at): At<ThingAt>) -> Outcome<Answer<RuleOut>> {
    check_reads(&who)?;
    let found = app
        .read(who.caller.scope(), move |read| {
            let rule = query::get(read, Id::from_uuid(at.id))?;
            out(read, rule)
        })
        .await?;
    let version = found.rule.version;
    Ok(Answer::ok(found).version(version))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RulePatchIn {
    pub name: Option<String>,
    pub trigger: Option<Trigger>,
    pub all: Option<Vec<Condition>>,
    pub any: Option<Vec<Condition>>,
    pub actions: Option<Vec<Action>>,
    pub enabled: Option<bool>,
}

pub async fn change(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<ThingAt>,
    payload: Payload,
) -> Outcome<Answer<RuleOut>> {
    let found = find(&app, &who, at.id).await?;
    let expected_version = if_match(&payload)?;
    let i: RulePatchIn = payload.json().await?;
    let patch = RulePatch {
        name: i.name,
        trigger: i.trigger,
        all: i.all,
        any: i.any,
        actions: i.actions,
        enabled: i.enabled,
        expected_version,
    };
    let changed = app
        .write(who.caller.scope(), move |tx| {
            let rule = rules::change(tx, found.id, patch)?;
            out(tx, rule)
        })
        .await?;
    let version = changed.rule.version;
    Ok(Answer::ok(changed).version(version))
}

async fn find(app: &App, who: &AdminCaller, id: Uuid) -> Result<Rule> {
    app.read(who.caller.scope(), move |read| query::get(read, Id::from_uuid(id))).await
}

pub async fn delete(State(app): State<App>, who: AdminCaller, At(at): At<ThingAt>) -> Outcome<Nothing> {
    app.write(who.caller.scope(), move |tx| rules::delete(tx, Id::from_uuid(at.id))).await?;
    Ok(Nothing)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderIn {
    /// The id of every rule, once each, in the order they shall look.
    pub ids: Vec<Uuid>,
}

pub async fn order(
    State(app): State<App>,
    who: AdminCaller,
    payload: Payload,
) -> Outcome<Answer<Page<RuleOut>>> {
    let input: OrderIn = payload.json().await?;
    let ids: Vec<Id<Rule>> = input.ids.into_iter().map(Id::from_uuid).collect();
    let items = app
        .write(who.caller.scope(), move |tx| {
            let all = rules::order(tx, &ids)?;
            all.into_iter().map(|r| out(tx, r)).collect()
        })
        .await?;
    Ok(Answer::ok(Page { items, next_cursor: None }))
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DryRunIn {
    /// Tickets created in so many days, 1 to 90; 30 when neither is given.
    pub days: Option<u32>,
    /// One ticket, by its number.
    pub ticket: Option<String>,
    pub cursor: Option<String>,
    /// Of the tickets that match, 1 to 100.
    pub limit: Option<u32>,
}

impl DryRunIn {
    fn which(&self) -> Result<Which> {
        match (self.days, &self.ticket) {
            (Some(_), Some(_)) => {
                Err(Error::field("ticket", "rule.days_or_ticket", "days, or one ticket; not both"))
            }
            (days, None) => Ok(Which::Days(days.unwrap_or(30))),
            (None, Some(ticket)) => Ok(Which::Ticket(ticket.clone())),
        }
    }

    async fn run(self, app: &App, who: &AdminCaller, d: Definition) -> Outcome<Answer<DryRun>> {
        let (which, after) = (self.which()?, id_cursor(self.cursor.as_ref())?);
        let limit = self.limit.unwrap_or(50);
        if !(1..=100).contains(&limit) {
            return Err(Error::field("limit", "limit.range", "from 1 to 100").into());
        }
        let found = app.read(who.caller.scope(), move |read| dry_run(read, &d, &which, after, limit)).await?;
        Ok(Answer::ok(found))
    }
}

pub async fn dry_run_saved(
    State(app): State<App>,
    who: AdminCaller,
    At(at): At<ThingAt>,
    payload: Payload,
) -> Outcome<Answer<DryRun>> {
    let rule = find(&app, &who, at.id).await?;
    let input: DryRunIn = payload.json().await?;
    input.run(&app, &who, rule.definition).await
}

/// A rule that is not saved, and what it is tried on.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnsavedIn {
    pub trigger: Trigger,
    #[serde(default)]
    pub all: Vec<Condition>,
    #[serde(default)]
    pub any: Vec<Condition>,
    pub actions: Vec<Action>,
    pub days: Option<u32>,
    pub ticket: Option<String>,
    pub cursor: Option<String>,
    pub limit: Option<u32>,
}

pub async fn dry_run_unsaved(
    State(app): State<App>,
    who: AdminCaller,
    payload: Payload,
) -> Outcome<Answer<DryRun>> {
    let i: UnsavedIn = payload.json().await?;
    let definition = Definition { trigger: i.trigger, all: i.all, any: i.any, actions: i.actions };
    let asked = DryRunIn { days: i.days, ticket: i.ticket, cursor: i.cursor, limit: i.limit };
    asked.run(&app, &who, definition).await
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct RunsQuery {
    /// `fired`, `not_fired`, `stopped` or `failed`.
    pub outcome: Option<String>,
    pub cursor: Option<String>,
    pub limit: Option<String>,
}

fn page_of(mut items: Vec<Run>, limit: u32) -> Page<Run> {
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next_cursor = items.last().filter(|_| more).map(|r| r.id.to_string());
    Page { items, next_cursor }
}

pub async fn runs(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<ThingAt>,
    Params(asked): Params<RunsQuery>,
) -> Outcome<Answer<Page<Run>>> {
    check_reads(&who)?;
    let id: Id<Rule> = Id::from_uuid(at.id);
    app.read(who.caller.scope(), move |read| query::get(read, id).map(|_| ())).await?;
    let (before, limit) = (id_cursor(asked.cursor.as_ref())?, limit(asked.limit.as_ref())?);
    let outcome = asked.outcome.as_deref().map(str::parse::<Became>).transpose()?;
    let items =
        app.read(who.caller.scope(), move |read| query::runs(read, id, outcome, before, limit + 1)).await?;
    Ok(Answer::ok(page_of(items, limit)))
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(inline)]
pub struct TicketRunsQuery {
    pub cursor: Option<String>,
    pub limit: Option<String>,
}

pub async fn runs_of_ticket(
    State(app): State<App>,
    who: StaffCaller,
    At(at): At<ThingAt>,
    Params(asked): Params<TicketRunsQuery>,
) -> Outcome<Answer<Page<Run>>> {
    let id: Id<Ticket> = Id::from_uuid(at.id);
    let staff = who.staff.clone();
    app.read(who.caller.scope(), move |read| {
        desk::tickets::query::get_for_staff(read, &staff, id).map(|_| ())
    })
    .await?;
    let (before, limit) = (id_cursor(asked.cursor.as_ref())?, limit(asked.limit.as_ref())?);
    let items = app
        .read(who.caller.scope(), move |read| query::runs_of_ticket(read, &who.staff, id, before, limit + 1))
        .await?;
    Ok(Answer::ok(page_of(items, limit)))
}
