use super::{Language, Text};
use crate::letters::LetterKind;

pub(super) const ENGLISH: Language = Language {
    code: "en",
    text,
    priority,
    test: "Test: ",
    sample_subject: "Internet down since Monday",
    sample_body: "The light on the box is **red**, and nothing works since Monday.",
};

const fn text(kind: LetterKind) -> Text {
    let (subject, body) = match kind {
        LetterKind::TicketConfirmation => (
            "Your support request {{ ticket_number }} has been received",
            "Hello{% if name %} {{ name }}{% endif %},

We have received your request **{{ ticket_number }}**: {{ subject }}

{% if banner %}> {{ banner }}

{% endif %}We will answer as soon as we can. Until then you can follow it, or add something:

[Open your request]({{ link }})

{{ business }}",
        ),
        LetterKind::TicketConfirmationUnverified => (
            "Your support request {{ ticket_number }} has been received",
            "Hello,

Somebody gave this address for the support request **{{ ticket_number }}**. If it was you, follow it here:

[Open the request]({{ link }})

{% if banner %}> {{ banner }}

{% endif %}If it was not you, you need do nothing.

{{ business }}",
        ),
        LetterKind::TicketNew => (
            "[{{ ticket_number }}] New: {{ subject }}",
            "{{ requester }} filed **{{ ticket_number }}** (priority: {{ priority }}, topic: {{ category }}):

{{ body }}

[Open the ticket]({{ desk_link }})",
        ),
        LetterKind::TicketsNew => (
            "{{ count }} new tickets",
            "{{ count }} tickets were filed at once:

{{ body }}

[Open the queue]({{ desk_link }})",
        ),
        LetterKind::SupportTicketUpdate => (
            "[{{ ticket_number }}] {{ subject }}",
            "{{ body }}

---

{{ author }} has updated your request **{{ ticket_number }}**. [Read all of it or answer]({{ link }})

{{ business }}",
        ),
        LetterKind::TicketAutoAnswer => (
            "[{{ ticket_number }}] {{ subject }}",
            "{{ body }}

---

This is an automatic answer to your request **{{ ticket_number }}**. [Read all of it or add something]({{ link }})

{{ business }}",
        ),
        LetterKind::SupportCustomerReply => (
            "[{{ ticket_number }}] {{ author }} answered",
            "{{ author }} ({{ requester }}) wrote on **{{ ticket_number }}** ({{ subject }}):

{{ body }}

[Open the ticket]({{ desk_link }})",
        ),
        LetterKind::TicketAssigned => (
            "[{{ ticket_number }}] is yours: {{ subject }}",
            "{{ author }} gave you **{{ ticket_number }}** (priority: {{ priority }}): {{ subject }}

[Open the ticket]({{ desk_link }})",
        ),
        LetterKind::SupportTicketUrgent => (
            "URGENT: Ticket {{ ticket_number }} needs attention",
            "{{ author }} escalated **{{ ticket_number }}** to you (priority: {{ priority }}): {{ subject }}

Please look at it now.

[Open the ticket]({{ desk_link }})",
        ),
        LetterKind::TicketResolved => (
            "[{{ ticket_number }}] Resolved: {{ subject }}",
            "Hello{% if name %} {{ name }}{% endif %},

We believe that your request **{{ ticket_number }}** is resolved. If it is not, simply tell us:

[Open your request]({{ link }})

{{ business }}",
        ),
        LetterKind::SatisfactionSurvey => (
            "[{{ ticket_number }}] How did we do?",
            "Hello{% if name %} {{ name }}{% endif %},

Your request **{{ ticket_number }}** is solved: {{ subject }}

How did we do? One click is enough:

- [Very good]({{ link }}?score=5)
- [Good]({{ link }}?score=4)
- [Neither good nor bad]({{ link }}?score=3)
- [Bad]({{ link }}?score=2)
- [Very bad]({{ link }}?score=1)

We ask once for each request.

{{ business }}",
        ),
        LetterKind::TicketForward => (
            "[{{ ticket_number }}] {{ subject }}",
            "{{ body }}

---

{{ author }} of {{ business }} asks for your help with **{{ ticket_number }}**. Your answer goes to their team and not to their customer. [Answer]({{ link }})",
        ),
        LetterKind::TicketCopy => (
            "[{{ ticket_number }}] {{ subject }}",
            "{{ body }}

---

You get a copy of what {{ author }} of {{ business }} wrote on **{{ ticket_number }}**.",
        ),
        LetterKind::TicketMention => (
            "[{{ ticket_number }}] {{ author }} called you",
            "{{ author }} called you in a note on **{{ ticket_number }}** ({{ subject }}):

{{ body }}

[Open the ticket]({{ desk_link }})",
        ),
        LetterKind::VerifyEmail => (
            "Confirm your address",
            "Hello{% if name %} {{ name }}{% endif %},

Please confirm that this is your address:

[Confirm the address]({{ link }})

The link works for three days. If you did not sign up, ignore this letter.

{{ business }}",
        ),
        LetterKind::MagicLink => (
            "Your sign-in link",
            "Hello{% if name %} {{ name }}{% endif %},

This link signs you in. It works once, for twenty minutes:

[Sign in]({{ link }})

If you did not ask for it, ignore this letter.

{{ business }}",
        ),
        LetterKind::PasswordReset => (
            "Set a new password",
            "Hello{% if name %} {{ name }}{% endif %},

Set a new password here. The link works once, for an hour:

[Set a new password]({{ link }})

If you did not ask for it, ignore this letter; your password stays as it is.

{{ business }}",
        ),
        LetterKind::AccountExists => (
            "You have an account already",
            "Hello{% if name %} {{ name }}{% endif %},

Somebody, perhaps you, tried to sign up with this address. You have an account already; sign in, or set a new password, here:

[Sign in]({{ link }})

If it was not you, you need do nothing.

{{ business }}",
        ),
    };
    Text { subject, body }
}

const fn priority(rank: usize) -> &'static str {
    ["low", "normal", "high", "urgent"][rank]
}
