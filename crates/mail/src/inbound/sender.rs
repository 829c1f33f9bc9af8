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
        // The first such line decides, also when it holds no address: the next one is about an older mail.
        if in_forward && let Some(author) = super::fold::author_line(line) {
            return named(author);
        }
    }
    None
}

/// `Ada <ada@example.org>`, `Ada [mailto:ada@example.org]`, `ada@example.org`.
fn named(value: &str) -> Option<Address> {
    let value = value.replace("[mailto:", "<").replace(']', ">").replace('*', "");
    address::parse(&value).into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbound::{Limits, read};

    fn by(headers: &str, body: &str, rules: &Rules) -> String {
        let mail = read(format!("{headers}\n\n{body}").as_bytes(), &Limits::default()).unwrap();
        let resolved = resolve(&mail, rules);
        let person = resolved.person.map(|person| person.email.as_str().to_owned()).unwrap_or_default();
        format!("{} {person}", resolved.via.as_str())
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let none = Rules::default();
        let strict = Rules { ignore_reply_to: true, ..Rules::default() };
        let forms =
            Rules { contact_forms: vec!["@Shop.example".into(), "Form@x.example".into()], ..strict.clone() };
        for (headers, rules, expected) in [
            ("From: ada@example.org\nReply-To: bob@example.net", &none, "from ada@example.org"),
            ("From: ada@example.org\nSender: bob@example.net", &none, "from ada@example.org"),
            ("From: web@shop.example\nReply-To: ada@example.org", &forms, "reply_to ada@example.org"),
            ("From: form@X.example\nReply-To: ada@example.org", &forms, "reply_to ada@example.org"),
            ("From: web@shop.example", &forms, "from web@shop.example"),
            ("From: web@shop.example\nReply-To: web@shop.example", &forms, "from web@shop.example"),
            ("From: web@my-shop.example\nReply-To: ada@example.org", &forms, "from web@my-shop.example"),
            ("From: no-reply@x.example\nReply-To: ada@example.org", &none, "reply_to ada@example.org"),
            ("From: no-reply@x.example\nReply-To: ada@example.org", &strict, "from no-reply@x.example"),
            ("From: nobody\nSender: bob@example.net", &none, "sender bob@example.net"),
            (
                "From: nobody\nSender: bob@example.net\nReply-To: ada@example.org",
                &none,
                "reply_to ada@example.org",
            ),
            (
                "From: nobody\nSender: bob@example.net\nReply-To: ada@example.org",
                &strict,
                "sender bob@example.net",
            ),
            ("Subject: x", &none, "from "),
            (
                "From: Ada via L <l@lists.example>\nList-Id: <l.lists.example>\nCc: ada@example.org",
                &none,
                "list ada@example.org",
            ),
            (
                "From: ada@example.org\nList-Id: <l.lists.example>\nReply-To: l@lists.example",
                &none,
                "from ada@example.org",
            ),
        ] {
            assert_eq!(by(headers, "x", rules), expected, "{headers}");
        }
    }

    #[test]
    fn a_forwarder_names_the_author() {
        let rules = Rules { forwarders: vec!["Bob@help.example".parse().unwrap()], ..Rules::default() };
        let block = "From: Ada <ada@example.org>\nSent: today\nTo: Bob\nSubject: x\n\nhi";
        let forward = |from: &str, subject: &str, body: &str| {
            by(&format!("From: {from}\nSubject: {subject}"), body, &rules)
        };
        assert_eq!(forward("bob@help.example", "Fwd: x", block), "forwarded_body ada@example.org");
        assert_eq!(
            forward("bob@help.example", "WG: x", &format!("see\n\n{block}")),
            "forwarded_body ada@example.org"
        );
        assert_eq!(forward("bob@help.example", "Re: x", block), "from bob@help.example");
        assert_eq!(forward("eve@example.net", "Fwd: x", block), "from eve@example.net");
        // The author's line has no address, so nobody is named: least of all whom the next line is about.
        let without = format!("From: Ada\nSubject: x\n\nhi\n\n{block}");
        assert_eq!(forward("bob@help.example", "Fwd: x", &without), "from bob@help.example");
    }
}
