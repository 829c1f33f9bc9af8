//! Text as words: the one tokenizer, for both engines and for marking hits.
//!
//! NFKC, then case and accents folded away; words of letters and digits; Han, Kana and Hangul as overlapping pairs;
//! a ticket's number (`SUP-00042`) as one word. Whatever goes through it twice comes out the same.

use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// A word longer than this is known by its beginning.
const WORD_MAX_CHARS: usize = 64;

/// A word, folded, and the bytes of the text it was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    pub start: usize,
    pub end: usize,
    /// The last character of a run of Han, Kana or Hangul, alone: so that every character begins some token.
    pub is_tail: bool,
}

/// A folded character and where it came from.
#[derive(Clone, Copy)]
struct Folded {
    c: char,
    start: usize,
    end: usize,
}

/// The words of a text, in order.
pub fn tokenize(text: &str) -> Vec<Token> {
    let chars = fold(text);
    let mut out = Vec::with_capacity(chars.len() / 5 + 1);
    let mut i = 0;
    while i < chars.len() {
        let c = chars[i].c;
        if is_pairwise(c) {
            let end = run(&chars, i, is_pairwise);
            pairs(&chars[i..end], &mut out);
            i = end;
        } else if is_word(c) {
            let end = run(&chars, i, is_word_only);
            let end = number(&chars, i, end).unwrap_or(end);
            out.push(word(&chars[i..end]));
            i = end;
        } else {
            i += 1;
        }
    }
    out
}

fn run(chars: &[Folded], from: usize, belongs: fn(char) -> bool) -> usize {
    chars[from..].iter().position(|f| !belongs(f.c)).map_or(chars.len(), |n| from + n)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || (!c.is_ascii() && is_combining_mark(c))
}
fn is_word_only(c: char) -> bool {
    is_word(c) && !is_pairwise(c)
}

/// Scripts written without spaces between words, and Hangul, whose words carry their endings.
fn is_pairwise(c: char) -> bool {
    matches!(c,
        '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ac00}'..='\u{d7a3}' | '\u{1100}'..='\u{11ff}'
        | '\u{20000}'..='\u{3ffff}')
        && is_word(c)
}

fn word(run: &[Folded]) -> Token {
    let text = run.iter().take(WORD_MAX_CHARS).map(|f| f.c).collect();
    Token { text, start: run[0].start, end: run[run.len() - 1].end, is_tail: false }
}

fn pairs(run: &[Folded], out: &mut Vec<Token>) {
    for (i, first) in run.iter().enumerate() {
        let second = run.get(i + 1);
        let text = std::iter::once(first).chain(second).map(|f| f.c).collect();
        let (end, is_tail) = (second.unwrap_or(first).end, second.is_none() && run.len() > 1);
        out.push(Token { text, start: first.start, end, is_tail });
    }
}

/// Where a ticket's number ends that begins with the letters from `start` to `end`: `SUP-00042`, `TCK-7ZK3…`.
fn number(chars: &[Folded], start: usize, end: usize) -> Option<usize> {
    let letters = &chars[start..end];
    let are_letters = (2..=5).contains(&letters.len()) && letters.iter().all(|f| f.c.is_ascii_lowercase());
    if !are_letters || chars.get(end)?.c != '-' || !is_word_only(chars.get(end + 1)?.c) {
        return None;
    }
    let stop = run(chars, end + 1, is_word_only);
    let rest = &chars[end + 1..stop];
    let counted = (4..=12).contains(&rest.len()) && rest.iter().all(|f| f.c.is_ascii_digit());
    let random = rest.len() == 12
        && letters.iter().map(|f| f.c).eq("tck".chars())
        && rest.iter().all(|f| f.c.is_ascii_alphanumeric());
    (counted || random).then_some(stop)
}

/// Every character folded, with the bytes it came from. Marks belong to the character before them.
fn fold(text: &str) -> Vec<Folded> {
    let mut out = Vec::with_capacity(text.len());
    let mut chars = text.char_indices().peekable();
    while let Some((start, c)) = chars.next() {
        let mut end = start + c.len_utf8();
        let mut joined = false;
        while let Some(&(at, next)) = chars.peek() {
            if next.is_ascii() || !continues(next) {
                break;
            }
            chars.next();
            end = at + next.len_utf8();
            joined = true;
        }
        if c.is_ascii() && !joined {
            out.push(Folded { c: c.to_ascii_lowercase(), start, end });
        } else {
            let folded = fold_cluster(&text[start..end]);
            out.extend(folded.chars().map(|c| Folded { c, start, end }));
        }
    }
    out
}

/// Marks, the parts of a Hangul syllable after its first, half-width voicing marks, the one letter besides these that
/// composes with the letter before it (Kirat Rai), and what is not seen.
fn continues(c: char) -> bool {
    is_combining_mark(c)
        || matches!(c, '\u{1160}'..='\u{11ff}' | '\u{ff9e}' | '\u{ff9f}' | '\u{16d67}')
        || is_unseen(c)
}
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}
/// Accents and vowel points that people leave out when they search. Marks that spell a word stay.
fn is_accent(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}')
}

