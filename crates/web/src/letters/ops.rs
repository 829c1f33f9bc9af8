//! What pages and the API do alike: sample values of this business, and a test to oneself.

use base::{Error, Result};
use db::Tx;
use identity::{
    Links, TenantRecord, User,
    throttle::{self, Limit},
};
use notices::letters::{self, LetterKind, NewLetter, Posted, Sample};

/// Letters somebody sends to themselves.
const TESTS: Limit = Limit { name: "letter_test", most: 10, window_seconds: 3600 };

/// Values that look like this business's own.
pub fn sample_of(tenant: &TenantRecord, links: &Links) -> Sample {
    Sample {
        business: tenant.name.clone(),
        banner: tenant.settings.notice_banner.clone(),
        base: links.base(tenant),
    }
}

pub fn kind_of(key: &str) -> Result<LetterKind> {
    key.parse().map_err(|_| Error::not_found("letter"))
}

pub fn locale_of(locale: &str) -> Result<&'static str> {
    letters::LANGUAGES.into_iter().find(|l| *l == locale).ok_or_else(|| Error::not_found("language"))
}

/// A letter as it is typed, about to be tried.
pub struct Typed {
    pub kind: LetterKind,
    pub locale: &'static str,
    pub subject: String,
    pub body: String,
}

/// Sends it to whoever asks, and to nobody else. The outer result is committed: an attempt counts when it was refused.
pub fn send_test(
    tx: &mut Tx<'_>,
    tenant: &TenantRecord,
    links: &Links,
    to: &User,
    typed: &Typed,
) -> Result<Result<Posted>> {
    let sample = sample_of(tenant, links);
    letters::check_template(typed.kind, typed.locale, &typed.subject, &typed.body, &sample)?;
    if let Err(limited) = throttle::hit(tx, &TESTS, &to.id.to_string())? {
        return Ok(Err(limited));
    }
    let domain = links.domain(tenant);
    let new = NewLetter {
        values: sample.values(typed.locale),
        ..NewLetter::to(typed.kind, to.email.clone(), &to.name, typed.locale, domain)
    };
    letters::post_test(tx, new, &typed.subject, &typed.body).map(Ok)
}
