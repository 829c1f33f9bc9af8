use std::{collections::BTreeSet, net::SocketAddr, time::Duration};

use ::mail_auth::{
    AuthenticatedMessage, DkimOutput, DkimResult, DmarcOutput, DmarcResult, DnsError, Error as CheckError,
    MessageAuthenticator, SpfOutput, SpfResult,
    common::headers::Header,
    dkim::Signature,
    dmarc::verify::DmarcParameters,
    hickory_resolver::{
        config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts},
        system_conf::read_system_conf,
    },
    spf::verify::SpfParameters,
};
use async_trait::async_trait;
use base::{Email, Error, Result};
use engine::outside::{Authentication, CheckedMail, MailChecks, Outcome};
use futures::future::join_all;
use mail::inbound::{Head, Limits};
use tokio::time::timeout;

use crate::arc;

/// Signatures looked at in one mail. Each costs a question to a name server that the sender chose.
const MAX_SIGNATURES: usize = 8;
/// For each question by itself: whether one signature holds, whether the machine may send, what the author's domain asks for,
/// whether the seals hold. Names that a sender chose may be answered slowly, and that takes nothing from the other answers.
const MAX_TIME: Duration = Duration::from_secs(10);

/// Which name servers are asked.
#[derive(Clone, Debug, Default)]
pub enum Dns {
    /// Those of `/etc/resolv.conf`.
    #[default]
    System,
    /// These, by UDP and TCP.
    Servers(Vec<SocketAddr>),
}

/// SPF, DKIM and DMARC by asking name servers.
///
/// Signatures expire by the wall clock, which the library reads itself: a mail checked again much later may say
/// something else, so the answer is to be kept with the mail.
pub struct MailAuth {
    asking: MessageAuthenticator,
    /// What we call ourselves, for the macros of SPF.
    hostname: String,
}

impl MailAuth {
    pub fn new(dns: Dns, hostname: impl Into<String>) -> Result<Self> {
        let (config, mut options) = match dns {
            Dns::System => read_system_conf().map_err(|error| {
                Error::field(
                    "dns",
                    "dns.unreadable",
                    format!("the system's name servers are unknown: {error}"),
                )
            })?,
            Dns::Servers(servers) => {
                let servers = servers.into_iter().map(name_server).collect();
                (ResolverConfig::from_name_servers(servers), ResolverOpts::default())
            }
        };
        options.timeout = Duration::from_secs(2);
        options.attempts = 2;
        let asking = MessageAuthenticator::new(config, options).map_err(Error::from_source)?;
        Ok(Self { asking, hostname: hostname.into() })
    }

    async fn look(&self, mail: &CheckedMail) -> Authentication {
        let head = Head::of(&mail.raw, &Limits::default());
        let raw = mail.raw.get(head.as_ref().map_or(0, |head| head.headers.start)..).unwrap_or_default();
        let Some(mut message) = AuthenticatedMessage::parse(raw) else {
            let nothing = Authentication::none("there is no header to look at");
            let is_read = head.is_some_and(|head| head.from.is_some());
            return if is_read { Authentication { dmarc: Outcome::Fail, ..nothing } } else { nothing };
        };
        message.dkim_headers.truncate(MAX_SIGNATURES);
        let singly = one_by_one(&message);
        let (signatures, (spf, domain)) = tokio::join!(self.signatures(&singly), self.spf(mail));
        // A signature of another domain needs no answer here: only names of the author's are asked.
        let asked = DmarcParameters::new(&message, &signatures, &domain, &spf);
        let answered = timeout(MAX_TIME, self.asking.verify_dmarc(asked)).await;
        let is_answered = answered.is_ok();
        let dmarc = answered.unwrap_or_default();
        let another = several_senders(&message)
            .or_else(|| another_author(head.as_ref(), &message))
            .or_else(|| another_mail(head.as_ref(), &message, &dmarc));
        let said = dmarc_outcome(&dmarc);
        let detail = if is_answered { dmarc_detail(&dmarc) } else { "not answered in time".to_owned() };
        let sealer = match another {
            None if said != Outcome::Pass => {
                timeout(MAX_TIME, self.sealed_by(mail, head.as_ref(), &message)).await.ok().flatten()
            }
            _ => None,
        };
        let (dmarc, policy) = match (another, sealer) {
            (Some(why), _) => (Outcome::Fail, why.to_owned()),
            (None, Some(sealer)) => {
                (Outcome::Pass, format!("{detail}, but {sealer} saw it pass, and sealed it"))
            }
            (None, None) => (said, detail),
        };
        let asked = !matches!(spf.result(), SpfResult::None) || !domain.is_empty();
        let spf_detail = if asked { format!("{} ({domain})", spf.result()) } else { "not asked".into() };
        let detail = format!("SPF {spf_detail}; DKIM {}; DMARC {policy}", dkim_detail(&signatures));
        Authentication {
            spf: spf_outcome(spf.result()),
            dkim: dkim_outcome(&signatures),
            dmarc,
            detail: one_line(&detail),
        }
    }

