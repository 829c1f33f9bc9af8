//! What the pages of articles are given.

use base::Timestamp;
use desk::tickets::search::Mark;
use serde::Serialize;

use super::body::Part;
use crate::kit::forms::{Choice, Problem};

/// A link to an article.
#[derive(Clone, Debug, Serialize)]
pub struct Link {
    pub href: String,
    pub title: String,
    /// BCP 47, where it is another than the page's.
    pub language: Option<String>,
    pub for_members: bool,
}

/// A category with its articles, on `help/home.html`.
#[derive(Clone, Debug, Serialize)]
pub struct Section {
    pub name: String,
    pub href: String,
    /// The first few.
    pub articles: Vec<Link>,
    /// How many there are in all.
    pub count: usize,
}

/// An article that was found, or is suggested. Texts come in pieces.
#[derive(Clone, Debug, Serialize)]
pub struct Found {
    pub slug: String,
    pub href: String,
    /// The title in one piece.
    pub name: String,
    pub title: Vec<Mark>,
    pub snippet: Vec<Mark>,
    pub category: String,
    pub language: Option<String>,
}

/// `articles/search.html`, `GET /help/search?q=`.
#[derive(Debug, Default, Serialize)]
pub struct SearchPage {
    pub q: String,
    pub found: Vec<Found>,
    /// In all; more than are shown when `next_href` is there.
    pub count: usize,
    /// No article holds all the words.
    pub is_partial: bool,
    pub next_href: Option<String>,
}

/// `articles/category.html`, `GET /help/categories/{slug}`.
#[derive(Debug, Default, Serialize)]
pub struct CategoryPage {
    pub name: String,
    pub articles: Vec<Link>,
    /// Name and address of the other ones.
    pub others: Vec<(String, String)>,
}

/// `articles/article.html`, `GET /help/articles/{slug}`. `POST …/feedback` field `helpful` (`yes|no`), `language?`.
#[derive(Debug, Default, Serialize)]
pub struct ArticlePage {
    pub slug: String,
    pub title: String,
    pub category: String,
    pub category_href: String,
    /// BCP 47.
    pub language: String,
    pub is_right_to_left: bool,
    pub body_html: String,
    pub parts: Vec<Part>,
    pub published_at: Option<Timestamp>,
    pub for_members: bool,
    /// The language they would rather read, and the one this is.
    pub instead: Option<(String, String)>,
    /// Code, name and address of the others.
    pub languages: Vec<(String, String, String)>,
    /// What they said about it.
    pub said: Option<bool>,
    /// More of the category.
    pub more: Vec<Link>,
}

/// `articles/missing.html`: an address where a reader finds nothing, whether or not there is something for others.
#[derive(Debug, Default, Serialize)]
pub struct Missing {}

/// `articles/_suggestions.html`, in `help/contact.html` and from `GET /help/suggest?q=`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Suggestions {
    pub found: Vec<Found>,
    /// Asked for by a button: then it is said when there are none.
    pub asked: bool,
}

