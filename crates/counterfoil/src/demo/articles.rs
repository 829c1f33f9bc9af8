//! The help centre of an internet provider: what its customers ask most, one article in two languages, one a draft, and
//! what readers said.

use std::collections::HashMap;

use base::{Actor, Error, Id, OrNotFound as _, Result, hours};
use db::Tx;
use desk::articles::{
    self, Article, NewArticle, Writing,
    categories::{self, ArticleCategory},
    reactions::{self, ReaderKey},
};

use super::month::Month;

const TEXT: &str = include_str!("articles.md");

/// One text of the file: `=== key | category | language visibility state helpful not deflections`, title, text.
struct Told<'t> {
    key: &'t str,
    category: &'t str,
    language: &'t str,
    visibility: &'t str,
    is_published: bool,
    helpful: u32,
    not_helpful: u32,
    deflections: u32,
    title: &'t str,
    body: &'t str,
}

fn told(part: &'static str) -> Option<Told<'static>> {
    let (head, rest) = part.split_once('\n')?;
    let (title, body) = rest.split_once('\n')?;
    let mut head = head.split('|').map(str::trim);
    let (key, category) = (head.next()?, head.next()?);
    let mut facts = head.next()?.split_whitespace();
    let (language, visibility, state) = (facts.next()?, facts.next()?, facts.next()?);
    let mut number = || facts.next()?.parse().ok();
    Some(Told {
        key,
        category,
        language,
        visibility,
        is_published: state == "published",
        helpful: number()?,
        not_helpful: number()?,
        deflections: number()?,
        title,
        body: body.trim(),
    })
}

/// Writes and publishes them as an agent, then lets readers read. Answers how many there are.
pub fn publish(tx: &mut Tx<'_>, month: &Month<'_>) -> Result<usize> {
    let author = month.cast.staff.get(1).map_or_else(Actor::operator, |c| c.staff.actor.clone());
    let mut shelves: HashMap<&str, Id<ArticleCategory>> = HashMap::new();
    let mut made: HashMap<&str, Id<Article>> = HashMap::new();
    let parts: Vec<&'static str> = TEXT.split("=== ").filter(|p| !p.trim().is_empty()).collect();
    for (n, part) in (0i64..).zip(parts) {
        let told = told(part).ok_or_else(|| Error::bug(format!("an article of the demo: {part}")))?;
        let at = month.now - hours(24 * 29 - n * 9);
        let id = tx.as_of(author.clone(), at, |tx| {
            let category = match shelves.get(told.category) {
                Some(id) => *id,
                None => categories::create(tx, told.category, None)?.id,
            };
            shelves.insert(told.category, category);
            write(tx, &told, category, made.get(told.key).copied())
        })?;
        made.insert(told.key, id);
        react(tx, month, &told, id)?;
    }
    // A text that is being rewritten: readers see the one before.
    let slow = *made.get("slow-wifi").or_not_found("article")?;
    tx.as_of(author, month.now - hours(20), |tx| {
        let text = articles::query::get(tx, slow)?.texts.into_iter().next().or_not_found("text")?;
        let body = format!("{}\n\n## Old devices\n\nA phone from before 2015 may not know 5 GHz.", text.body);
        articles::save(tx, slow, Writing::parse(&text.language, &text.title, &body)?, None)
    })?;
    Ok(made.len())
}

fn write(
    tx: &mut Tx<'_>,
    told: &Told<'_>,
    category_id: Id<ArticleCategory>,
    known: Option<Id<Article>>,
) -> Result<Id<Article>> {
    let writing = Writing::parse(told.language, told.title, told.body)?;
    let language = writing.language;
    let article = match known {
        Some(id) => articles::save(tx, id, writing, None)?,
        None => {
            let visibility = told.visibility.parse()?;
            articles::create(tx, NewArticle { category_id, visibility, slug: None, writing })?
        }
    };
    if told.is_published {
        articles::publish(tx, article.id, language, None)?;
    }
    Ok(article.id)
}

/// Readers of the month, each counted once.
fn react(tx: &mut Tx<'_>, month: &Month<'_>, told: &Told<'_>, id: Id<Article>) -> Result<()> {
    let tenant = tx.tenant()?;
    let reader = |n: u32| ReaderKey::of(tenant, &format!("demo:{n}"));
    for n in 0..told.helpful + told.not_helpful {
        let at = month.now - hours(i64::from(n) * 5 + 3);
        tx.as_of(Actor::system(), at, |tx| {
            for _ in 0..7 {
                reactions::see(tx, id)?;
            }
            reactions::say(tx, id, reader(n), n < told.helpful)
        })?;
    }
    for n in 0..told.deflections {
        let at = month.now - hours(i64::from(n) * 31 + 7);
        tx.as_of(Actor::system(), at, |tx| reactions::deflect(tx, id, reader(n)))?;
    }
    Ok(())
}
