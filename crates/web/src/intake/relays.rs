//! Doors for mail services that call us: SendGrid's Inbound Parse and Amazon SES through SNS. The channel's key stands in the
//! path, since neither can send a header of ours; an SES message has to be signed besides.

use axum::{
    extract::{FromRequest as _, Multipart, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use base::{Error, Kind, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use desk::intake::{self, Door, Received};
use engine::outside::{HttpRequest, Method};
use identity::Token;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    inbound::{Key, MAIL_MAX, by_key},
    sns::{self, SnsMessage},
};
use crate::http::{
    app::App,
    extract::{At, Payload},
    failure::Outcome,
};

#[derive(Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct KeyAt {
    /// The key of a channel.
    pub key: String,
}

async fn opened(app: &App, key: &str) -> Result<Key> {
    let refuse = || Error::unauthenticated("channel.key_unknown", "no channel has this key");
    by_key(app, Token::parse(key).ok_or_else(refuse)?).await?.ok_or_else(refuse)
}

/// What the service says about the envelope. It helps, and a mail is not refused for it.
#[derive(Default)]
struct Envelope {
    from: Option<String>,
    to: Vec<String>,
    client_ip: Option<String>,
}

/// Of one mail; a service calls once for all that it was delivered to.
const RECIPIENTS_MAX: usize = 100;

async fn take(app: &App, key: &Key, door: Door, raw: Bytes, envelope: Envelope) -> Result<()> {
    if raw.is_empty() {
        return Err(Error::invalid("mail.empty", "there is no mail in it"));
    }
    let mut writer = app.outside().blobs.begin(key.tenant).await?;
    writer.write(raw).await?;
    let blob = writer.finish().await?;
    let letter = Received {
        channel: key.channel,
        door,
        envelope_from: envelope.from.and_then(|from| intake::return_path(&from)),
        envelope_to: envelope.to.iter().filter_map(|to| intake::recipient(to)).take(RECIPIENTS_MAX).collect(),
        client_ip: envelope.client_ip.filter(|ip| ip.parse::<std::net::IpAddr>().is_ok()),
        helo: None,
        blob,
    };
    app.write(key.scope(), move |tx| intake::receive(tx, letter)).await.map(drop)
}

fn too_large() -> Error {
    Error::new(Kind::TooLarge, "mail.too_large", format!("a mail of at most {} MiB", MAIL_MAX / 1024 / 1024))
}

/// `envelope` of SendGrid: `{"to": ["…"], "from": "…"}`.
#[derive(Deserialize, Default)]
#[serde(default)]
struct SendgridEnvelope {
    to: Vec<String>,
    from: Option<String>,
}

pub async fn sendgrid(State(app): State<App>, At(at): At<KeyAt>, payload: Payload) -> Outcome<Response> {
    let key = opened(&app, &at.key).await?;
    let broken =
        |e: &dyn std::fmt::Display| Error::invalid("request.multipart", format!("the form is broken: {e}"));
    let mut form = Multipart::from_request(payload.0, &()).await.map_err(|e| broken(&e))?;
    let (mut raw, mut envelope) = (None, Envelope::default());
    while let Some(mut field) = form.next_field().await.map_err(|e| broken(&e))? {
        let name = field.name().unwrap_or_default().to_owned();
        let mut content = Vec::new();
        while let Some(piece) = field.chunk().await.map_err(|e| broken(&e))? {
            content.extend_from_slice(&piece);
            if content.len() as u64 > MAIL_MAX {
                return Err(too_large().into());
            }
        }
        match name.as_str() {
            "email" => raw = Some(content),
            "sender_ip" => {
                envelope.client_ip = String::from_utf8(content).ok().map(|ip| ip.trim().to_owned())
            }
            "envelope" => {
                let said: SendgridEnvelope = serde_json::from_slice(&content).unwrap_or_default();
                envelope.from = said.from;
                envelope.to = said.to;
            }
            _ => {}
        }
    }
    let raw = raw.ok_or_else(|| {
        let hint = "switch on “POST the raw, full MIME message” for this host in SendGrid";
        Error::field("email", "sendgrid.not_raw", hint)
    })?;
    take(&app, &key, Door::Sendgrid, raw.into(), envelope).await?;
    Ok(StatusCode::OK.into_response())
}

/// What SES tells of a mail it received.
#[derive(Deserialize)]
struct SesNotice {
    #[serde(rename = "notificationType")]
    kind: String,
    #[serde(default)]
    mail: SesMail,
    #[serde(default)]
    receipt: SesReceipt,
    #[serde(default)]
    content: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SesMail {
    source: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SesReceipt {
    recipients: Vec<String>,
    action: SesAction,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SesAction {
    encoding: Option<String>,
}

pub async fn ses(State(app): State<App>, At(at): At<KeyAt>, payload: Payload) -> Outcome<Response> {
    let key = opened(&app, &at.key).await?;
    // SNS wraps at most 256 KB, base64 and JSON included.
    let bytes = payload.bytes().await?;
    let message: SnsMessage = serde_json::from_slice(&bytes)
        .map_err(|e| Error::invalid("sns.malformed", format!("expected a message of SNS: {e}")))?;
    sns::check_url(&message.signing_cert_url)?;
    let certificate = fetch(&app, &message.signing_cert_url).await?;
    message.verify(&certificate, app.db().now())?;
    match message.kind.as_str() {
        "SubscriptionConfirmation" => {
            let url = message.subscribe_url.as_deref().unwrap_or_default();
            sns::check_url(url)?;
            fetch(&app, url).await?;
            tracing::info!(topic = message.topic_arn, "a topic of SNS was confirmed");
        }
        "Notification" => {
            let notice: SesNotice = serde_json::from_str(&message.message).map_err(|e| {
                Error::field("Message", "ses.malformed", format!("expected a notice of SES: {e}"))
            })?;
            // SES also tells of bounces over the same topic, if asked; those come as mail as well.
            if notice.kind == "Received" {
                let content = notice.content.ok_or_else(|| {
                    let hint = "let the SNS action of the receipt rule include the mail, or use another door for mails over 150 KB";
                    Error::field("content", "ses.no_content", hint)
                })?;
                let raw = match notice.receipt.action.encoding.as_deref() {
                    Some("BASE64") => STANDARD
                        .decode(content.as_bytes())
                        .map_err(|_| Error::field("content", "ses.encoding", "expected base64"))?,
                    _ => content.into_bytes(),
                };
                let envelope =
                    Envelope { from: notice.mail.source, to: notice.receipt.recipients, client_ip: None };
                take(&app, &key, Door::Ses, raw.into(), envelope).await?;
            }
        }
        _ => {}
    }
    Ok(StatusCode::OK.into_response())
}

/// Calls an address that was held against Amazon's hosts.
async fn fetch(app: &App, url: &str) -> Result<Bytes> {
    let request =
        HttpRequest { method: Method::Get, url: url.to_owned(), headers: Vec::new(), body: Bytes::new() };
    let away =
        |detail: String| Error::unavailable("sns.unreachable", format!("SNS cannot be asked: {detail}"));
    let answer = app.outside().http.call(request).await.map_err(|e| away(e.to_string()))?;
    if (200..300).contains(&answer.status) {
        return Ok(answer.body);
    }
    Err(away(format!("it answered {}", answer.status)))
}
