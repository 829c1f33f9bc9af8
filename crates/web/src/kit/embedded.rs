//! The files under `templates/`, `assets/` and `locales/`, as `build.rs` found them.

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// A text file: in debug builds as it is on disk now (edit, reload, see), otherwise as it was built.
pub fn text(table: &[(&'static str, &'static [u8])], folder: &str, path: &str) -> Option<String> {
    if cfg!(debug_assertions) {
        let on_disk = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(path);
        if let Ok(text) = std::fs::read_to_string(on_disk) {
            return Some(text);
        }
    }
    let at = table.binary_search_by_key(&path, |(name, _)| name).ok()?;
    let (_, bytes) = table.get(at)?;
    String::from_utf8(bytes.to_vec()).ok()
}
