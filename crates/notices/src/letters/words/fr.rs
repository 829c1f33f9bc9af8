use super::{Language, Text};
use crate::letters::LetterKind;

/// The space before a colon or a question mark does not break: `\u{a0}`.
pub(super) const FRENCH: Language = Language {
    code: "fr",
    text,
    priority,
    test: "Test\u{a0}: ",
    sample_subject: "Plus d’internet depuis lundi",
    sample_body: "Le voyant du boîtier est **rouge** et rien ne fonctionne depuis lundi.",
};

const fn text(kind: LetterKind) -> Text {
    let (subject, body) = match kind {
        LetterKind::TicketConfirmation => (
            "Votre demande {{ ticket_number }} a bien été reçue",
            "Bonjour{% if name %} {{ name }}{% endif %},

Nous avons bien reçu votre demande **{{ ticket_number }}**\u{a0}: {{ subject }}

{% if banner %}> {{ banner }}

{% endif %}Nous vous répondrons dès que possible. D’ici là, vous pouvez la suivre ou la compléter\u{a0}:

[Ouvrir votre demande]({{ link }})

{{ business }}",
        ),
        LetterKind::TicketConfirmationUnverified => (
            "Votre demande {{ ticket_number }} a bien été reçue",
            "Bonjour,

Cette adresse a été indiquée pour la demande **{{ ticket_number }}**. Si cette demande vient de vous, vous pouvez la suivre ici\u{a0}:

[Ouvrir la demande]({{ link }})

{% if banner %}> {{ banner }}

{% endif %}Si elle ne vient pas de vous, vous n’avez rien à faire.

{{ business }}",
        ),
        LetterKind::TicketNew => (
            "[{{ ticket_number }}] Nouveau\u{a0}: {{ subject }}",
            "{{ requester }} a ouvert **{{ ticket_number }}** (priorité\u{a0}: {{ priority }}, sujet\u{a0}: {{ category }})\u{a0}:

{{ body }}

[Ouvrir le ticket]({{ desk_link }})",
        ),
        LetterKind::TicketsNew => (
            "{{ count }} nouveaux tickets",
            "{{ count }} tickets ont été ouverts en même temps\u{a0}:

{{ body }}

[Ouvrir la file]({{ desk_link }})",
        ),
        LetterKind::SupportTicketUpdate => (
            "[{{ ticket_number }}] {{ subject }}",
            "{{ body }}

---

{{ author }} a mis à jour votre demande **{{ ticket_number }}**. [Tout lire ou répondre]({{ link }})

{{ business }}",
        ),
        LetterKind::TicketAutoAnswer => (
            "[{{ ticket_number }}] {{ subject }}",
            "{{ body }}

---

Ceci est une réponse automatique à votre demande **{{ ticket_number }}**. [Tout lire ou compléter]({{ link }})

{{ business }}",
        ),
        LetterKind::SupportCustomerReply => (
            "[{{ ticket_number }}] {{ author }} a répondu",
            "{{ author }} ({{ requester }}) a écrit au sujet de **{{ ticket_number }}** ({{ subject }})\u{a0}:

{{ body }}

[Ouvrir le ticket]({{ desk_link }})",
        ),
        LetterKind::TicketAssigned => (
            "[{{ ticket_number }}] vous est confié\u{a0}: {{ subject }}",
            "{{ author }} vous a confié **{{ ticket_number }}** (priorité\u{a0}: {{ priority }})\u{a0}: {{ subject }}

[Ouvrir le ticket]({{ desk_link }})",
        ),
        LetterKind::SupportTicketUrgent => (
            "URGENT\u{a0}: le ticket {{ ticket_number }} requiert votre attention",
            "{{ author }} vous a transmis **{{ ticket_number }}** en urgence (priorité\u{a0}: {{ priority }})\u{a0}: {{ subject }}

Merci de vous en occuper dès maintenant.

[Ouvrir le ticket]({{ desk_link }})",
        ),
        LetterKind::TicketResolved => (
            "[{{ ticket_number }}] Résolu\u{a0}: {{ subject }}",
            "Bonjour{% if name %} {{ name }}{% endif %},

Nous pensons que votre demande **{{ ticket_number }}** est résolue. Si ce n’est pas le cas, dites-le-nous simplement\u{a0}:

[Ouvrir votre demande]({{ link }})

{{ business }}",
        ),
        LetterKind::SatisfactionSurvey => (
            "[{{ ticket_number }}] Que pensez-vous de notre aide\u{a0}?",
            "Bonjour{% if name %} {{ name }}{% endif %},

Votre demande **{{ ticket_number }}** est résolue\u{a0}: {{ subject }}

Qu’avez-vous pensé de notre aide\u{a0}? Un clic suffit\u{a0}:

- [Très bien]({{ link }}?score=5)
- [Bien]({{ link }}?score=4)
- [Ni bien ni mal]({{ link }}?score=3)
- [Mal]({{ link }}?score=2)
- [Très mal]({{ link }}?score=1)

Nous ne vous le demandons qu’une fois par demande.

{{ business }}",
        ),
        LetterKind::TicketForward => (
            "[{{ ticket_number }}] {{ subject }}",
            "{{ body }}

---

{{ author }}, de {{ business }}, sollicite votre aide au sujet de **{{ ticket_number }}**. Votre réponse ira à son équipe et non à son client. [Répondre]({{ link }})",
        ),
        LetterKind::TicketCopy => (
            "[{{ ticket_number }}] {{ subject }}",
            "{{ body }}

---

Vous recevez une copie de ce que {{ author }}, de {{ business }}, a écrit au sujet de **{{ ticket_number }}**.",
        ),
        LetterKind::TicketMention => (
            "[{{ ticket_number }}] {{ author }} a mentionné votre nom",
            "{{ author }} a mentionné votre nom dans une note sur **{{ ticket_number }}** ({{ subject }})\u{a0}:

{{ body }}

[Ouvrir le ticket]({{ desk_link }})",
        ),
        LetterKind::VerifyEmail => (
            "Confirmez votre adresse",
            "Bonjour{% if name %} {{ name }}{% endif %},

Veuillez confirmer que cette adresse est bien la vôtre\u{a0}:

[Confirmer l’adresse]({{ link }})

Le lien est valable trois jours. Si vous n’avez pas créé de compte, ignorez ce message.

{{ business }}",
        ),
        LetterKind::MagicLink => (
            "Votre lien de connexion",
            "Bonjour{% if name %} {{ name }}{% endif %},

Ce lien vous connecte. Il est valable une seule fois, pendant vingt minutes\u{a0}:

[Se connecter]({{ link }})

Si vous ne l’avez pas demandé, ignorez ce message.

{{ business }}",
        ),
        LetterKind::PasswordReset => (
            "Choisissez un nouveau mot de passe",
            "Bonjour{% if name %} {{ name }}{% endif %},

Choisissez ici un nouveau mot de passe. Le lien est valable une seule fois, pendant une heure\u{a0}:

[Choisir un nouveau mot de passe]({{ link }})

Si vous ne l’avez pas demandé, ignorez ce message\u{a0}; votre mot de passe reste inchangé.

{{ business }}",
        ),
        LetterKind::AccountExists => (
            "Vous avez déjà un compte",
            "Bonjour{% if name %} {{ name }}{% endif %},

Quelqu’un, peut-être vous, a voulu créer un compte avec cette adresse. Vous en avez déjà un\u{a0}; connectez-vous, ou choisissez un nouveau mot de passe, ici\u{a0}:

[Se connecter]({{ link }})

Si ce n’était pas vous, vous n’avez rien à faire.

{{ business }}",
        ),
    };
    Text { subject, body }
}

const fn priority(rank: usize) -> &'static str {
    ["basse", "normale", "haute", "urgente"][rank]
}
