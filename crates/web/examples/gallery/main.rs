//! Every page with believable sample data, as files, to look at: `cargo run -p counterfoil-web --example gallery -- DIR`.
//! Assets are written beside them, so a file server on the folder shows the pages as the product would.

mod articles;
mod canned;
mod desk;
mod mail;
mod reports;
mod samples;
mod staff;

use std::{fs, io, path::PathBuf};

use web::kit::{assets, chrome::Scheme};

fn main() -> io::Result<()> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "target/gallery".into()));
    for path in assets::paths() {
        let Some(url) = assets::url(path) else { continue };
        let Some(asset) = assets::lookup(&url) else { continue };
        let to = folder.join(url.trim_start_matches('/'));
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(to, &asset.bytes)?;
    }
    let mut index = String::from("<!doctype html><meta charset=utf-8><title>Gallery</title><ul>");
    for page in samples::pages() {
        for scheme in [Scheme::Light, Scheme::Dark] {
            let html = page.html(scheme).map_err(|e| io::Error::other(format!("{e:?}")))?;
            let name = format!("{}-{}.html", page.name, scheme.as_str());
            index.push_str(&format!("<li><a href=\"{name}\">{name}</a> <small>{}</small>", page.template));
            fs::write(folder.join(name), html)?;
        }
    }
    fs::write(folder.join("index.html"), index)
}
