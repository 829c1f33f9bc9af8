use base::{Error, Kind, Result};

use crate::{SmtpConfig, SmtpMailer};

/// Connects to the mail server, upgrades and signs in as sending would, and sends nothing.
///
/// Answers a line for people, such as `mail.example.org:587 answers (encrypted, signed in)`.
pub async fn smtp_check(config: &SmtpConfig) -> Result<String> {
    let mailer = SmtpMailer::new(config.clone())?;
    let refuse = |detail: &str| {
        Error::new(
            Kind::Unavailable,
            "smtp.unreachable",
            format!("{}:{}: {detail}", config.host, config.port),
        )
    };
    let mut connection = mailer.connect().await.map_err(|error| refuse(&error.detail))?;
    let answers = tokio::time::timeout(config.timeout(), connection.test_connected()).await == Ok(true);
    let encrypted = if connection.is_encrypted() { "encrypted" } else { "in the clear" };
    let _ = tokio::time::timeout(config.timeout(), connection.quit()).await;
    if !answers {
        return Err(refuse("greets, but does not answer a NOOP"));
    }
    let signed_in = if config.username.is_empty() { "without sign-in" } else { "signed in" };
    Ok(format!("{}:{} answers ({encrypted}, {signed_in})", config.host, config.port))
}
