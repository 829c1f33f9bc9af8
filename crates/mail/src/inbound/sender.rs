//! Whom a mail is from: by rules that a channel states, never by a guess that nobody can look up.
//!
//! The rule it protects: the answer goes to the person who asked, and every decision says why. What comes out is
//! still a claim; whether it is proved is decided elsewhere, by the mail's signatures.

use base::Email;

use super::{Address, AuthorHeader, Incoming, address, headers::Headers};

/// A channel's rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Addresses, or domains as `@example.org`, whose mail carries the person in Reply-To: contact forms and shops.
    pub contact_forms: Vec<String>,
    /// Mailing lists whose mail is from people, and where each names them.
    pub lists: Vec<ListRule>,
    /// Colleagues whose forwarded mail is from whoever they forward.
    pub forwarders: Vec<Email>,
    /// Only contact forms may name somebody in Reply-To. Otherwise it also counts where From is nobody that could be
    /// answered: missing, or a no-reply address.
    pub ignore_reply_to: bool,
}

/// A mailing list, written `support.example.org`, or `support.example.org: Reply-To`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRule {
    /// As its mails have it in List-Id, in lower case.
    pub id: String,
    /// Which header names the author where the list stands in From. `None`: the first that does.
    pub author: Option<AuthorHeader>,
}

