//! Writing, publishing, ordering and archiving articles. Who may is said by the routes: whoever sees the whole queue.

use base::{Error, Id, Kind, OrNotFound, Result};
use db::Tx;
use engine::{Event, Publish as _};
use identity::audit::{self, Change};
use serde_json::json;

use super::{
    categories::{self, ArticleCategory},
    model::*,
    store, words,
};

/// A tenant has so many at most: the pages of the help centre draw all titles there are.
const ARTICLES_MAX: usize = 5_000;

/// What to change; absent stays.
#[derive(Clone, Debug, Default)]
pub struct Patch {
    pub slug: Option<String>,
    pub category_id: Option<Id<ArticleCategory>>,
    pub visibility: Option<Visibility>,
    /// Its place in the category, from 1.
    pub position: Option<i64>,
    /// A text, new or newly written.
    pub writing: Option<Writing>,
    pub expected_version: Option<i64>,
}

fn slug_taken() -> Error {
    Error::field("slug", "article.slug_taken", "another article has this address; archived ones keep theirs")
}

fn check_version(article: &Article, expected: Option<i64>) -> Result<()> {
    if expected.is_some_and(|e| e != article.version) {
        let message = "the article has changed since you read it; nothing was saved";
        return Err(Error::new(Kind::Stale, "article.stale", message));
    }
    Ok(())
}

fn check_not_archived(article: &Article) -> Result<()> {
    if article.archived_at.is_some() {
        return Err(Error::conflict("article.archived", "the article is archived; restore it first"));
    }
    Ok(())
}

fn text_of<'a>(article: &'a Article, language: &str) -> Result<&'a Text> {
    article.text(language).ok_or_else(|| {
        let known: Vec<&str> = article.texts.iter().map(|t| t.language.as_str()).collect();
        let message = format!("the article has a text in {}", known.join(", "));
        Error::field("language", "article.no_text", message)
    })
}

/// Makes an article with its first text, a draft, last in its category.
///
/// # Errors
/// `article.category`, `article.slug`, `article.slug_taken`, `article.too_many`.
pub fn create(tx: &mut Tx<'_>, new: NewArticle) -> Result<Article> {
    categories::check(tx, new.category_id)?;
    let slug = match new.slug.as_deref().filter(|s| !s.trim().is_empty()) {
        Some(given) => {
            let slug = check_slug("slug", given)?;
            if store::is_taken(tx, &slug)? {
                return Err(slug_taken());
            }
            slug
        }
        None => free_slug(&slug_of(&new.writing.title, "article"), |s| store::is_taken(tx, s))?,
    };
    if store::all(tx)?.len() >= ARTICLES_MAX {
        let message = format!("there are {ARTICLES_MAX} articles, which is the most");
        return Err(Error::conflict("article.too_many", message));
    }
    let now = tx.now();
    let article = Article {
        id: tx.new_id(),
        slug,
        category_id: new.category_id,
        visibility: new.visibility,
        position: store::last_place(tx, new.category_id)? + 1,
        archived_at: None,
        version: 1,
        created_by: tx.actor().name.clone(),
        created_at: now,
        updated_at: now,
        texts: Vec::new(),
    };
    store::claim(tx, &article.slug)?;
    store::insert(tx, &article)?;
    store::add_version(tx, article.id, &new.writing, None)?;
    record(tx, "article.created", &article, new.writing.language)?;
    store::get(tx, article.id)
}

/// A line of the audit: which article, which language.
fn record(tx: &mut Tx<'_>, event: &'static str, article: &Article, language: &str) -> Result<()> {
    let what = json!({ "slug": article.slug, "language": language });
    audit::record(tx, Change::new(event, "article", Some(article.id.uuid())).to(&what))
}

/// Changes address, category, visibility or place, and saves a text: a new version, which readers see when it is
/// published. A text that is as it was makes no version.
pub fn change(tx: &mut Tx<'_>, id: Id<Article>, patch: Patch) -> Result<Article> {
    let before = store::lock(tx, id)?;
    let mut after = before.clone();
    if let Some(slug) = &patch.slug {
        after.slug = check_slug("slug", slug)?;
        if after.slug != before.slug && store::is_taken(tx, &after.slug)? {
            return Err(slug_taken());
        }
    }
    if let Some(category) = patch.category_id {
        categories::check(tx, category)?;
        after.category_id = category;
        if category != before.category_id {
            after.position = store::last_place(tx, category)? + 1;
        }
    }
    after.visibility = patch.visibility.unwrap_or(before.visibility);
    if patch.position.is_some_and(|p| !(1..=i64::try_from(ARTICLES_MAX).unwrap_or(i64::MAX)).contains(&p)) {
        let message = format!("from 1 to {ARTICLES_MAX}");
        return Err(Error::field("position", "article.position", message));
    }
    check_version(&before, patch.expected_version)?;
    check_not_archived(&before)?;
    let written = patch
        .writing
        .filter(|w| before.text(w.language).is_none_or(|t| (&t.title, &t.body) != (&w.title, &w.body)));
    let moves = patch.position.is_some_and(|p| p != after.position);
    if after == before && written.is_none() && !moves {
        return Ok(before);
    }
    if let Some(writing) = &written {
        store::add_version(tx, id, writing, None)?;
    }
    if after.slug != before.slug {
        store::claim(tx, &after.slug)?;
        store::leave(tx, id, &before.slug)?;
    }
    store::save(tx, &after)?;
    if let Some(position) = patch.position {
        place(tx, &after, position)?;
    }
    let facts =
        |a: &Article| json!({ "slug": a.slug, "category_id": a.category_id, "visibility": a.visibility });
    if facts(&before) != facts(&after) {
        let change = Change::new("article.changed", "article", Some(id.uuid()));
        audit::record(tx, change.from(&facts(&before)).to(&facts(&after)))?;
    }
    store::get(tx, id)
}

