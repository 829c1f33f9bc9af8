//! Pages of staff: the list, what becomes of an article, its versions.

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use base::{Error, Id, Result};
use desk::articles::{
    self, Article, State as Life, Version, Visibility, categories, language_name,
    query::{self, Filter},
    reactions,
};
use serde::Deserialize;
use uuid::Uuid;

use super::{form::find, views};
use crate::{
    http::{
        app::App,
        extract::{At, Params, Payload},
        failure::Outcome,
        page::form,
        person::{Ask, StaffPage, href},
    },
    kit::forms::Choice,
};

pub const HOME: &str = "/desk/articles";
const VERSIONS: u32 = 50;

pub fn routes() -> Router<App> {
    Router::new()
        .route(HOME, get(list))
        .route("/desk/articles/{id}/publish", post(publish))
        .route("/desk/articles/{id}/unpublish", post(unpublish))
        .route("/desk/articles/{id}/archive", post(archive))
        .route("/desk/articles/{id}/restore", post(restore))
        .route("/desk/articles/{id}/up", post(up))
        .route("/desk/articles/{id}/down", post(down))
        .route("/desk/articles/{id}/versions", get(versions))
        .route("/desk/articles/{id}/versions/{number}", get(version))
        .route("/desk/articles/{id}/versions/{number}/restore", post(restore_version))
}

/// Who writes articles sees the whole queue; a technician reads them as a customer does.
pub fn check(who: &StaffPage) -> Result<()> {
    if who.staff.role.sees_all_tickets() {
        return Ok(());
    }
    Err(Error::forbidden("role.agents_only", "only those who see the whole queue may do this"))
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Asked {
    q: String,
    category: String,
    /// A state, or `changed`: with something saved that readers do not see.
    state: String,
    /// How many articles come before this page.
    from: String,
}

/// Articles on one page of the list.
const PAGE: usize = 100;

/// The address of a page of the same list.
fn page_of(asked: &Asked, from: usize) -> String {
    let from = from.to_string();
    let mut query = vec![("q", asked.q.as_str()), ("category", &asked.category), ("state", &asked.state)];
    query.push(("from", if from == "0" { "" } else { &from }));
    query.retain(|(_, value)| !value.is_empty());
    href(HOME, &query)
}

async fn list(State(app): State<App>, who: StaffPage, Params(asked): Params<Asked>) -> Outcome {
    check(&who)?;
    let (language, is_admin) = (language(&who), who.staff.is_admin());
    let says = |key: &str| who.say(key);
    let states: Vec<Choice> = ["", "published", "draft", "changed", "archived"]
        .map(|s| {
            let word = if s.is_empty() { "articles-state-all".into() } else { format!("articles-state-{s}") };
            Choice::new(s, says(&word), asked.state == s)
        })
        .into();
    let all_categories = says("articles-all-categories");
    let view = app
        .read(who.scope(), move |read| {
            let categories = categories::all(read)?;
            let filter = Filter {
                category: asked.category.parse::<Uuid>().ok().map(Id::from_uuid),
                state: Life::ALL.iter().copied().find(|s| s.as_str() == asked.state),
                has_draft: asked.state == "changed",
                q: asked.q.clone(),
            };
            let found = query::list(read, &filter)?;
            let figures = reactions::figures(read)?;
            let mut groups: Vec<views::Group> = Vec::new();
            let from: usize = asked.from.parse().unwrap_or(0).min(1_000_000);
            let mut passed = 0;
            for category in &categories {
                let mine: Vec<&Article> = found.iter().filter(|a| a.category_id == category.id).collect();
                let last = mine.len().saturating_sub(1);
                let rows = mine.iter().enumerate().map(|(i, a)| {
                    let figures = figures.get(&a.id).copied().unwrap_or_default();
                    views::Row { is_first: i == 0, is_last: i == last, ..row(a, &language, figures) }
                });
                let rows: Vec<views::Row> = rows
                    .skip(from.saturating_sub(passed))
                    .take((from + PAGE).saturating_sub(passed.max(from)))
                    .collect();
                passed += mine.len();
                if !rows.is_empty() {
                    groups.push(views::Group { name: category.name.clone(), rows });
                }
            }
            let next_href = (passed > from + PAGE).then(|| page_of(&asked, from + PAGE));
            let first_href = (from > 0).then(|| page_of(&asked, 0));
            let chosen = |id: &str| id == asked.category;
            let any = Choice::new("", all_categories, asked.category.is_empty());
            let rest = categories.iter().map(|c| {
                let id = c.id.to_string();
                Choice::new(id.clone(), c.name.clone(), chosen(&id))
            });
            Ok(views::List {
                is_filtered: !(asked.q.is_empty() && asked.category.is_empty() && asked.state.is_empty()),
                has_categories: !categories.is_empty(),
                next_href,
                first_href,
                categories: std::iter::once(any).chain(rest).collect(),
                q: asked.q,
                states,
                groups,
                is_admin,
            })
        })
        .await?;
    who.show(&app, "articles/list.html", view).await
}

/// The language an article is named by in lists: the reader's.
pub fn language(who: &StaffPage) -> String {
    articles::language_of(who.look.locale()).unwrap_or("en").to_owned()
}

fn row(a: &Article, language: &str, figures: reactions::Figures) -> views::Row {
    let named = a.named_in(language);
    views::Row {
        id: a.id.to_string(),
        language: named.map(|t| t.language.clone()).unwrap_or_default(),
        title: named.map(|t| t.title.clone()).unwrap_or_default(),
        state: a.state().to_string(),
        has_draft: a.is_published() && a.texts.iter().any(articles::Text::has_draft),
        for_members: a.visibility == Visibility::SignedIn,
        languages: a.texts.iter().map(|t| (t.language.clone(), t.published_number.is_some())).collect(),
        views: figures.views,
        helpful: figures.helpful,
        not_helpful: figures.not_helpful,
        deflections: figures.deflections,
        updated_at: a.updated_at,
        is_first: false,
        is_last: false,
    }
}

/// A form of one button on an article.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Act {
    language: String,
    /// Of the article, as it was on the page.
    version: Option<i64>,
    confirmed: bool,
}

