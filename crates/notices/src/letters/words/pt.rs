use super::{Language, Text};
use crate::letters::LetterKind;

/// European Portuguese.
pub(super) const PORTUGUESE: Language = Language {
    code: "pt",
    text,
    priority,
    test: "Teste: ",
    sample_subject: "Sem internet desde segunda-feira",
    sample_body: "A luz do equipamento está **vermelha** e nada funciona desde segunda-feira.",
};

const fn text(kind: LetterKind) -> Text {
    let (subject, body) = match kind {
        LetterKind::TicketConfirmation => (
            "Recebemos o seu pedido {{ ticket_number }}",
            "Olá{% if name %}, {{ name }}{% endif %},

Recebemos o seu pedido **{{ ticket_number }}**: {{ subject }}

{% if banner %}> {{ banner }}

{% endif %}Responderemos assim que possível. Entretanto, pode acompanhá-lo ou acrescentar algo:

[Abrir o seu pedido]({{ link }})

{{ business }}",
        ),
        LetterKind::TicketConfirmationUnverified => (
            "Recebemos o seu pedido {{ ticket_number }}",
            "Olá,

Alguém indicou este endereço para o pedido **{{ ticket_number }}**. Se o pedido é seu, pode acompanhá-lo aqui:

[Abrir o pedido]({{ link }})

{% if banner %}> {{ banner }}

{% endif %}Se não é seu, não precisa de fazer nada.

{{ business }}",
        ),
        LetterKind::TicketNew => (
            "[{{ ticket_number }}] Novo: {{ subject }}",
            "{{ requester }} abriu **{{ ticket_number }}** (prioridade: {{ priority }}, assunto: {{ category }}):

{{ body }}

[Abrir o ticket]({{ desk_link }})",
        ),
        LetterKind::TicketsNew => (
            "{{ count }} tickets novos",
            "Foram abertos {{ count }} tickets ao mesmo tempo:

{{ body }}

[Abrir a fila]({{ desk_link }})",
        ),
        LetterKind::SupportTicketUpdate => (
            "[{{ ticket_number }}] {{ subject }}",
            "{{ body }}

---

{{ author }} atualizou o seu pedido **{{ ticket_number }}**. [Ler tudo ou responder]({{ link }})

{{ business }}",
        ),
        LetterKind::TicketAutoAnswer => (
            "[{{ ticket_number }}] {{ subject }}",
            "{{ body }}

---

Esta é uma resposta automática ao seu pedido **{{ ticket_number }}**. [Ler tudo ou acrescentar algo]({{ link }})

{{ business }}",
        ),
        LetterKind::SupportCustomerReply => (
            "[{{ ticket_number }}] {{ author }} respondeu",
            "{{ author }} ({{ requester }}) escreveu em **{{ ticket_number }}** ({{ subject }}):

{{ body }}

[Abrir o ticket]({{ desk_link }})",
        ),
        LetterKind::TicketAssigned => (
            "[{{ ticket_number }}] é seu: {{ subject }}",
            "{{ author }} atribuiu-lhe **{{ ticket_number }}** (prioridade: {{ priority }}): {{ subject }}

[Abrir o ticket]({{ desk_link }})",
        ),
        LetterKind::SupportTicketUrgent => (
            "URGENTE: o ticket {{ ticket_number }} precisa de atenção",
            "{{ author }} encaminhou-lhe com urgência **{{ ticket_number }}** (prioridade: {{ priority }}): {{ subject }}

Por favor, veja-o agora.

[Abrir o ticket]({{ desk_link }})",
        ),
        LetterKind::TicketResolved => (
            "[{{ ticket_number }}] Resolvido: {{ subject }}",
            "Olá{% if name %}, {{ name }}{% endif %},

Cremos que o seu pedido **{{ ticket_number }}** está resolvido. Se não estiver, basta dizer-nos:

[Abrir o seu pedido]({{ link }})

{{ business }}",
        ),
        LetterKind::SatisfactionSurvey => (
            "[{{ ticket_number }}] Como correu?",
            "Olá{% if name %}, {{ name }}{% endif %},

O seu pedido **{{ ticket_number }}** está resolvido: {{ subject }}

O que achou da nossa ajuda? Basta um clique:

- [Muito boa]({{ link }}?score=5)
- [Boa]({{ link }}?score=4)
- [Nem boa nem má]({{ link }}?score=3)
- [Má]({{ link }}?score=2)
- [Muito má]({{ link }}?score=1)

Perguntamos apenas uma vez por cada pedido.

{{ business }}",
        ),
        LetterKind::TicketForward => (
            "[{{ ticket_number }}] {{ subject }}",
            "{{ body }}

---

{{ author }}, de {{ business }}, pede a sua ajuda com **{{ ticket_number }}**. A sua resposta é enviada à equipa e não ao cliente. [Responder]({{ link }})",
        ),
        LetterKind::TicketCopy => (
            "[{{ ticket_number }}] {{ subject }}",
            "{{ body }}

---

Recebe uma cópia do que {{ author }}, de {{ business }}, escreveu em **{{ ticket_number }}**.",
        ),
        LetterKind::TicketMention => (
            "[{{ ticket_number }}] {{ author }} mencionou o seu nome",
            "{{ author }} mencionou o seu nome numa nota em **{{ ticket_number }}** ({{ subject }}):

{{ body }}

[Abrir o ticket]({{ desk_link }})",
        ),
        LetterKind::VerifyEmail => (
            "Confirme o seu endereço",
            "Olá{% if name %}, {{ name }}{% endif %},

Por favor, confirme que este é o seu endereço:

[Confirmar o endereço]({{ link }})

A ligação é válida durante três dias. Se não criou uma conta, ignore esta mensagem.

{{ business }}",
        ),
        LetterKind::MagicLink => (
            "A sua ligação para iniciar sessão",
            "Olá{% if name %}, {{ name }}{% endif %},

Esta ligação inicia a sua sessão. É válida uma única vez, durante vinte minutos:

[Iniciar sessão]({{ link }})

Se não a pediu, ignore esta mensagem.

{{ business }}",
        ),
        LetterKind::PasswordReset => (
            "Defina uma nova palavra-passe",
            "Olá{% if name %}, {{ name }}{% endif %},

Defina aqui uma nova palavra-passe. A ligação é válida uma única vez, durante uma hora:

[Definir uma nova palavra-passe]({{ link }})

Se não a pediu, ignore esta mensagem; a sua palavra-passe não é alterada.

{{ business }}",
        ),
        LetterKind::AccountExists => (
            "Já tem uma conta",
            "Olá{% if name %}, {{ name }}{% endif %},

Foi pedida uma nova conta com este endereço, talvez por si. Já tem uma conta; inicie sessão, ou defina uma nova palavra-passe, aqui:

[Iniciar sessão]({{ link }})

Se o pedido não foi seu, não precisa de fazer nada.

{{ business }}",
        ),
    };
    Text { subject, body }
}

const fn priority(rank: usize) -> &'static str {
    ["baixa", "normal", "alta", "urgente"][rank]
}
