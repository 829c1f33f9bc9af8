//! Style sheets, modules and icons, served from `/assets/<fingerprint>/<path>` and cached for ever.
//!
//! One fingerprint over all of them stands in the address as a folder, so that modules import each other by
//! relative paths and no file has to be rewritten. `@import` lines in style sheets are put in place at start:
//! a page loads one sheet, while the source stays one file per feature.

use std::{borrow::Cow, collections::BTreeMap, fmt::Write as _, sync::LazyLock};

use sha2::{Digest as _, Sha256};

use super::embedded;

pub struct Asset {
    pub bytes: Cow<'static, [u8]>,
    pub content_type: &'static str,
    /// The address has the current fingerprint: `Cache-Control: public, max-age=31536000, immutable`.
    /// Otherwise (an old page asks for an old address) `no-cache`.
    pub immutable: bool,
}

struct Store {
    fingerprint: String,
    files: BTreeMap<&'static str, Cow<'static, [u8]>>,
}

static STORE: LazyLock<Store> = LazyLock::new(|| {
    let files = files();
    let mut hash = Sha256::new();
    for (path, bytes) in &files {
        hash.update(path.as_bytes());
        hash.update(bytes);
    }
    let mut fingerprint = String::new();
    for byte in hash.finalize().iter().take(6) {
        let _ = write!(fingerprint, "{byte:02x}");
    }
    Store { fingerprint, files }
});

fn files() -> BTreeMap<&'static str, Cow<'static, [u8]>> {
    embedded::ASSETS
        .iter()
        .map(|(path, bytes)| {
            let content = match embedded::text(embedded::ASSETS, "assets", path) {
                Some(text) if path.ends_with(".css") => Cow::Owned(with_imports(&text).into_bytes()),
                Some(text) => Cow::Owned(text.into_bytes()),
                None => Cow::Borrowed(*bytes),
            };
            (*path, content)
        })
        .collect()
}

/// Replaces each line `@import "name.css";` by that sheet.
fn with_imports(css: &str) -> String {
    let mut out = String::with_capacity(css.len());
    for line in css.lines() {
        let name = line.trim().strip_prefix("@import \"").and_then(|l| l.strip_suffix("\";"));
        match name.and_then(|n| embedded::text(embedded::ASSETS, "assets", &format!("css/{n}"))) {
            Some(sheet) => out.push_str(&sheet),
            None => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

/// The address of an asset by its path under `assets/`, for instance `css/app.css`.
pub fn url(path: &str) -> Option<String> {
    let store = &*STORE;
    store.files.contains_key(path).then(|| format!("/assets/{}/{path}", store.fingerprint))
}

/// What to answer to a request for `/assets/…`; `path` is the whole path of the request.
pub fn lookup(path: &str) -> Option<Asset> {
    let (fingerprint, name) = path.strip_prefix("/assets/")?.split_once('/')?;
    let (key, bytes) = if cfg!(debug_assertions) {
        let (key, _) = STORE.files.get_key_value(name)?;
        (*key, files().remove(key)?)
    } else {
        let (key, bytes) = STORE.files.get_key_value(name)?;
        (*key, bytes.clone())
    };
    let immutable = fingerprint == STORE.fingerprint && !cfg!(debug_assertions);
    Some(Asset { bytes, content_type: content_type(key), immutable })
}

/// Every path there is.
pub fn paths() -> impl Iterator<Item = &'static str> {
    STORE.files.keys().copied()
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, ext)| ext) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("webmanifest") => "application/manifest+json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_asset_is_found_under_its_address() {
        for path in paths() {
            let asset = lookup(&url(path).unwrap()).unwrap();
            assert!(!asset.bytes.is_empty(), "{path} is empty");
            assert_ne!(asset.content_type, "application/octet-stream", "{path} has no content type");
        }
        assert!(lookup("/assets/x/../Cargo.toml").is_none());
        assert!(lookup("/assets/css/app.css").is_none());
    }

    #[test]
    fn the_sheet_is_one_file() {
        let sheet = lookup(&url("css/app.css").unwrap()).unwrap();
        assert!(!String::from_utf8_lossy(&sheet.bytes).contains("@import"));
    }

    /// Modules import each other by relative paths; a wrong one would only fail in a browser.
    #[test]
    fn modules_import_what_exists() {
        for path in paths().filter(|p| p.ends_with(".js")) {
            let text = String::from_utf8(lookup(&url(path).unwrap()).unwrap().bytes.into_owned()).unwrap();
            for import in text.lines().filter(|l| l.starts_with("import ")) {
                let target = import.rsplit('"').nth(1).unwrap();
                let target = format!("js/{}", target.strip_prefix("./").unwrap());
                assert!(url(&target).is_some(), "{path} imports {target}");
            }
        }
    }

    #[test]
    fn colours_are_named_in_tokens_only() {
        for path in paths().filter(|p| p.ends_with(".css") && !matches!(*p, "css/tokens.css" | "css/app.css"))
        {
            let text = String::from_utf8(lookup(&url(path).unwrap()).unwrap().bytes.into_owned()).unwrap();
            for (n, line) in text.lines().enumerate() {
                let coded = ["oklch(", "rgb(", "hsl(", ": #", "light-dark("].iter().any(|c| line.contains(c));
                assert!(!coded, "{path}:{}: a colour outside tokens.css: {line}", n + 1);
            }
        }
    }
}
