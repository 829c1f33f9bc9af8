//! E-mail. A letter is rendered and stored with its cause; sending it is a job.
//!
//! Every kind of letter has words in five languages (`words`). A tenant's own words go before ours, also where it has not
//! written them in the reader's language: see [`template_of`].
//!
//! The rule this room protects: a letter leaves under one Message-ID for ever, so whatever happens to the process, a
//! mail system that sees it twice can tell.

mod budget;
mod kind;
pub mod layout;
mod outbox;
mod secret;
mod send;
mod template;
mod ways;
mod words;

pub use budget::tell_of_pause;
pub use kind::LetterKind;
pub use outbox::{
    Letter, LetterFile, LetterFilter, Named, NewLetter, Posted, Shown, bounced, by_message_id, files,
    forget_ticket, get, list, post, post_dispensable, post_test, resend, search,
};
pub use secret::{MESSAGE_IDS, of as secret_of};
pub use send::{Parcel, SendLetter, Sender, Settled, parcel};
pub use template::{
    Edited, Rendered, Sample, Template, changed, check as check_template, default_of, edited, render, reset,
    save, template_of,
};
pub use ways::{Way, Ways};
pub use words::LANGUAGES;
