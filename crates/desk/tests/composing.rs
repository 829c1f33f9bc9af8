//! Drafts, held answers and presence, beneath HTTP: what commits with what, and what a dead worker leaves.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

use base::{Actor, Id, Role, minutes, seconds};
use db::{Scope, Tx};
use desk::{
    composing::{
        drafts::{self, Written},
        held::{self, Held},
        presence::{self, Doing},
    },
    tickets::{self, *},
};
use engine::{Moment, Registry, Worker};
use identity::{Settings, Staff, users};
use testkit::{DiesAt, World, both_engines};

fn registry() -> Registry {
    let mut registry = Registry::default();
    registry.handle_inside(held::Releaser);
    registry.handle_inside(tickets::jobs::Announcer {
        links: identity::Links::parse("http://127.0.0.1:8080").unwrap(),
    });
    registry.handle_inside(tickets::search::Indexer);
    registry.handle_inside(tickets::search::CustomerIndexer);
    registry
}

async fn work(world: &World) {
    Worker::new(world.db.clone(), testkit::fake_outside().0, registry()).run_due().await.unwrap();
}

fn hire(tx: &mut Tx<'_>, name: &str, role: Role) -> Staff {
    let new = users::NewUser {
        email: format!("{}@example.org", name.to_lowercase()).parse().unwrap(),
        name: name.into(),
        role,
        password_hash: None,
        verified: true,
        locale: "en".into(),
        time_zone: "UTC".into(),
    };
    let user = users::create(tx, new).unwrap();
    Staff { user_id: Some(user.id), role, actor: user.actor(), read_only: false }
}

fn file(tx: &mut Tx<'_>, subject: &str) -> Id<Ticket> {
    let new = NewTicket::new(subject, "It does not work.", Channel::Portal).unwrap();
    let requester =
        Requester { email: "ada@example.org".parse().unwrap(), name: "Ada".into(), user_id: None };
    let whom = For::Address { requester, spoke_first: false };
    tickets::create(tx, &Settings::default(), None, whom, new).unwrap().id
}

fn answer(text: &str, status: Option<Status>, version: Option<i64>) -> NewMessage {
    NewMessage {
        body: Markdown::parse("body", text).unwrap(),
        is_internal: false,
        attachments: vec![NewAttachment {
            filename: "plan.pdf".into(),
            content_type: "application/pdf".into(),
            size_bytes: 3,
            sha256: [7; 32],
        }],
        status,
        expected_version: version,
        addressed_to: None,
    }
}

db::statements! {
    FILES = "select files from drafts where tenant_id = ?1 and ticket_id = ?2";
    SET_FILES = "update drafts set files = ?3 where tenant_id = ?1 and ticket_id = ?2";
}

struct Desk {
    ben: Staff,
    cleo: Staff,
    ticket: Id<Ticket>,
    settings: Settings,
}

async fn desk(world: &World) -> Desk {
    for tenant in [world.here, world.there] {
        world.db.write(Scope::tenant(tenant, Actor::operator()), desk::prepare_tenant).await.unwrap();
    }
    let (ben, cleo, ticket) = world
        .db
        .write(world.scope(), |tx| {
            Ok((hire(tx, "Ben", Role::Agent), hire(tx, "Cleo", Role::Agent), file(tx, "red light")))
        })
        .await
        .unwrap();
    Desk { ben, cleo, ticket, settings: Settings::default() }
}

impl Desk {
    async fn hold(&self, world: &World, text: &str, status: Option<Status>) -> Held {
        let (settings, ben, id, new) =
            (self.settings.clone(), self.ben.clone(), self.ticket, answer(text, status, None));
        world
            .db
            .write(world.scope_of(&ben), move |tx| held::hold(tx, &settings, &ben, id, new))
            .await
            .unwrap()
    }
    async fn ticket(&self, world: &World) -> Ticket {
        let id = self.ticket;
        world.db.read(world.scope(), move |read| query::get(read, id)).await.unwrap()
    }
    async fn said(&self, world: &World) -> Vec<Message> {
        let id = self.ticket;
        world.db.read(world.scope(), move |read| query::messages(read, id)).await.unwrap()
    }
    async fn draft(&self, world: &World, of: &Staff) -> Option<drafts::Draft> {
        let (staff, id) = (of.clone(), self.ticket);
        world.db.read(world.scope(), move |read| drafts::find(read, &staff, id, None)).await.unwrap()
    }
}

