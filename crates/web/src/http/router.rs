//! The table of API routes with who may call them. The OpenAPI document and the policy test read the same table.

use aide::{
    axum::{
        ApiRouter,
        routing::{get_with, patch_with, post_with},
    },
    openapi::{Info, OpenApi, SecurityScheme},
    transform::TransformOperation,
};
use axum::Json;
use base::Role;
use notices::webhooks::{Delivery, Webhook};
use schemars::JsonSchema;

use super::{answer::Page, app::App, failure::Problem};
use crate::{
    admin::api as admin, auth::api as auth, help::api as help, tickets::api as staff,
    tickets::found::FoundPage, tickets::portal_api as portal, tickets::wire, webhooks::api as hooks,
};

/// Who may call an operation.
#[derive(Clone, Copy)]
pub(crate) enum Who {
    /// Anybody, signed in or not.
    Anybody,
    /// Anybody signed in, and keys.
    SignedIn,
    /// People with a session; keys have nothing of their own.
    People,
    /// Staff with a session: a key has no desk of its own.
    StaffPeople,
    /// Staff and keys.
    Staff,
    /// Staff who see the whole queue, and keys.
    Agents,
    /// Administrators and admin keys; read keys for GET.
    Admins,
    /// Administrators with a session.
    AdminPeople,
    /// The key of a mail channel, and nothing else.
    ChannelKey,
}

impl Who {
    fn roles(self) -> Vec<&'static str> {
        let of = |allowed: fn(Role) -> bool| {
            Role::ALL.into_iter().filter(|r| allowed(*r)).map(Role::as_str).collect::<Vec<_>>()
        };
        match self {
            Self::Anybody => [vec!["anonymous"], of(|_| true)].concat(),
            Self::SignedIn | Self::People => of(|_| true),
            Self::Staff | Self::StaffPeople => of(Role::is_staff),
            Self::Agents => of(Role::sees_all_tickets),
            Self::Admins | Self::AdminPeople => of(Role::is_admin),
            Self::ChannelKey => vec![],
        }
    }
    fn scopes(self, writes: bool) -> Vec<&'static str> {
        match (self, writes) {
            (Self::People | Self::StaffPeople | Self::AdminPeople | Self::ChannelKey, _) => vec![],
            (Self::Admins, true) => vec!["admin"],
            // A key that reads, reads everything of the tenant; one that writes is an agent.
            (Self::Admins, false) => vec!["read", "admin"],
            (_, true) => vec!["write", "admin"],
            (_, false) => vec!["read", "write", "admin"],
        }
    }
}

pub(crate) type Op<'t> = TransformOperation<'t>;

pub(crate) fn reads<'t>(op: Op<'t>, id: &'static str, summary: &'static str, who: Who) -> Op<'t> {
    described(op, id, summary, who, false)
}
pub(crate) fn writes<'t>(op: Op<'t>, id: &'static str, summary: &'static str, who: Who) -> Op<'t> {
    described(op, id, summary, who, true)
}

fn described<'t>(mut op: Op<'t>, id: &'static str, summary: &'static str, who: Who, writes: bool) -> Op<'t> {
    let inner = op.inner_mut();
    inner.extensions.insert("x-roles".into(), serde_json::json!(who.roles()));
    inner.extensions.insert("x-scopes".into(), serde_json::json!(who.scopes(writes)));
    let tag = id.split('.').next().unwrap_or_default().to_owned();
    let mut op = op.id(id).summary(summary).tag(&tag);
    if !matches!(who, Who::Anybody) {
        op = op.security_requirement("bearer").response::<401, Json<Problem>>();
    }
    op.default_response::<Json<Problem>>()
}

