use base::Timestamp;
use serde::Serialize;

use crate::kit::forms::{Choice, Problem};

/// `channels/list.html`, `GET /admin/channels`.
#[derive(Debug, Default, Serialize)]
pub struct List {
    pub channels: Vec<Row>,
}

#[derive(Debug, Serialize)]
pub struct Row {
    pub id: String,
    pub address: String,
    pub name: String,
    pub team: Option<String>,
    /// `on, off`.
    pub state: String,
}

/// `channels/form.html`, `GET|POST /admin/channels/new` and `/admin/channels/{id}/edit`. Fields `address` (new ones
/// only), `name, team_id, priority, category, signature, reply_address, acknowledges, unknown_senders, contact_forms, mailing_lists,
/// forwarding_staff, trusted_host, trusted_sealers` and, when it is changed, `version`.
#[derive(Debug, Default, Serialize)]
pub struct Form {
    pub id: Option<String>,
    pub version: i64,
    pub address: String,
    pub name: String,
    pub teams: Vec<Choice>,
    pub priorities: Vec<Choice>,
    pub categories: Vec<Choice>,
    pub signature: String,
    pub reply_address: String,
    pub acknowledges: bool,
    pub unknown_senders: Vec<Choice>,
    /// One a line.
    pub contact_forms: String,
    pub mailing_lists: String,
    pub forwarding_staff: bool,
    pub trusted_host: String,
    pub trusted_sealers: String,
    pub problems: Vec<Problem>,
}

/// `channels/channel.html`, `GET /admin/channels/{id}`. Buttons: `POST …/enable`, `…/disable`, `…/rotate` and `…/delete`
/// (both ask first); `POST …/test` with the field `mail`. After making it and after a rotation the page is the answer,
/// with `key` set: the key is shown once.
#[derive(Debug, Default, Serialize)]
pub struct Channel {
    pub id: String,
    pub address: String,
    pub name: String,
    pub team: Option<String>,
    pub priority: String,
    pub acknowledges: bool,
    pub unknown_senders: String,
    pub key_prefix: String,
    pub disabled_at: Option<Timestamp>,
    pub key: Option<String>,
    /// Where its mail is collected from.
    pub mailbox: Option<Mailbox>,
    /// The mail server its letters leave through; none: the installation's.
    pub outgoing: Option<Outgoing>,
    /// The base of the address programs hand mail in at.
    pub inbound_url: String,
    /// What was typed to test, and what came of it.
    pub mail: String,
    pub tested: Option<Tested>,
    pub problems: Vec<Problem>,
}

/// How collecting stands.
#[derive(Debug, Serialize)]
pub struct Mailbox {
    pub place: String,
    /// `new, on, failing, paused`.
    pub state: String,
    /// Somebody signed in at the provider: `google, microsoft, other`, and by which account, where that is another than the
    /// mailbox's.
    pub is_by_oauth: bool,
    pub provider: Option<String>,
    pub account: Option<String>,
    /// Its folder of sent mail, when that is read.
    pub sent: Option<Sent>,
    pub error: Option<String>,
    pub checked_at: Option<Timestamp>,
    pub collected: i64,
}

/// How sending by a channel's own mail server stands.
#[derive(Debug, Serialize)]
pub struct Outgoing {
    pub place: String,
    pub is_paused: bool,
    /// It takes no letter without a return path.
    pub has_no_null_path: bool,
    pub error: Option<String>,
}

/// `channels/outgoing.html`, `GET|POST /admin/channels/{id}/outgoing`. Fields `host, port, tls, sign_in, username, password` (empty: as
/// it is), and `then`: `test` to send one letter to oneself without keeping anything. `POST …/remove` asks first.
#[derive(Debug, Default, Serialize)]
pub struct OutgoingForm {
    pub id: String,
    pub address: String,
    pub is_set: bool,
    pub host: String,
    pub port: String,
    pub tls: Vec<Choice>,
    pub sign_ins: Vec<Choice>,
    pub username: String,
    /// Who got the letter that tried it.
    pub tested: Option<String>,
    pub problems: Vec<Problem>,
}

/// How reading a folder of sent mail stands.
#[derive(Debug, Serialize)]
pub struct Sent {
    /// Empty: the one the server names.
    pub folder: String,
    /// `new, on, failing, paused`.
    pub state: String,
    pub error: Option<String>,
    pub collected: i64,
}

/// `channels/sent.html`, `GET|POST /admin/channels/{id}/sent`. Field `folder`. `POST …/remove` asks nothing: what was taken stays.
#[derive(Debug, Default, Serialize)]
pub struct SentForm {
    pub id: String,
    pub address: String,
    pub is_set: bool,
    pub folder: String,
    pub problems: Vec<Problem>,
}

/// `channels/mailbox.html`, `GET|POST /admin/channels/{id}/mailbox`. Fields `host, port, tls, username, password` (empty: as
/// it is), `folder, from_beginning`, and `then`: `test` to try without keeping. `POST …/remove` asks first.
#[derive(Debug, Default, Serialize)]
pub struct MailboxForm {
    pub id: String,
    pub address: String,
    pub is_set: bool,
    pub host: String,
    pub port: String,
    pub tls: Vec<Choice>,
    pub username: String,
    pub folder: String,
    pub from_beginning: bool,
    pub is_tested: bool,
    pub problems: Vec<Problem>,
}

#[derive(Debug, Serialize)]
pub struct Tested {
    pub email: Option<String>,
    pub name: Option<String>,
    /// Nobody vouches for them.
    pub is_claim: bool,
    pub reason: String,
    pub automated: Option<String>,
}

/// `channels/connect.html`, `GET|POST /admin/channels/{id}/connect`. Fields `provider, username, folder, from_beginning`.
/// Coming back from the provider with a problem shows it, too.
#[derive(Debug, Default, Serialize)]
pub struct Connect {
    pub id: String,
    pub address: String,
    /// Those with a registration; none: there is nothing to choose yet.
    pub providers: Vec<Choice>,
    pub username: String,
    pub folder: String,
    pub from_beginning: bool,
    pub problems: Vec<Problem>,
}

/// `channels/leaving.html`, the answer to `POST /admin/channels/{id}/connect`: on to the provider's page.
#[derive(Debug, Default, Serialize)]
pub struct Leaving {
    pub id: String,
    pub address: String,
    pub username: String,
    /// Where it leads, and the host of that.
    pub url: String,
    pub host: String,
}

/// `channels/providers.html`, `GET /admin/channels/providers`.
#[derive(Debug, Default, Serialize)]
pub struct Providers {
    pub providers: Vec<ProviderRow>,
}

#[derive(Debug, Serialize)]
pub struct ProviderRow {
    /// `google, microsoft, other`.
    pub provider: String,
    pub client_id: Option<String>,
}

/// `channels/provider.html`, `GET|POST /admin/channels/providers/{provider}`. Fields `client_id, client_secret` (empty: as it
/// is), for Microsoft `directory`, for another `authorize_url, token_url, scopes, host, port, tls`. `POST …/remove` asks first.
#[derive(Debug, Default, Serialize)]
pub struct ProviderForm {
    pub provider: String,
    pub is_set: bool,
    /// What is entered at the provider.
    pub redirect_url: String,
    pub client_id: String,
    pub directory: String,
    pub authorize_url: String,
    pub token_url: String,
    pub scopes: String,
    pub host: String,
    pub port: String,
    pub tls: Vec<Choice>,
    pub problems: Vec<Problem>,
}
