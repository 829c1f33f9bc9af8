//! Both engines and a plain look at the words find the same tickets.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use base::{Actor, Email, Result, Role};
use db::search::{Audience, Document, Segment, Term, Wanted};
use desk::tickets::{
    self, Channel, For, Markdown, NewMessage, NewTicket, Requester, Ticket, TicketFilter,
    search::{self, SearchOrder},
};
use identity::{Settings, Staff};
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, TestRunner},
};
use testkit::{World, both_engines};
use uuid::Uuid;

fn staff() -> Staff {
    Staff { user_id: None, role: Role::Admin, actor: Actor::operator(), read_only: false }
}

fn new_ticket(tx: &mut db::Tx<'_>, subject: &str, body: &str) -> Result<Ticket> {
    let requester =
        Requester { email: "ada@example.org".parse::<Email>()?, name: "Ada Byron".into(), user_id: None };
    let new = NewTicket::new(subject, body, Channel::Email)?;
    tickets::create(
        tx,
        &Settings::default(),
        Some(&staff()),
        For::Address { requester, spoke_first: false },
        new,
    )
}

async fn prepared(world: &World) {
    for scope in [world.scope(), world.scope_there()] {
        world.db.write(scope, desk::prepare_tenant).await.unwrap();
    }
}

async fn found(world: &World, q: &str) -> Vec<String> {
    let filter = TicketFilter { q: Some(q.into()), by_relevance: true, limit: 50, ..TicketFilter::default() };
    let q = q.to_owned();
    world
        .db
        .read(world.scope(), move |read| {
            let found =
                search::search(read, &staff(), &filter).map_err(|e| base::Error::bug(format!("{q}: {e}")))?;
            Ok(found.tickets.into_iter().map(|t| t.subject).collect())
        })
        .await
        .unwrap()
}

/// A ticket's texts: said and noted.
type Texts = (String, Vec<String>, Vec<String>);

fn document((head, said, noted): &Texts) -> Document {
    let mut d = Document::default();
    d.head(head);
    said.iter().for_each(|t| d.said(t));
    noted.iter().for_each(|t| d.noted(t));
    d
}

/// Few words of many kinds, so that they meet often.
fn text() -> impl Strategy<Value = String> + Clone {
    let word = prop::sample::select(vec![
        "router",
        "Router",
        "routing",
        "röuter",
        "licht",
        "LICHT",
        "rot",
        "SUP-00042",
        "42",
        "sup",
        "wi-fi",
        "日本語",
        "本",
        "ルーター",
        "인터넷",
        "ab",
        "abc",
        "ada@example.org",
        "don't",
        "a",
        "b",
        "!",
    ]);
    prop::collection::vec(word, 0..7).prop_map(|words| words.join(" "))
}

fn texts() -> impl Strategy<Value = Texts> {
    // Now and then a text so long that it takes several segments.
    let long = prop_oneof![
        9 => text(),
        1 => (text(), text()).prop_map(|(a, b)| format!("{a} {} {b}", "füller ".repeat(230))),
    ];
    (text(), prop::collection::vec(long.clone(), 0..3), prop::collection::vec(long, 0..2))
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let term = (text(), any::<bool>(), 1..3usize).prop_map(|(text, prefix, words)| {
        let text = text.split(' ').take(words).collect::<Vec<_>>().join(" ");
        Term::of(&text, prefix)
    });
    (prop::collection::vec(term.clone(), 0..3), prop::collection::vec(term, 0..2)).prop_map(|(all, none)| {
        Wanted { all: all.into_iter().flatten().collect(), none: none.into_iter().flatten().collect() }
    })
}

