use sha2::{Digest as _, Sha256};

/// Collects what a mail says into one hash. Two deliveries of one mail hash the same although servers on the way may
/// re-encode bodies, change line ends and add blanks at the ends of lines.
#[derive(Default)]
pub(super) struct BodyHash(Sha256);

impl BodyHash {
    /// Text that was decoded: without the blanks at the ends of its lines.
    pub(super) fn text(&mut self, kind: &str, text: &str) {
        self.0.update(kind.as_bytes());
        for line in text.lines() {
            self.0.update(line.trim_end().as_bytes());
            self.0.update(b"\n");
        }
        // A zero is in no text, so what follows cannot be taken for a part of it.
        self.0.update(b"\0");
    }

    pub(super) fn file(&mut self, kind: &str, content: &[u8]) {
        self.0.update(kind.as_bytes());
        if kind.starts_with("text/") || kind.starts_with("message/") {
            let end = content.trim_ascii_end().len();
            let text = content.get(..end).unwrap_or_default();
            for line in text.split(|c| *c == b'\n') {
                self.0.update(line.strip_suffix(b"\r").unwrap_or(line));
                self.0.update(b"\n");
            }
            self.0.update(b"\0");
        } else {
            self.0.update((content.len() as u64).to_be_bytes());
            self.0.update(content);
        }
    }

    pub(super) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}
