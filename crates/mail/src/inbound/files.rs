use super::{content_type::ContentType, words};

const MAX_CHARS: usize = 150;

/// The name a file is shown and offered under. What the mail gives is only made harmless, not believed: the type is
/// told from the bytes, elsewhere.
pub(super) fn filename(kind: &ContentType) -> String {
    kind.name.as_deref().and_then(safe).unwrap_or_else(|| made_up(&kind.kind).to_owned())
}

/// `None` when nothing is left of it.
fn safe(name: &str) -> Option<String> {
    // Some programs send the whole path, of either kind of system.
    let last = name.rsplit(['/', '\\']).find(|piece| !piece.trim().is_empty())?;
    let clean: String = last
        .chars()
        .map(|c| if "<>:\"|?*".contains(c) || c.is_control() { '_' } else { c })
        .filter(|c| !words::misleads(*c))
        .collect();
    // A name that begins with a dot is hidden on some systems; one that ends in a dot or a blank is another on others.
    let clean = words::line(&clean, usize::MAX);
    let clean = clean.trim_matches([' ', '.']);
    if clean.is_empty() {
        return None;
    }
    Some(shorten(clean))
}

/// Keeps the ending, by which people know what it is.
fn shorten(name: &str) -> String {
    let length = name.chars().count();
    if length <= MAX_CHARS {
        return name.to_owned();
    }
    let (stem, ending) = match name.rsplit_once('.') {
        Some((stem, ending)) if !ending.is_empty() && ending.chars().count() <= 10 => (stem, ending),
        _ => (name, ""),
    };
    let room = MAX_CHARS - ending.chars().count() - 1;
    let stem: String = stem.chars().take(room).collect();
    if ending.is_empty() { stem } else { format!("{stem}.{ending}") }
}

fn made_up(kind: &str) -> &'static str {
    match kind {
        "message/rfc822" | "message/global" => "message.eml",
        "message/delivery-status" | "message/global-delivery-status" => "delivery-status.txt",
        "message/disposition-notification" => "receipt.txt",
        "message/feedback-report" => "feedback-report.txt",
        "text/rfc822-headers" | "message/global-headers" => "headers.txt",
        "text/calendar" => "invitation.ics",
        "text/vcard" | "text/x-vcard" | "text/directory" => "card.vcf",
        "text/html" => "text.html",
        "text/csv" => "table.csv",
        "application/ms-tnef" | "application/vnd.ms-tnef" => "winmail.dat",
        "application/pdf" => "document.pdf",
        "application/pgp-signature" => "signature.asc",
        "application/pgp-encrypted" => "version.txt",
        "application/pkcs7-signature" | "application/x-pkcs7-signature" => "smime.p7s",
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => "smime.p7m",
        "application/zip" | "application/x-zip-compressed" => "archive.zip",
        "image/png" => "image.png",
        "image/jpeg" | "image/jpg" => "image.jpg",
        "image/gif" => "image.gif",
        "image/webp" => "image.webp",
        "image/svg+xml" => "image.svg",
        "image/heic" => "image.heic",
        kind if kind.starts_with("image/") => "image",
        kind if kind.starts_with("audio/") => "audio",
        kind if kind.starts_with("video/") => "video",
        kind if kind.starts_with("text/") => "text.txt",
        _ => "attachment.bin",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_harmless() {
        for (name, expected) in [
            ("a b.pdf", Some("a b.pdf")),
            ("../../etc/passwd", Some("passwd")),
            ("C:\\Users\\ada\\bill.pdf", Some("bill.pdf")),
            ("bill\u{202e}fdp.exe", Some("billfdp.exe")),
            ("bill.p\u{200b}hp", Some("bill.php")),
            ("a\r\nb\0.txt", Some("a__b_.txt")),
            ("<script>.txt", Some("_script_.txt")),
            (".htaccess", Some("htaccess")),
            ("x. .", Some("x")),
            ("..", None),
            (" ", None),
            ("Größe.pdf", Some("Größe.pdf")),
        ] {
            assert_eq!(safe(name).as_deref(), expected, "{name:?}");
        }
        let long = safe(&format!("{}.pdf", "ä".repeat(300))).unwrap();
        assert_eq!((long.chars().count(), long.ends_with("ä.pdf")), (150, true));
        assert_eq!(safe(&"a".repeat(300)).unwrap().len(), 149);
    }
}
