//! Mail channels, and mail that came in.

use web::{
    channels::views as channels,
    intake::views as mails,
    kit::{forms::Problem, lists::Pager},
};

use crate::samples::{CATEGORIES, Page, agent, ago, choices, text};

pub fn pages() -> Vec<Page> {
    vec![
        Page::new("channels", "channels/list.html", agent("/admin/channels", ""), channel_list()),
        Page::new("channels-new", "channels/form.html", agent("/admin/channels/new", ""), channel_form()),
        Page::new("channel", "channels/channel.html", agent("/admin/channels/1", ""), channel()),
        Page::new("mailbox", "channels/mailbox.html", agent("/admin/channels/1/mailbox", ""), mailbox()),
        Page::new("connect", "channels/connect.html", agent("/admin/channels/1/connect", ""), connect()),
        Page::new(
            "connect-leaving",
            "channels/leaving.html",
            agent("/admin/channels/1/connect", ""),
            leaving(),
        ),
        Page::new("outgoing", "channels/outgoing.html", agent("/admin/channels/1/outgoing", ""), outgoing()),
        Page::new("sent", "channels/sent.html", agent("/admin/channels/1/sent", ""), sent()),
        Page::new(
            "providers",
            "channels/providers.html",
            agent("/admin/channels/providers", ""),
            providers(),
        ),
        Page::new(
            "provider",
            "channels/provider.html",
            agent("/admin/channels/providers/other", ""),
            provider(),
        ),
        Page::new("mails", "mails/list.html", agent("/admin/mails", ""), mail_list()),
        Page::new("mail", "mails/mail.html", agent("/admin/mails/1", ""), mail()),
    ]
}

fn channel_list() -> channels::List {
    let row = |id: &str, address: &str, name: &str, team: Option<&str>, state: &str| channels::Row {
        id: id.into(),
        address: address.into(),
        name: name.into(),
        team: team.map(Into::into),
        state: state.into(),
    };
    channels::List {
        channels: vec![
            row("1", "support@northwind.example", "Northwind Support", Some("First line"), "on"),
            row("2", "billing@northwind.example", "billing@northwind.example", None, "off"),
        ],
    }
}

fn channel_form() -> channels::Form {
    channels::Form {
        address: "support".into(),
        name: "Northwind Support".into(),
        teams: choices(&[("1", "First line"), ("2", "Billing")], "1"),
        priorities: choices(&[("low", "Low"), ("normal", "Normal"), ("high", "High")], "normal"),
        categories: choices(CATEGORIES, ""),
        signature: "Your team at Northwind".into(),
        acknowledges: true,
        unknown_senders: choices(
            &[
                ("accept", "Becomes a ticket"),
                ("quarantine", "Waits in quarantine"),
                ("reject", "Is not taken"),
            ],
            "accept",
        ),
        contact_forms: "forms@northwind.example\n@mailer.example".into(),
        mailing_lists: "support.northwind.example".into(),
        problems: vec![Problem::new("address", "expected an address such as support@example.org")],
        ..Default::default()
    }
}

fn channel() -> channels::Channel {
    channels::Channel {
        id: "1".into(),
        address: "support@northwind.example".into(),
        name: "Northwind Support".into(),
        team: text("First line"),
        priority: "normal".into(),
        acknowledges: true,
        unknown_senders: "accept".into(),
        key_prefix: "cfm_abcdefgh".into(),
        outgoing: Some(channels::Outgoing {
            place: "support@northwind.example @ smtp.northwind.example".into(),
            is_paused: false,
            has_no_null_path: true,
            error: None,
        }),
        mailbox: Some(channels::Mailbox {
            place: "support@northwind.example @ imap.northwind.example, INBOX".into(),
            state: "paused".into(),
            is_by_oauth: true,
            provider: text("microsoft"),
            account: text("grace@northwind.example"),
            sent: Some(channels::Sent {
                folder: String::new(),
                state: "on".into(),
                error: None,
                collected: 12,
            }),
            error: text("the provider has ended the connection: connect again"),
            checked_at: Some(ago(2)),
            collected: 1_204,
        }),
        key: text("cfm_abcdefghijkmnpqrstuvwxyz23456789abcdefgh"),
        inbound_url: "https://help.northwind.example/api/mail/inbound".into(),
        mail: "From: forms@northwind.example\nReply-To: Ada Byron <ada@example.com>\n\nHello".into(),
        tested: Some(channels::Tested {
            email: text("ada@example.com"),
            name: text("Ada Byron"),
            is_claim: true,
            reason: "forms@northwind.example is a contact form here, so Reply-To names who wrote".into(),
            automated: None,
        }),
        ..Default::default()
    }
}

fn mailbox() -> channels::MailboxForm {
    channels::MailboxForm {
        id: "1".into(),
        address: "support@northwind.example".into(),
        is_set: true,
        host: "imap.northwind.example".into(),
        port: "993".into(),
        tls: choices(&[("tls", "From the beginning (TLS)"), ("starttls", "STARTTLS")], "tls"),
        username: "support@northwind.example".into(),
        folder: "INBOX".into(),
        problems: vec![Problem::new("host", "the server refuses this user name or password")],
        ..Default::default()
    }
}

