//! E-mail. A letter is rendered and stored with its cause; sending it is a job.
//!
//! The rule this room protects: a letter leaves under one Message-ID for ever, so whatever happens to the process, a
//! mail system that sees it twice can tell.

mod budget;
mod kind;
mod outbox;
mod secret;
mod send;
mod template;

pub use kind::LetterKind;
pub use outbox::{
    Letter, LetterFile, LetterFilter, NewLetter, Posted, bounced, by_message_id, files, get, list, post,
    resend, search,
};
pub use secret::{MESSAGE_IDS, of as secret_of};
pub use send::{Parcel, SendLetter, Sender, Settled, parcel};
pub use template::{Template, changed, check as check_template, reset, sample, save, template_of};
