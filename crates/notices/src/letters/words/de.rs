use super::{Language, Text};
use crate::letters::LetterKind;

pub(super) const GERMAN: Language = Language {
    code: "de",
    text,
    priority,
    test: "Test: ",
    sample_subject: "Seit Montag kein Internet",
    sample_body: "Die Lampe am Gerät leuchtet **rot**, und seit Montag geht nichts mehr.",
};

const fn text(kind: LetterKind) -> Text {
    let (subject, body) = match kind {
        LetterKind::TicketConfirmation => (
            "Ihre Anfrage {{ ticket_number }} ist eingegangen",
            "Guten Tag{% if name %} {{ name }}{% endif %},

Ihre Anfrage **{{ ticket_number }}** ist bei uns eingegangen: {{ subject }}

{% if banner %}> {{ banner }}

{% endif %}Wir antworten Ihnen so bald wie möglich. Bis dahin können Sie den Stand verfolgen oder etwas ergänzen:

[Anfrage öffnen]({{ link }})

{{ business }}",
        ),
        LetterKind::TicketConfirmationUnverified => (
            "Ihre Anfrage {{ ticket_number }} ist eingegangen",
            "Guten Tag,

für die Anfrage **{{ ticket_number }}** wurde diese Adresse angegeben. Wenn die Anfrage von Ihnen stammt, können Sie sie hier verfolgen:

[Anfrage öffnen]({{ link }})

{% if banner %}> {{ banner }}

{% endif %}Wenn sie nicht von Ihnen stammt, brauchen Sie nichts zu tun.

{{ business }}",
        ),
        LetterKind::TicketNew => (
            "[{{ ticket_number }}] Neu: {{ subject }}",
            "{{ requester }} hat **{{ ticket_number }}** eröffnet (Priorität: {{ priority }}, Thema: {{ category }}):

{{ body }}

[Ticket öffnen]({{ desk_link }})",
        ),
        LetterKind::TicketsNew => (
            "{{ count }} neue Tickets",
            "{{ count }} Tickets wurden zugleich eröffnet:

{{ body }}

[Zur Warteschlange]({{ desk_link }})",
        ),
        LetterKind::SupportTicketUpdate => (
            "[{{ ticket_number }}] {{ subject }}",
            "{{ body }}

---

{{ author }} hat Ihre Anfrage **{{ ticket_number }}** bearbeitet. [Alles lesen oder antworten]({{ link }})

{{ business }}",
        ),
        LetterKind::TicketAutoAnswer => (
            "[{{ ticket_number }}] {{ subject }}",
            "{{ body }}

---

Dies ist eine automatische Antwort auf Ihre Anfrage **{{ ticket_number }}**. [Alles lesen oder etwas ergänzen]({{ link }})

{{ business }}",
        ),
        LetterKind::SupportCustomerReply => (
            "[{{ ticket_number }}] {{ author }} hat geantwortet",
            "{{ author }} ({{ requester }}) schreibt zu **{{ ticket_number }}** ({{ subject }}):

{{ body }}

[Ticket öffnen]({{ desk_link }})",
        ),
        LetterKind::TicketAssigned => (
            "[{{ ticket_number }}] gehört jetzt Ihnen: {{ subject }}",
            "{{ author }} hat Ihnen **{{ ticket_number }}** zugewiesen (Priorität: {{ priority }}): {{ subject }}

[Ticket öffnen]({{ desk_link }})",
        ),
        LetterKind::SupportTicketUrgent => (
            "DRINGEND: Ticket {{ ticket_number }} braucht Aufmerksamkeit",
            "{{ author }} hat **{{ ticket_number }}** an Sie eskaliert (Priorität: {{ priority }}): {{ subject }}

Bitte sehen Sie es sich jetzt an.

[Ticket öffnen]({{ desk_link }})",
        ),
        LetterKind::TicketResolved => (
            "[{{ ticket_number }}] Gelöst: {{ subject }}",
            "Guten Tag{% if name %} {{ name }}{% endif %},

wir gehen davon aus, dass Ihre Anfrage **{{ ticket_number }}** gelöst ist. Falls nicht, schreiben Sie uns einfach:

[Anfrage öffnen]({{ link }})

{{ business }}",
        ),
        LetterKind::SatisfactionSurvey => (
            "[{{ ticket_number }}] Wie zufrieden sind Sie?",
            "Guten Tag{% if name %} {{ name }}{% endif %},

Ihre Anfrage **{{ ticket_number }}** ist gelöst: {{ subject }}

Wie zufrieden sind Sie mit uns? Ein Klick genügt:

- [Sehr zufrieden]({{ link }}?score=5)
- [Zufrieden]({{ link }}?score=4)
- [Weder noch]({{ link }}?score=3)
- [Unzufrieden]({{ link }}?score=2)
- [Sehr unzufrieden]({{ link }}?score=1)

Wir fragen zu jeder Anfrage nur einmal.

{{ business }}",
        ),
        LetterKind::TicketForward => (
            "[{{ ticket_number }}] {{ subject }}",
            "{{ body }}

---

{{ author }} von {{ business }} bittet Sie um Hilfe bei **{{ ticket_number }}**. Ihre Antwort geht an das Team und nicht an dessen Kundschaft. [Antworten]({{ link }})",
        ),
        LetterKind::TicketCopy => (
            "[{{ ticket_number }}] {{ subject }}",
            "{{ body }}

---

Sie erhalten eine Kopie dessen, was {{ author }} von {{ business }} zu **{{ ticket_number }}** geschrieben hat.",
        ),
        LetterKind::TicketMention => (
            "[{{ ticket_number }}] {{ author }} hat Sie erwähnt",
            "{{ author }} hat Sie in einer Notiz zu **{{ ticket_number }}** ({{ subject }}) erwähnt:

{{ body }}

[Ticket öffnen]({{ desk_link }})",
        ),
        LetterKind::VerifyEmail => (
            "Bestätigen Sie Ihre Adresse",
            "Guten Tag{% if name %} {{ name }}{% endif %},

bitte bestätigen Sie, dass dies Ihre Adresse ist:

[Adresse bestätigen]({{ link }})

Der Link gilt drei Tage. Wenn Sie sich nicht registriert haben, ignorieren Sie diese Nachricht bitte.

{{ business }}",
        ),
        LetterKind::MagicLink => (
            "Ihr Link zum Anmelden",
            "Guten Tag{% if name %} {{ name }}{% endif %},

mit diesem Link melden Sie sich an. Er gilt einmal und zwanzig Minuten lang:

[Anmelden]({{ link }})

Wenn Sie ihn nicht angefordert haben, ignorieren Sie diese Nachricht bitte.

{{ business }}",
        ),
        LetterKind::PasswordReset => (
            "Neues Passwort festlegen",
            "Guten Tag{% if name %} {{ name }}{% endif %},

hier legen Sie ein neues Passwort fest. Der Link gilt einmal und eine Stunde lang:

[Neues Passwort festlegen]({{ link }})

Wenn Sie das nicht angefordert haben, ignorieren Sie diese Nachricht bitte; Ihr Passwort bleibt, wie es ist.

{{ business }}",
        ),
        LetterKind::AccountExists => (
            "Sie haben bereits ein Konto",
            "Guten Tag{% if name %} {{ name }}{% endif %},

jemand, vielleicht Sie selbst, wollte sich mit dieser Adresse registrieren. Sie haben bereits ein Konto; melden Sie sich hier an oder legen Sie ein neues Passwort fest:

[Anmelden]({{ link }})

Wenn Sie das nicht waren, brauchen Sie nichts zu tun.

{{ business }}",
        ),
    };
    Text { subject, body }
}

const fn priority(rank: usize) -> &'static str {
    ["niedrig", "normal", "hoch", "dringend"][rank]
}
