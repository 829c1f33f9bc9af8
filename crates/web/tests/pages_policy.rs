//! Every page × every role: strangers are led to the sign-in, customers stay out of the desk, agents out of the
//! administration, and a form without its token changes nothing.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

mod support;

use base::Role;
use support::Site;
use testkit::both_engines;

/// Who may open a page.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Who {
    Anybody,
    SignedIn,
    Staff,
    /// Who sees the whole queue.
    Agents,
    Admins,
    SuperAdmins,
}

const PAGES: &[(&str, Who)] = &[
    ("/login/link", Who::Anybody),
    ("/login/reset", Who::Anybody),
    ("/register", Who::Anybody),
    ("/help", Who::Anybody),
    ("/help/contact", Who::Anybody),
    ("/help/search", Who::Anybody),
    ("/help/suggest?q=router", Who::Anybody),
    ("/help/tickets", Who::SignedIn),
    ("/account", Who::SignedIn),
    ("/desk", Who::Staff),
    ("/desk?view=all", Who::Staff),
    ("/desk/board", Who::Staff),
    ("/desk/find", Who::Staff),
    ("/desk/tickets/new", Who::Staff),
    ("/desk/calls/new", Who::Staff),
    ("/desk/canned-replies", Who::Staff),
    ("/desk/canned-replies/new", Who::Staff),
    ("/desk/macros", Who::Staff),
    ("/desk/macros/new", Who::Staff),
    ("/desk/notifications", Who::Staff),
    ("/desk/account", Who::Staff),
    ("/desk/customers", Who::Agents),
    ("/desk/articles", Who::Agents),
    ("/desk/articles/new", Who::Agents),
    ("/desk/reports", Who::Agents),
    ("/desk/reports/volume/csv", Who::Agents),
    ("/admin/users", Who::Admins),
    ("/admin/users/new", Who::Admins),
    ("/admin/teams", Who::Admins),
    ("/admin/tags", Who::Admins),
    ("/admin/blocked-senders", Who::Admins),
    ("/admin/deleted-tickets", Who::Admins),
    ("/admin/categories", Who::Admins),
    ("/admin/article-categories", Who::Admins),
    ("/admin/letters", Who::Admins),
    ("/admin/api-keys", Who::Admins),
    ("/admin/webhooks", Who::Admins),
    ("/admin/webhooks/new", Who::Admins),
    ("/admin/channels", Who::Admins),
    ("/admin/channels/new", Who::Admins),
    ("/admin/channels/providers", Who::Admins),
    ("/admin/channels/providers/microsoft", Who::Admins),
    ("/admin/mails", Who::Admins),
    ("/admin/mails?state=all", Who::Admins),
    ("/admin/rules", Who::Admins),
    ("/admin/rules/new", Who::Admins),
    ("/admin/audit", Who::Admins),
    ("/admin/jobs", Who::Admins),
    ("/admin/outbox", Who::Admins),
    ("/admin/settings", Who::Admins),
    ("/admin/tenants", Who::SuperAdmins),
];

fn may(who: Who, role: Role) -> bool {
    match who {
        Who::Anybody | Who::SignedIn => true,
        Who::Staff => role.is_staff(),
        Who::Agents => role.sees_all_tickets(),
        Who::Admins => role.is_admin(),
        Who::SuperAdmins => role == Role::SuperAdmin,
    }
}

both_engines! {
    async fn pages_open_for_those_they_are_for(world) {
        let site = Site::new(world).await;
        let owner = site.user("Owner", Role::Customer).await;
        owner.file("a ticket to look at").await;
        site.neighbour("Eve", Role::Customer).await.file("secret of the neighbour").await;
        site.work().await;
        for (path, who) in PAGES {
            let stranger = site.anonymous().get(path).await;
            if *who == Who::Anybody {
                assert_eq!(stranger.status, 200, "{path} for a stranger");
            } else {
                assert_eq!(stranger.status, 303, "{path} for a stranger");
                assert!(stranger.headers["location"].to_str().unwrap().starts_with("/login?next="), "{path}");
            }
        }
        for role in Role::ALL {
            let person = site.user(&format!("Person {role}"), role).await;
            for (path, who) in PAGES {
                let page = person.get(path).await;
                assert!(!page.text.contains("secret of the neighbour"), "{path} as {role}");
                if may(*who, role) {
                    let there = page.status == 200 || (page.status == 303 && *path == "/account");
                    assert!(there, "{path} as {role}: {} {}", page.status, page.text);
                } else {
                    assert!([403, 404].contains(&page.status.as_u16()), "{path} as {role}: {}", page.status);
                    assert!(page.text.contains("<html"), "{path} as {role}: people get a page, not a document");
                }
            }
        }
    }

    async fn a_form_from_elsewhere_or_without_its_token_changes_nothing(world) {
        let site = Site::new(world).await;
        let admin = site.user("Root", Role::Admin).await;
        let id = site.user("Ada", Role::Customer).await.file("x").await;
        let forms = [
            ("/admin/settings".to_owned(), "business_name=Stolen"), ("/admin/users/new".to_owned(), "email=x@x.io&name=X&role=admin"),
            ("/admin/api-keys".to_owned(), "name=x&scope=admin"), (format!("/desk/tickets/{id}/claim"), ""), (format!("/desk/tickets/{id}"), "status=resolved"),
        ];
        let kind = ("content-type", "application/x-www-form-urlencoded");
        for (path, body) in &forms {
            let foreign = admin.send("POST", path, &[kind, ("sec-fetch-site", "cross-site")], body.as_bytes().to_vec()).await;
            assert_eq!(foreign.status, 403, "{path} from elsewhere");
            let tokenless = admin.send("POST", path, &[kind, ("sec-fetch-site", "same-origin")], format!("{body}&csrf=wrong").into_bytes()).await;
            assert_eq!(tokenless.status, 403, "{path} with a wrong token");
        }
        assert_eq!(admin.get(&format!("/api/admin/support/tickets/{id}")).await.expect(200)["status"], "new");
        assert_eq!(admin.get("/api/admin/api-keys").await.expect(200)["items"], serde_json::json!([]));
        assert_eq!(admin.get("/api/admin/users").await.expect(200)["items"].as_array().unwrap().len(), 2);
    }

    async fn pages_carry_the_headers_that_keep_them_closed(world) {
        let site = Site::new(world).await;
        let page = site.anonymous().get("/help").await;
        let header = |name: &str| page.headers[name].to_str().unwrap().to_owned();
        let policy = header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe-inline"), "{policy}");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert!(!page.text.contains("<script>") && !page.text.contains(" style=") && !page.text.contains("onclick="));
        assert!(page.headers.contains_key("x-request-id"));
        site.anonymous().get("/no/such/page").await.expect_status(404);
        site.anonymous().get("/healthz").await.expect_status(200);
    }
}