fn connect() -> channels::Connect {
    channels::Connect {
        id: "1".into(),
        address: "support@northwind.example".into(),
        providers: choices(&[("microsoft", "Microsoft 365"), ("google", "Google")], "microsoft"),
        username: "support@northwind.example".into(),
        folder: "INBOX".into(),
        problems: vec![Problem::new("provider", "the access was not allowed; nothing was changed")],
        ..Default::default()
    }
}

fn sent() -> channels::SentForm {
    channels::SentForm {
        id: "1".into(),
        address: "support@northwind.example".into(),
        is_set: true,
        folder: "Gesendet".into(),
        problems: Vec::new(),
    }
}

fn outgoing() -> channels::OutgoingForm {
    channels::OutgoingForm {
        id: "1".into(),
        address: "support@northwind.example".into(),
        is_set: true,
        host: "smtp.northwind.example".into(),
        port: "587".into(),
        tls: choices(&[("starttls", "STARTTLS"), ("tls", "From the beginning (TLS)")], "starttls"),
        sign_ins: choices(
            &[("password", "With user name and password"), ("oauth", "As the mailbox is connected")],
            "password",
        ),
        username: "support@northwind.example".into(),
        problems: vec![Problem::new(
            "password",
            "the sign-in was refused: AUTH: permanent error (535): 5.7.8 Authentication credentials invalid",
        )],
        ..Default::default()
    }
}

fn leaving() -> channels::Leaving {
    channels::Leaving {
        id: "1".into(),
        address: "support@northwind.example".into(),
        username: "support@northwind.example".into(),
        // Nobody is led away from the gallery.
        url: "#main".into(),
        host: "login.microsoftonline.com".into(),
    }
}

fn providers() -> channels::Providers {
    let row = |provider: &str, id: Option<&str>| channels::ProviderRow {
        provider: provider.into(),
        client_id: id.map(Into::into),
    };
    channels::Providers {
        providers: vec![
            row("microsoft", Some("6731de76-14a6-49ae-97bc-6eba6914391e")),
            row("google", None),
            row("other", None),
        ],
    }
}

fn provider() -> channels::ProviderForm {
    channels::ProviderForm {
        provider: "other".into(),
        is_set: true,
        redirect_url: "https://help.northwind.example/admin/channels/connected/other".into(),
        client_id: "counterfoil".into(),
        authorize_url: "https://login.example.net/authorize".into(),
        token_url: "http://login.example.net/token".into(),
        scopes: "mail offline_access".into(),
        host: "imap.example.net".into(),
        port: "993".into(),
        tls: choices(&[("tls", "From the beginning (TLS)"), ("starttls", "STARTTLS")], "tls"),
        problems: vec![Problem::new(
            "token_url",
            "expected an address such as https://login.example.org/token, without a fragment",
        )],
        ..Default::default()
    }
}

fn mail_list() -> mails::List {
    let row = |id: &str,
               subject: &str,
               from: &str,
               state: &str,
               outcome: &str,
               reason: &str,
               number: Option<&str>| {
        mails::Row {
            id: id.into(),
            subject: subject.into(),
            from: from.into(),
            state: state.into(),
            outcome: outcome.into(),
            reason: reason.into(),
            ticket_number: number.map(Into::into),
            received_at: ago(12),
        }
    };
    mails::List {
        retention_days: 90,
        states: [
            ("quarantined", false, Some(3)),
            ("failed", false, Some(1)),
            ("waiting", false, None),
            ("discarded", false, None),
            ("all", true, None),
        ]
        .map(|(state, shown, waiting)| (state.to_owned(), shown, waiting))
        .into(),
        mails: vec![
            row(
                "1",
                "Re: Internet down since Monday morning",
                "Ada Byron",
                "done",
                "reply",
                "",
                Some("SUP-00612"),
            ),
            row(
                "2",
                "",
                "winner@lottery.example",
                "quarantined",
                "quarantined",
                "no customer has its sender's address",
                None,
            ),
            row(
                "3",
                "Undelivered Mail Returned to Sender",
                "MAILER-DAEMON",
                "done",
                "automated",
                "",
                Some("SUP-00601"),
            ),
            row("4", "Broken", "", "failed", "failed", "mail.too_deep: parts in parts in parts", None),
        ],
        pager: Pager::default(),
        is_unset: false,
    }
}

fn mail() -> mails::Mail {
    mails::Mail {
        id: "1".into(),
        subject: "An offer you cannot refuse".into(),
        from_email: "winner@lottery.example".into(),
        from_name: "The Lottery".into(),
        channel: "support@northwind.example".into(),
        channel_id: "1".into(),
        door: "smtp".into(),
        state: "quarantined".into(),
        outcome: "quarantined".into(),
        reason: "no customer has its sender's address".into(),
        envelope_from: text("bounces@lottery.example"),
        envelope_to: vec!["support@northwind.example".into()],
        client_ip: text("203.0.113.9"),
        header_id: text("0815@lottery.example"),
        reuses_id: true,
        size_bytes: 48_211,
        checks: [("SPF", "pass"), ("DKIM", "none"), ("DMARC", "fail")]
            .map(|(a, b)| (a.into(), b.into()))
            .into(),
        checks_detail: "dmarc: lottery.example asks for quarantine".into(),
        received_at: Some(ago(40)),
        may_release: true,
        may_discard: true,
        ..Default::default()
    }
}