    /// Whether each signature holds. One that nobody answered about in time does not.
    async fn signatures<'m>(&self, singly: &'m [AuthenticatedMessage<'m>]) -> Vec<DkimOutput<'m>> {
        let each = singly.iter().map(|message| async move {
            match timeout(MAX_TIME, self.asking.verify_dkim(message)).await {
                Ok(said) => said,
                Err(_) => {
                    let late =
                        || DkimOutput::temp_err(CheckError::Dns(DnsError::Resolver("not in time".into())));
                    message.dkim_headers.iter().map(|one| late().with_signature(&one.header)).collect()
                }
            }
        });
        join_all(each).await.into_iter().flatten().collect()
    }

    /// Who handed the mail on, and is believed when it says that it had seen it pass. Only where the author is the one that
    /// people are shown, and the words that were sealed are those that they are shown.
    async fn sealed_by(
        &self,
        mail: &CheckedMail,
        head: Option<&Head>,
        message: &AuthenticatedMessage<'_>,
    ) -> Option<String> {
        let from = head?.from.as_ref()?;
        if mail.trusted_sealers.is_empty() || head?.headers.len() != message.body_offset() {
            return None;
        }
        let mut domains = vec![from.domain().to_lowercase()];
        domains.extend(wire(from).and_then(|a| Some(a.rsplit_once('@')?.1.to_lowercase())));
        arc::vouching(&self.asking, message, &domains, &mail.trusted_sealers).await
    }

    /// The answer and the domain that was asked; both empty where the delivery is not known.
    async fn spf(&self, mail: &CheckedMail) -> (SpfOutput, String) {
        let known = mail.client_ip.zip(mail.envelope_from.as_ref().and_then(wire));
        let Some((client_ip, sender)) = known else { return (SpfOutput::default(), String::new()) };
        let domain = sender.rsplit_once('@').map(|(_, domain)| domain.to_owned()).unwrap_or_default();
        let helo = mail.helo.as_deref().unwrap_or_default();
        let question =
            SpfParameters::verify_mail_from(client_ip.to_canonical(), helo, &self.hostname, &sender);
        let said = timeout(MAX_TIME, self.asking.verify_spf(question)).await;
        (said.unwrap_or_else(|_| SpfOutput::new(domain.clone()).with_result(SpfResult::TempError)), domain)
    }
}

#[async_trait]
impl MailChecks for MailAuth {
    async fn check(&self, mail: CheckedMail) -> Authentication {
        self.look(&mail).await
    }
}

/// The mail once for each signature, so that none waits for the key of another; what is no signature is in the first.
fn one_by_one<'m>(message: &AuthenticatedMessage<'m>) -> Vec<AuthenticatedMessage<'m>> {
    let bare = AuthenticatedMessage { dkim_headers: Vec::new(), errors: Vec::new(), ..message.clone() };
    let with = |header: &Header<'m, Signature>| AuthenticatedMessage {
        dkim_headers: vec![header.clone()],
        ..bare.clone()
    };
    let malformed = AuthenticatedMessage { errors: message.errors.clone(), ..bare.clone() };
    std::iter::once(malformed).chain(message.dkim_headers.iter().map(with)).collect()
}

fn name_server(address: SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = address.port();
        connection
    });
    NameServerConfig::new(address.ip(), true, connections.into())
}

fn wire(email: &Email) -> Option<String> {
    mail::wire_address(email).ok()
}

