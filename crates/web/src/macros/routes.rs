//! The API's table of canned replies and macros.

use aide::axum::{
    ApiRouter,
    routing::{delete_with, get_with, post_with},
};
use axum::Json;

use super::api::*;
use crate::http::{
    answer::Page,
    app::App,
    router::{Who, body, reads, writes},
};

pub fn routes() -> ApiRouter<App> {
    use Who::*;
    const CANNED: &str = "/api/admin/support/canned-replies";
    const MACROS: &str = "/api/admin/support/macros";
    let canned_at = |rest: &str| format!("{CANNED}/{{id}}{rest}");
    let macro_at = |rest: &str| format!("{MACROS}/{{id}}{rest}");
    ApiRouter::new()
        .api_route(
            CANNED,
            get_with(canned::list, |op| {
                reads(op, "admin.canned_replies.list", "Canned replies you see, by name", Staff)
                    .response::<200, Json<Page<CannedReplyOut>>>()
            })
            .post_with(canned::create, |op| {
                body::<CannedReplyIn>(writes(
                    op,
                    "admin.canned_replies.create",
                    "Save a canned reply",
                    StaffPeople,
                ))
                .response::<201, Json<CannedReplyOut>>()
            }),
        )
        .api_route(
            &canned_at(""),
            get_with(canned::show, |op| {
                reads(op, "admin.canned_replies.show", "A canned reply", Staff)
                    .response::<200, Json<CannedReplyOut>>()
            })
            .patch_with(canned::change, |op| {
                body::<CannedReplyPatchIn>(writes(
                    op,
                    "admin.canned_replies.change",
                    "Rename, write anew, share",
                    Staff,
                ))
                .response::<200, Json<CannedReplyOut>>()
            })
            .delete_with(canned::delete, |op| {
                writes(op, "admin.canned_replies.delete", "Delete a canned reply", Staff)
                    .response::<204, ()>()
            }),
        )
        .api_route(
            &canned_at("/attachments"),
            post_with(canned::attach, |op| {
                writes(op, "admin.canned_replies.attach", "Add files (multipart)", Staff)
                    .response::<200, Json<CannedReplyOut>>()
            }),
        )
        .api_route(
            &canned_at("/attachments/{file_id}"),
            delete_with(canned::detach, |op| {
                writes(op, "admin.canned_replies.detach", "Take a file off", Staff)
                    .response::<200, Json<CannedReplyOut>>()
            }),
        )
        .api_route(
            &canned_at("/insert"),
            post_with(insert, |op| {
                body::<IntoDraft>(writes(
                    op,
                    "admin.canned_replies.insert",
                    "Its text for a ticket; its files go into your draft",
                    Staff,
                ))
                .response::<200, Json<Inserted>>()
            }),
        )
        .api_route(
            MACROS,
            get_with(whole::list, |op| {
                reads(op, "admin.macros.list", "Macros you see, by name", Staff)
                    .response::<200, Json<Page<MacroOut>>>()
            })
            .post_with(whole::create, |op| {
                body::<MacroIn>(writes(op, "admin.macros.create", "Save a macro", StaffPeople))
                    .response::<201, Json<MacroOut>>()
            }),
        )
        .api_route(
            &macro_at(""),
            get_with(whole::show, |op| {
                reads(op, "admin.macros.show", "A macro", Staff).response::<200, Json<MacroOut>>()
            })
            .patch_with(whole::change, |op| {
                body::<MacroPatchIn>(writes(op, "admin.macros.change", "Rename, do otherwise, share", Staff))
                    .response::<200, Json<MacroOut>>()
            })
            .delete_with(whole::delete, |op| {
                writes(op, "admin.macros.delete", "Delete a macro", Staff).response::<204, ()>()
            }),
        )
        .api_route(
            &macro_at("/attachments"),
            post_with(whole::attach, |op| {
                writes(op, "admin.macros.attach", "Add files (multipart)", Staff)
                    .response::<200, Json<MacroOut>>()
            }),
        )
        .api_route(
            &macro_at("/attachments/{file_id}"),
            delete_with(whole::detach, |op| {
                writes(op, "admin.macros.detach", "Take a file off", Staff).response::<200, Json<MacroOut>>()
            }),
        )
        .api_route(
            &macro_at("/apply"),
            post_with(apply, |op| {
                body::<OnTicket>(writes(op, "admin.macros.apply", "Apply it to a ticket, at once", Staff))
                    .response::<201, Json<AppliedOut>>()
            }),
        )
}
