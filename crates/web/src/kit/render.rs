//! Templates: minijinja with strict undefined, escaped as HTML, embedded in release builds and read anew in debug ones.
//!
//! A template sees `chrome` ([`Chrome`]) and `view` (the page's own struct), and these functions and filters:
//!
//! | in a template | gives |
//! |---|---|
//! | `t("key", n=3)` | words in the viewer's language |
//! | `ts \| when` | `<time>` with a relative text, the exact instant on hover |
//! | `ts \| instant` | `<time>` with date and time |
//! | `ts \| day` | the viewer's calendar day in words |
//! | `seconds \| span` | "2 h 10 min" |
//! | `n \| capped` | the number, or "999+" |
//! | `n \| filesize` | "1.2 MB" |
//! | `name \| initials` | "AB" |
//! | `asset("css/app.css")` | fingerprinted address |

use std::{cell::RefCell, sync::LazyLock};

use base::{Error, Result, Timestamp};
use fluent::{FluentArgs, FluentValue};
use jiff::tz::TimeZone;
use minijinja::{
    AutoEscape, Environment, ErrorKind, UndefinedBehavior,
    value::{Kwargs, Serde, Value},
};
use serde::Serialize;

use super::{assets, chrome::Chrome, embedded, time, words};

/// What words and times depend on. Macros that are imported do not see the page's context, so it is kept beside
/// the rendering, which is synchronous and on one thread.
#[derive(Clone)]
struct Reader {
    locale: String,
    zone: TimeZone,
    now: Timestamp,
    csrf: String,
}

thread_local! {
    static READER: RefCell<Option<Reader>> = const { RefCell::new(None) };
}

static EMBEDDED: LazyLock<Environment<'static>> = LazyLock::new(environment);

#[derive(Serialize)]
struct Page<'a, V> {
    chrome: &'a Chrome,
    view: V,
}

/// A whole page. A failure is our mistake and names template and line in the log.
pub fn render<V: Serialize>(name: &str, chrome: &Chrome, view: V) -> Result<String> {
    let reader = Reader {
        locale: chrome.locale.clone(),
        zone: time::zone(&chrome.zone),
        now: chrome.now,
        csrf: chrome.csrf.clone(),
    };
    READER.with(|slot| *slot.borrow_mut() = Some(reader));
    let page = Serde(Page { chrome, view });
    let result = if cfg!(debug_assertions) {
        environment().get_template(name).and_then(|t| t.render(page))
    } else {
        EMBEDDED.get_template(name).and_then(|t| t.render(page))
    };
    READER.with(|slot| *slot.borrow_mut() = None);
    result.map_err(|e| Error::bug(format!("template {name}: {e:#}")))
}

fn environment() -> Environment<'static> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    if let Ok(syntax) = env.syntax().to_builder().trim_blocks(true).lstrip_blocks(true).build() {
        env.set_syntax(syntax);
    }
    env.set_auto_escape_callback(|_| AutoEscape::Html);
    env.set_loader(|name| Ok(embedded::text(embedded::TEMPLATES, "templates", name)));
    env.add_function("t", t);
    env.add_function("asset", asset);
    env.add_function("csrf", csrf);
    env.add_filter("when", when);
    env.add_filter("instant", instant);
    env.add_filter("day", day);
    env.add_filter("span", |seconds: i64| with_reader(|r| time::span(seconds, &r.locale)));
    env.add_filter("since", since);
    env.add_filter("capped", |n: i64| if n > 999 { "999+".to_owned() } else { n.to_string() });
    env.add_filter("filesize", filesize);
    env.add_filter("initials", |name: &str| initials(name));
    env.add_filter("percent", |share: f64| format!("{:.0} %", share * 100.0));
    env
}

type Outcome<T> = std::result::Result<T, minijinja::Error>;

fn with_reader<T>(f: impl FnOnce(&Reader) -> T) -> Outcome<T> {
    READER.with(|slot| match slot.borrow().as_ref() {
        Some(reader) => Ok(f(reader)),
        None => Err(minijinja::Error::new(ErrorKind::InvalidOperation, "used outside of render()")),
    })
}

fn t(key: &str, kwargs: Kwargs) -> Outcome<String> {
    let mut args = FluentArgs::new();
    for name in kwargs.args() {
        let value: Value = kwargs.get(name)?;
        match i64::try_from(value.clone()) {
            Ok(n) if value.is_number() => args.set(name.to_owned(), n),
            _ => args.set(name.to_owned(), FluentValue::from(value.to_string())),
        }
    }
    let words = with_reader(|r| words::get(&r.locale, key, Some(&args)))?;
    match words {
        Some(words) => Ok(words),
        // While developing a missing word is a mistake to see at once; a reader rather gets the key than no page.
        None if cfg!(debug_assertions) => {
            Err(minijinja::Error::new(ErrorKind::UndefinedError, format!("no words for {key:?}")))
        }
        None => Ok(key.to_owned()),
    }
}

