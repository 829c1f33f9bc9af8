//! The help centre: pages of readers and of staff.

use web::{
    articles::{body, views::*},
    kit::forms::Problem,
};

use crate::samples::{Page, agent, choices, customer, days_ago, stranger, text};

const TEXT: &str = "<p>The lights say how far your router gets.</p><h2>Power</h2><p>Green: it runs. <strong>Dark</strong>: look at the plug.</p>\
    <h2>Internet</h2><ul><li>Green: connected.</li><li>Red: no signal on the line.</li></ul><h2>Wi-Fi</h2><p>Blinking is normal.</p>";

fn link(slug: &str, title: &str, for_members: bool) -> Link {
    Link { href: format!("/help/articles/{slug}"), title: title.into(), language: None, for_members }
}

pub fn sections() -> Vec<Section> {
    let section = |name: &str, slug: &str, count, articles| Section {
        name: name.into(),
        href: format!("/help/categories/{slug}"),
        articles,
        count,
    };
    vec![
        section(
            "Internet and Wi-Fi",
            "internet",
            7,
            vec![
                link("lights", "What do the lights on my router mean?", false),
                link("slow", "Why is my Wi-Fi slow?", false),
            ],
        ),
        section(
            "Invoices and payment",
            "invoices",
            1,
            vec![link("invoice", "How do I read my invoice?", true)],
        ),
    ]
}

fn marks(pieces: &[(&str, bool)]) -> Vec<desk::tickets::search::Mark> {
    let mark =
        |(text, is_hit): &(&str, bool)| desk::tickets::search::Mark { text: (*text).into(), is_hit: *is_hit };
    pieces.iter().map(mark).collect()
}

pub fn found() -> Found {
    Found {
        slug: "slow".into(),
        href: "/help/articles/slow".into(),
        name: "Why is my Wi-Fi slow?".into(),
        title: marks(&[("Why is my ", false), ("Wi-Fi", true), (" slow?", false)]),
        snippet: marks(&[("… walls, other ", false), ("Wi-Fi", true), (" networks and distance …", false)]),
        category: "Internet and Wi-Fi".into(),
        language: None,
    }
}

fn row(id: &str, title: &str, state: &str) -> Row {
    Row {
        language: "en".into(),
        id: id.into(),
        title: title.into(),
        state: state.into(),
        has_draft: state == "published",
        for_members: state == "draft",
        languages: vec![("de".into(), false), ("en".into(), state == "published")],
        views: 412,
        helpful: 31,
        not_helpful: 4,
        deflections: 9,
        updated_at: days_ago(3),
        is_first: state == "published",
        is_last: state == "draft",
    }
}

fn version(number: i64) -> VersionRow {
    VersionRow {
        number,
        title: "Why is my Wi-Fi slow?".into(),
        saved_by: "Ben Okafor".into(),
        saved_at: days_ago(9 - number),
        published_at: (number == 2).then(|| days_ago(6)),
        restored_from: (number == 3).then_some(1),
        is_published: number == 2,
        is_newest: number == 3,
    }
}

fn edit() -> Edit {
    Edit {
        id: text("3"),
        heading: "Why is my Wi-Fi slow?".into(),
        version: "7".into(),
        language: "en".into(),
        language_name: "English".into(),
        tabs: vec![
            ("de".into(), "Deutsch".into(), "draft".into(), false),
            ("en".into(), "English".into(), "published".into(), true),
        ],
        languages: choices(&[("fr", "Français")], ""),
        title: "Why is my Wi-Fi slow?".into(),
        body: "## Where is the router?\n\nWalls slow it down.".into(),
        slug: "slow".into(),
        categories: choices(&[("1", "Internet and Wi-Fi"), ("2", "Invoices and payment")], "1"),
        visibilities: choices(
            &[("public", "Everybody"), ("signed_in", "Customers who are signed in")],
            "public",
        ),
        state: "published".into(),
        has_draft: true,
        saved_by: "Ben Okafor".into(),
        saved_at: Some(days_ago(1)),
        published_at: Some(days_ago(6)),
        public_href: text("/help/articles/slow"),
        versions_href: text("/desk/articles/3/versions?language=en"),
        ..Edit::default()
    }
}

pub fn pages() -> Vec<Page> {
    let mut all = readers();
    all.extend(staff());
    all
}

