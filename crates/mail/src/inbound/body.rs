use std::collections::HashSet;

use super::{
    File, charset, content_type::Disposition, files, hash::BodyHash, html_text::html_to_text, ids, text,
    transfer, tree::Leaf,
};
use crate::clean::escape;

/// What a message says and brings.
#[derive(Debug)]
pub(super) struct Body {
    /// Normal, not yet cut.
    pub(super) text: String,
    pub(super) html: Option<String>,
    pub(super) files: Vec<File>,
    pub(super) hash: [u8; 32],
}

/// A stretch of the message that is shown: one text, or the versions of one in a multipart/alternative.
#[derive(Default)]
struct Stretch {
    alternative: Option<usize>,
    plain: Option<String>,
    html: Option<String>,
}

impl Stretch {
    /// HTML without a plain version, or with one that says nothing, is read for its words.
    fn words(&self) -> String {
        match (&self.plain, &self.html) {
            (Some(plain), _) if !plain.trim().is_empty() => plain.clone(),
            (_, Some(html)) => text::normalise(&html_to_text(html)),
            (plain, None) => plain.clone().unwrap_or_default(),
        }
    }

    fn markup(&self) -> String {
        match (&self.html, &self.plain) {
            (Some(html), _) => html.clone(),
            (None, Some(plain)) => format!("<pre>{}</pre>", escape(plain)),
            (None, None) => String::new(),
        }
    }
}

/// Which leaves are the message's own words.
pub(super) fn assemble(leaves: &[Leaf<'_>]) -> Body {
    let mut shown: Vec<bool> = leaves.iter().map(|leaf| is_words(leaf) && leaf.kind.name.is_none()).collect();
    if !shown.contains(&true)
        && let Some(first) = leaves.iter().position(is_words)
        && let Some(flag) = shown.get_mut(first)
    {
        // Some programs give the text itself a name. With nothing else to show, that is what it is.
        *flag = true;
    }
    let mut stretches: Vec<Stretch> = Vec::new();
    let mut files: Vec<File> = Vec::new();
    let mut hash = BodyHash::default();
    for (leaf, shown) in leaves.iter().zip(shown) {
        let encoding = leaf.headers.first("content-transfer-encoding");
        let content = transfer::decode(leaf.body, encoding.as_deref());
        if shown {
            let decoded = charset::decode(&content, leaf.kind.charset.as_deref());
            hash.text(&leaf.kind.kind, &text::normalise(&decoded));
            add(&mut stretches, leaf, decoded);
        } else if !is_nothing(leaf, &content) {
            hash.file(&leaf.kind.kind, &content);
            files.push(File {
                filename: files::filename(&leaf.kind),
                content_type: leaf.kind.kind.clone(),
                content_id: content_id(leaf),
                is_inline: false,
                content: content.into_owned(),
            });
        }
    }
    let html = stretches.iter().any(|stretch| stretch.html.is_some()).then(|| {
        stretches.iter().map(Stretch::markup).filter(|html| !html.is_empty()).collect::<Vec<_>>().join("\n")
    });
    let words: Vec<String> =
        stretches.iter().map(Stretch::words).filter(|words| !words.trim().is_empty()).collect();
    mark_inline(&mut files, leaves, html.as_deref().unwrap_or_default());
    Body { text: words.join("\n\n"), html, files, hash: hash.finish() }
}

/// Text that a mail program would show below the headers.
fn is_words(leaf: &Leaf<'_>) -> bool {
    matches!(leaf.kind.kind.as_str(), "text/plain" | "text/html")
        && leaf.kind.disposition != Disposition::Attachment
}

/// Not worth a file: a version of the text for another kind of reader, or a part that is empty and has no name.
fn is_nothing(leaf: &Leaf<'_>, content: &[u8]) -> bool {
    let other_version = leaf.alternative.is_some()
        && matches!(leaf.kind.kind.as_str(), "text/x-amp-html" | "text/watch-html" | "text/enriched");
    other_version || (content.is_empty() && leaf.kind.name.is_none())
}

fn add(stretches: &mut Vec<Stretch>, leaf: &Leaf<'_>, decoded: String) {
    let same = stretches
        .last_mut()
        .filter(|last| last.alternative.is_some() && last.alternative == leaf.alternative);
    let stretch = match same {
        Some(last) => last,
        None => {
            stretches.push(Stretch { alternative: leaf.alternative, ..Stretch::default() });
            let Some(last) = stretches.last_mut() else { return };
            last
        }
    };
    let (place, decoded) = if leaf.kind.kind == "text/html" {
        // A zero would end the text for many readers, and HTML has no use for one.
        (&mut stretch.html, decoded.replace('\0', ""))
    } else {
        (&mut stretch.plain, text::normalise(&decoded))
    };
    match place {
        // Pictures between two texts of one version: Apple Mail writes it so.
        Some(before) => {
            before.push_str("\n\n");
            before.push_str(&decoded);
        }
        None => *place = Some(decoded),
    }
}

fn content_id(leaf: &Leaf<'_>) -> Option<String> {
    let value = leaf.headers.first("content-id")?;
    let id = ids::parse(&value).into_iter().next();
    // Not every program writes an address there.
    let id = id.or_else(|| {
        let bare = value.trim().trim_matches(['<', '>']).to_owned();
        (!bare.is_empty() && bare.len() <= 200 && bare.bytes().all(|c| c.is_ascii_graphic())).then_some(bare)
    })?;
    (!id.contains(['"', '\''])).then_some(id)
}

/// A picture is inline when the HTML shows it, whatever its disposition says (Outlook calls them attachments), or when
/// the mail says so and nothing contradicts.
fn mark_inline(files: &mut [File], leaves: &[Leaf<'_>], html: &str) {
    let shown = if files.iter().any(|file| file.content_id.is_some()) { cids(html) } else { HashSet::new() };
    let says_inline: HashSet<&str> = leaves
        .iter()
        .filter(|leaf| leaf.kind.disposition == Disposition::Inline && leaf.kind.kind.starts_with("image/"))
        .filter_map(|leaf| leaf.kind.name.as_deref())
        .collect();
    for file in files.iter_mut().filter(|file| file.content_type.starts_with("image/")) {
        let is_shown = file.content_id.as_deref().is_some_and(|id| shown.contains(id));
        file.is_inline = is_shown || says_inline.contains(file.filename.as_str());
    }
}

/// The content ids that the HTML refers to, found in one pass.
fn cids(html: &str) -> HashSet<String> {
    let mut found = HashSet::new();
    let mut rest = html;
    while let Some(at) = rest.find(':') {
        let (before, after) = rest.split_at(at);
        let after = after.get(1..).unwrap_or_default();
        let is_cid = before.len().checked_sub(3).and_then(|start| before.get(start..));
        rest = after;
        if is_cid.is_some_and(|scheme| scheme.eq_ignore_ascii_case("cid")) {
            let end = after.find(|c: char| c.is_whitespace() || "\"'<>)".contains(c)).unwrap_or(after.len());
            let (id, behind) = after.split_at(end);
            // What was looked at is not looked at again, also when it is too long to be an id.
            rest = behind;
            if id.len() <= 300 {
                found.insert(percent_decoded(id));
            }
        }
    }
    found
}

/// RFC 2392 has `cid:` URLs escaped; most programs do not.
fn percent_decoded(id: &str) -> String {
    let bytes: Vec<u8> = id.bytes().map(|c| if c == b'%' { b'=' } else { c }).collect();
    if id.contains('%') && !id.contains('=') {
        String::from_utf8_lossy(&transfer::quoted_printable(&bytes)).into_owned()
    } else {
        id.to_owned()
    }
}