fn fold_cluster(cluster: &str) -> String {
    let mut text: String = cluster.to_owned();
    // Few characters need a second turn: those whose folding uncovers something to fold.
    for _ in 0..4 {
        let next: String = text
            .nfkc()
            .filter(|c| !is_unseen(*c))
            .flat_map(char::to_uppercase)
            .flat_map(char::to_lowercase)
            .nfkd()
            .filter(|c| !is_accent(*c) && !is_unseen(*c))
            .nfc()
            .collect();
        if next == text {
            break;
        }
        text = next;
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> Vec<String> {
        tokenize(text).into_iter().map(|t| t.text).collect()
    }

    #[test]
    fn words_are_folded() {
        for (text, expected) in [
            ("Crème BRÛLÉE, très bon!", vec!["creme", "brulee", "tres", "bon"]),
            ("STRASSE Straße ſtraße", vec!["strasse", "strasse", "strasse"]),
            ("İstanbul ISTANBUL ıstanbul", vec!["istanbul", "istanbul", "istanbul"]),
            ("ΟΔΟΣ οδος οδός", vec!["οδοσ", "οδοσ", "οδοσ"]),
            ("ﬁber ＷＩＤＥ ①", vec!["fiber", "wide", "1"]),
            ("e\u{301}te été", vec!["ete", "ete"]),
            ("don't wi-fi ada@example.org", vec!["don", "t", "wi", "fi", "ada", "example", "org"]),
            ("soft\u{ad}hyphen zero\u{200b}width", vec!["softhyphen", "zerowidth"]),
            ("हिन्दी में", vec!["हिन्दी", "में"]),
            ("Ёлка Йод", vec!["елка", "иод"]),
            ("", vec![]),
            ("… !? 🙂", vec![]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn numbers_of_tickets_are_whole() {
        assert_eq!(words("see SUP-00042, sup-00042."), ["see", "sup-00042", "sup-00042"]);
        assert_eq!(words("TCK-7ZK3AB2QX9RM"), ["tck-7zk3ab2qx9rm"]);
        assert_eq!(
            words("USB-3 TR-181 wi-fi-6 a-1234"),
            ["usb", "3", "tr", "181", "wi", "fi", "6", "a", "1234"]
        );
        assert_eq!(words("SUP-00042x x-SUP-00042"), ["sup", "00042x", "x", "sup-00042"]);
    }

    #[test]
    fn han_kana_and_hangul_are_pairs() {
        assert_eq!(words("日本語"), ["日本", "本語", "語"]);
        assert_eq!(words("東"), ["東"]);
        assert_eq!(words("ルーター故障 ok"), ["ルー", "ータ", "ター", "ー故", "故障", "障", "ok"]);
        assert_eq!(words("ｶﾞｽ"), words("ガス"));
        assert_ne!(words("か"), words("が"), "a voiced kana is another letter");
        assert_eq!(words("인터넷"), ["인터", "터넷", "넷"]);
        assert_eq!(words("\u{110b}\u{1175}\u{11ab}"), ["인"], "jamo make a syllable");
        assert_eq!(words("IP電話"), ["ip", "電話", "話"]);
        assert_eq!(words("\u{16d68}"), words("\u{16d67}\u{16d67}"));
    }

    #[test]
    fn tokens_know_their_place() {
        let text = "Die Größe von SUP-00042: e\u{301}té";
        for token in tokenize(text) {
            let piece = &text[token.start..token.end];
            assert_eq!(words(piece), [token.text.as_str()], "{piece}");
        }
        assert_eq!(tokenize("x ABCé y")[1], Token { text: "abce".into(), start: 2, end: 7, is_tail: false });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn a_token_is_its_own_token(text in "\\PC{0,60}") {
            for token in tokenize(&text) {
                let again = words(&token.text);
                prop_assert_eq!(&again[0], &token.text, "{:?}", text);
                prop_assert!(again.len() == 1 || token.text.chars().all(is_pairwise), "{:?} {:?}", text, again);
                prop_assert!(token.text.chars().count() <= WORD_MAX_CHARS);
                prop_assert!(text.is_char_boundary(token.start) && text.is_char_boundary(token.end) && token.start < token.end);
                prop_assert!(!token.text.contains([' ', '"', '\'', '\\', '~', '*', ':']));
            }
        }

        #[test]
        fn case_does_not_matter(text in "[a-zA-Z0-9äöüßéèçñøÅŁžšğİıάΣς А-я'.-]{0,60}") {
            prop_assert_eq!(words(&text), words(&text.to_uppercase()));
        }

        #[test]
        fn how_a_letter_is_composed_does_not_matter(text in "\\PC{0,40}") {
            let expected = words(&text);
            prop_assert_eq!(&words(&text.nfc().collect::<String>()), &expected);
            prop_assert_eq!(&words(&text.nfd().collect::<String>()), &expected);
        }

        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            tokenize(&String::from_utf8_lossy(&bytes));
        }
    }
}
