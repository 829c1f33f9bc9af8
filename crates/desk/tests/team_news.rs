//! New tickets and the team: a few are told one by one; of many at once nobody gets a letter each; a flood ends in none.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

use base::{Id, Role, minutes};
use db::{Scope, Tx};
use desk::tickets::{self, *};
use engine::{Registry, Worker};
use identity::{Settings, User, teams, users};
use notices::{inbox, letters};
use testkit::{World, both_engines};

fn hire(tx: &mut Tx<'_>, name: &str, role: Role) -> base::Result<Id<User>> {
    let new = users::NewUser {
        email: format!("{}@example.org", name.to_lowercase()).parse()?,
        name: name.into(),
        role,
        password_hash: None,
        verified: true,
        locale: if name == "Ben" { "de" } else { "en" }.into(),
        time_zone: "UTC".into(),
    };
    Ok(users::create(tx, new)?.id)
}

fn file(tx: &mut Tx<'_>, n: usize, team: Option<Id<teams::Team>>) -> base::Result<Ticket> {
    let requester =
        Requester { email: format!("c{n}@example.org").parse()?, name: "Ada".into(), user_id: None };
    let mut new = NewTicket::new(&format!("secret words {n}"), "It does not work.", Channel::Portal)?;
    new.team_id = team;
    tickets::create(tx, &Settings::default(), None, For::Stranger(requester), new)
}

async fn work(world: &World) {
    let mut registry = Registry::default();
    registry.handle_inside(tickets::jobs::Announcer {
        links: identity::Links::parse("http://127.0.0.1:8080").unwrap(),
    });
    Worker::new(world.db.clone(), testkit::fake_outside().0, registry).run_due().await.unwrap();
}

/// Titles of a person's notices, the newest first.
async fn told(world: &World, scope: Scope, user: Id<User>) -> Vec<(String, Option<uuid::Uuid>)> {
    let latest = world.db.read(scope, move |read| inbox::latest(read, user, 200)).await.unwrap();
    latest.into_iter().map(|n| (n.title, n.ticket_id)).collect()
}

async fn letters_to(world: &World, scope: Scope, email: &'static str) -> Vec<letters::Letter> {
    let all = world.db.read(scope, |read| letters::list(read, None, 10_000)).await.unwrap();
    all.into_iter().filter(|l| l.to_email.as_str() == email).collect()
}

async fn staff(world: &World) -> (Id<User>, Id<User>, Id<teams::Team>) {
    for scope in [world.scope(), world.scope_there()] {
        world.db.write(scope, desk::prepare_tenant).await.unwrap();
    }
    let there = world.db.write(world.scope_there(), |tx| hire(tx, "Dora", Role::Admin));
    there.await.unwrap();
    let made = world.db.write(world.scope(), |tx| {
        let (ann, ben) = (hire(tx, "Ann", Role::Admin)?, hire(tx, "Ben", Role::Agent)?);
        let team = teams::create(tx, "North")?.id;
        teams::set_members(tx, team, &[ben])?;
        Ok((ann, ben, team))
    });
    made.await.unwrap()
}

