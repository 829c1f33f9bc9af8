//! The frame of the samples, and the pages of customers and strangers.

use base::{Result, Role, Timestamp, hours, minutes};
use serde::Serialize;
use web::{
    account::views as account,
    auth::views as auth,
    errors::views as errors,
    help::views as help,
    kit::{
        chrome::{Chrome, DeskChrome, DeskView, Flash, Scheme, Tone, Undo, Viewer},
        forms::{Choice, Problem},
        lists::Pager,
        render::render,
    },
};

type Render = Box<dyn Fn(&Chrome) -> Result<String>>;

pub struct Page {
    pub name: &'static str,
    pub template: &'static str,
    chrome: Chrome,
    render: Render,
}

impl Page {
    pub fn new(
        name: &'static str,
        template: &'static str,
        chrome: Chrome,
        view: impl Serialize + 'static,
    ) -> Self {
        Self { name, template, chrome, render: Box::new(move |chrome| render(template, chrome, &view)) }
    }
    pub fn html(&self, scheme: Scheme) -> Result<String> {
        (self.render)(&Chrome { scheme, ..self.chrome.clone() })
    }
}

/// A Saturday morning of an internet provider.
pub fn now() -> Timestamp {
    Timestamp::from_second(1_795_235_027).unwrap_or(Timestamp::UNIX_EPOCH)
}
pub fn ago(minutes_ago: i64) -> Timestamp {
    now().checked_sub(minutes(minutes_ago)).unwrap_or(Timestamp::UNIX_EPOCH)
}
pub fn days_ago(days: i64) -> Timestamp {
    now().checked_sub(hours(days * 24)).unwrap_or(Timestamp::UNIX_EPOCH)
}
pub fn text(s: &str) -> Option<String> {
    Some(s.to_owned())
}
pub fn choices(list: &[(&str, &str)], selected: &str) -> Vec<Choice> {
    list.iter().map(|(value, label)| Choice::new(*value, *label, *value == selected)).collect()
}
pub const CATEGORIES: &[(&str, &str)] = &[
    ("technical", "Technical"),
    ("billing", "Billing"),
    ("account", "Account"),
    ("getting_started", "Getting started"),
    ("other", "Something else"),
];

pub fn stranger(path: &str) -> Chrome {
    Chrome {
        csrf: "sample".into(),
        path: path.into(),
        zone: "Europe/London".into(),
        ..Chrome::new("Northwind Fiber", now())
    }
}
pub fn customer(path: &str) -> Chrome {
    Chrome {
        viewer: Some(Viewer::new("1", "Ada Byron", "ada@example.com", Role::Customer)),
        ..stranger(path)
    }
}
pub fn agent(path: &str, view: &str) -> Chrome {
    let counts = [
        ("inbox", 12),
        ("mine", 4),
        ("unassigned", 7),
        ("overdue", 1),
        ("waiting", 9),
        ("resolved", 31),
        ("all", 1000),
    ];
    let views = counts
        .into_iter()
        .map(|(key, n)| DeskView {
            name: None,
            key: key.into(),
            href: format!("/desk?view={key}"),
            count: Some(n),
            current: key == view,
        })
        .collect();
    Chrome {
        viewer: Some(Viewer::new("2", "Ben Okafor", "ben@northwind.example", Role::SuperAdmin)),
        desk: Some(DeskChrome { views, unread_notices: 3, undecided_mails: 4 }),
        ..stranger(path)
    }
}

pub fn pages() -> Vec<Page> {
    let mut pages = strangers();
    pages.extend(customers());
    pages.extend(crate::articles::pages());
    pages.extend(crate::desk::pages());
    pages.extend(crate::staff::pages());
    pages.extend(crate::canned::pages());
    pages.extend(crate::mail::pages());
    pages
}

