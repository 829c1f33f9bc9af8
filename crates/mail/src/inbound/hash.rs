use sha2::{Digest as _, Sha256};

/// Collects what a mail says into one hash. Two deliveries of one mail hash the same although servers on the way may
/// re-encode bodies, change line ends and add blanks at the ends of lines.
#[derive(Default)]
pub(super) struct BodyHash(Sha256);

impl BodyHash {
    /// Text that was decoded: without the blanks at the ends of its lines.
    pub(super) fn text(&mut self, kind: &str, text: &str) {
        self.0.update(kind.as_bytes());
        self.0.update(b"\0");
        for line in text.lines() {
            self.0.update(line.trim_end().as_bytes());
            self.0.update(b"\n");
        }
        self.0.update(b"\0");
    }

    /// A file, without its carriage returns at line ends and white space at its end: a file that is text may travel
    /// with either kind of line end, and which file is text its type does not reliably say.
    pub(super) fn file(&mut self, kind: &str, content: &[u8]) {
        self.0.update(kind.as_bytes());
        self.0.update(b"\0");
        for line in content.trim_ascii_end().split(|c| *c == b'\n') {
            self.0.update(line.strip_suffix(b"\r").unwrap_or(line));
            self.0.update(b"\n");
        }
        self.0.update(b"\0");
    }

    pub(super) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}