both_engines! {
    async fn a_few_are_told_one_by_one_and_many_at_once_together(world) {
        let (ann, ben, team) = staff(&world).await;
        let few = world.db.write(world.scope(), |tx| (0..3).map(|n| file(tx, n, None)).collect::<base::Result<Vec<_>>>());
        let few = few.await.unwrap();
        work(&world).await;
        let singly = told(&world, world.scope(), ann).await;
        assert_eq!(singly.len(), 3);
        assert_eq!(singly[2], (format!("{}: secret words 0", few[0].ticket_number), Some(few[0].id.uuid())));
        assert_eq!(letters_to(&world, world.scope(), "ann@example.org").await.len(), 3);

        // Five of everybody's, and four of the team that is Ben's alone.
        world.clock.advance(minutes(1));
        let many = world.db.write(world.scope(), move |tx| {
            (3..12).map(|n| file(tx, n, (n >= 8).then_some(team))).collect::<base::Result<Vec<_>>>()
        });
        let many = many.await.unwrap();
        let theirs = world.db.write(world.scope_there(), |tx| file(tx, 0, None)).await.unwrap();
        work(&world).await;
        let number = |n: usize| many[n].ticket_number.clone();
        let anns = told(&world, world.scope(), ann).await;
        assert_eq!(anns.len(), 4, "{anns:?}");
        assert_eq!(anns[0], (format!("5 new tickets: {}, {} and 3 more", number(0), number(1)), None));
        let bens = told(&world, world.scope(), ben).await;
        assert_eq!(bens[0].0, format!("9 new tickets: {}, {} and 7 more", number(0), number(1)));

        let letter = letters_to(&world, world.scope(), "ann@example.org").await.remove(0);
        assert_eq!((letter.subject.as_str(), letter.ticket_id, letter.automatic), ("5 new tickets", None, true));
        for ticket in &many[..5] {
            let (number, link) = (&ticket.ticket_number, format!("http://here.example.org:8080/desk/tickets/{}", ticket.id));
            assert!(letter.body_text.contains(number) && letter.body_html.contains(&link), "{}", letter.body_text);
        }
        assert!(!letter.body_text.contains(&number(5)), "the team's are not hers to hear of: {}", letter.body_text);
        assert!(!letter.body_text.contains("secret") && !letter.body_text.contains("c3@"), "{}", letter.body_text);
        let german = letters_to(&world, world.scope(), "ben@example.org").await.remove(0);
        assert!(german.subject.ends_with("neue Tickets"), "{}", german.subject);
        // Each customer has their own letter, and the neighbour's staff hears of the neighbour's alone.
        assert_eq!(letters_to(&world, world.scope(), "c4@example.org").await.len(), 1);
        let doras = letters_to(&world, world.scope_there(), "dora@example.org").await;
        assert_eq!(doras.len(), 1);
        assert!(doras[0].subject.contains(&theirs.ticket_number));
    }

    async fn one_that_cannot_be_told_takes_nobody_elses_news_with_it(world) {
        let (ann, ..) = staff(&world).await;
        let filed = world.db.write(world.scope(), |tx| (0..5).map(|n| file(tx, n, None)).collect::<base::Result<Vec<_>>>());
        let spam = filed.await.unwrap()[2].id;
        world.db.write(world.scope(), move |tx| {
            let everything = identity::Staff { user_id: None, role: Role::Admin, actor: base::Actor::system(), read_only: false };
            tickets::mark_spam(tx, &Settings::default(), &everything, spam, false, None).map(|_| ())
        }).await.unwrap();
        work(&world).await;
        let title = told(&world, world.scope(), ann).await.remove(0).0;
        assert!(title.starts_with("4 new tickets"), "{title}");
        assert!(letters_to(&world, world.scope(), "c2@example.org").await.is_empty(), "spam gets no letter");
        assert_eq!(letters_to(&world, world.scope(), "c3@example.org").await.len(), 1);
    }

    async fn a_flood_ends_in_no_letters_to_staff_and_leaves_none_held(world) {
        let (ann, ben, _) = staff(&world).await;
        for round in 0..70 {
            world.db.write(world.scope(), move |tx| {
                (0..4).try_for_each(|n| file(tx, round * 4 + n, None).map(|_| ()))
            }).await.unwrap();
            work(&world).await;
        }
        let anns = letters_to(&world, world.scope(), "ann@example.org").await;
        assert_eq!(anns.len(), 60, "as many as one gets in ten minutes");
        assert!(anns.iter().all(|l| l.status == "queued"));
        let (anns, bens) = (told(&world, world.scope(), ann).await, told(&world, world.scope(), ben).await);
        let pauses = |all: &[(String, _)]| all.iter().filter(|(title, _)| title.contains("pause")).count();
        assert_eq!((pauses(&anns), pauses(&bens)), (1, 0), "the administrator hears of it, once");
        assert_eq!(bens.len(), 70, "in the product each is told");
        world.clock.advance(minutes(11));
        world.db.write(world.scope(), |tx| file(tx, 1_000, None).map(|_| ())).await.unwrap();
        work(&world).await;
        assert_eq!(letters_to(&world, world.scope(), "ann@example.org").await.len(), 61, "and then they go on");
    }
}
