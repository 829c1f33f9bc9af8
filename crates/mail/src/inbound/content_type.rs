use mail_parser::{ContentType as Parsed, HeaderValue, parsers::MessageStream};

use super::{headers::Headers, words};

/// A longer header says nothing more; merging its parameters would take a time that grows with their square.
const MAX_BYTES: usize = 8 * 1024;

/// What a part says it is (RFC 2045, 5; RFC 2183).
#[derive(Clone, Debug, Default)]
pub(super) struct ContentType {
    /// `type/subtype` in lower case.
    pub(super) kind: String,
    pub(super) charset: Option<String>,
    pub(super) boundary: Option<String>,
    /// The file's name as the mail has it: Content-Disposition's, or else Content-Type's.
    pub(super) name: Option<String>,
    /// `report-type` of a multipart/report (RFC 6522), in lower case.
    pub(super) report: Option<String>,
    /// `method` of a text/calendar (RFC 6047), in lower case.
    pub(super) method: Option<String>,
    pub(super) disposition: Disposition,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Disposition {
    #[default]
    None,
    Inline,
    Attachment,
}

impl ContentType {
    /// `absent` is what a part without a Content-Type is.
    pub(super) fn of(headers: &Headers<'_>, absent: &str) -> Self {
        let value = headers.first("content-type").map(short).unwrap_or_default();
        let parsed = parse(&value);
        let parameter = |name: &str| {
            parsed.as_ref().and_then(|parsed| parsed.attribute(name)).map(str::trim).filter(|v| !v.is_empty())
        };
        let lower = |name: &str| parameter(name).map(str::to_ascii_lowercase);
        let kind = match &parsed {
            Some(parsed) => kind(parsed),
            None => absent.to_owned(),
        };
        let disposed = headers.first("content-disposition").map(short).unwrap_or_default();
        let disposition = match parse(&disposed) {
            // RFC 2183, 2.8: what is unknown is an attachment.
            Some(parsed) if parsed.ctype().eq_ignore_ascii_case("inline") => Disposition::Inline,
            Some(parsed) if !parsed.ctype().is_empty() => Disposition::Attachment,
            _ => Disposition::None,
        };
        Self {
            kind,
            charset: parameter("charset").map(str::to_owned),
            boundary: parameter("boundary").map(str::to_owned),
            name: name(&disposed, "filename").or_else(|| name(&value, "name")),
            report: lower("report-type"),
            method: lower("method"),
            disposition,
        }
    }

    pub(super) fn plain() -> Self {
        Self { kind: "text/plain".to_owned(), ..Self::default() }
    }

    pub(super) fn is_multipart(&self) -> bool {
        self.kind.starts_with("multipart/")
    }

    pub(super) fn is_message(&self) -> bool {
        matches!(self.kind.as_str(), "message/rfc822" | "message/global")
    }
}

fn short(mut value: String) -> String {
    value.truncate(value.floor_char_boundary(MAX_BYTES));
    value
}

fn parse(value: &str) -> Option<Parsed<'static>> {
    // The parser wants the end of the line to see the end of the value.
    let line = format!("{value}\n");
    match MessageStream::new(line.as_bytes()).parse_content_type().into_owned() {
        HeaderValue::ContentType(parsed) => Some(parsed),
        _ => None,
    }
}

fn kind(parsed: &Parsed<'_>) -> String {
    let token = |text: &str| {
        !text.is_empty()
            && text.len() <= 100
            && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&c))
    };
    let main = parsed.ctype().to_ascii_lowercase();
    match parsed.subtype().map(str::to_ascii_lowercase) {
        Some(sub) if token(&main) && token(&sub) => format!("{main}/{sub}"),
        // Old programs, and RFC 2045, 5.2: what cannot be read is plain text.
        _ if main == "text" => "text/plain".to_owned(),
        _ => "application/octet-stream".to_owned(),
    }
}

/// A name, also when it is written as an encoded word, which RFC 2047 forbids here and half the programs do.
fn name(value: &str, parameter: &str) -> Option<String> {
    let parsed = parse(&words::normalise(value))?;
    let name = parsed.attribute(parameter)?;
    let name = words::decode(name);
    (!name.trim().is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(raw: &str) -> ContentType {
        ContentType::of(&Headers::of(raw.as_bytes()), "text/plain")
    }

    #[test]
    fn reads_types() {
        let one = of("Content-Type: Multipart/Mixed;\r\n boundary=\"a b=?c\"\r\n\r\n");
        assert_eq!((one.kind.as_str(), one.boundary.as_deref()), ("multipart/mixed", Some("a b=?c")));
        let one = of("Content-Type: TEXT/plain; charset=\"ISO-8859-1\"; format=flowed\n\n");
        assert_eq!((one.kind.as_str(), one.charset.as_deref()), ("text/plain", Some("ISO-8859-1")));
        assert_eq!(of("Content-Type: text\n\n").kind, "text/plain");
        assert_eq!(of("Content-Type: \"><script>\n\n").kind, "application/octet-stream");
        assert_eq!(of("Subject: x\n\n").kind, "text/plain");
    }

    #[test]
    fn reads_names() {
        for (raw, name) in [
            ("Content-Disposition: attachment; filename=\"a b.pdf\"", Some("a b.pdf")),
            ("Content-Disposition: attachment; filename*=utf-8''R%C3%A9sum%C3%A9.pdf", Some("Résumé.pdf")),
            (
                "Content-Disposition: attachment; filename*0*=utf-8''R%C3%A9; filename*1=\"sum.pdf\"",
                Some("Résum.pdf"),
            ),
            ("Content-Type: image/png; name=\"=?iso-8859-1?Q?M=FCll.png?=\"", Some("Müll.png")),
            ("Content-Type: image/png; name==?utf-8?B?w7wucG5n?=", Some("ü.png")),
            ("Content-Type: image/png", None),
        ] {
            assert_eq!(of(&format!("{raw}\r\n\r\n")).name.as_deref(), name, "{raw}");
        }
        assert_eq!(of("Content-Disposition: ATTACHMENT\n\n").disposition, Disposition::Attachment);
        assert_eq!(of("Content-Disposition: inline; filename=x\n\n").disposition, Disposition::Inline);
    }

    #[test]
    fn many_parameters_are_quick() {
        let started = std::time::Instant::now();
        let many: String = (0..20_000).map(|i| format!("; name*{i}=aaaa")).collect();
        of(&format!("Content-Type: text/plain{many}\n\n"));
        assert!(started.elapsed().as_secs() < 5);
    }
}
