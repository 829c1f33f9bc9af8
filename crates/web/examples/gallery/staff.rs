//! Customers, reports, notices and administration.

use web::{
    api_keys, audit, categories, customers, jobs,
    kit::{forms::Problem, lists::Pager},
    letters, notifications, outbox, rules, settings, teams, tenants,
    tidying::views as tidying,
    users, webhooks,
};

use crate::{
    desk::rows,
    samples::{Page, agent, ago, choices, days_ago, text},
};

pub fn pages() -> Vec<Page> {
    let mut pages = vec![
        Page::new("customers", "customers/list.html", agent("/desk/customers", ""), customer_list()),
        Page::new("customer", "customers/customer.html", agent("/desk/customers/1", ""), customer()),
        Page::new("reports", "reports/reports.html", agent("/desk/reports", ""), crate::reports::report()),
        Page::new("notifications", "notifications/list.html", agent("/desk/notifications", ""), notices()),
    ];
    pages.extend(people());
    pages.extend(system());
    pages
}

fn customer_list() -> customers::views::List {
    let row = |name: &str, email: &str, company: Option<&str>, open, minutes| customers::views::CustomerRow {
        href: "/desk/customers/1".into(),
        name: name.into(),
        email: text(email),
        company: company.map(Into::into),
        open_tickets: open,
        last_seen_at: Some(ago(minutes)),
    };
    customers::views::List {
        customers: vec![
            row("Ada Byron", "ada@example.com", None, 2, 3),
            row("Marek Łuczak", "marek@example.com", Some("Łuczak Stolarstwo"), 1, 11),
            row("Ines Carvalho", "ines@example.com", None, 0, 9_000),
        ],
        pager: Pager { next_href: text("?cursor=x"), ..Default::default() },
        ..Default::default()
    }
}

fn customer() -> customers::views::Customer {
    customers::views::Customer {
        id: "1".into(),
        title: "Ada Byron".into(),
        name: "Ada Byron".into(),
        email: text("ada@example.com"),
        verified: false,
        phone: text("+44 113 496 0199"),
        since: Some(days_ago(800)),
        plan: text("Fiber 500"),
        service_address: text("12 Harrogate Road, Leeds LS7 3NZ"),
        tickets: rows().into_iter().take(3).collect(),
        all_tickets_href: text("/desk?customer=1"),
        notes: "Works nights: call after 15:00.".into(),
        ..Default::default()
    }
}

fn notices() -> notifications::views::List {
    let notice = |title: &str, words: Option<&str>, unread, minutes: i64| notifications::views::Notice {
        id: minutes.to_string(),
        href: "/desk/tickets/612".into(),
        title: title.into(),
        text: words.map(Into::into),
        unread,
        created_at: ago(minutes),
    };
    notifications::views::List {
        notices: vec![
            notice(
                "Ada Byron answered SUP-00612",
                Some("It does. I pushed it in again, still red."),
                true,
                3,
            ),
            notice("Mia Lindqvist assigned SUP-00607 to you", None, false, 130),
        ],
        any_unread: true,
        ..Default::default()
    }
}

const ROLES: &[(&str, &str)] = &[("agent", "Agent"), ("technician", "Technician"), ("admin", "Admin")];

