//! Every template renders with the gallery's sample data, strictly, and each page has what every page must have.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

#[path = "../examples/gallery/articles.rs"]
mod articles;
#[path = "../examples/gallery/canned.rs"]
mod canned;
#[path = "../examples/gallery/desk.rs"]
mod desk;
#[path = "../examples/gallery/mail.rs"]
mod mail;
#[path = "../examples/gallery/reports.rs"]
mod reports;
#[path = "../examples/gallery/samples.rs"]
mod samples;
#[path = "../examples/gallery/staff.rs"]
mod staff;

use std::collections::BTreeSet;

use web::kit::chrome::Scheme;

#[test]
fn every_page_renders_and_is_well_formed() {
    for page in samples::pages() {
        let html = page.html(Scheme::Auto).unwrap_or_else(|e| panic!("{}: {e:?}", page.name));
        assert_eq!(html.matches("<h1").count(), 1, "{}: one h1", page.name);
        assert_eq!(html.matches("<main").count(), 1, "{}: one main", page.name);
        assert!(html.contains("class=\"skip-link\""), "{}", page.name);
        assert!(
            !html.contains("{{") || ["letters", "macro", "canned"].iter().any(|p| page.name.starts_with(p)),
            "{}: unrendered braces",
            page.name
        );
    }
}

#[test]
fn ids_on_a_page_are_unique() {
    for page in samples::pages() {
        let html = page.html(Scheme::Auto).unwrap();
        let mut seen = BTreeSet::new();
        for rest in html.split(" id=\"").skip(1) {
            let id = rest.split('"').next().unwrap();
            assert!(seen.insert(id.to_owned()), "{}: id {id:?} twice", page.name);
        }
    }
}

/// A label that points nowhere is a field without a name.
#[test]
fn labels_point_at_fields_and_descriptions_exist() {
    for page in samples::pages() {
        let html = page.html(Scheme::Auto).unwrap();
        for attribute in [" for=\"", " aria-describedby=\"", " aria-labelledby=\""] {
            for rest in html.split(attribute).skip(1) {
                for id in rest.split('"').next().unwrap().split_whitespace() {
                    assert!(html.contains(&format!(" id=\"{id}\"")), "{}:{attribute}{id}", page.name);
                }
            }
        }
    }
}

#[test]
fn every_page_template_is_in_the_gallery() {
    let shown: BTreeSet<String> = samples::pages().into_iter().map(|p| p.template.to_owned()).collect();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    for folder in std::fs::read_dir(&root).unwrap() {
        let folder = folder.unwrap().path();
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        if matches!(name.as_str(), "layouts" | "macros") {
            continue;
        }
        for file in std::fs::read_dir(&folder).unwrap() {
            let file = file.unwrap().file_name().to_string_lossy().into_owned();
            if !file.starts_with('_') {
                assert!(shown.contains(&format!("{name}/{file}")), "{name}/{file} is not in the gallery");
            }
        }
    }
}