/// `articles/list.html`, `GET /desk/articles`.
#[derive(Debug, Default, Serialize)]
pub struct List {
    pub q: String,
    pub categories: Vec<Choice>,
    pub states: Vec<Choice>,
    pub groups: Vec<Group>,
    /// Something is filtered.
    pub is_filtered: bool,
    pub has_categories: bool,
    pub is_admin: bool,
    pub first_href: Option<String>,
    pub next_href: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct Group {
    pub name: String,
    pub rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
pub struct Row {
    pub id: String,
    /// The text that `title` is of.
    pub language: String,
    pub title: String,
    /// `draft`, `published` or `archived`.
    pub state: String,
    /// Something was saved that readers do not see.
    pub has_draft: bool,
    pub for_members: bool,
    /// Codes, with whether each is published.
    pub languages: Vec<(String, bool)>,
    pub views: u32,
    pub helpful: u32,
    pub not_helpful: u32,
    pub deflections: u32,
    pub updated_at: Timestamp,
    pub is_first: bool,
    pub is_last: bool,
}

/// `articles/form.html`, `GET|POST /desk/articles/new`, `GET|POST /desk/articles/{id}`. Fields: `language, title, body,
/// category_id, visibility, slug, version`; `do`: `save`, `publish`, `preview`. `POST …/{id}/publish`, `…/unpublish` with
/// `language`; `…/archive`, `…/restore`.
#[derive(Debug, Default, Serialize)]
pub struct Edit {
    /// Absent of a new one.
    pub id: Option<String>,
    pub heading: String,
    pub version: String,
    pub language: String,
    pub language_name: String,
    pub is_right_to_left: bool,
    /// Languages it has: code, name, state, whether it is this one.
    pub tabs: Vec<(String, String, String, bool)>,
    /// Languages it could have.
    pub languages: Vec<Choice>,
    pub title: String,
    pub body: String,
    pub slug: String,
    pub categories: Vec<Choice>,
    pub visibilities: Vec<Choice>,
    /// Of this text.
    pub state: String,
    pub has_draft: bool,
    pub is_archived: bool,
    pub saved_by: String,
    pub saved_at: Option<Timestamp>,
    pub published_at: Option<Timestamp>,
    /// Where readers see it.
    pub public_href: Option<String>,
    pub preview_html: Option<String>,
    /// Somebody saved it meanwhile: their title, text and name.
    pub theirs: Option<Theirs>,
    pub problems: Vec<Problem>,
    pub versions_href: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct Theirs {
    pub title: String,
    pub body: String,
    pub saved_by: String,
    pub saved_at: Timestamp,
}

/// `articles/versions.html`, `GET /desk/articles/{id}/versions?language=`.
#[derive(Debug, Default, Serialize)]
pub struct Versions {
    pub id: String,
    pub title: String,
    pub language: String,
    pub language_name: String,
    pub rows: Vec<VersionRow>,
    pub next_href: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct VersionRow {
    pub number: i64,
    pub title: String,
    pub saved_by: String,
    pub saved_at: Timestamp,
    pub published_at: Option<Timestamp>,
    pub restored_from: Option<i64>,
    /// What readers see now.
    pub is_published: bool,
    pub is_newest: bool,
}

/// `articles/version.html`, `GET /desk/articles/{id}/versions/{number}?language=`. `POST …/restore` fields `language,
/// version`.
#[derive(Debug, Serialize)]
pub struct VersionPage {
    pub id: String,
    /// Of the article, for the form.
    pub version: String,
    pub language: String,
    pub language_name: String,
    pub row: VersionRow,
    pub body_html: String,
    /// Against the version before: a sign (` `, `+`, `-`) and a line. Empty of the first.
    pub changes: Vec<(String, String)>,
    pub can_restore: bool,
}

/// `articles/categories.html`, `GET /admin/article-categories`. New: `POST /admin/article-categories` fields `name, slug?`. Per
/// category: `POST …/{id}` field `name`; `…/{id}/up`, `…/{id}/down`, `…/{id}/delete`.
#[derive(Debug, Default, Serialize)]
pub struct Categories {
    pub rows: Vec<Category>,
    pub new_name: String,
    pub new_slug: String,
    pub problems: Vec<Problem>,
}

#[derive(Debug, Serialize)]
pub struct Category {
    pub id: String,
    pub slug: String,
    pub name: String,
    pub count: u32,
    pub is_first: bool,
    pub is_last: bool,
}

/// `articles/insert.html`, `GET /desk/tickets/{id}/articles?q=&kind=&from=`. `POST /desk/tickets/{id}/articles/insert` fields
/// `slug, how` (`link|text`), `kind` (`reply|note`), `from`.
#[derive(Debug, Default, Serialize)]
pub struct Insert {
    pub ticket_id: String,
    pub ticket_number: String,
    /// The ticket's page, where this kind is written.
    pub back_href: String,
    /// The draft that an article is put into: `reply` or `note`.
    pub kind: String,
    /// The list the ticket stands in.
    pub from: Option<String>,
    pub q: String,
    pub rows: Vec<Insertable>,
}

#[derive(Debug, Serialize)]
pub struct Insertable {
    pub slug: String,
    /// The title in one piece.
    pub name: String,
    pub title: Vec<Mark>,
    pub snippet: Vec<Mark>,
    pub for_members: bool,
    /// Markdown: a link, and the text.
    pub link: String,
    pub text: String,
}
