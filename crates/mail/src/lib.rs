//! E-mail as data: text in, bytes out, and bytes in, text out. Nothing here opens a socket, reads a clock or draws a random number.
//!
//! | word | what it is |
//! |---|---|
//! | [`Letter`], [`compose`] | one outgoing letter, and its bytes as they go over the wire |
//! | [`HeaderText`] | text that may stand in a header: it cannot hold a line break |
//! | [`message_id`] | the Message-ID of a letter, the same for every attempt to send it |
//! | [`SafeHtml`] | HTML that passed [`clean`] or [`markdown::to_html`]; there is no other way to make one |
//! | [`inbound`] | mail that comes in: its words, files, people and signs of robots |
//! | [`markdown`] | what people write, as HTML and as plain text |

mod address;
mod clean;
mod compose;
mod header;
pub mod inbound;
pub mod markdown;
mod message_id;
mod plain_text;
mod written;

pub use address::wire_address;
pub use clean::{SafeHtml, clean};
pub use compose::{AttachedFile, Letter, Mailbox, compose};
pub use header::HeaderText;
pub use message_id::{message_id, signed_letter};
pub use written::{plain_to_html, plain_to_markdown};