impl ListRule {
    /// Reads one; `None` when it names a header that is none of [`AuthorHeader::ALL`].
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            None => Some(Self { id: text.trim().to_owned(), author: None }),
            Some((id, header)) => {
                Some(Self { id: id.trim().to_owned(), author: Some(AuthorHeader::of(header.trim())?) })
            }
        }
    }

    /// Whether a mail came through it.
    pub fn is_of(&self, mail: &Incoming) -> bool {
        mail.list_id.as_ref() == Some(&self.id)
    }
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
    if let Some(found) = through_list(mail, from, rules) {
        return found;
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

/// The author of a mail in whose From a list stands: it hands on what a domain forbids others to send in its name. `None`
/// where From is somebody else.
fn through_list(mail: &Incoming, from: &Address, rules: &Rules) -> Option<Resolved> {
    let list = list_address(mail)?;
    let rule = rules.lists.iter().find(|rule| rule.is_of(mail)).and_then(|rule| rule.author);
    let is_list = from.email.key() == list;
    // Some lists write an address of their own for each member.
    let is_of_list =
        is_list || list.rsplit_once('@').is_some_and(|(_, domain)| from.email.domain() == domain);
    // Whom such an address was made up for stands in it. Another member of the list's domain wrote in their own name, and
    // whoever gets a copy of that did not.
    let is_other =
        |one: &&Address| one.email.key() != list && (is_list || is_made_up_for(&from.email, &one.email));
    let named = |header: AuthorHeader| match header {
        AuthorHeader::ReplyTo => mail.reply_to.iter().find(is_other),
        AuthorHeader::Cc => mail.cc.iter().find(is_other),
        AuthorHeader::Sender => mail.sender.as_ref().filter(is_other),
        header => {
            let found = mail.original_authors.iter().find(|(one, _)| *one == header);
            found.map(|(_, person)| person).filter(is_other)
        }
    };
    let through = |header: AuthorHeader, person: &Address, why: &str| Resolved {
        person: Some(person.clone()),
        via: Via::List,
        reason: format!("From is the mailing list; {} names the author{why}", header.as_str()),
    };
    match rule {
        Some(header) if is_of_list => match named(header) {
            Some(person) if person.email.key() == from.email.key() => None,
            Some(person) => Some(through(header, person, ", by the channel's rule")),
            // A member of the list's own domain, whom it left in their place.
            None if !is_list => None,
            None => Some(Resolved {
                person: None,
                via: Via::List,
                reason: format!(
                    "From is the mailing list, and {}, which names the author by the channel's rule, names nobody",
                    header.as_str()
                ),
            }),
        },
        None if is_list => AuthorHeader::ALL
            .into_iter()
            .filter(|header| *header != AuthorHeader::Sender)
            .find_map(|header| Some(through(header, named(header)?, ""))),
        _ => None,
    }
}

/// Whether a list wrote an address for somebody: `ada=example.org@lists.example`, `ada_at_example.org@lists.example`.
fn is_made_up_for(made_up: &Email, person: &Email) -> bool {
    let words = |text: &str| {
        let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
        format!(" {} ", words.join(" "))
    };
    let (made_up, person) = (made_up.key(), person.key());
    let (Some((stands, _)), Some((local, domain))) = (made_up.rsplit_once('@'), person.rsplit_once('@'))
    else {
        return false;
    };
    let stands = words(stands);
    ["", " at "].iter().any(|at| stands.contains(&words(&format!("{local} {at} {domain}"))))
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
    fn a_list_names_the_author_where_its_rule_says() {
        let by_rule = |rule: &str| Rules { lists: vec![ListRule::parse(rule).unwrap()], ..Rules::default() };
        let munged = "From: Ada via L <l@lists.example>\nList-Id: <l.lists.example>\nSender: l-bounces@lists.example\n\
            Reply-To: l@lists.example, two@example.org\nCc: three@example.org\nX-Original-From: one@example.org\n\
            X-Original-Sender: four@example.org\nOriginal-From: five@example.org\nAuthor: six@example.org";
        for (rule, expected) in [
            ("l.lists.example", "list one@example.org"),
            ("l.lists.example: reply-to", "list two@example.org"),
            ("l.lists.example: Cc", "list three@example.org"),
            ("l.lists.example: X-Original-From", "list one@example.org"),
            ("l.lists.example: X-Original-Sender", "list four@example.org"),
            ("l.lists.example: Original-From", "list five@example.org"),
            ("l.lists.example: Author", "list six@example.org"),
            ("other.lists.example: Reply-To", "list one@example.org"),
        ] {
            assert_eq!(by(munged, "x", &by_rule(rule)), expected, "{rule}");
        }
        assert!(ListRule::parse("l.lists.example: X-Spam").is_none());
        let rule = by_rule("l.lists.example: Reply-To");
        for (headers, expected) in [
            // The rule says where, so nothing else is guessed from.
            (
                "From: Ada via L <l@lists.example>\nList-Id: <l.lists.example>\nX-Original-From: a@example.org",
                "list ",
            ),
            (
                "From: Ada via L <l@lists.example>\nList-Id: <l.lists.example>\nReply-To: l@lists.example",
                "list ",
            ),
            // An address of its own for each member.
            (
                "From: Ada via L <ada=example.org@lists.example>\nList-Id: <l.lists.example>\nReply-To: ada@example.org",
                "list ada@example.org",
            ),
            // Whom the list left in From is who wrote.
            (
                "From: ada@example.org\nList-Id: <l.lists.example>\nReply-To: bob@example.net",
                "from ada@example.org",
            ),
            (
                "From: bob@lists.example\nList-Id: <l.lists.example>\nReply-To: l@lists.example",
                "from bob@lists.example",
            ),
            (
                "From: Ada via L <l-ada_at_example.org@lists.example>\nList-Id: <l.lists.example>\nReply-To: l@lists.example, Ada@example.org",
                "list Ada@example.org",
            ),
            // A member of the list's own domain, who sends somebody a copy.
            (
                "From: bob@lists.example\nList-Id: <l.lists.example>\nReply-To: carol@customers.example",
                "from bob@lists.example",
            ),
            (
                "From: ada=example.net@lists.example\nList-Id: <l.lists.example>\nReply-To: ada@example.org",
                "from ada=example.net@lists.example",
            ),
            // Of no list, Reply-To counts for nothing.
            ("From: Ada via L <l@lists.example>\nReply-To: ada@example.org", "from l@lists.example"),
        ] {
            assert_eq!(by(headers, "x", &rule), expected, "{headers}");
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