fn strangers() -> Vec<Page> {
    let mut broken = errors::ErrorPage::new(&base::Error::bug("x"), 500, "en", text("01JD3K9V7Q"));
    broken.back_href = text("/help");
    vec![
        Page::new(
            "login",
            "auth/login.html",
            stranger("/login"),
            auth::Login { email: "ada@example.com".into(), ..Default::default() },
        ),
        Page::new(
            "login-code",
            "auth/login.html",
            stranger("/login"),
            auth::Login {
                email: "ben@northwind.example".into(),
                ask_code: true,
                problems: vec![Problem::new(
                    "code",
                    "That code is not right. Wait for the next one and try again.",
                )],
                ..Default::default()
            },
        ),
        Page::new("register", "auth/register.html", stranger("/register"), auth::Register::default()),
        Page::new(
            "ask-email",
            "auth/ask_email.html",
            stranger("/login/link"),
            auth::AskEmail { kind: "link".into(), ..Default::default() },
        ),
        Page::new(
            "message",
            "auth/message.html",
            stranger("/login/link"),
            auth::Message { kind: "link-sent".into(), email: "ada@example.com".into(), continue_href: None },
        ),
        Page::new(
            "verified",
            "auth/message.html",
            stranger("/verify"),
            auth::Message {
                kind: "verified".into(),
                email: String::new(),
                continue_href: text("/help/tickets"),
            },
        ),
        Page::new(
            "confirm-link",
            "auth/confirm_link.html",
            stranger("/login/link/x"),
            auth::ConfirmLink { kind: "use-link".into(), action: "/login/link/x".into() },
        ),
        Page::new(
            "new-password",
            "auth/new_password.html",
            stranger("/login/reset/x"),
            auth::NewPassword { token: "x".into(), problems: vec![] },
        ),
        Page::new(
            "first-run",
            "auth/first_run.html",
            stranger("/first-run/x"),
            auth::FirstRun { token: "x".into(), zone: "Europe/London".into(), ..Default::default() },
        ),
        Page::new("error", "errors/error.html", stranger("/help"), broken),
        Page::new(
            "confirm",
            "errors/confirm.html",
            stranger("/help"),
            errors::Confirm {
                question: "Revoke the key “Billing sync”?".into(),
                consequence: text("Programs that use it stop working at once."),
                button: "Revoke".into(),
                action: "/admin/api-keys/1/revoke".into(),
                fields: vec![],
                back_href: "/admin/api-keys".into(),
            },
        ),
        Page::new(
            "help",
            "help/home.html",
            Chrome {
                banner: text(
                    "We know about the outage in Leeds West. Engineers are on site; we expect service back by 14:00.",
                ),
                ..stranger("/help")
            },
            help::Home { topics: topics(), sections: crate::articles::sections(), open_tickets: vec![] },
        ),
        Page::new("contact", "help/contact.html", stranger("/help/contact"), contact(vec![])),
        Page::new(
            "contact-problems",
            "help/contact.html",
            stranger("/help/contact"),
            contact(vec![
                Problem::new("email", "Enter an e-mail address such as name@example.com."),
                Problem::new("category", "Choose what it is about."),
            ]),
        ),
        Page::new(
            "thanks",
            "help/thanks.html",
            stranger("/help/contact"),
            help::Thanks { ticket_number: "SUP-00612".into(), ticket_href: None },
        ),
        Page::new("status", "help/status.html", stranger("/help/status/x"), ticket("", "x")),
        Page::new(
            "feedback",
            "help/feedback.html",
            stranger("/help/feedback/x"),
            web::help::feedback::Feedback {
                token: "x".into(),
                number: "SUP-00612".into(),
                subject: "Internet down since Monday morning".into(),
                score: Some(5),
                comment: "Quick and friendly.".into(),
                is_answered: true,
                ..Default::default()
            },
        ),
        Page::new(
            "feedback-stop",
            "help/feedback_stop.html",
            stranger("/help/feedback/x/stop"),
            web::help::feedback_stop::Stop { token: "x".into(), is_stopped: false },
        ),
        Page::new(
            "forward",
            "help/forward.html",
            stranger("/help/forward/x"),
            web::help::forward::Forward {
                token: "x".into(),
                number: "SUP-00612".into(),
                subject: "Internet down since Monday morning".into(),
                asked_by: "Ben Okafor".into(),
                body_html: "<p>Is your line to the exchange up?</p>".into(),
                attachment_limit_bytes: 25_000_000,
                idempotency_key: "k".into(),
                ..Default::default()
            },
        ),
    ]
}

fn topics() -> Vec<help::Topic> {
    CATEGORIES.iter().map(|(key, label)| help::Topic { key: (*key).into(), label: (*label).into() }).collect()
}

fn contact(problems: Vec<Problem>) -> help::Contact {
    help::Contact {
        name: "Ada Byron".into(),
        email: if problems.is_empty() { "ada@example.com".into() } else { "ada@".into() },
        categories: choices(CATEGORIES, ""),
        subject: "Internet down since Monday morning".into(),
        attachment_limit_bytes: 25_000_000,
        idempotency_key: "k".into(),
        problems,
        ..Default::default()
    }
}

fn lines() -> Vec<help::TicketLine> {
    let line = |n: u32, subject: &str, status: &str, minutes: i64, unread| help::TicketLine {
        id: n.to_string(),
        number: format!("SUP-{n:05}"),
        subject: subject.into(),
        status: status.into(),
        updated_at: ago(minutes),
        unread,
        highlights: None,
    };
    vec![
        line(612, "Internet down since Monday morning", "in_progress", 3, true),
        line(588, "Invoice for October charged twice", "pending_customer", 60 * 26, false),
        line(
            431,
            "Router restarts every evening when the children come home and everybody streams",
            "resolved",
            60 * 24 * 9,
            false,
        ),
    ]
}

