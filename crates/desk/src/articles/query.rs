//! What staff read of articles.

use base::{Id, Result};
use db::Read;

use super::{
    categories::ArticleCategory,
    model::{Article, State, Version},
    store,
};

/// What of the articles is asked for.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub category: Option<Id<ArticleCategory>>,
    /// Without one, all that are not archived.
    pub state: Option<State>,
    /// Only those with something that was saved and not published.
    pub has_draft: bool,
    /// Words of titles and addresses, or their beginnings; drafts are found too.
    pub q: String,
}

fn is_found(article: &Article, wanted: &[String]) -> bool {
    let text = article.texts.iter().map(|t| t.title.as_str()).chain([article.slug.as_str()]);
    let text: Vec<&str> = text.collect();
    let words = db::search::tokenize(&text.join(" "));
    wanted.iter().all(|w| words.iter().any(|t| t.text.starts_with(w.as_str())))
}

/// Articles in the order of the help centre, their texts without bodies.
pub fn list(read: &Read<'_>, filter: &Filter) -> Result<Vec<Article>> {
    let wanted: Vec<String> =
        db::search::tokenize(&filter.q).into_iter().filter(|t| !t.is_tail).map(|t| t.text).collect();
    let mut all = store::all(read)?;
    all.retain(|a| {
        filter.category.is_none_or(|c| a.category_id == c)
            && filter.state.map_or(a.archived_at.is_none(), |s| a.state() == s)
            && (!filter.has_draft || a.texts.iter().any(super::model::Text::has_draft))
            && is_found(a, &wanted)
    });
    Ok(all)
}

pub fn get(read: &Read<'_>, id: Id<Article>) -> Result<Article> {
    store::get(read, id)
}

pub fn by_slug(read: &Read<'_>, slug: &str) -> Result<Article> {
    store::by_slug(read, slug)
}

/// Versions of a text, newest first, from before a number on.
pub fn versions(
    read: &Read<'_>,
    id: Id<Article>,
    language: &str,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<Version>> {
    store::versions(read, id, language, before.unwrap_or(i64::MAX), limit)
}

pub fn version(read: &Read<'_>, id: Id<Article>, language: &str, number: i64) -> Result<Version> {
    store::version(read, id, language, number)
}