async fn act(app: &App, who: &StaffPage, id: Uuid, payload: Payload) -> Result<(Article, Act)> {
    check(who)?;
    let article = find(app, who, id).await?;
    let input: Act = form(app, &who.caller, payload).await?;
    Ok((article, input))
}

pub fn edit_href(id: impl std::fmt::Display, language: &str) -> String {
    href(&format!("{HOME}/{id}"), &[("language", language)])
}

async fn publish(State(app): State<App>, who: StaffPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let (article, input) = act(&app, &who, id, payload).await?;
    let language = input.language.clone();
    app.write(who.scope(), move |tx| articles::publish(tx, article.id, &input.language, input.version))
        .await?;
    who.done(edit_href(id, &language), "articles-is-published")
}

async fn unpublish(State(app): State<App>, who: StaffPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let (article, input) = act(&app, &who, id, payload).await?;
    let language = input.language.clone();
    app.write(who.scope(), move |tx| articles::unpublish(tx, article.id, &input.language, input.version))
        .await?;
    who.done(edit_href(id, &language), "articles-is-unpublished")
}

async fn archive(State(app): State<App>, who: StaffPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let (article, input) = act(&app, &who, id, payload).await?;
    if !input.confirmed {
        let name = article.named_in(&language(&who)).map(|t| t.title.clone()).unwrap_or_default();
        let back = format!("{HOME}/{id}");
        let ask = Ask {
            question: "articles-archive-question",
            name: &name,
            button: "archive",
            action: format!("{back}/archive"),
            fields: Vec::new(),
            back,
        };
        return who.ask(&app, ask).await;
    }
    app.write(who.scope(), move |tx| articles::archive(tx, article.id, None)).await?;
    who.done(format!("{HOME}/{id}"), "articles-is-archived")
}

async fn restore(State(app): State<App>, who: StaffPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let (article, _) = act(&app, &who, id, payload).await?;
    app.write(who.scope(), move |tx| articles::restore(tx, article.id, None)).await?;
    who.done(format!("{HOME}/{id}"), "articles-is-restored")
}

async fn up(State(app): State<App>, who: StaffPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let (article, _) = act(&app, &who, id, payload).await?;
    app.write(who.scope(), move |tx| articles::move_by(tx, article.id, -1)).await?;
    who.done(HOME, "saved")
}
async fn down(State(app): State<App>, who: StaffPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let (article, _) = act(&app, &who, id, payload).await?;
    app.write(who.scope(), move |tx| articles::move_by(tx, article.id, 1)).await?;
    who.done(HOME, "saved")
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Which {
    language: String,
    before: Option<i64>,
}

/// The text that is asked for, or the one in the reader's language, or the first.
fn text<'a>(article: &'a Article, asked: &str, readers: &str) -> Result<&'a articles::Text> {
    let found = if asked.is_empty() { article.named_in(readers) } else { article.text(asked) };
    found.ok_or_else(|| Error::not_found("text"))
}

fn version_row(v: &Version, newest: i64, published: Option<i64>) -> views::VersionRow {
    views::VersionRow {
        number: v.number,
        title: v.title.clone(),
        saved_by: v.saved_by.clone(),
        saved_at: v.saved_at,
        published_at: v.published_at,
        restored_from: v.restored_from,
        is_published: published == Some(v.number),
        is_newest: newest == v.number,
    }
}

