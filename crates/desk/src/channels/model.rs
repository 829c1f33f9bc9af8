use std::{fmt, str::FromStr};

use base::{Email, Error, Id, Result, Timestamp, text};
use identity::{User, teams::Team};
use mail::inbound::{
    AuthorHeader, Incoming,
    sender::{self, ListRule},
};
use serde::{Deserialize, Serialize};

use crate::tickets::{Priority, words};

words!(
    /// What becomes of mail from an address that no customer has.
    UnknownSenders, "unknown_senders", { Accept = "accept", Quarantine = "quarantine", Reject = "reject" }
);
db::text_column!(UnknownSenders);

/// An address that mail comes to, and how it is taken.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct MailChannel {
    pub id: Id<MailChannel>,
    pub address: Email,
    /// What the business calls it.
    pub name: String,
    /// New tickets go to this team.
    pub team_id: Option<Id<Team>>,
    pub priority: Priority,
    /// Absent: the business's own fallback.
    pub category: Option<String>,
    /// Beneath every answer, as Markdown; empty for none.
    pub signature: String,
    /// Where answers to our letters go; absent: the address itself. It needs `+` addresses.
    pub reply_address: Option<Email>,
    /// A new ticket is confirmed by a letter.
    pub acknowledges: bool,
    pub unknown_senders: UnknownSenders,
    /// Addresses or `@domains` of contact forms: who wrote is in `Reply-To` there.
    pub contact_forms: Vec<String>,
    /// Mailing lists this address is, or is a member of, by their List-Id (`support.example.org`): what comes through
    /// them was written by people. `support.example.org: Reply-To`: that header names the author where the list stands in From.
    pub mailing_lists: Vec<String>,
    /// What staff forwards here is from whoever they forward.
    pub forwarding_staff: bool,
    /// The mail server whose `Authentication-Results` are believed, as it names itself.
    pub trusted_host: Option<String>,
    /// Domains whose seals on forwarded mail are believed (ARC): what they say they saw pass counts as a pass.
    pub trusted_sealers: Vec<String>,
    /// The beginning of the key, to recognise it by.
    pub key_prefix: String,
    pub disabled_at: Option<Timestamp>,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl MailChannel {
    /// What it says about who a mail is from. `staff`: everybody of the business.
    pub fn sender_rules(&self, staff: impl IntoIterator<Item = User>) -> sender::Rules {
        let forwarders = staff.into_iter().filter(|u| u.disabled_at.is_none()).map(|u| u.email);
        sender::Rules {
            contact_forms: self.contact_forms.clone(),
            lists: self.mailing_lists.iter().filter_map(|list| ListRule::parse(list)).collect(),
            forwarders: if self.forwarding_staff { forwarders.collect() } else { Vec::new() },
            ignore_reply_to: false,
        }
    }

    /// Whether a mail came through a list of the channel's.
    pub fn is_through_list(&self, letter: &Incoming) -> bool {
        letter.list_id.is_some()
            && self.mailing_lists.iter().filter_map(|l| ListRule::parse(l)).any(|list| list.is_of(letter))
    }

    /// Where answers go when they carry no secret part.
    pub fn replies_to(&self) -> &Email {
        self.reply_address.as_ref().unwrap_or(&self.address)
    }

    /// The address with a secret part, `support+secret@example.org`.
    pub fn reply_address_with(&self, secret: &str) -> Result<Email> {
        let (local, domain) =
            self.replies_to().as_str().rsplit_once('@').ok_or_else(|| Error::bug("an address without @"))?;
        format!("{local}+{secret}@{domain}").parse()
    }
}

/// A channel about to be made. What is left out has its default.
#[derive(Clone, Debug)]
pub struct NewChannel {
    pub address: Email,
    pub fields: ChannelPatch,
}

/// Fields to change; absent ones stay.
#[derive(Clone, Debug, Default)]
pub struct ChannelPatch {
    pub name: Option<String>,
    pub team_id: Option<Option<Id<Team>>>,
    pub priority: Option<Priority>,
    pub category: Option<Option<String>>,
    pub signature: Option<String>,
    pub reply_address: Option<Option<Email>>,
    pub acknowledges: Option<bool>,
    pub unknown_senders: Option<UnknownSenders>,
    pub contact_forms: Option<Vec<String>>,
    pub mailing_lists: Option<Vec<String>>,
    pub forwarding_staff: Option<bool>,
    pub trusted_host: Option<Option<String>>,
    pub trusted_sealers: Option<Vec<String>>,
    pub enabled: Option<bool>,
    pub expected_version: Option<i64>,
}

/// Contact forms of one channel at most.
const FORMS_MAX: usize = 50;

/// An address, or an `@domain` for all of its addresses; lower case.
pub(super) fn check_contact_forms(entries: &[String]) -> Result<Vec<String>> {
    let wrong = |entry: &str| {
        Error::field(
            "contact_forms",
            "channel.contact_form",
            format!(
                "{entry:?}: expected an address such as forms@example.org, or @example.org for all of it"
            ),
        )
    };
    if entries.len() > FORMS_MAX {
        return Err(Error::field("contact_forms", "channel.contact_forms", format!("at most {FORMS_MAX}")));
    }
    let mut out = Vec::with_capacity(entries.len());
    for entry in entries.iter().map(|e| e.trim()).filter(|e| !e.is_empty()) {
        let whole = if entry.starts_with('@') { format!("any{entry}") } else { entry.to_owned() };
        let parsed: Email = whole.parse().map_err(|_| wrong(entry))?;
        let key = parsed.key();
        out.push(if entry.starts_with('@') { format!("@{}", parsed.domain()) } else { key });
    }
    out.sort();
    out.dedup();
    Ok(out)
}

