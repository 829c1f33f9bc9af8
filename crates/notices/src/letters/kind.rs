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
    /// To the customer: staff answered.
    SupportTicketUpdate,
    /// To the customer: a rule answered.
    TicketAutoAnswer,
    /// To the assignee: the customer answered.
    SupportCustomerReply,
    /// To whoever was given a ticket.
    TicketAssigned,
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
    pub const ALL: [Self; 16] = [
        Self::TicketConfirmation,
        Self::TicketConfirmationUnverified,
        Self::TicketNew,
        Self::SupportTicketUpdate,
        Self::TicketAutoAnswer,
        Self::SupportCustomerReply,
        Self::TicketAssigned,
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
            Self::SupportTicketUpdate => "support_ticket_update",
            Self::TicketAutoAnswer => "ticket_auto_answer",
            Self::SupportCustomerReply => "support_customer_reply",
            Self::TicketAssigned => "ticket_assigned",
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
            Self::TicketNew | Self::SupportCustomerReply | Self::TicketAssigned | Self::TicketMention
        )
    }

    /// The default: a subject and a Markdown body, both minijinja.
    pub const fn default_text(self) -> (&'static str, &'static str) {
        match self {
            Self::TicketConfirmation => (
                "Your support request {{ ticket_number }} has been received",
                "Hello {{ name }},\n\nwe have your request **{{ ticket_number }}**: {{ subject }}\n\n{% if banner %}> {{ banner }}\n\n{% endif %}We will answer as soon as we can. Follow it, or add something, here:\n\n{{ link }}\n\n{{ business }}",
            ),
            Self::TicketConfirmationUnverified => (
                "Your support request {{ ticket_number }} has been received",
                "Hello,\n\nsomebody gave this address for the support request **{{ ticket_number }}**. If it was you, follow it here:\n\n{{ link }}\n\n{% if banner %}> {{ banner }}\n\n{% endif %}If it was not you, you need do nothing.\n\n{{ business }}",
            ),
            Self::TicketNew => (
                "[{{ ticket_number }}] New: {{ subject }}",
                "{{ requester }} filed **{{ ticket_number }}** ({{ priority }}, {{ category }}):\n\n{{ body }}\n\n{{ desk_link }}",
            ),
            Self::SupportTicketUpdate => (
                "[{{ ticket_number }}] {{ subject }}",
                "{{ body }}\n\n---\n\nYour request **{{ ticket_number }}** has been updated by {{ author }}. Answer here: {{ link }}\n\n{{ business }}",
            ),
            Self::TicketAutoAnswer => (
                "[{{ ticket_number }}] {{ subject }}",
                "{{ body }}\n\n---\n\nThis is an automatic answer to your request **{{ ticket_number }}**. Add something here: {{ link }}\n\n{{ business }}",
            ),
            Self::SupportCustomerReply => (
                "[{{ ticket_number }}] {{ author }} answered",
                "{{ author }} ({{ requester }}) wrote on **{{ ticket_number }}** ({{ subject }}):\n\n{{ body }}\n\n{{ desk_link }}",
            ),
            Self::TicketAssigned => (
                "[{{ ticket_number }}] is yours: {{ subject }}",
                "{{ author }} gave you **{{ ticket_number }}** ({{ priority }}): {{ subject }}\n\n{{ desk_link }}",
            ),
            Self::TicketResolved => (
                "[{{ ticket_number }}] Resolved: {{ subject }}",
                "Hello {{ name }},\n\nwe believe that your request **{{ ticket_number }}** is resolved. If it is not, simply answer here:\n\n{{ link }}\n\n{{ business }}",
            ),
            Self::SatisfactionSurvey => (
                "[{{ ticket_number }}] How did we do?",
                "Hello {{ name }},\n\nyour request **{{ ticket_number }}** is solved: {{ subject }}\n\nHow did we do? One click is enough:\n\n- [Very good]({{ link }}?score=5)\n- [Good]({{ link }}?score=4)\n- [Neither good nor bad]({{ link }}?score=3)\n- [Bad]({{ link }}?score=2)\n- [Very bad]({{ link }}?score=1)\n\nWe ask once for each request.\n\n{{ business }}",
            ),
            Self::TicketForward => (
                "[{{ ticket_number }}] {{ subject }}",
                "{{ body }}\n\n---\n\n{{ author }} of {{ business }} asks for your help with **{{ ticket_number }}**. Your answer goes to their team and not to their customer: {{ link }}",
            ),
            Self::TicketCopy => (
                "[{{ ticket_number }}] {{ subject }}",
                "{{ body }}\n\n---\n\nYou get a copy of what {{ author }} of {{ business }} wrote on **{{ ticket_number }}**.",
            ),
            Self::TicketMention => (
                "[{{ ticket_number }}] {{ author }} called you",
                "{{ author }} called you in a note on **{{ ticket_number }}** ({{ subject }}):\n\n{{ body }}\n\n{{ desk_link }}",
            ),
            Self::VerifyEmail => (
                "Confirm your address",
                "Hello {{ name }},\n\nplease confirm that this is your address:\n\n{{ link }}\n\nThe link works for three days. If you did not sign up, ignore this letter.\n\n{{ business }}",
            ),
            Self::MagicLink => (
                "Your sign-in link",
                "Hello {{ name }},\n\nthis link signs you in. It works once, for twenty minutes:\n\n{{ link }}\n\nIf you did not ask for it, ignore this letter.\n\n{{ business }}",
            ),
            Self::PasswordReset => (
                "Set a new password",
                "Hello {{ name }},\n\nset a new password here. The link works once, for an hour:\n\n{{ link }}\n\nIf you did not ask for it, ignore this letter; your password stays as it is.\n\n{{ business }}",
            ),
            Self::AccountExists => (
                "You have an account already",
                "Hello {{ name }},\n\nsomebody, perhaps you, tried to sign up with this address. You have an account already; sign in, or set a new password, here:\n\n{{ link }}\n\n{{ business }}",
            ),
        }
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