/// Saves a text.
pub fn save(
    tx: &mut Tx<'_>,
    id: Id<Article>,
    writing: Writing,
    expected_version: Option<i64>,
) -> Result<Article> {
    change(tx, id, Patch { writing: Some(writing), expected_version, ..Patch::default() })
}

/// Puts it at a place among those of its category that are not archived.
fn place(tx: &mut Tx<'_>, article: &Article, position: i64) -> Result<()> {
    let mut order = store::of_category(tx, article.category_id)?;
    order.retain(|id| *id != article.id);
    let to = usize::try_from(position - 1).unwrap_or(0).min(order.len());
    order.insert(to, article.id);
    for (position, id) in (1i64..).zip(order) {
        store::place(tx, id, position)?;
    }
    Ok(())
}

/// Moves it up (-1) or down (1) in its category, where there is room.
pub fn move_by(tx: &mut Tx<'_>, id: Id<Article>, by: i64) -> Result<()> {
    let article = store::lock(tx, id)?;
    check_not_archived(&article)?;
    let order = store::of_category(tx, article.category_id)?;
    let at = order.iter().position(|i| *i == id).or_not_found("article")?;
    let to = i64::try_from(at).unwrap_or(0) + 1 + by;
    if (1..=i64::try_from(order.len()).unwrap_or(0)).contains(&to) { place(tx, &article, to) } else { Ok(()) }
}

/// Tells the outside what readers see now.
fn tell(tx: &mut Tx<'_>, article: &Article, topic: &'static str, language: &str) -> Result<()> {
    let payload = json!({
        "article_id": article.id, "slug": article.slug, "language": language, "version": article.version,
    });
    tx.publish(Event { topic, ticket_id: None, customer_id: None, is_public: false, payload })
}

/// Shows readers what was saved last. Publishing it again changes nothing.
///
/// # Errors
/// `article.no_text`, `article.stale`, `article.archived`.
pub fn publish(tx: &mut Tx<'_>, id: Id<Article>, language: &str, expected: Option<i64>) -> Result<Article> {
    let article = store::lock(tx, id)?;
    let text = text_of(&article, language)?.clone();
    check_version(&article, expected)?;
    check_not_archived(&article)?;
    if !text.has_draft() {
        return Ok(article);
    }
    store::set_published(tx, id, language, Some(text.number))?;
    words::file(tx, id, language, &text.title, &text.body)?;
    store::save(tx, &article)?;
    let article = store::get(tx, id)?;
    record(tx, "article.published", &article, language)?;
    let topic = "article.published";
    tell(tx, &article, topic, language)?;
    Ok(article)
}

/// Takes a text from readers. What was saved stays, as a draft.
pub fn unpublish(tx: &mut Tx<'_>, id: Id<Article>, language: &str, expected: Option<i64>) -> Result<Article> {
    let article = store::lock(tx, id)?;
    let text = text_of(&article, language)?;
    check_version(&article, expected)?;
    check_not_archived(&article)?;
    if text.published_number.is_none() {
        return Ok(article);
    }
    words::forget(tx, id, language)?;
    store::set_published(tx, id, language, None)?;
    store::save(tx, &article)?;
    let article = store::get(tx, id)?;
    record(tx, "article.unpublished", &article, language)?;
    let topic = "article.unpublished";
    tell(tx, &article, topic, language)?;
    Ok(article)
}

/// Takes an article away from readers and from the lists of staff, with all its texts. Nothing is lost.
pub fn archive(tx: &mut Tx<'_>, id: Id<Article>, expected: Option<i64>) -> Result<Article> {
    set_archived(tx, id, expected, true)
}

/// Brings an archived article back as it was: what was published is published again.
pub fn restore(tx: &mut Tx<'_>, id: Id<Article>, expected: Option<i64>) -> Result<Article> {
    set_archived(tx, id, expected, false)
}

fn set_archived(tx: &mut Tx<'_>, id: Id<Article>, expected: Option<i64>, archived: bool) -> Result<Article> {
    let mut article = store::lock(tx, id)?;
    check_version(&article, expected)?;
    if article.archived_at.is_some() == archived {
        return Ok(article);
    }
    article.archived_at = archived.then(|| tx.now());
    if !archived {
        // Its old place may be another's.
        article.position = store::last_place(tx, article.category_id)? + 1;
    }
    store::save(tx, &article)?;
    let article = store::get(tx, id)?;
    let change = Change::new(
        if archived { "article.archived" } else { "article.restored" },
        "article",
        Some(id.uuid()),
    );
    audit::record(tx, change.to(&json!({ "slug": article.slug })))?;
    let topic = if archived { "article.unpublished" } else { "article.published" };
    for text in article.texts.iter().filter(|t| t.published_number.is_some()) {
        tell(tx, &article, topic, &text.language)?;
    }
    Ok(article)
}

/// Saves an old version again: the draft reads as it did, letter by letter. Readers see it once it is published.
pub fn restore_version(
    tx: &mut Tx<'_>,
    id: Id<Article>,
    language: &str,
    number: i64,
    expected: Option<i64>,
) -> Result<Article> {
    let article = store::lock(tx, id)?;
    text_of(&article, language)?;
    let old = store::version(tx, id, language, number)?;
    check_version(&article, expected)?;
    check_not_archived(&article)?;
    // Rendered and cleaned as it is today.
    let body_html = mail::markdown::to_html(&old.body).as_str().to_owned();
    let writing =
        Writing { language: check_language(language)?, title: old.title, body: old.body, body_html };
    store::add_version(tx, id, &writing, Some(number))?;
    store::save(tx, &article)?;
    store::get(tx, id)
}
