//! What was said, as Markdown: for letters, which are made of it, and for what is quoted to others.

use base::Result;
use db::Read;

use super::model::*;
use crate::intake;

/// Plain text goes into a letter up to here, in bytes; the rest is in the ticket. What it takes to keep it plain has to
/// fit beside it.
const PLAIN_MAX: usize = 64 * 1024;

/// A message's words. Those of a mail are plain text, whoever wrote it: were they taken for Markdown, a serial number in
/// brackets would vanish, and a stranger's link could stand in our letter under a name of its own.
pub(super) fn as_markdown(read: &Read<'_>, message: &Message) -> Result<String> {
    // What was split off a ticket has no mail of its own, and is shown as it was shown there.
    let is_plain = intake::query::of_message(read, message.id)?.is_some()
        || message.body_html == mail::plain_to_html(&message.body).as_str();
    if !is_plain {
        return Ok(message.body.clone());
    }
    let shown = message.body.floor_char_boundary(PLAIN_MAX);
    let mut out = mail::plain_to_markdown(&message.body[..shown]);
    if shown < message.body.len() {
        out.push('…');
    }
    Ok(out)
}