async fn refile(world: &World, ids: &[Uuid], corpus: &[Texts]) {
    let filed: Vec<(Uuid, Document)> = ids.iter().copied().zip(corpus.iter().map(document)).collect();
    let write =
        move |tx: &mut db::Tx<'_>| filed.into_iter().try_for_each(|(id, d)| db::search::refile(tx, id, d));
    world.db.write(world.scope(), write).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_question_finds_the_same_on_both_engines() {
    let worlds = [World::sqlite(), World::postgres()];
    let mut ids = Vec::new();
    for world in &worlds {
        prepared(world).await;
        let made = world
            .db
            .write(world.scope(), |tx| {
                (0..24)
                    .map(|n| new_ticket(tx, &format!("t{n}"), "x").map(|t| t.id.uuid()))
                    .collect::<Result<Vec<_>>>()
            })
            .await
            .unwrap();
        ids.push(made);
    }
    let mut runner = TestRunner::new(Config::default());
    let (mut positive, mut several) = (0, 0);
    for _ in 0..12 {
        let corpus = prop::collection::vec(texts(), 24).new_tree(&mut runner).unwrap().current();
        let segments: Vec<Vec<Segment>> = corpus.iter().map(|t| document(t).segments()).collect();
        several += segments.iter().filter(|s| s.len() > 1).count();
        for (world, ids) in worlds.iter().zip(&ids) {
            refile(world, ids, &corpus).await;
        }
        for _ in 0..40 {
            let wanted = wanted().new_tree(&mut runner).unwrap().current();
            if wanted.is_empty() {
                continue;
            }
            for audience in [Audience::Staff, Audience::Customer] {
                let expected: Vec<usize> =
                    (0..24).filter(|n| wanted.is_met_by(&segments[*n], audience)).collect();
                positive += expected.len();
                for (world, ids) in worlds.iter().zip(&ids) {
                    let (asked, all) = (wanted.clone(), ids.clone());
                    let (ranked, among) = world
                        .db
                        .read(world.scope(), move |read| {
                            Ok((
                                db::search::find(read, &asked, audience)?.expect("few"),
                                db::search::across(read, &asked, audience, &all)?,
                            ))
                        })
                        .await
                        .unwrap();
                    let place = |id: Uuid| ids.iter().position(|i| *i == id).unwrap();
                    let mut among: Vec<(usize, bool)> =
                        among.iter().map(|h| (place(h.ticket), h.in_head)).collect();
                    let mut found: Vec<(usize, bool)> =
                        ranked.iter().map(|h| (place(h.ticket), h.in_head)).collect();
                    assert!(ranked.windows(2).all(|w| (!w[0].in_head, std::cmp::Reverse(w[0].no))
                        < (!w[1].in_head, std::cmp::Reverse(w[1].no))));
                    among.sort_unstable();
                    found.sort_unstable();
                    let kind = world.db.kind();
                    assert_eq!(
                        found.iter().map(|f| f.0).collect::<Vec<_>>(),
                        expected,
                        "{kind:?} {audience:?} {wanted:?} {corpus:?}"
                    );
                    assert_eq!(found, among, "{kind:?} {wanted:?}");
                    for (n, in_head) in found {
                        let expected = !wanted.all.is_empty() && wanted.is_met_by_head(&segments[n]);
                        assert_eq!(in_head, expected, "{kind:?} {wanted:?} {:?}", corpus[n]);
                    }
                    let there = wanted.clone();
                    let theirs = world
                        .db
                        .read(world.scope_there(), move |read| db::search::find(read, &there, audience))
                        .await
                        .unwrap();
                    assert!(theirs.expect("none").is_empty(), "a neighbour finds nothing");
                }
            }
        }
    }
    assert!(positive > 500 && several > 5, "the test looks at something: {positive} {several}");
}

both_engines! {
    async fn whatever_was_written_is_found_and_what_is_gone_is_not(world) {
        prepared(&world).await;
        let id = world
            .db
            .write(world.scope(), |tx| {
                new_ticket(tx, "Kein Internet seit gestern", "Die rote Lampe blinkt.")?;
                let t = new_ticket(tx, "Rechnung", "Ich verstehe die Größe des Betrags nicht")?;
                let note = NewMessage {
                    body: Markdown::parse("body", "Kulanz möglich")?, is_internal: true, attachments: vec![], status: None, expected_version: None, addressed_to: None,
                };
                tickets::staff_message(tx, &Settings::default(), &staff(), t.id, note)?;
                let patch = tickets::TicketPatch { tags: Some(vec!["vip".into()]), ..Default::default() };
                tickets::change(tx, &Settings::default(), &staff(), t.id, patch)?;
                Ok(t.id)
            })
            .await
            .unwrap();
        let (net, bill) = ("Kein Internet seit gestern".to_owned(), "Rechnung".to_owned());
        for (q, expected) in [
            ("internet", vec![&net]),
            ("INTERNET lampe", vec![&net]),
            ("\"rote lampe\"", vec![&net]),
            ("\"lampe rote\"", vec![]),
            ("inter*", vec![&net]),
            ("grosse", vec![&bill]),
            ("größe kulanz", vec![&bill]),
            ("vip", vec![&bill]),
            ("ada", vec![&bill, &net]),
            ("ada -kulanz", vec![&net]),
            ("ada@example.org", vec![&bill, &net]),
            ("SUP-00002", vec![&bill]),
            ("00001", vec![&net]),
            ("2", vec![&bill]),
            ("tag:vip", vec![&bill]),
            ("-tag:vip", vec![&net]),
            ("ada -tag:vip", vec![&net]),
            ("status:new", vec![&net]),
            ("status:new,open ada", vec![&bill, &net]),
            ("customer:byron rechnung", vec![&bill]),
            ("customer:nobody", vec![]),
            ("is:unassigned ada", vec![&bill, &net]),
            ("is:overdue ada", vec![]),
            ("after:1d before:2030-01-01 ada", vec![&bill, &net]),
            ("before:1d ada", vec![]),
            ("channel:email -priority:high lampe", vec![&net]),
        ] {
            // Filed at one moment, they have no order among themselves.
            let (mut found, mut expected) = (found(&world, q).await, expected);
            found.sort();
            expected.sort();
            assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{q}");
        }
        world
            .db
            .write(world.scope(), move |tx| {
                let patch = tickets::TicketPatch { subject: Some("Mahnung".into()), ..Default::default() };
                tickets::change(tx, &Settings::default(), &staff(), id, patch)?;
                // A part that fails leaves no word behind.
                let failed: Result<()> = tx.attempt(|tx| {
                    new_ticket(tx, "Zurückgenommen", "xyzzy")?;
                    Err(base::Error::conflict("test", "no"))
                });
                assert!(failed.is_err());
                Ok(())
            })
            .await
            .unwrap();
        // Whoever changes all that is found changes what was found, and nothing else.
        let (ids, count) = world
            .db
            .read(world.scope(), |read| {
                let filter = TicketFilter { q: Some("mahnung".into()), by_relevance: true, ..TicketFilter::default() };
                Ok((tickets::query::ids(read, &staff(), &filter, 100)?, tickets::query::count(read, &staff(), &filter, 99)?))
            })
            .await
            .unwrap();
        assert_eq!((ids, count), (vec![id], 1));
        assert_eq!(found(&world, "rechnung").await, Vec::<String>::new());
        assert_eq!(found(&world, "mahnung kulanz").await, ["Mahnung"]);
        assert_eq!(found(&world, "xyzzy").await, Vec::<String>::new());
        let lost = world
            .db
            .write(world.scope(), |tx| { new_ticket(tx, "Ganz verloren", "plugh")?; Err::<(), _>(base::Error::conflict("test", "no")) })
            .await;
        assert!(lost.is_err());
        assert_eq!(found(&world, "plugh").await, Vec::<String>::new());
    }

    async fn the_index_is_made_again_from_what_there_is(world) {
        prepared(&world).await;
        world
            .db
            .write(world.scope(), |tx| (0..230).try_for_each(|n| new_ticket(tx, &format!("Ticket {n}"), "gleiches wort").map(drop)))
            .await
            .unwrap();
        world.db.write(world.scope_there(), |tx| new_ticket(tx, "Nachbar", "gleiches wort").map(drop)).await.unwrap();
        let before = found(&world, "wort").await;
        let missing = |world: &World| { let (db, scope) = (world.db.clone(), world.scope()); async move { db.read(scope, search::missing).await.unwrap() } };
        world.db.write(world.scope(), |tx| db::search::forget_all(tx, 1000)).await.unwrap();
        assert_eq!((found(&world, "wort").await.len(), missing(&world).await), (0, 230));
        let (db, tenant) = (world.db.clone(), world.here);
        tokio::task::spawn_blocking(move || {
            search::rebuild(&|step| db.write_blocking(db::Scope::tenant(tenant, Actor::operator()), step))
        })
        .await
        .unwrap()
        .unwrap();
        assert_eq!((missing(&world).await, found(&world, "wort").await), (0, before));
        assert_eq!(found(&world, "nachbar").await, Vec::<String>::new());
        let (results, behind) = world
            .db
            .read(world.scope(), |read| {
                let filter = TicketFilter { q: Some("wort".into()), by_relevance: true, limit: 10, ..TicketFilter::default() };
                Ok((search::search(read, &staff(), &filter)?.facts, search::is_behind(read)?))
            })
            .await
            .unwrap();
        assert_eq!((results.order, results.count, results.count_is_capped, results.is_complete), (SearchOrder::Relevance, Some(230), false, true));
        assert!(!behind);
    }

    async fn a_long_thread_is_found_by_all_that_is_said_in_it_and_files_only_what_is_new(world) {
        prepared(&world).await;
        let id = world.db.write(world.scope(), |tx| Ok(new_ticket(tx, "Endless", "first")?.id)).await.unwrap();
        let mut rows = filed_rows(&world, id.uuid()).await;
        let (mut anew, mut behind) = (0, 0);
        for n in 0..150 {
            // Some are of one moment: their ids have no order.
            if n % 10 != 0 {
                world.clock.advance(base::seconds(1));
            }
            let long = if n == 77 { "long ".repeat(90) + &words(4_000) } else { words(60) };
            let new = NewMessage {
                body: Markdown::parse("body", &format!("alpha{n} beta{n} {long} end{n}")).unwrap(),
                is_internal: n % 3 == 0,
                attachments: vec![], status: None, expected_version: None, addressed_to: None,
            };
            world
                .db
                .write(world.scope(), move |tx| tickets::staff_message(tx, &Settings::default(), &staff(), id, new).map(drop))
                .await
                .unwrap();
            let now = filed_rows(&world, id.uuid()).await;
            let same = rows.iter().zip(&now).take_while(|(a, b)| a == b).count();
            if n % 10 != 0 && rows.len() > 1 {
                assert!(same + 1 >= rows.len(), "message {n} wrote {} of {} rows anew", rows.len() - same, rows.len());
                (anew, behind) = (anew + u32::from(now.len() == rows.len()), behind + u32::from(now.len() > rows.len()));
            }
            rows = now;
            assert_eq!(found(&world, &format!("\"alpha{n} beta{n}\"")).await, ["Endless"], "message {n}");
        }
        assert!(anew > 20 && behind > 3, "both happen: {anew} {behind}");
        assert!(rows.len() < 15, "rows are filled: {}", rows.len());
        let all_is_found = async |world: &World| {
            for n in 0..150 {
                let wanted = Wanted { all: Term::of(&format!("end{n}"), false), none: vec![] };
                let by = world
                    .db
                    .read(world.scope(), move |read| {
                        [Audience::Staff, Audience::Customer]
                            .map(|who| db::search::which(read, &wanted, who, &[id.uuid()]).map(|hits| hits.len()))
                            .into_iter()
                            .collect::<Result<Vec<_>>>()
                    })
                    .await
                    .unwrap();
                assert_eq!(by, [1, usize::from(n % 3 != 0)], "message {n}");
            }
        };
        all_is_found(&world).await;
        let apart = async |words: &'static str| {
            let wanted = Wanted { all: words.split(' ').flat_map(|w| Term::of(w, false)).collect(), none: vec![] };
            let look = move |read: &db::Read<'_>| db::search::across(read, &wanted, Audience::Customer, &[id.uuid()]);
            world.db.read(world.scope(), look).await.unwrap().len()
        };
        // For its customer the thread is one text, however notes make it be cut.
        assert_eq!(apart("alpha1 end76 endless end149").await, 1);
        assert_eq!(apart("alpha1 end75").await, 0, "one of them is in a note");
        assert_eq!(apart("alpha1 nowhere").await, 0);
        // Staff find all of it, whichever rows the words stand in; what must not be in it may stand in a third.
        for (line, expected) in [
            ("alpha1 end149", 1),
            ("alpha1 end75 beta149", 1),
            ("end3* \"alpha120 beta120\"", 1),
            ("alpha1 nowhere", 0),
            ("alpha1 end149 -end77", 0),
            ("status:new,open,in_progress alpha1 end149", 1),
            ("status:closed alpha1 end149", 0),
        ] {
            assert_eq!(found(&world, line).await.len(), expected, "{line}");
        }
        // A change of what names it reaches every row, and what is said next goes on from there.
        world
            .db
            .write(world.scope(), move |tx| {
                let patch = tickets::TicketPatch { subject: Some("Unending".into()), ..Default::default() };
                tickets::change(tx, &Settings::default(), &staff(), id, patch).map(drop)
            })
            .await
            .unwrap();
        assert_eq!(found(&world, "endless").await, Vec::<String>::new());
        assert_eq!(found(&world, "unending alpha3").await, ["Unending"]);
        assert_eq!(found(&world, "alpha3 -end140").await, Vec::<String>::new(), "what stands in another row counts");
        all_is_found(&world).await;
        world.db.write(world.scope(), move |tx| tickets::remove(tx, &staff(), id, None).map(drop)).await.unwrap();
        assert_eq!(filed_rows(&world, id.uuid()).await, []);
        assert_eq!(found(&world, "alpha140").await, Vec::<String>::new());
    }
}

/// Some words that stand in no other text.
fn words(count: usize) -> String {
    (0..count).map(|n| format!("w{n} ")).collect()
}

/// The rows of a ticket: their number, and the message from which on they hold what was said.
async fn filed_rows(world: &World, ticket: Uuid) -> Vec<(i64, Option<Uuid>)> {
    let text = "select no, since from search_entries where tenant_id = ?1 and ticket_id = ?2 order by no";
    world
        .db
        .read(world.scope(), move |read| {
            read.query_all(&db::Sql::built(text.into()), &[db::Value::Uuid(ticket)], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
        })
        .await
        .unwrap()
}
