use super::{Language, Text};
use crate::letters::LetterKind;

pub(super) const SPANISH: Language = Language {
    code: "es",
    text,
    priority,
    test: "Prueba: ",
    sample_subject: "Sin internet desde el lunes",
    sample_body: "La luz del equipo está en **rojo** y nada funciona desde el lunes.",
};

const fn text(kind: LetterKind) -> Text {
    let (subject, body) = match kind {
        LetterKind::TicketConfirmation => (
            "Hemos recibido su solicitud {{ ticket_number }}",
            "Hola{% if name %}, {{ name }}{% endif %}:

Hemos recibido su solicitud **{{ ticket_number }}**: {{ subject }}

{% if banner %}> {{ banner }}

{% endif %}Le responderemos lo antes posible. Mientras tanto, puede seguirla o añadir algo:

[Abrir su solicitud]({{ link }})

{{ business }}",
        ),
        LetterKind::TicketConfirmationUnverified => (
            "Hemos recibido su solicitud {{ ticket_number }}",
            "Hola:

Alguien indicó esta dirección para la solicitud **{{ ticket_number }}**. Si fue usted, puede seguirla aquí:

[Abrir la solicitud]({{ link }})

{% if banner %}> {{ banner }}

{% endif %}Si no fue usted, no tiene que hacer nada.

{{ business }}",
        ),
        LetterKind::TicketNew => (
            "[{{ ticket_number }}] Nuevo: {{ subject }}",
            "{{ requester }} ha abierto **{{ ticket_number }}** (prioridad: {{ priority }}, tema: {{ category }}):

{{ body }}

[Abrir el ticket]({{ desk_link }})",
        ),
        LetterKind::TicketsNew => (
            "{{ count }} tickets nuevos",
            "Se han abierto {{ count }} tickets a la vez:

{{ body }}

[Abrir la cola]({{ desk_link }})",
        ),
        LetterKind::SupportTicketUpdate => (
            "[{{ ticket_number }}] {{ subject }}",
            "{{ body }}

---

{{ author }} ha actualizado su solicitud **{{ ticket_number }}**. [Leerla entera o responder]({{ link }})

{{ business }}",
        ),
        LetterKind::TicketAutoAnswer => (
            "[{{ ticket_number }}] {{ subject }}",
            "{{ body }}

---

Esta es una respuesta automática a su solicitud **{{ ticket_number }}**. [Leerla entera o añadir algo]({{ link }})

{{ business }}",
        ),
        LetterKind::SupportCustomerReply => (
            "[{{ ticket_number }}] {{ author }} ha respondido",
            "{{ author }} ({{ requester }}) ha escrito en **{{ ticket_number }}** ({{ subject }}):

{{ body }}

[Abrir el ticket]({{ desk_link }})",
        ),
        LetterKind::TicketAssigned => (
            "[{{ ticket_number }}] es suyo: {{ subject }}",
            "{{ author }} le ha asignado **{{ ticket_number }}** (prioridad: {{ priority }}): {{ subject }}

[Abrir el ticket]({{ desk_link }})",
        ),
        LetterKind::SupportTicketUrgent => (
            "URGENTE: el ticket {{ ticket_number }} requiere atención",
            "{{ author }} le ha escalado **{{ ticket_number }}** (prioridad: {{ priority }}): {{ subject }}

Le rogamos que lo atienda ahora.

[Abrir el ticket]({{ desk_link }})",
        ),
        LetterKind::TicketResolved => (
            "[{{ ticket_number }}] Resuelto: {{ subject }}",
            "Hola{% if name %}, {{ name }}{% endif %}:

Creemos que su solicitud **{{ ticket_number }}** está resuelta. Si no es así, no dude en decírnoslo:

[Abrir su solicitud]({{ link }})

{{ business }}",
        ),
        LetterKind::SatisfactionSurvey => (
            "[{{ ticket_number }}] ¿Cómo lo hemos hecho?",
            "Hola{% if name %}, {{ name }}{% endif %}:

Su solicitud **{{ ticket_number }}** está resuelta: {{ subject }}

¿Cómo lo hemos hecho? Basta un clic:

- [Muy bien]({{ link }}?score=5)
- [Bien]({{ link }}?score=4)
- [Ni bien ni mal]({{ link }}?score=3)
- [Mal]({{ link }}?score=2)
- [Muy mal]({{ link }}?score=1)

Se lo preguntamos una sola vez por solicitud.

{{ business }}",
        ),
        LetterKind::TicketForward => (
            "[{{ ticket_number }}] {{ subject }}",
            "{{ body }}

---

{{ author }}, de {{ business }}, le pide ayuda con **{{ ticket_number }}**. Su respuesta llegará al equipo y no al cliente. [Responder]({{ link }})",
        ),
        LetterKind::TicketCopy => (
            "[{{ ticket_number }}] {{ subject }}",
            "{{ body }}

---

Recibe una copia de lo que {{ author }}, de {{ business }}, ha escrito en **{{ ticket_number }}**.",
        ),
        LetterKind::TicketMention => (
            "[{{ ticket_number }}] {{ author }} ha mencionado su nombre",
            "{{ author }} ha mencionado su nombre en una nota de **{{ ticket_number }}** ({{ subject }}):

{{ body }}

[Abrir el ticket]({{ desk_link }})",
        ),
        LetterKind::VerifyEmail => (
            "Confirme su dirección",
            "Hola{% if name %}, {{ name }}{% endif %}:

Confirme, por favor, que esta es su dirección:

[Confirmar la dirección]({{ link }})

El enlace es válido durante tres días. Si no se ha registrado, ignore este mensaje.

{{ business }}",
        ),
        LetterKind::MagicLink => (
            "Su enlace para iniciar sesión",
            "Hola{% if name %}, {{ name }}{% endif %}:

Con este enlace inicia sesión. Es válido una sola vez, durante veinte minutos:

[Iniciar sesión]({{ link }})

Si no lo ha pedido, ignore este mensaje.

{{ business }}",
        ),
        LetterKind::PasswordReset => (
            "Elija una nueva contraseña",
            "Hola{% if name %}, {{ name }}{% endif %}:

Elija aquí una nueva contraseña. El enlace es válido una sola vez, durante una hora:

[Elegir una nueva contraseña]({{ link }})

Si no lo ha pedido, ignore este mensaje; su contraseña no cambia.

{{ business }}",
        ),
        LetterKind::AccountExists => (
            "Ya tiene una cuenta",
            "Hola{% if name %}, {{ name }}{% endif %}:

Alguien, quizá usted, ha intentado registrarse con esta dirección. Ya tiene una cuenta; inicie sesión, o elija una nueva contraseña, aquí:

[Iniciar sesión]({{ link }})

Si no fue usted, no tiene que hacer nada.

{{ business }}",
        ),
    };
    Text { subject, body }
}

const fn priority(rank: usize) -> &'static str {
    ["baja", "normal", "alta", "urgente"][rank]
}