fn ticket(id: &str, token: &str) -> help::Ticket {
    let message = |id: &str, mine: bool, name: &str, html: &str, minutes: i64| help::Message {
        id: id.into(),
        from_customer: mine,
        is_viewer: mine,
        author_name: name.into(),
        body_html: html.into(),
        attachments: vec![],
        created_at: ago(minutes),
    };
    let mut first = message(
        "1",
        true,
        "Ada Byron",
        "<p>Since Monday at about 7 the internet is gone. The light on the box is <strong>red</strong>. I restarted it twice.</p>",
        60 * 30,
    );
    first.attachments.push(help::Attachment {
        filename: "box-red-light.jpg".into(),
        size_bytes: 1_842_113,
        href: "/api/attachments/1".into(),
    });
    let step = |key: &str, at: Option<Timestamp>, current| help::Step { key: key.into(), at, current };
    help::Ticket {
        id: id.into(),
        token: token.into(),
        number: "SUP-00612".into(),
        subject: "Internet down since Monday morning".into(),
        status: "in_progress".into(),
        created_at: ago(60 * 30),
        steps: vec![
            step("received", Some(ago(60 * 30)), false),
            step("in_progress", Some(ago(60 * 28)), true),
            step("resolved", None, false),
            step("closed", None, false),
        ],
        messages: vec![
            first,
            message(
                "2",
                false,
                "Ben Okafor",
                "<p>Hello Ada,</p><p>thank you for the photo. A red light means the box sees no signal from the street. I have asked the line team to measure it.</p><p>Could you tell me whether the cable to the wall sits firmly?</p>",
                60 * 5,
            ),
            message("3", true, "Ada Byron", "<p>It does. I pushed it in again, still red.</p>", 3),
        ],
        can_reply: true,
        reopens: false,
        follows_up: false,
        can_confirm: true,
        draft: String::new(),
        attachment_limit_bytes: 25_000_000,
        idempotency_key: "k".into(),
        problems: vec![],
    }
}

fn customers() -> Vec<Page> {
    let flash = Flash { tone: Tone::Ok, text: "Your reply is on its way.".into(), undo: None };
    vec![
        Page::new(
            "help-signed-in",
            "help/home.html",
            customer("/help"),
            help::Home { topics: topics(), sections: Vec::new(), open_tickets: lines() },
        ),
        Page::new(
            "thanks-signed-in",
            "help/thanks.html",
            customer("/help/contact"),
            help::Thanks { ticket_number: "SUP-00612".into(), ticket_href: text("/help/tickets/612") },
        ),
        Page::new(
            "tickets",
            "help/tickets.html",
            customer("/help/tickets"),
            help::Tickets {
                filter: "open".into(),
                tickets: lines(),
                pager: Pager { next_href: text("?cursor=x"), ..Default::default() },
                ..Default::default()
            },
        ),
        Page::new(
            "tickets-empty",
            "help/tickets.html",
            customer("/help/tickets"),
            help::Tickets { filter: "open".into(), ..Default::default() },
        ),
        Page::new(
            "ticket",
            "help/ticket.html",
            Chrome { flash: Some(flash), ..customer("/help/tickets/612") },
            ticket("612", ""),
        ),
        Page::new("account", "account/account.html", customer("/account"), account("/account", None)),
        Page::new(
            "account-staff",
            "account/account.html",
            Chrome {
                flash: Some(Flash {
                    tone: Tone::Info,
                    text: "Saved.".into(),
                    undo: Some(Undo { action: "/x".into(), fields: vec![] }),
                }),
                ..agent("/desk/account", "")
            },
            account(
                "/desk/account",
                Some(account::Totp {
                    enabled: false,
                    recovery_codes_left: 0,
                    enrolment: Some(account::Enrolment {
                        secret: "JBSW Y3DP EHPK 3PXP".into(),
                        otpauth_url: "otpauth://totp/Northwind".into(),
                    }),
                    recovery_codes: vec![],
                }),
            ),
        ),
    ]
}

fn account(base_path: &str, totp: Option<account::Totp>) -> account::Account {
    let session = |id: &str, device: &str, minutes: i64, is_current| account::Session {
        id: id.into(),
        device: device.into(),
        address: "203.0.113.7".into(),
        created_at: days_ago(12),
        last_seen_at: ago(minutes),
        is_current,
    };
    account::Account {
        base_path: base_path.into(),
        name: "Ada Byron".into(),
        email: "ada@example.com".into(),
        locales: choices(&[("en", "English")], "en"),
        zone: "Europe/London".into(),
        sessions: vec![
            session("1", "Firefox on Linux", 0, true),
            session("2", "Safari on iPhone", 60 * 30, false),
        ],
        away: totp.is_some().then(account::Away::default),
        totp,
        problems: vec![],
    }
}