trait ScopeOf {
    fn scope_of(&self, staff: &Staff) -> Scope;
}
impl ScopeOf for World {
    fn scope_of(&self, staff: &Staff) -> Scope {
        Scope::tenant(self.here, staff.actor.clone())
    }
}

both_engines! {
    async fn a_held_answer_leaves_no_trace_until_it_is_released(world) {
        let d = desk(&world).await;
        let before = d.ticket(&world).await;
        d.hold(&world, "Please restart it.", Some(Status::PendingCustomer)).await;
        work(&world).await;
        assert_eq!(d.ticket(&world).await, before, "not even the version moved");
        assert_eq!(d.said(&world).await.len(), 1);
        world.clock.advance(seconds(11));
        work(&world).await;
        let after = d.ticket(&world).await;
        assert_eq!((after.status, after.first_response_at), (Status::PendingCustomer, Some(world.now())));
        let said = d.said(&world).await;
        assert_eq!((said.len(), said[1].author.name.as_str(), said[1].attachments.len()), (2, "Ben", 1));
        let held = { let id = d.ticket; world.db.read(world.scope(), move |r| held::of(r, id)).await.unwrap() };
        assert!(held.is_empty());
    }

    async fn taken_back_it_is_a_draft_with_its_files_above_what_was_begun_since(world) {
        let d = desk(&world).await;
        let held = d.hold(&world, "Wrong customer!", Some(Status::Resolved)).await;
        let (ben, cleo, id) = (d.ben.clone(), d.cleo.clone(), d.ticket);
        let theirs = world.db.write(world.scope(), { let cleo = cleo.clone(); move |tx| held::take_back(tx, &cleo, id, held.id) }).await.unwrap_err();
        assert_eq!(theirs.code(), "answer.others");
        world.db.write(world.scope(), move |tx| {
            drafts::keep(tx, &ben, id, Written { kind: "reply".into(), body: "Next thought".into(), status: None })?;
            held::take_back(tx, &ben, id, held.id)
        }).await.unwrap();
        let draft = d.draft(&world, &d.ben).await.unwrap();
        assert_eq!(draft.body, "Wrong customer!\n\nNext thought");
        assert_eq!((draft.status, draft.files.len(), draft.files[0].file.filename.as_str()), (Some(Status::Resolved), 1, "plan.pdf"));
        world.clock.advance(minutes(1));
        work(&world).await;
        assert_eq!(d.said(&world).await.len(), 1, "what was taken back does not go out");
        let ben = d.ben.clone();
        let gone = world.db.write(world.scope(), move |tx| held::take_back(tx, &ben, id, held.id)).await.unwrap_err();
        assert_eq!(gone.kind(), base::Kind::NotFound);
    }

    async fn an_answer_overtaken_by_the_customer_is_a_draft_again_and_its_author_is_told(world) {
        let d = desk(&world).await;
        d.hold(&world, "Solved, I think.", Some(Status::Resolved)).await;
        world.clock.advance(seconds(3));
        let (cleo, id, settings) = (d.cleo.clone(), d.ticket, d.settings.clone());
        let scope = world.scope_of(&cleo);
        world.db.write(scope, move |tx| tickets::staff_message(tx, &settings, &cleo, id, answer("No: the street is dark.", None, None))).await.unwrap();
        world.clock.advance(seconds(9));
        work(&world).await;
        let said = d.said(&world).await;
        assert_eq!(said.iter().map(|m| m.author.name.as_str()).collect::<Vec<_>>()[1..], ["Cleo"]);
        assert_ne!(d.ticket(&world).await.status, Status::Resolved);
        assert_eq!(d.draft(&world, &d.ben).await.unwrap().body, "Solved, I think.");
        let ben = d.ben.user_id.unwrap();
        let notices = world.db.read(world.scope(), move |read| notices::inbox::latest(read, ben, 10)).await.unwrap();
        assert!(notices.iter().any(|n| n.kind == "answer_kept_back" && n.title.contains("Cleo wrote meanwhile")), "{notices:?}");
    }

    async fn a_colleague_s_held_answer_refuses_mine_and_not_the_author_s_own(world) {
        let d = desk(&world).await;
        d.hold(&world, "First!", None).await;
        let version = Some(d.ticket(&world).await.version);
        let (cleo, ben, id, settings) = (d.cleo.clone(), d.ben.clone(), d.ticket, d.settings.clone());
        let refused = world.db.write(world.scope_of(&d.cleo), { let settings = settings.clone(); move |tx| held::hold(tx, &settings, &cleo, id, answer("Second", None, version)) }).await.unwrap_err();
        assert_eq!((refused.kind(), refused.code()), (base::Kind::Stale, "ticket.being_answered"));
        world.db.write(world.scope_of(&d.ben), move |tx| held::hold(tx, &settings, &ben, id, answer("And also", None, version))).await.unwrap();
    }

    async fn a_worker_that_dies_at_the_release_neither_loses_nor_doubles(world) {
        let d = desk(&world).await;
        d.hold(&world, "Once and only once.", Some(Status::PendingCustomer)).await;
        world.clock.advance(seconds(11));
        for moment in [Moment::Claimed, Moment::Planned, Moment::Performed] {
            Worker::new(world.db.clone(), testkit::fake_outside().0, registry()).with_probe(DiesAt::new([moment])).run_due().await.unwrap();
            world.clock.advance(minutes(15));
        }
        work(&world).await;
        world.clock.advance(minutes(15));
        work(&world).await;
        assert_eq!(d.said(&world).await.len(), 2);
        assert!(d.draft(&world, &d.ben).await.is_none());
    }

    async fn what_sending_would_refuse_is_refused_before_it_is_held(world) {
        let d = desk(&world).await;
        let (ben, id, settings) = (d.ben.clone(), d.ticket, d.settings.clone());
        let stale = world.db.write(world.scope(), move |tx| held::hold(tx, &settings, &ben, id, answer("Hi", None, Some(77)))).await.unwrap_err();
        assert_eq!(stale.code(), "ticket.stale");
        let held = { let id = d.ticket; world.db.read(world.scope(), move |r| held::of(r, id)).await.unwrap() };
        assert!(held.is_empty());
        assert_eq!(d.said(&world).await.len(), 1, "the trial left nothing");
    }

    async fn drafts_are_their_author_s_and_an_empty_one_is_none(world) {
        let d = desk(&world).await;
        let keep = |staff: &Staff, body: &str| {
            let (staff, id, body) = (staff.clone(), d.ticket, body.to_owned());
            world.db.write(world.scope(), move |tx| drafts::keep(tx, &staff, id, Written { kind: "note".into(), body, status: None }))
        };
        keep(&d.ben, "half a thought").await.unwrap();
        assert!(d.draft(&world, &d.cleo).await.is_none());
        assert_eq!(d.draft(&world, &d.ben).await.unwrap().kind, "note");
        let (ben, id) = (d.ben.clone(), d.ticket);
        let mine = world.db.read(world.scope(), move |read| drafts::mine(read, &ben)).await.unwrap();
        assert!(mine.contains(&id));
        assert!(keep(&d.ben, "  ").await.unwrap().is_none());
        assert!(d.draft(&world, &d.ben).await.is_none());
        let (ben, files) = (d.ben.clone(), vec![answer("x", None, None).attachments.remove(0); 21]);
        let many = world.db.write(world.scope(), move |tx| drafts::attach(tx, &ben, id, None, files)).await.unwrap_err();
        assert_eq!(many.code(), "attachments.too_many");
        assert!(d.draft(&world, &d.ben).await.is_none(), "refused files begin no draft");
    }

    async fn a_row_from_before_there_were_two_kinds_is_a_draft_of_its_kind_with_its_files(world) {
        let d = desk(&world).await;
        let (ben, id) = (d.ben.clone(), d.ticket);
        let old = answer("x", None, None).attachments.remove(0);
        world.db.write(world.scope(), move |tx| {
            drafts::attach(tx, &ben, id, Some("note"), vec![old])?;
            drafts::keep(tx, &ben, id, Written { kind: "note".into(), body: "half a thought".into(), status: None })?;
            // As it was written then: no kind with the file.
            let files: serde_json::Value = tx.query_one(&FILES, db::params![id], |row| row.get(0))?.unwrap();
            let mut one = files[0].as_object().unwrap().clone();
            one.remove("kind").unwrap();
            tx.execute(&SET_FILES, db::params![id, serde_json::json!([one])])
        }).await.unwrap();
        let found = d.draft(&world, &d.ben).await.unwrap();
        assert_eq!((found.kind.as_str(), found.files.len()), ("note", 1));
        let (ben, id) = (d.ben.clone(), d.ticket);
        let both = world.db.write(world.scope(), move |tx| {
            drafts::keep(tx, &ben, id, Written { kind: "reply".into(), body: "Dear Ada".into(), status: None })?;
            drafts::all(tx, &ben, id)
        }).await.unwrap();
        let told: Vec<_> = both.iter().map(|x| (x.kind.as_str(), x.files.len())).collect();
        assert_eq!(told, [("reply", 0), ("note", 1)]);
    }

    async fn presence_is_told_in_time_and_wakes_only_for_a_difference(world) {
        let d = desk(&world).await;
        let tell = |staff: &Staff, doing| {
            let (staff, id) = (staff.clone(), d.ticket);
            world.db.write(world.scope(), move |tx| presence::tell(tx, &staff, id, doing))
        };
        let others = || {
            let (cleo, id) = (d.cleo.clone(), d.ticket);
            world.db.read(world.scope(), move |read| presence::others(read, &cleo, id))
        };
        let changes = || world.db.read(world.scope(), |read| Ok(presence::since(read, base::Timestamp::UNIX_EPOCH)?.into_iter().map(|c| c.2).collect::<Vec<_>>()));
        tell(&d.ben, Doing::Viewing).await.unwrap();
        let first = changes().await.unwrap();
        assert_eq!(others().await.unwrap().iter().map(|p| (p.name.as_str(), p.is_typing)).collect::<Vec<_>>(), [("Ben", false)]);
        world.clock.advance(seconds(10));
        tell(&d.ben, Doing::Viewing).await.unwrap();
        assert_eq!(changes().await.unwrap(), first, "a sign of life is no news");
        tell(&d.ben, Doing::Typing).await.unwrap();
        assert_ne!(changes().await.unwrap(), first);
        tell(&d.ben, Doing::Viewing).await.unwrap();
        assert!(others().await.unwrap()[0].is_typing, "another tab does not stop the typing");
        world.clock.advance(seconds(14));
        assert!(!others().await.unwrap()[0].is_typing);
        world.clock.advance(seconds(12));
        assert!(others().await.unwrap().is_empty(), "silence is gone");
        tell(&d.ben, Doing::Viewing).await.unwrap();
        tell(&d.ben, Doing::Gone).await.unwrap();
        assert!(others().await.unwrap().is_empty());
        assert_eq!(d.ticket(&world).await.version, 1);
        world.clock.advance(minutes(20));
        world.db.write(world.scope(), desk::composing::forget_old).await.unwrap();
        assert!(changes().await.unwrap().is_empty());
        let there = Scope::tenant(world.there, Actor::operator());
        assert!(world.db.read(there, |read| presence::since(read, base::Timestamp::UNIX_EPOCH)).await.unwrap().is_empty());
    }
}
