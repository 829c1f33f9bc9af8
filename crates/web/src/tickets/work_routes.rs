//! The API's table of what staff do to tickets besides answering.

use aide::axum::{
    ApiRouter,
    routing::{delete_with, get_with, post_with, put_with},
};
use axum::Json;
use desk::tickets::{
    BlockedSender, Forward,
    checklist::ChecklistItem,
    participants::Participant,
    relations::{ChildAnswered, Relation},
    tags::Tag,
    time_entries::TimeEntry,
};

use super::{acts_api as acts, beside_api as beside, wire::TicketOut};
use crate::http::{
    answer::Page,
    app::App,
    router::{Who, body, reads, writes},
};

pub fn routes() -> ApiRouter<App> {
    use Who::*;
    const TICKET: &str = "/api/admin/support/tickets/{id}";
    let at = |rest: &str| format!("{TICKET}/{rest}");
    ApiRouter::new()
        .api_route(
            &at("merge"),
            post_with(acts::merge, |op| {
                body::<acts::MergeIn>(writes(
                    op,
                    "admin.tickets.merge",
                    "Merge into another; answers the survivor",
                    Staff,
                ))
                .response::<200, Json<TicketOut>>()
            }),
        )
        .api_route(
            &at("unmerge"),
            post_with(acts::unmerge, |op| {
                writes(op, "admin.tickets.unmerge", "Take a merge back", Staff)
                    .response::<200, Json<TicketOut>>()
            }),
        )
        .api_route(
            &at("split"),
            post_with(acts::split, |op| {
                body::<acts::SplitIn>(writes(
                    op,
                    "admin.tickets.split",
                    "Make a ticket of one message",
                    Staff,
                ))
                .response::<201, Json<TicketOut>>()
            }),
        )
        .api_route(
            &at("snooze"),
            post_with(acts::snooze, |op| {
                body::<acts::SnoozeIn>(writes(
                    op,
                    "admin.tickets.snooze",
                    "Put off until a time or a reply",
                    Staff,
                ))
                .response::<200, Json<TicketOut>>()
            }),
        )
        .api_route(
            &at("unsnooze"),
            post_with(acts::unsnooze, |op| {
                writes(op, "admin.tickets.unsnooze", "Back into the queue now", Staff)
                    .response::<200, Json<TicketOut>>()
            }),
        )
        .api_route(
            &at("forward"),
            post_with(acts::forward, |op| {
                body::<acts::ForwardIn>(writes(
                    op,
                    "admin.tickets.forward",
                    "Ask somebody outside; their answer returns as a note",
                    Staff,
                ))
                .response::<201, Json<Forward>>()
            })
            .get_with(acts::forwards, |op| {
                reads(op, "admin.tickets.forwards", "Who was asked", Staff)
                    .response::<200, Json<Page<Forward>>>()
            }),
        )
        .api_route(
            &at("forward/{forward_id}/withdraw"),
            post_with(acts::withdraw, |op| {
                writes(
                    op,
                    "admin.tickets.forward.withdraw",
                    "Close the link and the reply address of a forward",
                    Staff,
                )
                .response::<200, Json<Forward>>()
            }),
        )
        .api_route(
            &at("spam"),
            post_with(acts::spam, |op| {
                body::<acts::SpamIn>(writes(
                    op,
                    "admin.tickets.spam",
                    "Close as spam, block its sender",
                    Staff,
                ))
                .response::<200, Json<TicketOut>>()
            }),
        )
        .api_route(
            &at("restore"),
            post_with(acts::restore, |op| {
                writes(op, "admin.tickets.restore", "Lift a deleted ticket's tombstone", Admins)
                    .response::<200, Json<TicketOut>>()
            }),
        )
        .api_route(
            &at("relations"),
            get_with(beside::relations, |op| {
                reads(op, "admin.tickets.relations", "Tickets it belongs to", Staff)
                    .response::<200, Json<Page<Relation>>>()
            })
            .post_with(beside::relate, |op| {
                body::<beside::RelationIn>(writes(
                    op,
                    "admin.tickets.relate",
                    "Relate to another ticket",
                    Staff,
                ))
                .response::<200, Json<Page<Relation>>>()
            }),
        )
        .api_route(
            &at("relations/{kind}/{other}"),
            delete_with(beside::unrelate, |op| {
                writes(op, "admin.tickets.unrelate", "Take a relation back", Staff)
                    .response::<200, Json<Page<Relation>>>()
            }),
        )
        .api_route(
            &at("children/answer"),
            post_with(beside::answer_children, |op| {
                body::<beside::ChildrenAnswerIn>(writes(
                    op,
                    "admin.tickets.answer_children",
                    "Say the same on every live child",
                    Staff,
                ))
                .response::<201, Json<Page<ChildAnswered>>>()
            }),
        )
        .api_route(
            &at("participants"),
            get_with(beside::participants, |op| {
                reads(op, "admin.tickets.participants", "Who gets a copy of every answer", Staff)
                    .response::<200, Json<Page<Participant>>>()
            })
            .post_with(beside::add_participant, |op| {
                body::<beside::ParticipantIn>(writes(
                    op,
                    "admin.tickets.add_participant",
                    "Send copies to somebody",
                    Staff,
                ))
                .response::<200, Json<Page<Participant>>>()
            }),
        )
        .api_route(
            &at("participants/{email}"),
            delete_with(beside::remove_participant, |op| {
                writes(op, "admin.tickets.remove_participant", "No more copies", Staff)
                    .response::<200, Json<Page<Participant>>>()
            }),
        )
        .api_route(
            &at("checklist"),
            get_with(beside::checklist, |op| {
                reads(op, "admin.tickets.checklist", "What is to be done", Staff)
                    .response::<200, Json<Page<ChecklistItem>>>()
            })
            .post_with(beside::add_items, |op| {
                body::<beside::ChecklistIn>(writes(op, "admin.tickets.add_steps", "Add steps", Staff))
                    .response::<201, Json<Page<ChecklistItem>>>()
            }),
        )
        .api_route(
            &at("checklist/{item}"),
            aide::axum::routing::patch_with(beside::change_item, |op| {
                body::<beside::ItemPatchIn>(writes(
                    op,
                    "admin.tickets.change_step",
                    "Tick, reword, move",
                    Staff,
                ))
                .response::<200, Json<Page<ChecklistItem>>>()
            })
            .delete_with(beside::remove_item, |op| {
                writes(op, "admin.tickets.remove_step", "Take a step away", Staff)
                    .response::<200, Json<Page<ChecklistItem>>>()
            }),
        )
        .api_route(
            &at("time"),
            get_with(beside::time, |op| {
                reads(op, "admin.tickets.time", "Time spent", Staff).response::<200, Json<Page<TimeEntry>>>()
            })
            .post_with(beside::book_time, |op| {
                body::<beside::TimeIn>(writes(op, "admin.tickets.book_time", "Book minutes", Staff))
                    .response::<201, Json<Page<TimeEntry>>>()
            }),
        )
        .api_route(
            &at("time/{entry}"),
            delete_with(beside::remove_time, |op| {
                writes(op, "admin.tickets.remove_time", "Take an entry back", Staff)
                    .response::<200, Json<Page<TimeEntry>>>()
            }),
        )
        .api_route(
            "/api/admin/support/tags",
            get_with(beside::tags, |op| {
                reads(op, "admin.tags.list", "Tags with their colours", Staff)
                    .response::<200, Json<Page<Tag>>>()
            }),
        )
        .api_route(
            "/api/admin/support/tags/{tag}",
            put_with(beside::colour_tag, |op| {
                body::<beside::ColourIn>(writes(op, "admin.tags.colour", "Give a tag a colour", Admins))
                    .response::<200, Json<Tag>>()
            })
            .delete_with(beside::uncolour_tag, |op| {
                writes(op, "admin.tags.uncolour", "Take the colour away", Admins).response::<204, ()>()
            }),
        )
        .api_route(
            "/api/admin/support/blocked-senders",
            get_with(acts::blocked_senders, |op| {
                reads(op, "admin.blocked_senders.list", "Who is not heard", Agents)
                    .response::<200, Json<Page<BlockedSender>>>()
            })
            .post_with(acts::block_sender, |op| {
                body::<acts::SenderIn>(writes(op, "admin.blocked_senders.block", "Block an address", Admins))
                    .response::<201, Json<acts::SenderOut>>()
            }),
        )
        .api_route(
            "/api/admin/support/blocked-senders/{email}",
            delete_with(acts::unblock_sender, |op| {
                writes(op, "admin.blocked_senders.unblock", "Hear an address again", Admins)
                    .response::<204, ()>()
            }),
        )
}