/// Documents a JSON body.
pub(crate) fn body<T: JsonSchema>(op: Op<'_>) -> Op<'_> {
    op.input::<Json<T>>()
}

/// All API routes.
fn routes() -> ApiRouter<App> {
    use Who::*;
    ApiRouter::new()
        .api_route(
            "/api/auth/login",
            post_with(auth::login, |op| {
                body::<auth::LoginIn>(writes(op, "auth.login", "Sign in; answers a session token", Anybody))
                    .response::<200, Json<auth::SessionOut>>()
            }),
        )
        .api_route(
            "/api/auth/logout",
            post_with(auth::logout, |op| {
                writes(op, "auth.logout", "End this session", People).response::<204, ()>()
            }),
        )
        .api_route(
            "/api/auth/register",
            post_with(auth::register, |op| {
                body::<auth::RegisterIn>(writes(
                    op,
                    "auth.register",
                    "Sign up as a customer; mails a link that confirms the address",
                    Anybody,
                ))
                .response::<202, Json<auth::Mailed>>()
            }),
        )
        .api_route(
            "/api/auth/magic-link",
            post_with(auth::magic_link, |op| {
                body::<auth::AddressIn>(writes(op, "auth.magic_link", "Mail a link that signs in", Anybody))
                    .response::<202, Json<auth::Mailed>>()
            }),
        )
        .api_route(
            "/api/auth/password-reset",
            post_with(auth::password_reset, |op| {
                body::<auth::ResetIn>(writes(
                    op,
                    "auth.password_reset",
                    "Mail a link for a new password, or use one",
                    Anybody,
                ))
                .response::<202, Json<auth::Mailed>>()
            }),
        )
        .api_route(
            "/api/auth/me",
            get_with(auth::me, |op| {
                reads(op, "auth.me", "Who is signed in", People).response::<200, Json<auth::UserOut>>()
            }),
        )
        .api_route(
            "/api/help/contact",
            post_with(help::contact, |op| {
                body::<help::ContactIn>(writes(op, "help.contact", "The contact form", Anybody))
                    .response::<201, Json<portal::Received>>()
            }),
        )
        .api_route(
            "/api/support/categories",
            get_with(admin::list_categories, |op| {
                reads(op, "support.categories", "What tickets can be about", Anybody)
                    .response::<200, Json<Page<desk::categories::Category>>>()
            }),
        )
        .api_route(
            "/api/support/tickets",
            get_with(portal::list, |op| {
                reads(op, "support.tickets.list", "My tickets", People)
                    .response::<200, Json<FoundPage<wire::PortalTicketOut>>>()
            })
            .post_with(portal::create, |op| {
                body::<wire::TicketIn>(writes(
                    op,
                    "support.tickets.create",
                    "File a ticket, signed in or with an address",
                    Anybody,
                ))
                .response::<201, Json<wire::PortalTicketOut>>()
            }),
        )
        .api_route(
            "/api/support/tickets/{id}",
            get_with(portal::show, |op| {
                reads(op, "support.tickets.show", "A ticket with its conversation", SignedIn)
                    .response::<200, Json<wire::PortalTicketOut>>()
            })
            .patch_with(portal::change, |op| {
                body::<wire::PortalPatchIn>(writes(
                    op,
                    "support.tickets.change",
                    "Correct subject, category or priority",
                    SignedIn,
                ))
                .response::<200, Json<wire::PortalTicketOut>>()
            }),
        )
        .api_route(
            "/api/support/tickets/{id}/messages",
            post_with(portal::reply, |op| {
                body::<wire::MessageIn>(writes(
                    op,
                    "support.tickets.reply",
                    "Write on a ticket (JSON, or multipart with files)",
                    SignedIn,
                ))
                .response::<201, Json<wire::MessageOut>>()
            }),
        )
        .api_route(
            "/api/support/tickets/{id}/mark-read",
            post_with(portal::mark_read, |op| {
                writes(op, "support.tickets.mark_read", "Mark my side as read", SignedIn)
                    .response::<204, ()>()
            }),
        )
        .api_route(
            "/api/support/tickets/{id}/confirm",
            post_with(portal::confirm, |op| {
                writes(op, "support.tickets.confirm", "This solved it", People)
                    .response::<200, Json<wire::PortalTicketOut>>()
            }),
        )
        .api_route(
            "/api/support/messages",
            get_with(portal::messages, |op| {
                reads(op, "support.messages.list", "Messages, newest first", SignedIn)
                    .response::<200, Json<Page<wire::MessageOut>>>()
            })
            .post_with(portal::post_message, |op| {
                body::<wire::MessageIn>(writes(
                    op,
                    "support.messages.create",
                    "Write on the ticket that the body names",
                    SignedIn,
                ))
                .response::<201, Json<wire::MessageOut>>()
            }),
        )
        .api_route(
            "/api/support/events",
            get_with(portal::events, |op| {
                reads(op, "support.events.list", "The history of a ticket", SignedIn)
                    .response::<200, Json<Page<wire::AuditOut>>>()
            }),
        )
        .api_route(
            "/api/attachments/{id}",
            get_with(portal::attachment, |op| reads(op, "support.attachments.download", "A file", SignedIn)),
        )
        .api_route(
            "/api/admin/support/tickets",
            get_with(staff::list, |op| {
                reads(op, "admin.tickets.list", "The queue", Staff)
                    .response::<200, Json<FoundPage<wire::TicketOut>>>()
            })
            .post_with(staff::create, |op| {
                body::<wire::StaffTicketIn>(writes(
                    op,
                    "admin.tickets.create",
                    "File a ticket for a customer",
                    Agents,
                ))
                .response::<201, Json<wire::TicketOut>>()
            }),
        )
        .api_route(
            "/api/admin/support/tickets/{id}",
            get_with(staff::show, |op| {
                reads(op, "admin.tickets.show", "A ticket with conversation and history", Staff)
                    .response::<200, Json<wire::TicketOut>>()
            })
            .patch_with(staff::change, |op| {
                body::<wire::TicketPatchIn>(writes(
                    op,
                    "admin.tickets.change",
                    "Change, claim, resolve, close, reopen",
                    Staff,
                ))
                .response::<200, Json<wire::TicketOut>>()
            })
            .delete_with(crate::tickets::acts_api::remove, |op| {
                writes(op, "admin.tickets.delete", "Delete; admins may restore it for a while", Admins)
                    .response::<204, ()>()
            }),
        )
        .api_route(
            "/api/admin/support/tickets/{id}/messages",
            post_with(staff::answer, |op| {
                body::<wire::MessageIn>(writes(
                    op,
                    "admin.tickets.answer",
                    "Answer, or leave a note (JSON, or multipart with files)",
                    Staff,
                ))
                .response::<201, Json<wire::MessageOut>>()
            }),
        )
        .api_route(
            "/api/admin/support/stats",
            get_with(staff::stats, |op| {
                reads(op, "admin.stats", "Figures of a range", Agents)
                    .response::<200, Json<desk::tickets::stats::Stats>>()
            }),
        )
        .api_route(
            "/api/admin/categories",
            post_with(admin::create_category, |op| {
                body::<admin::CategoryIn>(writes(op, "admin.categories.create", "Add a category", Admins))
                    .response::<201, Json<desk::categories::Category>>()
            }),
        )
        .api_route(
            "/api/admin/categories/{slug}",
            patch_with(admin::change_category, |op| {
                body::<admin::CategoryPatchIn>(writes(
                    op,
                    "admin.categories.change",
                    "Rename, reorder, archive",
                    Admins,
                ))
                .response::<200, Json<desk::categories::Category>>()
            }),
        )
        .api_route(
            "/api/admin/customers",
            get_with(admin::list_customers, |op| {
                reads(op, "admin.customers.list", "Customers, newest first", Agents)
                    .response::<200, Json<Page<admin::CustomerOut>>>()
            }),
        )
        .api_route(
            "/api/admin/customers/{id}",
            get_with(admin::show_customer, |op| {
                reads(op, "admin.customers.show", "A customer", Agents)
                    .response::<200, Json<admin::CustomerOut>>()
            }),
        )
        .api_route(
            "/api/admin/users",
            get_with(admin::list_users, |op| {
                reads(op, "admin.users.list", "Users; agents see the staff", Agents)
                    .response::<200, Json<Page<auth::UserOut>>>()
            })
            .post_with(admin::create_user, |op| {
                body::<admin::UserIn>(writes(op, "admin.users.create", "Make a user", Admins))
                    .response::<201, Json<auth::UserOut>>()
            }),
        )
        .api_route(
            "/api/admin/users/{id}",
            patch_with(admin::change_user, |op| {
                body::<admin::UserPatchIn>(writes(
                    op,
                    "admin.users.change",
                    "Rename, change role, switch off, reset",
                    Admins,
                ))
                .response::<200, Json<auth::UserOut>>()
            }),
        )
        .api_route(
            "/api/admin/teams",
            get_with(admin::list_teams, |op| {
                reads(op, "admin.teams.list", "Teams with their members", Staff)
                    .response::<200, Json<Page<admin::TeamOut>>>()
            })
            .post_with(admin::create_team, |op| {
                body::<admin::TeamIn>(writes(op, "admin.teams.create", "Make a team", Admins))
                    .response::<201, Json<admin::TeamOut>>()
            }),
        )
        .api_route(
            "/api/admin/teams/{id}",
            patch_with(admin::change_team, |op| {
                body::<admin::TeamPatchIn>(writes(op, "admin.teams.change", "Rename, set members", Admins))
                    .response::<200, Json<admin::TeamOut>>()
            }),
        )
        .api_route(
            "/api/admin/api-keys",
            get_with(admin::list_keys, |op| {
                reads(op, "admin.api_keys.list", "Keys, without their text", Admins)
                    .response::<200, Json<Page<admin::KeyOut>>>()
            })
            .post_with(admin::create_key, |op| {
                body::<admin::KeyIn>(writes(
                    op,
                    "admin.api_keys.create",
                    "Make a key; its text is answered this once",
                    Admins,
                ))
                .response::<201, Json<admin::NewKeyOut>>()
            }),
        )
        .api_route(
            "/api/admin/api-keys/{id}",
            aide::axum::routing::delete_with(admin::revoke_key, |op| {
                writes(op, "admin.api_keys.revoke", "Revoke a key", Admins).response::<204, ()>()
            }),
        )
        .api_route(
            "/api/admin/webhook-topics",
            get_with(hooks::topics, |op| {
                reads(op, "admin.webhooks.topics", "What webhooks can be told of", Admins)
                    .response::<200, Json<Page<hooks::TopicOut>>>()
            }),
        )
        .api_route(
            "/api/admin/webhooks",
            get_with(hooks::list, |op| {
                reads(op, "admin.webhooks.list", "Webhooks, without their secrets", Admins)
                    .response::<200, Json<Page<Webhook>>>()
            })
            .post_with(hooks::create, |op| {
                body::<hooks::WebhookIn>(writes(
                    op,
                    "admin.webhooks.create",
                    "Make a webhook; its secret is answered this once",
                    Admins,
                ))
                .response::<201, Json<hooks::WithSecret>>()
            }),
        )
        .api_route(
            "/api/admin/webhooks/{id}",
            get_with(hooks::show, |op| {
                reads(op, "admin.webhooks.show", "A webhook", Admins).response::<200, Json<Webhook>>()
            })
            .patch_with(hooks::change, |op| {
                body::<hooks::WebhookPatchIn>(writes(
                    op,
                    "admin.webhooks.change",
                    "Rename, send elsewhere, tell of other events, switch on or off",
                    Admins,
                ))
                .response::<200, Json<Webhook>>()
            })
            .delete_with(hooks::delete, |op| {
                writes(op, "admin.webhooks.delete", "Delete a webhook and stop what is under way", Admins)
                    .response::<204, ()>()
            }),
        )
        .api_route(
            "/api/admin/webhooks/{id}/rotate-secret",
            post_with(hooks::rotate_secret, |op| {
                writes(
                    op,
                    "admin.webhooks.rotate_secret",
                    "A new secret, answered this once; the old one signs too for 24 hours",
                    Admins,
                )
                .response::<200, Json<hooks::WithSecret>>()
            }),
        )
        .api_route(
            "/api/admin/webhooks/{id}/test",
            post_with(hooks::test, |op| {
                writes(op, "admin.webhooks.test", "Send a message that says it is a test", Admins)
                    .response::<202, Json<Delivery>>()
            }),
        )
        .api_route(
            "/api/admin/webhooks/{id}/deliveries",
            get_with(hooks::deliveries, |op| {
                reads(op, "admin.webhooks.deliveries", "What was sent in 30 days, newest first", Admins)
                    .response::<200, Json<Page<Delivery>>>()
            }),
        )
        .api_route(
            "/api/admin/webhooks/{id}/deliveries/{delivery_id}",
            get_with(hooks::delivery, |op| {
                reads(op, "admin.webhooks.delivery", "A delivery with its body and every attempt", Admins)
                    .response::<200, Json<hooks::DeliveryOut>>()
            }),
        )
        .api_route(
            "/api/admin/webhooks/{id}/deliveries/{delivery_id}/replay",
            post_with(hooks::replay, |op| {
                writes(op, "admin.webhooks.replay_one", "Deliver once more, under the same id", Admins)
                    .response::<202, Json<Delivery>>()
            }),
        )
        .api_route(
            "/api/admin/webhooks/{id}/replay",
            post_with(hooks::replay_range, |op| {
                body::<hooks::RangeIn>(writes(
                    op,
                    "admin.webhooks.replay",
                    "Deliver a range once more, up to 1,000 a call",
                    Admins,
                ))
                .response::<202, Json<hooks::Replayed>>()
            }),
        )
        .api_route(
            "/api/admin/audit",
            get_with(admin::list_audit, |op| {
                reads(op, "admin.audit.list", "Administrative and security acts, newest first", Admins)
                    .response::<200, Json<Page<identity::audit::AuditEntry>>>()
            }),
        )
        .api_route(
            "/api/admin/settings",
            get_with(admin::show_settings, |op| {
                reads(op, "admin.settings.show", "How the business wants things", Admins)
                    .response::<200, Json<admin::SettingsOut>>()
            })
            .put_with(admin::save_settings, |op| {
                body::<admin::SettingsIn>(writes(op, "admin.settings.save", "Replace the settings", Admins))
                    .response::<200, Json<admin::SettingsOut>>()
            }),
        )
}

/// The routes and the document that describes them.
pub fn api() -> (axum::Router<App>, OpenApi) {
    aide::generate::infer_responses(false);
    aide::generate::extract_schemas(true);
    let mut document = OpenApi {
        info: Info {
            title: "Counterfoil".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            description: Some("The counter where a business meets its customers. Errors are problem documents (RFC 9457); every operation says who may call it in x-roles and x-scopes.".into()),
            ..Info::default()
        },
        ..OpenApi::default()
    };
    let bearer = SecurityScheme::Http {
        scheme: "bearer".into(),
        bearer_format: None,
        description: Some("An API key, or the token of a session from /api/auth/login.".into()),
        extensions: Default::default(),
    };
    let router = routes()
        .merge(crate::tickets::work_routes::routes())
        .merge(crate::saved_views::api::routes())
        .merge(crate::bulk::api::routes())
        .merge(crate::reports::routes())
        .merge(crate::rules::routes())
        .merge(crate::help::feedback::api_routes())
        .merge(crate::letters::api::routes())
        .merge(crate::outbox::api::routes())
        .merge(crate::account::away::api())
        .merge(crate::composing::api::routes())
        .merge(crate::macros::api::routes())
        .merge(crate::articles::routes())
        .merge(crate::channels::routes())
        .merge(crate::intake::routes())
        .finish_api_with(&mut document, |api| api.security_scheme("bearer", bearer));
    (router, document)
}
