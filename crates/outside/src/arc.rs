//! Seals on mail that was handed on (ARC, RFC 8617): whoever forwards a mail, and breaks its signature by it, says what the
//! checks had said when it came.
//!
//! Anybody can seal anything. A seal is worth what its sealer is, so only those that a channel names are looked at, and no
//! name server is asked for the sake of others.

use ::mail_auth::{AuthenticatedMessage, DkimResult, MessageAuthenticator};

/// Seals looked at in one mail; each costs a question to a name server.
const MAX_SEALS: usize = 8;

/// The domain that vouches for the author: a chain that holds, trusted from its end back to who saw DMARC pass for their
/// domain. `author_domains`: how that may be written.
pub(crate) async fn vouching<'m>(
    asking: &MessageAuthenticator,
    message: &'m AuthenticatedMessage<'m>,
    author_domains: &[String],
    trusted: &[String],
) -> Option<String> {
    let sealer = claimed(message, author_domains, trusted)?;
    let chain = asking.verify_arc(message).await;
    if *chain.result() != DkimResult::Pass {
        return None;
    }
    // The words of whoever is shown as the author are among what was sealed.
    let last = chain.sets().last()?;
    let has_author = last.signature.header.h.iter().any(|field| field.eq_ignore_ascii_case("from"));
    has_author.then_some(sealer)
}

/// Who would vouch, if the chain holds.
fn claimed(
    message: &AuthenticatedMessage<'_>,
    author_domains: &[String],
    trusted: &[String],
) -> Option<String> {
    let (seals, results) = (&message.as_headers, &message.aar_headers);
    let signatures = &message.ams_headers;
    let is_whole = seals.len() == results.len() && seals.len() == signatures.len();
    if message.has_arc_errors || !is_whole || seals.len() > MAX_SEALS {
        return None;
    }
    // They are sorted: the last that handed it on comes first here. Who is asked about the key of its signature is said beside
    // it, by anybody, until the seal is looked at. Keys of whoever came before them are asked for only when theirs held.
    for ((seal, signature), said) in seals.iter().zip(signatures).zip(results).rev() {
        let sealer = seal.header.d.to_ascii_lowercase();
        if !trusted.contains(&sealer) || !trusted.contains(&signature.header.d.to_ascii_lowercase()) {
            return None;
        }
        let said = Said::read(&String::from_utf8_lossy(said.value));
        if said.dmarc_of.is_some_and(|domain| author_domains.contains(&domain)) {
            return Some(sealer);
        }
        // It may have changed the mail after somebody before it had looked.
        if !said.chain_held {
            return None;
        }
    }
    None
}

/// What a sealer says the checks had said.
struct Said {
    /// DMARC passed for this domain.
    dmarc_of: Option<String>,
    /// So did the chain before.
    chain_held: bool,
}

impl Said {
    fn read(header: &str) -> Self {
        let plain = mail::inbound::without_words(header);
        let (mut dmarc_of, mut chain_held) = (None, false);
        for part in plain.split(';') {
            let mut words = part.split_ascii_whitespace();
            match words.next().map(str::to_ascii_lowercase).as_deref() {
                Some("dmarc=pass") => {
                    dmarc_of = words
                        .find_map(|word| word.strip_prefix("header.from="))
                        .map(|domain| domain.trim_end_matches('.').to_lowercase());
                }
                Some("arc=pass") => chain_held = true,
                _ => {}
            }
        }
        Self { dmarc_of, chain_held }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sealers_write_is_read() {
        for (header, dmarc_of, chain_held) in [
            (
                " i=1; mx.google.com;\r\n dkim=pass header.i=@example.org header.s=a header.b=x;\r\n \
                  dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=Example.org",
                Some("example.org"),
                false,
            ),
            (
                "i=2; mx.microsoft.com 1; spf=pass smtp.mailfrom=a@b; dmarc=pass action=none header.from=example.org; arc=pass (0 oda=0)",
                Some("example.org"),
                true,
            ),
            ("i=1; a; dmarc=fail header.from=example.org; arc=pass", None, true),
            ("i=1; a; dmarc=pass", None, false),
            ("i=1; a; spf=pass (dmarc=pass header.from=example.org; arc=pass)", None, false),
            ("i=1; a; spf=pass smtp.mailfrom=\"; dmarc=pass header.from=example.org;\"", None, false),
            ("", None, false),
        ] {
            let said = Said::read(header);
            assert_eq!((said.dmarc_of.as_deref(), said.chain_held), (dmarc_of, chain_held), "{header}");
        }
    }
}