fn asset(path: &str) -> Outcome<String> {
    assets::url(path)
        .ok_or_else(|| minijinja::Error::new(ErrorKind::InvalidOperation, format!("no asset {path:?}")))
}

/// The hidden field of every form.
fn csrf() -> Outcome<Value> {
    with_reader(|r| {
        let token = minijinja::HtmlEscape(&r.csrf);
        Value::from_safe_string(format!(r#"<input type="hidden" name="csrf" value="{token}">"#))
    })
}

fn instant_of(value: &Value) -> Outcome<Timestamp> {
    value.as_str().and_then(|s| s.parse().ok()).ok_or_else(|| {
        minijinja::Error::new(ErrorKind::InvalidOperation, format!("{value} is not an instant"))
    })
}

fn when(value: &Value) -> Outcome<Value> {
    let at = instant_of(value)?;
    with_reader(|r| {
        let text = time::relative(at, r.now, &r.zone, &r.locale);
        Value::from_safe_string(time::element(at, &text, &r.zone, true))
    })
}

fn instant(value: &Value) -> Outcome<Value> {
    let at = instant_of(value)?;
    with_reader(|r| Value::from_safe_string(time::element(at, &time::plain(at, &r.zone), &r.zone, false)))
}

fn day(value: &Value) -> Outcome<String> {
    let at = instant_of(value)?;
    with_reader(|r| time::day(at, &r.zone))
}

/// Seconds from the instant until now; negative when it is still to come.
fn since(value: &Value) -> Outcome<i64> {
    let at = instant_of(value)?;
    with_reader(|r| r.now.as_second() - at.as_second())
}

fn filesize(bytes: u64) -> String {
    const KB: u64 = 1_000;
    const MB: u64 = 1_000 * KB;
    const GB: u64 = 1_000 * MB;
    let of = |unit: u64, name: &str| {
        let tenths = (bytes * 10 + unit / 2) / unit;
        if tenths.is_multiple_of(10) || unit == KB {
            format!("{} {name}", (tenths + 5) / 10)
        } else {
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        }
    };
    match bytes {
        0..KB => format!("{bytes} B"),
        KB..MB => of(KB, "kB"),
        MB..GB => of(MB, "MB"),
        _ => of(GB, "GB"),
    }
}

fn initials(name: &str) -> String {
    let mut words = name.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    let first = words.next().and_then(|w| w.chars().next());
    let last = words.next_back().and_then(|w| w.chars().next());
    first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_of_the_first_and_last_name() {
        assert_eq!(initials("Ada King Byron"), "AB");
        assert_eq!(initials("ørsted"), "Ø");
        assert_eq!(initials(""), "");
    }

    fn templates() -> impl Iterator<Item = (&'static str, &'static str)> {
        embedded::TEMPLATES.iter().map(|(name, bytes)| (*name, std::str::from_utf8(bytes).unwrap()))
    }

    /// The content security policy forbids them, so a browser would ignore them silently.
    #[test]
    fn no_template_has_inline_style_or_script() {
        for (name, text) in templates() {
            for (n, line) in text.lines().enumerate() {
                assert!(!line.contains(" style="), "{name}:{}: inline style", n + 1);
                assert!(!line.contains("<style"), "{name}:{}: inline sheet", n + 1);
                assert!(
                    !line.contains("<script") || line.contains(" src="),
                    "{name}:{}: inline script",
                    n + 1
                );
                assert!(!line.contains("javascript:"), "{name}:{}: javascript address", n + 1);
                for word in line.split_whitespace() {
                    assert!(!word.starts_with("on") || !word.contains("=\""), "{name}:{}: {word}", n + 1);
                }
            }
        }
    }

    #[test]
    fn every_post_form_carries_the_token() {
        for (name, text) in templates() {
            for form in text.split("<form").skip(1) {
                let form = form.split("</form>").next().unwrap();
                if form.contains("method=\"post\"") {
                    assert!(
                        form.contains("csrf()"),
                        "{name}: a form without csrf(): {}",
                        &form[..60.min(form.len())]
                    );
                }
            }
        }
    }

    #[test]
    fn every_literal_key_has_words() {
        for (name, text) in templates() {
            for (at, call) in text.match_indices("t(\"") {
                let other_function = text[..at].ends_with(|c: char| c.is_alphanumeric());
                let Some((key, after)) = text[at + call.len()..].split_once('"') else { continue };
                if other_function || after.trim_start().starts_with('~') {
                    continue;
                }
                assert!(words::get("en", key, None).is_some(), "{name}: no words for {key:?}");
            }
        }
    }

    #[test]
    fn every_template_compiles() {
        let env = environment();
        for (name, _) in templates() {
            if let Err(e) = env.get_template(name) {
                panic!("{name}: {e:#}");
            }
        }
    }
}