fn people() -> Vec<Page> {
    let user = |id: &str, name: &str, role: &str, disabled, has_totp| users::views::UserRow {
        id: id.into(),
        name: name.into(),
        email: format!("{}@northwind.example", name.split(' ').next().unwrap_or("x").to_lowercase()),
        role: role.into(),
        disabled,
        has_totp,
        last_seen_at: (!disabled).then(|| ago(50)),
    };
    vec![
        Page::new(
            "users",
            "users/list.html",
            agent("/admin/users", ""),
            users::views::List {
                users: vec![
                    user("2", "Ben Okafor", "super_admin", false, true),
                    user("3", "Mia Lindqvist", "agent", false, false),
                    user("5", "Sam Reed", "technician", true, false),
                ],
                ..Default::default()
            },
        ),
        Page::new(
            "user-new",
            "users/form.html",
            agent("/admin/users/new", ""),
            users::views::Form { roles: choices(ROLES, "agent"), ..Default::default() },
        ),
        Page::new(
            "user",
            "users/form.html",
            agent("/admin/users/3", ""),
            users::views::Form {
                id: text("3"),
                name: "Mia Lindqvist".into(),
                email: "mia@northwind.example".into(),
                roles: choices(ROLES, "agent"),
                has_totp: true,
                ..Default::default()
            },
        ),
        Page::new(
            "teams",
            "teams/list.html",
            agent("/admin/teams", ""),
            teams::views::List {
                teams: vec![teams::views::TeamRow {
                    id: "1".into(),
                    name: "First line".into(),
                    members: vec!["Ben Okafor".into(), "Mia Lindqvist".into()],
                }],
                ..Default::default()
            },
        ),
        Page::new(
            "team",
            "teams/team.html",
            agent("/admin/teams/1", ""),
            teams::views::Team {
                id: "1".into(),
                name: "First line".into(),
                people: choices(&[("2", "Ben Okafor"), ("3", "Mia Lindqvist"), ("4", "Noor de Vries")], "2"),
                problems: vec![],
            },
        ),
        Page::new(
            "categories",
            "categories/list.html",
            agent("/admin/categories", ""),
            categories::views::List {
                categories: vec![
                    category("technical", "Technical", false, 14),
                    category("billing", "Billing", false, 6),
                    category("selling", "Selling", true, 0),
                ],
                ..Default::default()
            },
        ),
    ]
}

fn category(key: &str, label: &str, archived: bool, open_tickets: u32) -> categories::views::Category {
    categories::views::Category {
        id: key.into(),
        key: key.into(),
        label: label.into(),
        archived,
        open_tickets,
    }
}

