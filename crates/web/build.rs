//! Embeds templates, assets and words, so that the product is one file.
//!
//! Writes `$OUT_DIR/embedded.rs`: three tables of (path, bytes), sorted by path.

use std::{
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?);
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?).join("embedded.rs");
    let mut file = fs::File::create(out)?;
    for (name, folder) in [("TEMPLATES", "templates"), ("ASSETS", "assets"), ("LOCALES", "locales")] {
        println!("cargo::rerun-if-changed={folder}");
        let mut paths = Vec::new();
        collect(&root.join(folder), &mut paths)?;
        paths.sort();
        writeln!(file, "pub static {name}: &[(&str, &[u8])] = &[")?;
        for path in paths {
            let short = path.strip_prefix(root.join(folder)).map_err(io::Error::other)?;
            writeln!(
                file,
                "    ({:?}, include_bytes!({:?})),",
                short.to_string_lossy(),
                path.to_string_lossy()
            )?;
        }
        writeln!(file, "];")?;
    }
    Ok(())
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, into)?;
        } else {
            into.push(path);
        }
    }
    Ok(())
}
