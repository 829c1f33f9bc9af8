//! Handlers of the team pages.

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use base::{Error, Id, Result};
use identity::{
    User,
    teams::{self, Team},
    users,
};
use serde::Deserialize;
use uuid::Uuid;

use super::views;
use crate::{
    http::{
        app::App,
        extract::{At, Payload},
        failure::Outcome,
        page::form,
        person::{AdminPage, Ask, Button, problems},
    },
    kit::forms::{Choice, Problem},
};

const HOME: &str = "/admin/teams";

pub fn routes() -> Router<App> {
    Router::new()
        .route(HOME, get(list).post(create))
        .route("/admin/teams/{id}", get(show).post(change))
        .route("/admin/teams/{id}/delete", post(delete))
}

async fn view(app: &App, who: &AdminPage, problems: Vec<Problem>) -> Result<views::List> {
    let (teams, people) = app.read(who.scope(), |read| Ok((teams::all(read)?, users::staff(read)?))).await?;
    let row = |t: Team| views::TeamRow {
        id: t.id.to_string(),
        name: t.name,
        members: people.iter().filter(|u| t.members.contains(&u.id)).map(|u| u.name.clone()).collect(),
    };
    Ok(views::List { teams: teams.into_iter().map(row).collect(), new_name: String::new(), problems })
}

async fn list(State(app): State<App>, who: AdminPage) -> Outcome {
    let view = view(&app, &who, Vec::new()).await?;
    who.show(&app, "teams/list.html", view).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewForm {
    name: String,
}

async fn create(State(app): State<App>, who: AdminPage, payload: Payload) -> Outcome {
    let input: NewForm = form(&app, &who.caller, payload).await?;
    let name = input.name.clone();
    match app.write(who.scope(), move |tx| teams::create(tx, &name)).await {
        Ok(team) => who.done(format!("{HOME}/{}", team.id), "teams-created"),
        Err(error) => {
            let view = views::List { new_name: input.name, ..view(&app, &who, problems(error)?).await? };
            who.again(&app, HOME, "teams/list.html", view).await
        }
    }
}

async fn find(app: &App, who: &AdminPage, id: Uuid) -> Result<(Team, Vec<User>)> {
    app.read(who.scope(), move |read| Ok((teams::get(read, Id::from_uuid(id))?, users::staff(read)?))).await
}

fn team_view(team: &Team, people: Vec<User>) -> views::Team {
    let choice = |u: User| Choice::new(u.id.to_string(), u.name, team.members.contains(&u.id));
    // Somebody whose account is off stays visible while they are a member.
    let people = people.into_iter().filter(|u| u.disabled_at.is_none() || team.members.contains(&u.id));
    views::Team {
        id: team.id.to_string(),
        name: team.name.clone(),
        people: people.map(choice).collect(),
        problems: Vec::new(),
    }
}

async fn show(State(app): State<App>, who: AdminPage, At(id): At<Uuid>) -> Outcome {
    let (team, people) = find(&app, &who, id).await?;
    who.show(&app, "teams/team.html", team_view(&team, people)).await
}

async fn change(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let (mut team, people) = find(&app, &who, id).await?;
    // Members are one field many times, which a struct cannot hold.
    let pairs: Vec<(String, String)> = form(&app, &who.caller, payload).await?;
    let name = pairs.iter().find(|(n, _)| n == "name").map(|(_, v)| v.clone()).unwrap_or_default();
    let members = pairs
        .iter()
        .filter(|(n, _)| n == "members")
        .map(|(_, v)| v.parse::<Uuid>().map(Id::from_uuid))
        .collect::<std::result::Result<Vec<Id<User>>, _>>()
        .map_err(|_| Error::field("members", "team.member", "ids of people of the staff"))?;
    let (title, chosen) = (name.clone(), members.clone());
    let saved = app
        .write(who.scope(), move |tx| {
            let id = Id::from_uuid(id);
            let before = teams::rename(tx, id, &title)?;
            let same =
                before.members.len() == chosen.len() && chosen.iter().all(|m| before.members.contains(m));
            if same { Ok(before) } else { teams::set_members(tx, id, &chosen) }
        })
        .await;
    match saved {
        Ok(_) => who.done(HOME, "saved"),
        Err(error) => {
            team.members = members;
            let view = views::Team { name, problems: problems(error)?, ..team_view(&team, people) };
            who.again(&app, format!("{HOME}/{id}"), "teams/team.html", view).await
        }
    }
}

async fn delete(State(app): State<App>, who: AdminPage, At(id): At<Uuid>, payload: Payload) -> Outcome {
    let (team, _) = find(&app, &who, id).await?;
    let input: Button = form(&app, &who.caller, payload).await?;
    if !input.confirmed {
        let at = format!("{HOME}/{id}");
        let ask = Ask {
            question: "teams-delete-question",
            name: &team.name,
            button: "teams-delete",
            action: format!("{at}/delete"),
            fields: Vec::new(),
            back: at,
        };
        return who.ask(&app, ask).await;
    }
    app.write(who.scope(), move |tx| {
        desk::tickets::leave_team(tx, team.id)?;
        desk::views::leave_team(tx, team.id)?;
        desk::macros::leave_team(tx, team.id)?;
        desk::csat::leave_team(tx, team.id)?;
        desk::channels::leave_team(tx, team.id)?;
        teams::delete(tx, team.id)
    })
    .await?;
    who.done(HOME, "teams-deleted")
}
