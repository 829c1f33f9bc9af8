use std::{fmt, str::FromStr};

use base::{Error, Id, Result, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    channels::MailChannel,
    tickets::{Message, Ticket, words},
};

words!(
    /// Where a letter came in; `sent`: it left, and lay in the folder of sent mail.
    Door, "door", {
        Api = "api", Smtp = "smtp", Lmtp = "lmtp", Imap = "imap", Pipe = "pipe", Ses = "ses", Sendgrid = "sendgrid",
        Sent = "sent",
    }
);
words!(
    /// `waiting` to be read; `failed` to be; `quarantined` until somebody decides; `discarded` by somebody; `done`; `forgotten`
    /// with its ticket.
    MailState, "state", {
        Waiting = "waiting", Done = "done", Failed = "failed", Quarantined = "quarantined", Discarded = "discarded",
        Forgotten = "forgotten",
    }
);
words!(
    /// What became of a letter; `ignored`: it left from here and belongs to no ticket.
    Outcome, "outcome", {
        Ticket = "ticket", Reply = "reply", PossibleFollowUp = "possible_follow_up", Automated = "automated",
        Duplicate = "duplicate", Quarantined = "quarantined", Rejected = "rejected", Ignored = "ignored",
    }
);
words!(
    /// What led to the ticket, the strongest first.
    FoundBy, "found_by", {
        ReplyAddress = "reply_address", SignedId = "signed_id", KnownId = "known_id", Number = "number", New = "new",
        ByHand = "by_hand",
    }
);
words!(
    /// Who the writer is to the ticket: they take part in it; they are somebody new, until an agent admits them; or a
    /// program wrote it.
    Standing, "standing", {
        Joined = "joined", Stranger = "stranger", Admitted = "admitted", Automated = "automated",
    }
);
db::text_column!(Door, MailState, Outcome, FoundBy, Standing);

impl FoundBy {
    /// Nobody can have guessed it.
    pub const fn is_strong(self) -> bool {
        matches!(self, Self::ReplyAddress | Self::SignedId)
    }
}

/// A letter as it came in, and what became of it.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Mail {
    pub id: Id<Mail>,
    pub channel_id: Id<MailChannel>,
    pub door: Door,
    /// Absent where the door does not know; empty for the null path.
    pub envelope_from: Option<String>,
    pub envelope_to: Vec<String>,
    pub client_ip: Option<String>,
    pub helo: Option<String>,
    #[serde(skip)]
    #[schemars(skip)]
    pub sha256: [u8; 32],
    pub size_bytes: u64,
    pub state: MailState,
    pub outcome: Option<Outcome>,
    /// Why, for people.
    pub reason: String,
    pub ticket_id: Option<Id<Ticket>>,
    pub message_id: Option<Id<Message>>,
    /// Its own Message-ID, without brackets.
    pub header_id: Option<String>,
    pub subject: String,
    pub from_email: String,
    pub from_name: String,
    /// `bounce`, `out_of_office`, `list`, `loop` or `other`; absent where a person wrote.
    pub automated: Option<String>,
    pub authentication: serde_json::Value,
    /// Who let it out of quarantine.
    pub released_by: Option<String>,
    #[serde(skip)]
    pub run: u32,
    /// Another mail came under its Message-ID before; this one says something else.
    pub reuses_id: bool,
    pub received_at: Timestamp,
    pub settled_at: Option<Timestamp>,
}

/// How a message of a ticket came by mail.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct MessageMail {
    pub message_id: Id<Message>,
    pub mail_id: Id<Mail>,
    pub from_email: String,
    pub from_name: String,
    pub found_by: FoundBy,
    /// What found the thread and who the writer is to it, for people.
    pub reason: String,
    pub standing: Standing,
    pub automated: Option<String>,
    /// The mail proves to be from its sender's domain (DMARC passes). Otherwise the sender is a claim.
    pub is_authentic: bool,
    pub has_html: bool,
    /// Addresses that got a copy and take no part: a suggestion, nobody's right.
    pub copied: Vec<String>,
    /// Files that were kept back, and why.
    pub withheld: Vec<String>,
    /// The ticket it may go on with, though nobody proved it.
    pub follows_id: Option<Uuid>,
}
