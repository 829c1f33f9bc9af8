use std::str::FromStr;

use base::{Error, Result};

/// Which letter. The name is stored and is the key of a tenant's own template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LetterKind {
    /// To a customer who is known: number and link.
    TicketConfirmation,
    /// To an address nobody proved: repeats none of the sender's words.
    TicketConfirmationUnverified,
    /// To the team: somebody filed a ticket.
    TicketNew,
    /// To the team: many tickets were filed at once.
    TicketsNew,
    /// To the customer: staff answered.
    SupportTicketUpdate,
    /// To the customer: a rule answered.
    TicketAutoAnswer,
    /// To the assignee: the customer answered.
    SupportCustomerReply,
    /// To whoever was given a ticket.
    TicketAssigned,
    /// To whoever a ticket was escalated to.
    SupportTicketUrgent,
    /// To the customer: it is resolved.
    TicketResolved,
    /// To the customer, some time later: how did it go?
    SatisfactionSurvey,
    /// To somebody outside: an agent asks for their help.
    TicketForward,
    /// To somebody who gets a copy of the answers.
    TicketCopy,
    /// To a colleague who was called by a note.
    TicketMention,
    VerifyEmail,
    MagicLink,
    PasswordReset,
    /// To an address that has an account already and was used to sign up again.
    AccountExists,
}

impl LetterKind {
    pub const ALL: [Self; 18] = [
        Self::TicketConfirmation,
        Self::TicketConfirmationUnverified,
        Self::TicketNew,
        Self::TicketsNew,
        Self::SupportTicketUpdate,
        Self::TicketAutoAnswer,
        Self::SupportCustomerReply,
        Self::TicketAssigned,
        Self::SupportTicketUrgent,
        Self::TicketResolved,
        Self::SatisfactionSurvey,
        Self::TicketForward,
        Self::TicketCopy,
        Self::TicketMention,
        Self::VerifyEmail,
        Self::MagicLink,
        Self::PasswordReset,
        Self::AccountExists,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TicketConfirmation => "ticket_confirmation",
            Self::TicketConfirmationUnverified => "ticket_confirmation_unverified",
            Self::TicketNew => "ticket_new",
            Self::TicketsNew => "tickets_new",
            Self::SupportTicketUpdate => "support_ticket_update",
            Self::TicketAutoAnswer => "ticket_auto_answer",
            Self::SupportCustomerReply => "support_customer_reply",
            Self::TicketAssigned => "ticket_assigned",
            Self::SupportTicketUrgent => "support_ticket_urgent",
            Self::TicketResolved => "ticket_resolved",
            Self::SatisfactionSurvey => "satisfaction_survey",
            Self::TicketForward => "ticket_forward",
            Self::TicketCopy => "ticket_copy",
            Self::TicketMention => "ticket_mention",
            Self::VerifyEmail => "verify_email",
            Self::MagicLink => "magic_link",
            Self::PasswordReset => "password_reset",
            Self::AccountExists => "account_exists",
        }
    }

    /// Nobody pressed "send" for it: it carries `Auto-Submitted` and a null return path.
    pub const fn is_automatic(self) -> bool {
        !matches!(self, Self::SupportTicketUpdate | Self::TicketForward | Self::TicketCopy)
    }

    /// Somebody asked for it to get in.
    pub const fn signs_in(self) -> bool {
        matches!(self, Self::VerifyEmail | Self::MagicLink | Self::PasswordReset | Self::AccountExists)
    }

    /// To a member of the business.
    pub const fn is_to_staff(self) -> bool {
        matches!(
            self,
            Self::TicketNew
                | Self::TicketsNew
                | Self::SupportCustomerReply
                | Self::TicketAssigned
                | Self::SupportTicketUrgent
                | Self::TicketMention
        )
    }
}

impl FromStr for LetterKind {
    type Err = Error;
    fn from_str(s: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|k| k.as_str() == s).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|k| k.as_str()).collect();
            Error::field("kind", "letter.unknown", format!("one of {}", known.join(", ")))
        })
    }
}
