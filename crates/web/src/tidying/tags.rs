use axum::{Router, extract::State, routing::get};
use desk::tickets::tags::{self, COLOURS};
use serde::Deserialize;

use super::views;
use crate::{
    http::{
        app::App,
        extract::Payload,
        failure::Outcome,
        page::form,
        person::{AdminPage, problems_as},
    },
    kit::forms::{Choice, Problem},
};

const HOME: &str = "/admin/tags";

pub fn routes() -> Router<App> {
    Router::new().route(HOME, get(list).post(set))
}

fn colours(who: &AdminPage, chosen: &str) -> Vec<Choice> {
    COLOURS.iter().map(|c| Choice::new(*c, who.say(&format!("colour-{c}")), *c == chosen)).collect()
}

async fn view(app: &App, who: &AdminPage, problems: Vec<Problem>) -> base::Result<views::Tags> {
    let all = app.read(who.scope(), tags::all).await?;
    Ok(views::Tags {
        tags: all
            .into_iter()
            .map(|t| views::Tag { colours: colours(who, &t.colour), tag: t.tag, colour: t.colour })
            .collect(),
        colours: colours(who, "blue"),
        typed: String::new(),
        problems,
    })
}

async fn list(State(app): State<App>, who: AdminPage) -> Outcome {
    let view = view(&app, &who, Vec::new()).await?;
    who.show(&app, "tidying/tags.html", view).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    tag: String,
    colour: String,
}

async fn set(State(app): State<App>, who: AdminPage, payload: Payload) -> Outcome {
    let input: Form = form(&app, &who.caller, payload).await?;
    let typed = input.tag.clone();
    let set = app
        .write(who.scope(), move |tx| {
            let known = tags::coloured(tx)?.into_iter().any(|t| t.tag == input.tag);
            if input.colour == "grey" && known {
                tags::forget_colour(tx, &input.tag)
            } else {
                tags::set_colour(tx, &input.tag, &input.colour).map(|_| ())
            }
        })
        .await;
    match set {
        Ok(()) => who.done(HOME, "saved"),
        Err(error) => {
            let view = views::Tags { typed, ..view(&app, &who, problems_as(error, &[])?).await? };
            who.again(&app, HOME, "tidying/tags.html", view).await
        }
    }
}