fn readers() -> Vec<Page> {
    let (body_html, _) = body::outlined(TEXT);
    let article = || ArticlePage {
        slug: "lights".into(),
        title: "What do the lights on my router mean?".into(),
        category: "Internet and Wi-Fi".into(),
        category_href: "/help/categories/internet".into(),
        language: "en".into(),
        body_html: body_html.clone(),
        parts: ["Power", "Internet", "Wi-Fi"]
            .iter()
            .zip(1..)
            .map(|(t, n)| body::Part { id: format!("part-{n}"), text: (*t).into() })
            .collect(),
        published_at: Some(days_ago(12)),
        languages: vec![("de".into(), "Deutsch".into(), "/help/articles/lights?language=de".into())],
        more: vec![link("slow", "Why is my Wi-Fi slow?", false)],
        ..ArticlePage::default()
    };
    vec![
        Page::new(
            "articles-search",
            "articles/search.html",
            stranger("/help/search?q=wifi"),
            SearchPage {
                q: "wi-fi".into(),
                found: vec![found()],
                count: 31,
                is_partial: true,
                next_href: text("/help/search?q=wi-fi&from=20"),
            },
        ),
        Page::new(
            "articles-search-none",
            "articles/search.html",
            stranger("/help/search?q=xyzzy"),
            SearchPage { q: "xyzzy".into(), ..SearchPage::default() },
        ),
        Page::new(
            "articles-category",
            "articles/category.html",
            customer("/help/categories/internet"),
            CategoryPage {
                name: "Internet and Wi-Fi".into(),
                articles: sections().remove(0).articles,
                others: vec![("Invoices and payment".into(), "/help/categories/invoices".into())],
            },
        ),
        Page::new("article", "articles/article.html", stranger("/help/articles/lights"), article()),
        Page::new(
            "article-said",
            "articles/article.html",
            customer("/help/articles/lights"),
            ArticlePage {
                said: Some(true),
                for_members: true,
                instead: Some(("Français".into(), "English".into())),
                ..article()
            },
        ),
        Page::new(
            "article-missing",
            "articles/missing.html",
            stranger("/help/articles/x"),
            Missing::default(),
        ),
    ]
}

fn staff() -> Vec<Page> {
    let theirs = Theirs {
        title: "Slow Wi-Fi".into(),
        body: "Restart it.".into(),
        saved_by: "Mara Lind".into(),
        saved_at: days_ago(0),
    };
    let rows = vec![row("3", "Why is my Wi-Fi slow?", "published"), row("4", "Moving house", "draft")];
    let list = List {
        categories: choices(&[("", "All categories"), ("1", "Internet and Wi-Fi")], ""),
        states: choices(&[("", "All"), ("draft", "Draft")], ""),
        groups: vec![Group { name: "Internet and Wi-Fi".into(), rows }],
        has_categories: true,
        is_admin: true,
        ..List::default()
    };
    let insertable = Insertable {
        slug: "slow".into(),
        name: "Why is my Wi-Fi slow?".into(),
        title: found().title,
        snippet: found().snippet,
        for_members: true,
        link: "[Why](https://help.example/slow)".into(),
        text: "Walls \"slow\" it down.".into(),
    };
    vec![
        Page::new("articles", "articles/list.html", agent("/desk/articles", ""), list),
        Page::new("articles-empty", "articles/list.html", agent("/desk/articles", ""), List::default()),
        Page::new("article-edit", "articles/form.html", agent("/desk/articles/3", ""), edit()),
        Page::new(
            "article-stale",
            "articles/form.html",
            agent("/desk/articles/3", ""),
            Edit {
                theirs: Some(theirs),
                problems: vec![Problem::new("slug", "another article has this address")],
                preview_html: text("<p>Walls slow it down.</p>"),
                ..edit()
            },
        ),
        Page::new(
            "article-versions",
            "articles/versions.html",
            agent("/desk/articles/3/versions", ""),
            Versions {
                id: "3".into(),
                title: "Why is my Wi-Fi slow?".into(),
                language: "en".into(),
                language_name: "English".into(),
                rows: vec![version(3), version(2), version(1)],
                next_href: None,
            },
        ),
        Page::new(
            "article-version",
            "articles/version.html",
            agent("/desk/articles/3/versions/2", ""),
            VersionPage {
                id: "3".into(),
                version: "7".into(),
                language: "en".into(),
                language_name: "English".into(),
                row: version(2),
                body_html: "<p>Walls slow it down.</p>".into(),
                changes: vec![
                    (" ".into(), "Why is my Wi-Fi slow?".into()),
                    ("-".into(), "Restart it.".into()),
                    ("+".into(), "Walls slow it down.".into()),
                ],
                can_restore: true,
            },
        ),
        Page::new(
            "article-categories",
            "articles/categories.html",
            agent("/admin/article-categories", ""),
            Categories {
                rows: vec![Category {
                    id: "1".into(),
                    slug: "internet".into(),
                    name: "Internet and Wi-Fi".into(),
                    count: 0,
                    is_first: true,
                    is_last: false,
                }],
                ..Categories::default()
            },
        ),
        Page::new(
            "article-insert",
            "articles/insert.html",
            agent("/desk/tickets/1/articles", ""),
            Insert {
                ticket_id: "1".into(),
                ticket_number: "SUP-00042".into(),
                back_href: "/desk/tickets/1?from=view%3Dmine&write=note#reply".into(),
                kind: "note".into(),
                from: Some("view=mine".into()),
                q: "wi-fi".into(),
                rows: vec![insertable],
            },
        ),
    ]
}
