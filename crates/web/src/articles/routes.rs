//! The API's table of articles.

use aide::axum::{
    ApiRouter,
    routing::{get_with, patch_with, post_with},
};
use axum::Json;
use desk::articles::{Version, categories::ArticleCategory};

use super::{api, api::*, staff_api, staff_api::*};
use crate::http::{
    answer::Page,
    app::App,
    router::{Who, body, reads, writes},
};

pub fn routes() -> ApiRouter<App> {
    readers().merge(staff()).merge(categories())
}

fn readers() -> ApiRouter<App> {
    use Who::*;
    const HOME: &str = "/api/help/articles";
    let at = |rest: &str| format!("{HOME}/{rest}");
    ApiRouter::new()
        .api_route(
            HOME,
            get_with(api::list, |op| {
                reads(
                    op,
                    "help.articles.list",
                    "Articles the caller can read, or those with some words",
                    Anybody,
                )
                .response::<200, Json<Page<HelpArticle>>>()
            }),
        )
        .api_route(
            &at("{slug}"),
            get_with(api::show, |op| {
                reads(op, "help.articles.show", "An article", Anybody)
                    .response::<200, Json<HelpArticlePage>>()
            }),
        )
        .api_route(
            &at("{slug}/feedback"),
            post_with(api::feedback, |op| {
                body::<FeedbackIn>(writes(
                    op,
                    "help.articles.feedback",
                    "Say whether it helped; once a reader",
                    Anybody,
                ))
                .response::<204, ()>()
            }),
        )
}

fn staff() -> ApiRouter<App> {
    use Who::*;
    const HOME: &str = "/api/admin/articles";
    let at = |rest: &str| format!("{HOME}/{rest}");
    ApiRouter::new()
        .api_route(
            HOME,
            get_with(staff_api::list, |op| {
                reads(
                    op,
                    "admin.articles.list",
                    "Articles in the order of the help centre, with figures",
                    Agents,
                )
                .response::<200, Json<Page<ArticleOut>>>()
            })
            .post_with(staff_api::create, |op| {
                body::<ArticleIn>(writes(
                    op,
                    "admin.articles.create",
                    "Write an article, a draft at first",
                    Agents,
                ))
                .response::<201, Json<ArticleOut>>()
            }),
        )
        .api_route(
            &at("{id}"),
            get_with(staff_api::show, |op| {
                reads(op, "admin.articles.show", "An article with all its texts", Agents)
                    .response::<200, Json<ArticleOut>>()
            })
            .patch_with(staff_api::change, |op| {
                body::<ArticlePatchIn>(writes(
                    op,
                    "admin.articles.change",
                    "Save a text as a new version, or change address, category, visibility or place",
                    Agents,
                ))
                .response::<200, Json<ArticleOut>>()
            }),
        )
        .api_route(
            &at("{id}/publish"),
            post_with(staff_api::publish, |op| {
                body::<WhichTextIn>(writes(
                    op,
                    "admin.articles.publish",
                    "Show readers what was saved last",
                    Agents,
                ))
                .response::<200, Json<ArticleOut>>()
            }),
        )
        .api_route(
            &at("{id}/unpublish"),
            post_with(staff_api::unpublish, |op| {
                body::<WhichTextIn>(writes(
                    op,
                    "admin.articles.unpublish",
                    "Take a text from readers",
                    Agents,
                ))
                .response::<200, Json<ArticleOut>>()
            }),
        )
        .api_route(
            &at("{id}/archive"),
            post_with(staff_api::archive, |op| {
                writes(op, "admin.articles.archive", "Take it away; nothing is lost", Agents)
                    .response::<200, Json<ArticleOut>>()
            }),
        )
        .api_route(
            &at("{id}/restore"),
            post_with(staff_api::restore, |op| {
                writes(op, "admin.articles.restore", "Bring it back as it was", Agents)
                    .response::<200, Json<ArticleOut>>()
            }),
        )
        .api_route(
            &at("{id}/versions"),
            get_with(staff_api::versions, |op| {
                reads(op, "admin.articles.versions", "Every text that was saved, newest first", Agents)
                    .response::<200, Json<Page<Version>>>()
            }),
        )
        .api_route(
            &at("{id}/versions/{number}/restore"),
            post_with(staff_api::restore_version, |op| {
                body::<WhichTextIn>(writes(
                    op,
                    "admin.articles.restore_version",
                    "Save an old version again",
                    Agents,
                ))
                .response::<200, Json<ArticleOut>>()
            }),
        )
}

fn categories() -> ApiRouter<App> {
    use Who::*;
    const HOME: &str = "/api/admin/article-categories";
    ApiRouter::new()
        .api_route(
            HOME,
            get_with(staff_api::list_categories, |op| {
                reads(op, "admin.article_categories.list", "Categories of articles", Agents)
                    .response::<200, Json<Page<ArticleCategory>>>()
            })
            .post_with(staff_api::create_category, |op| {
                body::<ArticleCategoryIn>(writes(
                    op,
                    "admin.article_categories.create",
                    "Make a category, last in order",
                    Admins,
                ))
                .response::<201, Json<ArticleCategory>>()
            }),
        )
        .api_route(
            &format!("{HOME}/{{id}}"),
            patch_with(staff_api::change_category, |op| {
                body::<ArticleCategoryPatchIn>(writes(
                    op,
                    "admin.article_categories.change",
                    "Rename or move it",
                    Admins,
                ))
                .response::<200, Json<ArticleCategory>>()
            })
            .delete_with(staff_api::delete_category, |op| {
                writes(op, "admin.article_categories.delete", "Delete one that is empty", Admins)
                    .response::<204, ()>()
            }),
        )
}
