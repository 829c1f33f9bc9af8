//! Whom a mail is from: by rules that a channel states, never by a guess that nobody can look up.
//!
//! The rule it protects: the answer goes to the person who asked, and every decision says why. What comes out is
//! still a claim; whether it is proved is decided elsewhere, by the mail's signatures.

use base::Email;

use super::{Address, Incoming, address, headers::Headers};

/// A channel's rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Rules {
    /// Addresses, or domains as `@example.org`, whose mail carries the person in Reply-To: contact forms and shops.
    pub contact_forms: Vec<String>,
    /// Colleagues whose forwarded mail is from whoever they forward.
    pub forwarders: Vec<Email>,
    /// Only contact forms may name somebody in Reply-To. Otherwise it also counts where From is nobody that could be
    /// answered: missing, or a no-reply address.
    pub ignore_reply_to: bool,
}

/// Which part of the mail named the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Via {
    From,
    ReplyTo,
    Sender,
    ForwardedBody,
    /// A mailing list had put itself into From.
    List,
}

impl Via {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::From => "from",
            Self::ReplyTo => "reply_to",
            Self::Sender => "sender",
            Self::ForwardedBody => "forwarded_body",
            Self::List => "list",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// `None` when the mail names nobody.
    pub person: Option<Address>,
    pub via: Via,
    /// For whoever tests the rules.
    pub reason: String,
}

/// Applies the rules in this order: contact form, list, forwarder, From, and what is left when From is nobody.
pub fn resolve(mail: &Incoming, rules: &Rules) -> Resolved {
    let resolved = |person: &Address, via, reason: &str| Resolved {
        person: Some(person.clone()),
        via,
        reason: reason.to_owned(),
    };
    let Some(from) = &mail.from else {
        return match (&mail.sender, mail.reply_to.first()) {
            (_, Some(person)) if !rules.ignore_reply_to => {
                resolved(person, Via::ReplyTo, "From holds no address; Reply-To does")
            }
            (Some(person), _) => resolved(person, Via::Sender, "From holds no address; Sender does"),
            _ => Resolved { person: None, via: Via::From, reason: "no header names a person".to_owned() },
        };
    };
    if is_contact_form(from, rules) {
        return match other(mail, from) {
            Some(person) => resolved(person, Via::ReplyTo, "From is a contact form of this channel"),
            None => {
                resolved(from, Via::From, "From is a contact form of this channel, but Reply-To names nobody")
            }
        };
    }
    if let Some(list) = list_address(mail)
        && from.email.key() == list
    {
        if let Some(person) = &mail.original_from {
            return resolved(person, Via::List, "From is the mailing list; X-Original-From names the author");
        }
        let author = mail.reply_to.iter().chain(&mail.cc).find(|one| one.email.key() != list);
        if let Some(person) = author {
            return resolved(person, Via::List, "From is the mailing list; Reply-To or Cc names the author");
        }
    }
    if rules.forwarders.iter().any(|one| one.key() == from.email.key()) {
        return match forwarded(mail) {
            Some(person) => resolved(
                &person,
                Via::ForwardedBody,
                "a colleague forwarded it; the forwarded mail names its author",
            ),
            None => resolved(from, Via::From, "a colleague wrote it, and forwarded nobody's mail"),
        };
    }
    if !rules.ignore_reply_to
        && is_no_reply(from)
        && let Some(person) = other(mail, from)
    {
        return resolved(person, Via::ReplyTo, "From takes no answers; Reply-To names who does");
    }
    resolved(from, Via::From, "From")
}

fn is_contact_form(from: &Address, rules: &Rules) -> bool {
    let key = from.email.key();
    rules.contact_forms.iter().map(|rule| rule.trim().to_lowercase()).any(|rule| {
        match rule.strip_prefix('@') {
            Some(domain) => !domain.is_empty() && from.email.domain() == domain,
            None => rule == key,
        }
    })
}

fn other<'m>(mail: &'m Incoming, from: &Address) -> Option<&'m Address> {
    mail.reply_to.iter().find(|one| one.email.key() != from.email.key())
}

fn is_no_reply(from: &Address) -> bool {
    let key = from.email.key();
    let local = key.rsplit_once('@').map_or(key.as_str(), |(local, _)| local);
    let local: String = local.chars().filter(|c| c.is_alphanumeric()).collect();
    ["noreply", "donotreply", "nepasrepondre", "noresponder", "naoresponda", "keineantwort"]
        .contains(&local.as_str())
}

/// The list's own address: its id with an `@` for the first dot (`support.lists.example.org`), as list servers form it.
fn list_address(mail: &Incoming) -> Option<String> {
    let (name, domain) = mail.list_id.as_deref()?.split_once('.')?;
    Some(format!("{name}@{domain}"))
}

/// The author of the mail that this one forwards: of the message attached, or named in the lines above its text.
fn forwarded(mail: &Incoming) -> Option<Address> {
    let attached = mail.files.iter().filter(|file| file.content_type == "message/rfc822");
    let attached = attached
        .filter_map(|file| address::first(&Headers::of(file.content.trim_ascii_start()), "from"))
        .next();
    if attached.is_some() {
        return attached;
    }
    let subject = mail.subject.to_lowercase();
    let says_so = ["fw:", "fwd:", "wg:", "tr:", "rv:", "enc:", "fw :", "tr :", "i:"]
        .iter()
        .any(|p| subject.starts_with(p));
    let mut in_forward = says_so;
    for line in mail.text.lines() {
        let line = line.trim_start_matches(['>', ' ', '\t']).trim_end();
        in_forward |= super::fold::is_forward_marker(line);
        if in_forward && let Some(person) = super::fold::author_line(line).and_then(named) {
            return Some(person);
        }
    }
    None
}

/// `Ada <ada@example.org>`, `Ada [mailto:ada@example.org]`, `ada@example.org`.
fn named(value: &str) -> Option<Address> {
    let value = value.replace("[mailto:", "<").replace(']', ">").replace('*', "");
    address::parse(&value).into_iter().next()
}