fn system() -> Vec<Page> {
    let key = |id: &str, name: &str, scope: &str, revoked: bool| api_keys::views::Key {
        id: id.into(),
        name: name.into(),
        prefix: "cf_7Jq2".into(),
        scope: scope.into(),
        created_by: "Ben Okafor".into(),
        created_at: days_ago(20),
        last_used_at: Some(ago(4)),
        revoked_at: revoked.then(|| days_ago(1)),
    };
    let line = |id: &str, action: &str, target: &str, before: Option<&str>, after: Option<&str>| {
        audit::views::Line {
            id: id.into(),
            at: ago(70),
            actor_name: "Ben Okafor".into(),
            actor_kind: "agent".into(),
            action: action.into(),
            target: target.into(),
            before: before.map(Into::into),
            after: after.map(Into::into),
            request_id: text("01JD3K9V7Q"),
        }
    };
    let letter = |id: &str, to: &str, subject: &str, state: &str| outbox::views::LetterRow {
        id: id.into(),
        to: to.into(),
        subject: subject.into(),
        state: state.into(),
        created_at: ago(12),
    };
    let counts = vec![("queued".into(), 4), ("running".into(), 1), ("dead".into(), 2)];
    let job = jobs::views::Job {
        id: "1".into(),
        kind: "send_letter".into(),
        key: "letter:0193f2".into(),
        attempts: 8,
        due_at: ago(30),
        last_error: text("550 5.1.1 mailbox unknown"),
    };
    vec![
        Page::new("letters", "letters/list.html", agent("/admin/letters", ""), letters::views::List { letters: vec![letters::views::LetterRow { key: "ticket_received".into(), title: "We have your request".into(), description: "To the customer, at once, with number and link.".into(), changed_in: vec!["en".into()] }] }),
        Page::new("letters-edit", "letters/letter.html", agent("/admin/letters/ticket_received", ""), letters::views::Letter { key: "ticket_received".into(), title: "We have your request".into(), description: "To the customer, at once, with number and link.".into(), locale: "en".into(), locales: choices(&[("en", "English"), ("de", "Deutsch")], "en"), subject: "[{{ ticket.number }}] We have your request".into(), body: "Hello {{ customer.name }},\n\nwe have your request and will answer soon.\n\n{{ ticket.link }}\n".into(), is_changed: true, variables: vec![("ticket.number".into(), "SUP-00612".into()), ("ticket.link".into(), "where the customer follows it".into())], stand_in: text("English"), own_address: "mia@northwind.example".into(), tested: None, problems: vec![] }),
        Page::new("api-keys", "api_keys/list.html", agent("/admin/api-keys", ""), api_keys::views::List { keys: vec![key("1", "Billing sync", "write", false), key("2", "Old report", "read", true)], scopes: choices(&[("read", "Read"), ("write", "Read and answer"), ("admin", "Administer")], "read"), created: text("cf_7Jq2mP0sX4vK9tB1nR6yWc3hZ8dLfGa5"), ..Default::default() }),
        Page::new("audit", "audit/list.html", agent("/admin/audit", ""), audit::views::List { lines: vec![line("1", "user.role_changed", "Mia Lindqvist", Some("agent"), Some("admin")), line("2", "session.started", "Ben Okafor", None, None)], ..Default::default() }),
        Page::new("jobs", "jobs/list.html", agent("/admin/jobs?state=dead", ""), jobs::views::List { state: "dead".into(), counts, jobs: vec![job], pager: Pager::default() }),
        Page::new("outbox", "outbox/list.html", agent("/admin/outbox", ""), outbox::views::List { letters: vec![letter("1", "ada@example.com", "[SUP-00612] Re: Internet down since Monday morning", "sent"), letter("2", "nobody@example.com", "[SUP-00601] We have your request", "failed"), letter("3", "ines@example.com", "[SUP-00610] We have your request", "kept")], kept_only: true, ..Default::default() }),
        Page::new("outbox-letter", "outbox/letter.html", agent("/admin/outbox/1", ""), outbox::views::Letter { id: "1".into(), from: "Northwind Fiber <help@northwind.example>".into(), to: "ada@example.com".into(), subject: "[SUP-00612] Re: Internet down".into(), state: "failed".into(), detail: text("550 5.1.1 mailbox unknown"), created_at: ago(12), sent_at: None, attempts: 3, text: "Hello Ada,\n\nthank you for the photo.\n".into(), html_src: None, raw_href: "/admin/outbox/1/raw".into(), ticket_href: text("/desk/tickets/612") }),
        Page::new("webhooks", "webhooks/list.html", agent("/admin/webhooks", ""), webhooks::views::List { webhooks: vec![hook_row("1", "Billing", "on"), hook_row("2", "Chat", "failing"), hook_row("3", "Old shop", "off")] }),
        Page::new("webhooks-new", "webhooks/form.html", agent("/admin/webhooks/new", ""), webhooks::views::Form { name: "Billing".into(), url: "ftp://billing.example".into(), topics: choices(&[("*", "Every event"), ("ticket.created", "ticket.created: A ticket was filed")], "*"), problems: vec![Problem::new("url", "begins with https:// or http://")], ..Default::default() }),
        Page::new("webhook", "webhooks/webhook.html", agent("/admin/webhooks/1", ""), hook()),
        Page::new("webhook-delivery", "webhooks/delivery.html", agent("/admin/webhooks/1/deliveries/1", ""), webhooks::views::DeliveryPage { webhook_id: "1".into(), webhook_name: "Billing".into(), delivery: hook_delivery("failed", Some(500)), message_id: "msg_01a1fca039a07e9ba5b5c75b8ad924f5".into(), body: r#"{"type":"ticket.created","timestamp":"2026-03-02T12:00:00Z","object":{"type":"ticket","id":"01a1fca0-39a0-7e9b-a5b5-c75b8ad924f5","sequence":1},"data":{}}"#.into(), log: vec![webhooks::views::Attempt { number: 1, started_at: ago(30), duration_ms: 812, status: Some(500), error: text("answered 500"), answer: "Internal Server Error".into() }], can_replay: true }),
        Page::new("rules", "rules/list.html", agent("/admin/rules", ""), rules::views::List { rules: vec![rule_row("1", "Outages go first", true), rule_row("2", "Invoices in turn", false)] }),
        Page::new("rules-new", "rules/form.html", agent("/admin/rules/new", ""), rule_form()),
        Page::new("rule", "rules/rule.html", agent("/admin/rules/1", ""), rules::views::Rule { id: "1".into(), name: "Outages go first".into(), sentence: sentence(), enabled: true, active_since: Some(days_ago(3)), last_fired_at: Some(ago(20)), fired_count: 12, outcomes: ["all", "fired", "not_fired", "stopped", "failed"].map(|o| (o.to_owned(), o == "all")).into(), runs: rule_runs(), ..Default::default() }),
        Page::new("rule-dry-run", "rules/dry_run.html", agent("/admin/rules/1/dry-run", ""), rules::views::DryRun { id: "1".into(), name: "Outages go first".into(), sentence: sentence(), days: choices(&[("7", "7 days"), ("30", "30 days")], "30"), tried: Some(tried()), ..Default::default() }),
        Page::new("ticket-rules", "rules/ticket.html", agent("/desk/tickets/1/rules", ""), rules::views::TicketRuns { id: "1".into(), number: "SUP-00042".into(), subject: "Internet down since monday".into(), is_admin: true, runs: rule_runs(), ..Default::default() }),
        Page::new("settings", "settings/settings.html", agent("/admin/settings", ""), settings::views::Settings { business_name: "Northwind Fiber".into(), zone: "Europe/London".into(), from_address: "help@northwind.example".into(), ticket_number_styles: choices(&[("sequence", "SUP-00001, counting up"), ("random", "TCK- and 12 random characters")], "sequence"), auto_close_days: 7, reopen_days: 14, attachment_limit_mb: 25, sign_up_allowed: true, deleted_retention_days: 30, csat_enabled: true, csat_delay_minutes: 60, letters_per_10_minutes: 2000, stray_mail_retention_days: 90, ..Default::default() }),
        Page::new("tags", "tidying/tags.html", agent("/admin/tags", ""), tidying::Tags { tags: vec![tidying::Tag { tag: "outage".into(), colour: "red".into(), colours: choices(&[("grey", "No colour"), ("red", "Red")], "red") }], colours: choices(&[("grey", "No colour"), ("red", "Red")], "red"), ..Default::default() }),
        Page::new("blocked-senders", "tidying/blocked.html", agent("/admin/blocked-senders", ""), tidying::Blocked { senders: vec![tidying::Sender { email: "winner@lottery.example".into(), blocked_by: "Ben Okafor".into(), created_at: days_ago(3) }], ..Default::default() }),
        Page::new("deleted-tickets", "tidying/deleted.html", agent("/admin/deleted-tickets", ""), tidying::Deleted { tickets: vec![tidying::Tombstone { id: "9".into(), number: "SUP-00009".into(), subject: "Filed twice".into(), requester: "ada@example.com".into(), deleted_at: Some(days_ago(1)), deleted_by: "Olivia Brandt".into() }], retention_days: 30, next_href: None }),
        Page::new("tenants", "tenants/list.html", agent("/admin/tenants", ""), tenants::views::List { tenants: vec![tenants::views::TenantRow { slug: "northwind".into(), name: "Northwind Fiber".into(), host: text("help.northwind.example"), created_at: days_ago(300) }] }),
    ]
}

fn hook_row(id: &str, name: &str, state: &str) -> webhooks::views::Row {
    webhooks::views::Row {
        id: id.into(),
        name: name.into(),
        url: "https://billing.northwind.example/hooks/counterfoil".into(),
        topics: vec!["ticket.created".into(), "ticket.changed".into()],
        state: state.into(),
    }
}

fn hook_delivery(state: &str, status: Option<u32>) -> webhooks::views::Delivery {
    webhooks::views::Delivery {
        id: "1".into(),
        topic: "ticket.created".into(),
        state: state.into(),
        status,
        error: (state != "delivered").then(|| "answered 500".into()),
        attempts: 2,
        created_at: ago(40),
        next_attempt_at: None,
    }
}

fn hook() -> webhooks::views::Webhook {
    let row = hook_row("1", "Billing", "failing");
    let states = ["all", "pending", "delivered", "failed", "cancelled"];
    webhooks::views::Webhook {
        id: row.id,
        name: row.name,
        url: row.url,
        topics: row.topics,
        state: row.state,
        reason: None,
        failing_since: Some(ago(40)),
        previous_secret_until: Some(ago(-600)),
        secret: text("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDnAdDWsc3Hu0="),
        states: states.map(|s| (s.to_owned(), s == "all")).into(),
        deliveries: vec![
            hook_delivery("failed", Some(500)),
            hook_delivery("delivered", Some(204)),
            hook_delivery("pending", None),
        ],
        pager: Pager::default(),
        spans: choices(&[("1", "in the last hour"), ("24", "in the last day")], "24"),
    }
}

fn sentence() -> rules::views::Sentence {
    rules::views::Sentence {
        when: "a ticket is created or the customer replies".into(),
        all: vec!["Priority is Low or Normal".into()],
        any: vec!["Subject contains \u{201c}no internet\u{201d}".into(), "Tags have outage".into()],
        then: vec!["set the priority to Urgent".into(), "assign it in turn within Network".into()],
    }
}

fn rule_row(id: &str, name: &str, enabled: bool) -> rules::views::Row {
    rules::views::Row {
        id: id.into(),
        name: name.into(),
        sentence: sentence(),
        enabled,
        last_fired_at: enabled.then(|| ago(20)),
        fired_count: 12,
        is_first: id == "1",
        is_last: id == "2",
    }
}

fn looked() -> Vec<rules::views::Looked> {
    vec![
        rules::views::Looked {
            holds: true,
            text: "Priority is Low or Normal".into(),
            actual: text("Normal"),
        },
        rules::views::Looked {
            holds: false,
            text: "Subject contains \u{201c}no internet\u{201d}".into(),
            actual: text("An invoice"),
        },
    ]
}

fn rule_runs() -> Vec<rules::views::Run> {
    let run = |outcome: &str| rules::views::Run {
        rule_href: "/admin/rules/1".into(),
        rule_name: "Outages go first".into(),
        ticket_href: "/desk/tickets/1".into(),
        ticket_number: "SUP-00042".into(),
        outcome: outcome.into(),
        reason: (outcome == "stopped")
            .then(|| "Stopped: it has run in this chain of changes already.".into()),
        started_by: "a ticket is created".into(),
        conditions: looked(),
        actions: if outcome == "fired" {
            vec!["Set the priority: Normal \u{2192} Urgent".into()]
        } else {
            vec![]
        },
        created_at: ago(20),
    };
    ["fired", "not_fired", "stopped", "failed"].map(run).into()
}

fn tried() -> rules::views::Tried {
    let would = |number: &str, matches: bool| rules::views::Would {
        href: "/desk/tickets/1".into(),
        number: number.into(),
        subject: "Internet down since monday".into(),
        created_at: ago(300),
        matches,
        conditions: looked(),
        actions: vec!["Set the priority: Normal \u{2192} Urgent".into()],
    };
    let items = vec![would("SUP-00042", true), would("SUP-00041", false)];
    rules::views::Tried { looked_at: 2000, matched: 41, is_capped: true, items, ..Default::default() }
}

fn rule_form() -> rules::views::Form {
    let events = choices(
        &[("ticket_created", "a ticket is created"), ("reopened", "a ticket is reopened")],
        "ticket_created",
    );
    let ops = choices(&[("is", "is"), ("is_not", "is not")], "is");
    let priorities = choices(&[("low", "Low"), ("normal", "Normal"), ("high", "High")], "normal");
    let part = |at: &str, word: &str, label: &str, control: &str| rules::views::Part {
        at: at.into(),
        word: word.into(),
        label: label.into(),
        ops: ops.clone(),
        control: control.into(),
        choices: priorities.clone(),
        value: "outage".into(),
        hint: "vip, fibre".into(),
    };
    let fields = choices(&[("priority", "Priority"), ("tags", "Tags")], "");
    rules::views::Form {
        name: "Outages go first".into(),
        enabled: true,
        kind: "event".into(),
        events,
        anchors: choices(&[("created", "it was created"), ("due", "it is due")], "created"),
        amount: "4".into(),
        units: choices(&[("hours", "hours")], "hours"),
        sides: choices(&[("after", "after"), ("before", "before")], "after"),
        statuses: choices(&[("open", "Open")], "open"),
        groups: vec![
            rules::views::Group {
                key: "all".into(),
                conditions: vec![
                    part("all[0]", "priority", "Priority", "chips"),
                    part("all[1]", "tags", "Tags", "text"),
                ],
                fields: fields.clone(),
            },
            rules::views::Group {
                key: "any".into(),
                conditions: vec![part("any[0]", "hours_since_created", "Age", "number")],
                fields,
            },
        ],
        actions: vec![
            part("actions[0]", "set_priority", "Set the priority", "select"),
            part("actions[1]", "answer", "Answer the customer", "markdown"),
            part("actions[2]", "stop", "Stop here", "nothing"),
        ],
        new_actions: choices(&[("stop", "Stop here")], ""),
        days: choices(&[("30", "30 days")], "30"),
        problems: vec![Problem::new("all[1].value", "a tag has no comma in it")],
        tried: Some(tried()),
        ..Default::default()
    }
}