/// DMARC exempts a mail whose `From` names several domains. We do not: readers show one of them, and whoever forges a
/// mail would only have to add a domain of their own.
fn several_senders(message: &AuthenticatedMessage<'_>) -> Option<&'static str> {
    let is_from = |name: &&[u8]| name.trim_ascii().eq_ignore_ascii_case(b"from");
    if message.headers.iter().map(|(name, _)| *name).filter(is_from).count() > 1 {
        return Some("fails: there is more than one From field");
    }
    let domains: BTreeSet<String> = message
        .from
        .iter()
        .filter_map(|from| from.rsplit_once('@'))
        .map(|(_, domain)| domain.trim_end_matches('.').to_lowercase())
        .collect();
    (domains.len() > 1).then_some("fails: the From field names several domains")
}

/// What is checked is the author that this library reads, and what people are shown is the one that we read. An answer
/// about somebody else is none, and a way around one.
fn another_author(head: Option<&Head>, message: &AuthenticatedMessage<'_>) -> Option<&'static str> {
    let Some(head) = head else { return Some("fails: the header is beyond the limits") };
    // Whom nobody is shown, nothing is said about.
    let from = head.from.as_ref()?;
    if head.from_is_ambiguous {
        return Some("fails: the From field can be read in more than one way");
    }
    let is_same = !message.from.is_empty() && message.from.iter().all(|one| *one == from.key());
    (!is_same).then_some("fails: the From field is not read as one address")
}

/// A signature is about the words where the library sees them begin. With a header that only one of the two takes for the
/// last, words that nobody signed would be shown above a text that somebody did. A machine that may send for the domain
/// vouches for all of it.
fn another_mail(
    head: Option<&Head>,
    message: &AuthenticatedMessage<'_>,
    dmarc: &DmarcOutput,
) -> Option<&'static str> {
    let is_signed = *dmarc.dkim_result() == DmarcResult::Pass && *dmarc.spf_result() != DmarcResult::Pass;
    let is_same = head.is_some_and(|head| head.headers.len() == message.body_offset());
    (is_signed && !is_same).then_some("fails: where the header ends can be read in more than one way")
}

fn spf_outcome(result: SpfResult) -> Outcome {
    match result {
        SpfResult::Pass => Outcome::Pass,
        // "Probably not" is not yes, and nobody here is refused for it.
        SpfResult::Fail | SpfResult::SoftFail => Outcome::Fail,
        SpfResult::Neutral | SpfResult::TempError | SpfResult::PermError | SpfResult::None => Outcome::None,
    }
}

fn dkim_outcome(signatures: &[DkimOutput<'_>]) -> Outcome {
    let is = |wanted: fn(&DkimResult) -> bool| signatures.iter().any(|one| wanted(one.result()));
    if is(|result| matches!(result, DkimResult::Pass)) {
        Outcome::Pass
    } else if signatures.is_empty() || is(|result| matches!(result, DkimResult::TempError(_))) {
        Outcome::None
    } else {
        Outcome::Fail
    }
}

fn dmarc_outcome(dmarc: &DmarcOutput) -> Outcome {
    let results = [dmarc.spf_result(), dmarc.dkim_result()];
    if results.contains(&&DmarcResult::Pass) {
        Outcome::Pass
    } else if dmarc.dmarc_record().is_none()
        || results.iter().any(|result| matches!(result, DmarcResult::TempError(_)))
    {
        Outcome::None
    } else {
        Outcome::Fail
    }
}

fn dkim_detail(signatures: &[DkimOutput<'_>]) -> String {
    if signatures.is_empty() {
        return "no signature".into();
    }
    let shown = signatures.iter().map(|one| {
        let domain = one.signature().map_or("?", |signature| signature.d.as_str());
        format!("{} ({domain})", one.result())
    });
    shown.collect::<Vec<_>>().join(", ")
}

fn dmarc_detail(dmarc: &DmarcOutput) -> String {
    let domain = dmarc.domain();
    match dmarc_outcome(dmarc) {
        Outcome::Pass => format!("pass ({domain})"),
        Outcome::Fail => format!("fail ({domain}, which asks for {})", dmarc.policy()),
        Outcome::None if dmarc.dmarc_record().is_some() => format!("not answered ({domain})"),
        Outcome::None => match dmarc.dkim_result() {
            DmarcResult::TempError(error) => format!("not answered ({domain}): {error}"),
            _ => format!("nothing published ({domain})"),
        },
    }
}

/// Names in it are the sender's.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(1000).collect()
}