/// Lists of one channel at most.
const LISTS_MAX: usize = 20;

/// A list by its id or by its address, which list servers make one of the other, and the header that names the author;
/// ids in lower case.
pub(super) fn check_mailing_lists(entries: &[String]) -> Result<Vec<String>> {
    let wrong = |message: String| Error::field("mailing_lists", "channel.mailing_list", message);
    if entries.len() > LISTS_MAX {
        return Err(Error::field("mailing_lists", "channel.mailing_lists", format!("at most {LISTS_MAX}")));
    }
    let mut out = Vec::with_capacity(entries.len());
    for entry in entries.iter().map(|e| e.trim()).filter(|e| !e.is_empty()) {
        let rule = ListRule::parse(entry).ok_or_else(|| {
            let headers = AuthorHeader::ALL.map(AuthorHeader::as_str).join(", ");
            wrong(format!("{entry:?}: expected one of {headers} behind the colon"))
        })?;
        let id = rule.id.trim_matches(['<', '>']).replacen('@', ".", 1).to_lowercase();
        let is_id = id.len() <= 200
            && id.split('.').count() > 1
            && id.split('.').all(|part| !part.is_empty())
            && id.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '+'));
        if !is_id {
            return Err(wrong(format!(
                "{entry:?}: expected what its mails have as List-Id, such as support.example.org, or its address"
            )));
        }
        out.push((id, rule.author));
    }
    out.sort_by(|(a, _), (b, _)| a.cmp(b));
    out.dedup();
    if let Some(twice) = out.windows(2).find(|two| two[0].0 == two[1].0) {
        return Err(wrong(format!("{}: one header names the author of a list", twice[0].0)));
    }
    let line = |(id, author): (String, Option<AuthorHeader>)| match author {
        Some(header) => format!("{id}: {}", header.as_str()),
        None => id,
    };
    Ok(out.into_iter().map(line).collect())
}

/// Sealers of one channel at most.
const SEALERS_MAX: usize = 20;

/// Domains as their seals have them, in lower case.
pub(super) fn check_sealers(entries: &[String]) -> Result<Vec<String>> {
    if entries.len() > SEALERS_MAX {
        let why = format!("at most {SEALERS_MAX}");
        return Err(Error::field("trusted_sealers", "channel.trusted_sealers", why));
    }
    let mut out = Vec::with_capacity(entries.len());
    for entry in entries.iter().map(|e| e.trim().to_lowercase()).filter(|e| !e.is_empty()) {
        let is_domain = entry.len() <= 253
            && entry.split('.').count() > 1
            && entry.split('.').all(|part| !part.is_empty())
            && entry.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
        if !is_domain {
            return Err(Error::field(
                "trusted_sealers",
                "channel.trusted_sealer",
                format!(
                    "{entry:?}: expected a domain as it stands in ARC-Seal behind d=, such as example.org"
                ),
            ));
        }
        out.push(entry);
    }
    out.sort();
    out.dedup();
    Ok(out)
}

/// A host as it names itself in `Authentication-Results`.
pub(super) fn check_host(host: &str) -> Result<String> {
    let host = text::line("trusted_host", host, 253)?.to_lowercase();
    if host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')) {
        return Ok(host);
    }
    Err(Error::field("trusted_host", "channel.trusted_host", "expected a host name such as mx.example.org"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contact_forms_are_addresses_or_domains() {
        let given = [" Forms@Example.org ".to_owned(), "@Mailer.example".into(), String::new()];
        assert_eq!(check_contact_forms(&given).unwrap(), ["@mailer.example", "forms@example.org"]);
        assert!(check_contact_forms(&["nonsense".into()]).is_err());
        assert!(check_contact_forms(&["@".into()]).is_err());
        assert!(check_host("mx one").is_err());
        let sealers =
            [" Lists.Example.org ".to_owned(), String::new(), "a.example".into(), "a.example".into()];
        assert_eq!(check_sealers(&sealers).unwrap(), ["a.example", "lists.example.org"]);
        assert!(
            check_sealers(&["a@b.example".into()]).is_err() && check_sealers(&["localhost".into()]).is_err()
        );
    }

    #[test]
    fn lists_are_named_by_id_or_address() {
        let given =
            ["Support@Example.org".to_owned(), " <help.lists.example> ".into(), "support.example.org".into()];
        assert_eq!(check_mailing_lists(&given).unwrap(), ["help.lists.example", "support.example.org"]);
        let with = ["Help@lists.example : reply-to".to_owned(), "b.example: X-ORIGINAL-FROM".into()];
        assert_eq!(
            check_mailing_lists(&with).unwrap(),
            ["b.example: X-Original-From", "help.lists.example: Reply-To"]
        );
        assert!(check_mailing_lists(&["a.example: Cc".into(), "a.example".into()]).is_err());
        for wrong in
            ["list", "a b.example", "a@b@c", ".example", "x..y", "a.example: Subject", ": Cc", "a.example:"]
        {
            assert!(check_mailing_lists(&[wrong.into()]).is_err(), "{wrong}");
        }
    }
}
