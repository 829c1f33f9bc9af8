//! Files of a message as its letter has them: along with it, or named in it.

use notices::letters::LetterFile;

use super::model::*;

/// Files go along up to this many bytes in all; beyond that the letter names them. Base64 makes a third more of them, and
/// many servers take 10 MB.
const FILES_MAX_BYTES: u64 = 7_000_000;

/// The files that go along with a message: all of them, or none.
pub(super) fn files_of(message: &Message) -> Vec<LetterFile> {
    let sum: u64 = message.attachments.iter().map(|a| a.size_bytes).sum();
    if sum > FILES_MAX_BYTES {
        return Vec::new();
    }
    let file = |a: &Attachment| LetterFile {
        filename: a.filename.clone(),
        content_type: a.content_type.clone(),
        size_bytes: a.size_bytes,
        sha256: a.sha256,
    };
    message.attachments.iter().map(file).collect()
}

/// What is said, and beneath it the files that are too large to go along, with where they are.
pub(super) fn with_files(said: &str, message: &Message, files: &[LetterFile], link: Option<&str>) -> String {
    if message.attachments.len() == files.len() {
        return said.to_owned();
    }
    let mut out = format!("{said}\n");
    for a in &message.attachments {
        // Whoever sent it chose the name.
        let name = mail::plain_to_markdown(&a.filename);
        let megabytes = a.size_bytes as f64 / 1_000_000.0;
        let name = link.map_or(name.clone(), |link| format!("[{name}]({link})"));
        out.push_str(&format!("\n- {name} ({megabytes:.1} MB)"));
    }
    out
}
