//! The API's table of rules.

use aide::axum::{
    ApiRouter,
    routing::{get_with, post_with},
};
use axum::Json;
use desk::rules::{Run, dry_run::DryRun};

use super::api::{self, *};
use crate::http::{
    answer::Page,
    app::App,
    router::{Who, body, reads, writes},
};

pub fn routes() -> ApiRouter<App> {
    use Who::*;
    const HOME: &str = "/api/admin/support/rules";
    let at = |rest: &str| format!("{HOME}/{rest}");
    ApiRouter::new()
        .api_route(
            HOME,
            get_with(api::list, |op| {
                reads(op, "admin.rules.list", "Rules in the order they look", Agents)
                    .response::<200, Json<Page<RuleOut>>>()
            })
            .post_with(api::create, |op| {
                body::<RuleIn>(writes(op, "admin.rules.create", "Make a rule, last in order", Admins))
                    .response::<201, Json<RuleOut>>()
            }),
        )
        .api_route(
            &at("order"),
            post_with(api::order, |op| {
                body::<OrderIn>(writes(op, "admin.rules.order", "Put the rules into an order", Admins))
                    .response::<200, Json<Page<RuleOut>>>()
            }),
        )
        .api_route(
            &at("dry-run"),
            post_with(api::dry_run_unsaved, |op| {
                body::<UnsavedIn>(writes(
                    op,
                    "admin.rules.dry_run_unsaved",
                    "What a rule that is not saved would do; changes nothing",
                    Admins,
                ))
                .response::<200, Json<DryRun>>()
            }),
        )
        .api_route(
            &at("{id}"),
            get_with(api::show, |op| {
                reads(op, "admin.rules.show", "A rule", Agents).response::<200, Json<RuleOut>>()
            })
            .patch_with(api::change, |op| {
                body::<RulePatchIn>(writes(
                    op,
                    "admin.rules.change",
                    "Change it, switch it on or off",
                    Admins,
                ))
                .response::<200, Json<RuleOut>>()
            })
            .delete_with(api::delete, |op| {
                writes(op, "admin.rules.delete", "Delete it; what it did stays", Admins).response::<204, ()>()
            }),
        )
        .api_route(
            &at("{id}/dry-run"),
            post_with(api::dry_run_saved, |op| {
                body::<DryRunIn>(writes(
                    op,
                    "admin.rules.dry_run",
                    "What it would do to tickets as they stand now; changes nothing",
                    Admins,
                ))
                .response::<200, Json<DryRun>>()
            }),
        )
        .api_route(
            &at("{id}/runs"),
            get_with(api::runs, |op| {
                reads(op, "admin.rules.runs", "Why it fired, or did not, in 30 days, newest first", Agents)
                    .response::<200, Json<Page<Run>>>()
            }),
        )
        .api_route(
            "/api/admin/support/tickets/{id}/rule-runs",
            get_with(api::runs_of_ticket, |op| {
                reads(op, "admin.tickets.rule_runs", "What rules did to a ticket, or did not, and why", Staff)
                    .response::<200, Json<Page<Run>>>()
            }),
        )
}