async fn versions(
    State(app): State<App>,
    who: StaffPage,
    At(id): At<Uuid>,
    Params(asked): Params<Which>,
) -> Outcome {
    check(&who)?;
    let article = find(&app, &who, id).await?;
    let now = text(&article, &asked.language, &language(&who))?.clone();
    let language = now.language.clone();
    let mut all = app
        .read(who.scope(), move |read| {
            query::versions(read, article.id, &language, asked.before, VERSIONS + 1)
        })
        .await?;
    let more = all.len() > VERSIONS as usize;
    all.truncate(VERSIONS as usize);
    let next = all.last().filter(|_| more).map(|v| v.number.to_string());
    let view = views::Versions {
        id: id.to_string(),
        rows: all.iter().map(|v| version_row(v, now.number, now.published_number)).collect(),
        next_href: next
            .map(|n| href(&format!("{HOME}/{id}/versions"), &[("language", &now.language), ("before", &n)])),
        language_name: language_name(&now.language).to_owned(),
        title: now.title,
        language: now.language,
    };
    who.show(&app, "articles/versions.html", view).await
}

#[derive(Deserialize)]
struct VersionAt {
    id: Uuid,
    number: i64,
}

async fn version(
    State(app): State<App>,
    who: StaffPage,
    At(at): At<VersionAt>,
    Params(asked): Params<Which>,
) -> Outcome {
    check(&who)?;
    let article = find(&app, &who, at.id).await?;
    let now = text(&article, &asked.language, &language(&who))?.clone();
    let (id, language) = (article.id, now.language.clone());
    let (shown, before) = app
        .read(who.scope(), move |read| {
            let shown = query::version(read, id, &language, at.number)?;
            let before = query::versions(read, id, &language, Some(at.number), 1)?;
            Ok((shown, before.into_iter().next()))
        })
        .await?;
    let changes = before.map(|b| changes(&whole(&b), &whole(&shown))).unwrap_or_default();
    let view = views::VersionPage {
        id: at.id.to_string(),
        version: article.version.to_string(),
        language_name: language_name(&now.language).to_owned(),
        row: version_row(&shown, now.number, now.published_number),
        changes,
        can_restore: article.archived_at.is_none() && shown.number != now.number,
        body_html: super::body::outlined(&shown.body_html).0,
        language: now.language,
    };
    who.show(&app, "articles/version.html", view).await
}

fn whole(v: &Version) -> String {
    format!("{}\n\n{}", v.title, v.body)
}

async fn restore_version(
    State(app): State<App>,
    who: StaffPage,
    At(at): At<VersionAt>,
    payload: Payload,
) -> Outcome {
    let (article, input) = act(&app, &who, at.id, payload).await?;
    let language = input.language.clone();
    app.write(who.scope(), move |tx| {
        articles::restore_version(tx, article.id, &input.language, at.number, input.version)
    })
    .await?;
    who.done(edit_href(at.id, &language), "articles-version-is-restored")
}

/// More lines than these times those are not compared.
const CELLS_MAX: usize = 1_000_000;

/// What changed from one text to another, line by line: a sign and the line. Long stretches that are alike are cut short.
fn changes(old: &str, new: &str) -> Vec<(String, String)> {
    let (a, b): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    if a.len() * b.len() > CELLS_MAX {
        return Vec::new();
    }
    // The longest lines in common of what is left of both, from every place.
    let width = b.len() + 1;
    let mut common = vec![0u32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            common[i * width + j] = if a[i] == b[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j, mut out) = (0, 0, Vec::<(String, String)>::new());
    let mut line = |sign: &str, text: &str| out.push((sign.to_owned(), text.to_owned()));
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            line(" ", a[i]);
            (i, j) = (i + 1, j + 1);
        } else if j >= b.len() || (i < a.len() && common[(i + 1) * width + j] >= common[i * width + j + 1]) {
            line("-", a[i]);
            i += 1;
        } else {
            line("+", b[j]);
            j += 1;
        }
    }
    shortened(out)
}

/// Two lines around each change are enough to see where it is.
fn shortened(lines: Vec<(String, String)>) -> Vec<(String, String)> {
    const AROUND: usize = 2;
    let changed: Vec<usize> = (0..lines.len()).filter(|i| lines[*i].0 != " ").collect();
    let mut out: Vec<(String, String)> = Vec::new();
    for (i, line) in lines.into_iter().enumerate() {
        if changed.iter().any(|c| c.abs_diff(i) <= AROUND) {
            out.push(line);
        } else if out.last().is_none_or(|l| l.0 != "…") {
            out.push(("…".into(), String::new()));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_changed_is_said_line_by_line() {
        let said = |old: &str, new: &str| -> Vec<String> {
            super::changes(old, new).into_iter().map(|(sign, line)| format!("{sign}{line}")).collect()
        };
        assert_eq!(said("a\nb\nc", "a\nx\nc"), [" a", "-b", "+x", " c"]);
        assert_eq!(said("a", "a\nb"), [" a", "+b"]);
        assert_eq!(said("1\n2\n3\n4\n5\n6", "1\n2\n3\n4\n5\n7"), ["…", " 4", " 5", "-6", "+7"]);
        assert_eq!(said("same", "same"), ["…"]);
    }
}
