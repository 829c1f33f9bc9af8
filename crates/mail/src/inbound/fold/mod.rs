//! What is said, what is quoted, and the signature: a view of a text that leaves the text as it is.
//!
//! The rule it protects: folding hides nothing for good and never what is new. The pieces put together are the text,
//! byte for byte; what is in doubt is said; an answer between quotations is said; and a text that would be folded
//! away as a whole is not folded.

mod openers;
mod signatures;

pub(super) use openers::{author_line, is_forward_marker};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PieceKind {
    Said,
    /// Somebody else's words, with the line above them that says whose they are.
    Quoted,
    Signature,
}

/// A stretch of whole lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub kind: PieceKind,
    pub text: String,
}

/// Splits a text as [`super::Incoming::text`] has it. Neighbouring pieces are of different kinds.
pub fn fold(text: &str) -> Vec<Piece> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut kinds = kinds(&lines);
    let blank = |line: &&str| line.trim().is_empty();
    let is_said = |(line, kind): (&&str, &PieceKind)| *kind == PieceKind::Said && !blank(line);
    if !lines.iter().zip(&kinds).any(is_said) {
        // Nothing but quotation: a mail that was forwarded without a word. Then that is what it says.
        kinds.iter_mut().filter(|kind| **kind == PieceKind::Quoted).for_each(|kind| *kind = PieceKind::Said);
    }
    // Empty lines are nobody's; they stay with what is before them, so that no piece is empty to look at.
    let mut before = None;
    for (line, kind) in lines.iter().zip(&mut kinds) {
        if blank(line)
            && let Some(before) = before
        {
            *kind = before;
        }
        before = Some(*kind);
    }
    let mut pieces: Vec<Piece> = Vec::new();
    for (line, kind) in lines.into_iter().zip(kinds) {
        match pieces.last_mut() {
            Some(last) if last.kind == kind => last.text.push_str(line),
            _ => pieces.push(Piece { kind, text: line.to_owned() }),
        }
    }
    pieces
}

fn kinds(lines: &[&str]) -> Vec<PieceKind> {
    let mut kinds = vec![PieceKind::Said; lines.len()];
    let below = signatures::Below::of(lines);
    let mut set = |from: usize, to: usize, kind| {
        kinds.iter_mut().take(to).skip(from).for_each(|one| *one = kind);
    };
    let mut i = 0;
    while let Some(line) = lines.get(i) {
        if is_forward_marker(line.trim()) {
            // What somebody forwards is what they want to say, also where their program marks it as a quotation.
            i = openers::after_header_block(lines, i + 1);
            i = run_of_quotes(lines, i);
        } else if is_quote(lines, i) {
            let end = run_of_quotes(lines, i);
            set(i, end, PieceKind::Quoted);
            i = end;
        } else if let Some(opener) = openers::at(lines, i) {
            let next = next_text(lines, i + opener.lines);
            let quotes_follow = next.is_some_and(|next| is_quote(lines, next));
            match next {
                Some(next) if quotes_follow => {
                    set(i, next, PieceKind::Quoted);
                    i = next;
                }
                // Without marks nobody can tell where the quotation ends: it does at the end.
                _ if opener.is_sure => {
                    set(i, lines.len(), PieceKind::Quoted);
                    i = lines.len();
                }
                _ => i += 1,
            }
        } else if let Some(end) = signatures::at(lines, i, &below) {
            set(i, end, PieceKind::Signature);
            i = end;
        } else {
            i += 1;
        }
    }
    kinds
}

/// A quoted line. `>From` is how mail servers write a line that begins with `From`.
fn is_quote(lines: &[&str], i: usize) -> bool {
    let marked = |i: usize| lines.get(i).is_some_and(|line| line.trim_start().starts_with('>'));
    let escaped = lines.get(i).is_some_and(|line| line.starts_with(">From "));
    marked(i) && (!escaped || marked(i + 1) || i.checked_sub(1).is_some_and(marked))
}

/// The end of the quoted lines that start here, with the empty lines between them.
fn run_of_quotes(lines: &[&str], from: usize) -> usize {
    let mut end = from;
    let mut i = from;
    while let Some(line) = lines.get(i) {
        if is_quote(lines, i) {
            end = i + 1;
        } else if !line.trim().is_empty() {
            break;
        }
        i += 1;
    }
    end
}

fn next_text(lines: &[&str], from: usize) -> Option<usize> {
    let found = lines.iter().skip(from).position(|line| !line.trim().is_empty())?;
    Some(from + found)
}

/// A line in lower case without the white space and the emphasis around it; `None` for one that is too long to be a
/// mail program's.
fn short(line: &str, bytes: usize) -> Option<String> {
    let line = line.trim().trim_matches('*').trim();
    (line.len() <= bytes).then(|| line.to_lowercase().replace(['\u{a0}', '\u{202f}'], " "))
}
