//! Every word a reader sees comes from `locales/<language>/*.ftl`. English is complete; other languages fall back to it.

use std::{collections::BTreeMap, sync::LazyLock};

use fluent::{FluentArgs, FluentResource, concurrent::FluentBundle};

use super::embedded;

type Bundle = FluentBundle<FluentResource>;

static BUNDLES: LazyLock<BTreeMap<String, Bundle>> = LazyLock::new(load);

fn load() -> BTreeMap<String, Bundle> {
    let mut bundles = BTreeMap::new();
    for (path, _) in embedded::LOCALES {
        let Some((language, _)) = path.split_once('/') else { continue };
        let Ok(id) = language.parse() else { continue };
        let Some(text) = embedded::text(embedded::LOCALES, "locales", path) else { continue };
        let bundle: &mut Bundle = bundles.entry(language.to_owned()).or_insert_with(|| {
            let mut bundle = FluentBundle::new_concurrent(vec![id]);
            // Isolation marks would end up in attributes and page titles.
            bundle.set_use_isolating(false);
            bundle
        });
        // A broken line is dropped by the parser; the test below fails on any.
        let resource = FluentResource::try_new(text).unwrap_or_else(|(partial, _)| partial);
        let _ = bundle.add_resource(resource);
    }
    bundles
}

/// The languages there are files for.
pub fn languages() -> impl Iterator<Item = &'static str> {
    BUNDLES.keys().map(String::as_str)
}

/// The best language we have for an `Accept-Language` header or a stored preference.
pub fn negotiate(wanted: &str) -> &'static str {
    wanted
        .split(',')
        .filter_map(|part| part.split(';').next())
        .map(str::trim)
        .find_map(|tag| {
            let short = tag.split('-').next().unwrap_or(tag);
            BUNDLES.get_key_value(tag).or_else(|| BUNDLES.get_key_value(short)).map(|(k, _)| k.as_str())
        })
        .unwrap_or("en")
}

/// The words for `key`, or none when not even English has them.
pub fn get(locale: &str, key: &str, args: Option<&FluentArgs<'_>>) -> Option<String> {
    [locale, locale.split('-').next().unwrap_or(locale), "en"].into_iter().find_map(|language| {
        let bundle = BUNDLES.get(language)?;
        let pattern = bundle.get_message(key)?.value()?;
        let mut errors = Vec::new();
        Some(bundle.format_pattern(pattern, args, &mut errors).into_owned())
    })
}

/// The words for `key`; the key itself when there are none, so that a page never fails for a missing word.
pub fn say(locale: &str, key: &str) -> String {
    get(locale, key, None).unwrap_or_else(|| key.to_owned())
}

/// [`say`] with arguments that are texts.
pub fn say_with(locale: &str, key: &str, args: &[(&'static str, &str)]) -> String {
    let args: FluentArgs<'_> = args.iter().map(|(k, v)| (*k, fluent::FluentValue::from(*v))).collect();
    get(locale, key, Some(&args)).unwrap_or_else(|| key.to_owned())
}

/// [`say`] with a number of days, which some words have a form of their own for.
pub fn say_days(locale: &str, key: &str, days: u32) -> String {
    let args: FluentArgs<'_> = [("days", fluent::FluentValue::from(days))].into_iter().collect();
    get(locale, key, Some(&args)).unwrap_or_else(|| key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_parses_and_no_key_is_defined_twice() {
        for (path, bytes) in embedded::LOCALES {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            if let Err((_, errors)) = FluentResource::try_new(text) {
                panic!("{path}: {errors:?}");
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        for (path, bytes) in embedded::LOCALES.iter().filter(|(p, _)| p.starts_with("en/")) {
            for line in std::str::from_utf8(bytes).unwrap().lines() {
                if let Some((key, _)) = line.split_once(" =")
                    && key.starts_with(|c: char| c.is_ascii_lowercase())
                {
                    assert!(seen.insert(key.to_owned()), "{path}: {key} is defined twice");
                }
            }
        }
    }

    #[test]
    fn negotiates_by_language() {
        assert_eq!(negotiate("en-GB,de;q=0.8"), "en");
        assert_eq!(negotiate("tlh"), "en");
    }
}
