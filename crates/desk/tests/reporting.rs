//! The figures of reports are what a recount of every ticket would say, whatever happens, folded or not, and a neighbour's
//! tickets are not among them.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

use std::{collections::BTreeMap, sync::Arc};

use base::{Actor, Email, Id, Role, Timestamp};
use db::{Read, Scope, Tx};
use desk::{
    reports::{self, Cell, Dimension, Fact, Figures},
    tickets::{self, *},
};
use engine::Inside;
use identity::{Settings, Staff, teams, users};
use jiff::tz::TimeZone;
use proptest::prelude::*;
use testkit::World;

#[derive(Clone, Debug)]
enum Act {
    File(usize),
    Answer(usize),
    Move(usize, Status),
    Assign(usize, Option<usize>),
    Team(usize, Option<usize>),
    Category(usize, bool),
    Urgent(usize, Priority),
    Spam(usize),
    Delete(usize),
    Restore(usize),
    Merge(usize, usize),
    Unmerge(usize),
    LeaveTeam(usize),
    Zone(bool),
    Fill,
    Fold,
    Wait(i64),
}

fn act() -> impl Strategy<Value = Act> {
    let t = 0..6usize;
    let status = proptest::sample::select(Status::ALL);
    let priority = proptest::sample::select(Priority::ALL);
    prop_oneof![
        3 => t.clone().prop_map(Act::File),
        2 => t.clone().prop_map(Act::Answer),
        6 => (t.clone(), status).prop_map(|(t, s)| Act::Move(t, s)),
        3 => (t.clone(), proptest::option::of(0..2usize)).prop_map(|(t, u)| Act::Assign(t, u)),
        3 => (t.clone(), proptest::option::of(0..2usize)).prop_map(|(t, x)| Act::Team(t, x)),
        2 => (t.clone(), any::<bool>()).prop_map(|(t, x)| Act::Category(t, x)),
        1 => (t.clone(), priority).prop_map(|(t, p)| Act::Urgent(t, p)),
        1 => t.clone().prop_map(Act::Spam),
        1 => t.clone().prop_map(Act::Delete),
        1 => t.clone().prop_map(Act::Restore),
        2 => (t.clone(), t.clone()).prop_map(|(a, b)| Act::Merge(a, b)),
        1 => t.clone().prop_map(Act::Unmerge),
        1 => (0..2usize).prop_map(Act::LeaveTeam),
        1 => any::<bool>().prop_map(Act::Zone),
        2 => Just(Act::Fill),
        2 => Just(Act::Fold),
        3 => (1..2_000i64).prop_map(Act::Wait),
        1 => (30_000..100_000i64).prop_map(Act::Wait),
    ]
}

struct Cast {
    people: Vec<Id<identity::User>>,
    teams: Vec<Id<teams::Team>>,
    categories: Vec<String>,
}

fn cast(tx: &mut Tx<'_>) -> base::Result<Cast> {
    desk::prepare_tenant(tx)?;
    let mut people = Vec::new();
    for name in ["ben", "cy"] {
        let email: Email = format!("{name}@example.org").parse()?;
        let new = users::NewUser {
            email,
            name: name.into(),
            role: Role::Agent,
            password_hash: None,
            verified: true,
            locale: "en".into(),
            time_zone: "UTC".into(),
        };
        people.push(users::create(tx, new)?.id);
    }
    let teams =
        ["field", "billing"].iter().map(|n| Ok(teams::create(tx, n)?.id)).collect::<base::Result<_>>()?;
    let categories = desk::categories::all(tx)?.into_iter().map(|c| c.slug).collect();
    Ok(Cast { people, teams, categories })
}

fn staff() -> Staff {
    Staff { user_id: None, role: Role::Admin, actor: Actor::system(), read_only: false }
}

fn file(tx: &mut Tx<'_>, n: usize) -> base::Result<Id<Ticket>> {
    let who = Requester { email: format!("c{n}@example.org").parse()?, name: "C".into(), user_id: None };
    let channel = if n.is_multiple_of(2) { Channel::Portal } else { Channel::Email };
    let new = NewTicket::new("down", "down", channel)?;
    Ok(tickets::create(tx, &Settings::default(), None, For::Stranger(who), new)?.id)
}

fn set_zone(tx: &mut Tx<'_>, zone: &str) -> base::Result<()> {
    let record = identity::tenants::get(tx, tx.tenant()?)?;
    let settings = Settings { time_zone: zone.into(), ..record.settings };
    identity::tenants::save_settings(tx, &record.name, &settings)
}

/// One step of filling, as the job takes it.
fn fill(tx: &mut Tx<'_>) -> base::Result<()> {
    reports::Filler.run(tx, &reports::FillReports { generation: 0, low: uuid::Uuid::nil() })
}

fn one(tx: &mut Tx<'_>, cast: &Cast, ids: &mut Vec<Id<Ticket>>, act: &Act) -> base::Result<()> {
    let (staff, settings) = (staff(), Settings::default());
    let patch = TicketPatch { tell_customer: Some(false), ..TicketPatch::default() };
    let pick = |t: &usize| ids.get(*t % ids.len().max(1)).copied();
    let change = |tx: &mut Tx<'_>, t: &usize, patch| match pick(t) {
        Some(id) => tickets::change(tx, &settings, &staff, id, patch).map(|_| ()),
        None => Ok(()),
    };
    match act {
        Act::File(n) => {
            ids.push(file(tx, *n)?);
            Ok(())
        }
        Act::Answer(t) => pick(t).map_or(Ok(()), |id| {
            let new = NewMessage {
                body: Markdown::parse("message", "we are on it")?,
                is_internal: false,
                attachments: Vec::new(),
                status: None,
                expected_version: None,
                addressed_to: None,
            };
            tickets::staff_message(tx, &settings, &staff, id, new).map(|_| ())
        }),
        Act::Move(t, s) => {
            let close_reason = (*s == Status::Closed).then_some(CloseReason::NoReply);
            change(tx, t, TicketPatch { status: Some(*s), close_reason, ..patch })
        }
        Act::Assign(t, u) => {
            change(tx, t, TicketPatch { assigned_to: Some(u.map(|u| cast.people[u])), ..patch })
        }
        Act::Team(t, x) => change(tx, t, TicketPatch { team_id: Some(x.map(|x| cast.teams[x])), ..patch }),
        Act::Category(t, x) => {
            let category = cast.categories.get(usize::from(*x)).cloned();
            change(tx, t, TicketPatch { category, ..patch })
        }
        Act::Urgent(t, p) => change(tx, t, TicketPatch { priority: Some(*p), ..patch }),
        Act::Spam(t) => pick(t)
            .map_or(Ok(()), |id| tickets::mark_spam(tx, &settings, &staff, id, false, None).map(|_| ())),
        Act::Delete(t) => pick(t).map_or(Ok(()), |id| tickets::remove(tx, &staff, id, None).map(|_| ())),
        Act::Restore(t) => pick(t).map_or(Ok(()), |id| tickets::restore(tx, &staff, id).map(|_| ())),
        Act::Merge(a, b) => match (pick(a), pick(b)) {
            (Some(a), Some(b)) => tickets::merge(tx, &settings, &staff, a, b).map(|_| ()),
            _ => Ok(()),
        },
        Act::Unmerge(t) => {
            pick(t).map_or(Ok(()), |id| tickets::unmerge(tx, &settings, &staff, id).map(|_| ()))
        }
        Act::LeaveTeam(x) => tickets::leave_team(tx, cast.teams[*x]).map(|_| ()),
        Act::Zone(far) => {
            set_zone(tx, if *far { "Asia/Kathmandu" } else { "UTC" })?;
            reports::catch_up(tx)
        }
        Act::Fill => fill(tx),
        Act::Fold => {
            reports::cohorts::fold(tx)?;
            reports::fold(tx).map(drop)
        }
        Act::Wait(_) => Ok(()),
    }
}

/// All that must hold at any time when nothing is left to be counted.
fn check(read: &Read<'_>) -> base::Result<()> {
    let sums = reports::sums(read)?;
    assert_eq!(sums, reports::recount(read, &reports::time_zone(read)?)?);
    let (mut live, mut flow) = (0, 0);
    for f in sums.values() {
        live += f.live;
        flow += f.created + f.returned - f.finished;
    }
    assert_eq!(live, flow, "what came in and did not leave is what is there");
    let shown: i64 = counts::recount(read)?.iter().filter(|(b, _)| b.status.is_live()).map(|(_, n)| n).sum();
    assert_eq!(live, shown, "the queue's own count");
    check_cohorts(read)
}

/// The figures of tickets created in a range, from roll-ups and from a look at each, of ranges that begin and end anywhere.
fn check_cohorts(read: &Read<'_>) -> base::Result<()> {
    let zone = reports::time_zone(read)?;
    let created: Vec<Timestamp> = read.query_all(&db::Sql::built(CREATED.into()), &[], |row| row.get(0))?;
    let midnight = |at: Timestamp| {
        let date = at.to_zoned(zone.clone()).date();
        date.to_zoned(zone.clone()).unwrap().timestamp()
    };
    let mut ends = vec![None];
    for at in [created.first(), created.get(created.len() / 2), created.last()].into_iter().flatten() {
        ends.extend([Some(*at), Some(midnight(*at)), Some(midnight(*at + base::hours(24)))]);
        // A block of days and a piece of one.
        ends.push(Some(midnight(*at + base::hours(24 * 40)) + base::minutes(7)));
    }
    // Each end as a beginning and as an end, and not each with each, which would take minutes.
    for (n, after) in ends.iter().enumerate() {
        for far in [0, 1, 4] {
            let range = Range { after: *after, before: ends[(n + far) % ends.len()] };
            let rolled = stats::stats_looking_at(read, range, 0)?;
            check_stats(&rolled, &stats::stats_looking_at(read, range, 10_000)?);
            check_by_hand(read, range, &rolled)?;
        }
    }
    Ok(())
}

/// What both ways of counting could get wrong alike.
fn check_by_hand(read: &Read<'_>, range: Range, rolled: &stats::Stats) -> base::Result<()> {
    let (from, to) = reports::cohorts::ends(range);
    let (mut overdue, mut minutes) = (0, Vec::new());
    read.for_each(&db::Sql::built(SHOWN.into()), db::params![from, to], |row| {
        let (created, answered): (Timestamp, Option<Timestamp>) = (row.get(0)?, row.get(1)?);
        overdue += i64::from(row.get::<Status>(3)?.is_live() && row.get::<Timestamp>(2)? <= read.now());
        minutes.extend(answered.map(|at| at.duration_since(created).as_secs() as f64 / 60.0));
        Ok(true)
    })?;
    assert_eq!(rolled.overdue, overdue);
    minutes.sort_by(f64::total_cmp);
    let Some(found) = rolled.first_response_minutes_median else {
        assert!(minutes.is_empty());
        return Ok(());
    };
    // Of an even number it may be anything between the two in the middle.
    let (low, high) = (minutes[(minutes.len() - 1) / 2], minutes[minutes.len() / 2]);
    let off = |exact: f64| (exact * f64::from(reports::ERROR_PERCENT) / 100.0).max(1.0);
    assert!(low - off(low) <= found && found <= high + off(high), "{found} for {low} to {high}");
    Ok(())
}

const SHOWN: &str = "select created_at, first_response_at, due_at, status from tickets
    where tenant_id = ?1 and created_at >= ?2 and created_at < ?3 and survivor_id is null and deleted_at is null";
const CREATED: &str = "select created_at from tickets where tenant_id = ?1 order by created_at";

/// Everything is the same, but for medians, which may be a little off.
fn check_stats(rolled: &stats::Stats, exact: &stats::Stats) {
    let near = |found: Option<f64>, exact: Option<f64>, values: i64| match (found, exact) {
        (None, None) => {}
        (Some(_), Some(_)) if values % 2 == 0 => {} // The exact one lies between two.
        (Some(found), Some(exact)) => assert!(
            (found - exact).abs() <= (exact * f64::from(reports::ERROR_PERCENT) / 100.0).max(1.0),
            "{found} for {exact}"
        ),
        (found, exact) => panic!("{found:?} for {exact:?}"),
    };
    near(rolled.resolution_minutes_median, exact.resolution_minutes_median, exact.resolved);
    let plain = |s: &stats::Stats| {
        let mut s = s.clone();
        (s.first_response_minutes_median, s.resolution_minutes_median) = (None, None);
        serde_json::to_value(s).unwrap()
    };
    assert_eq!(plain(rolled), plain(exact));
}

/// Folded, each table of one dimension says what the cells say.
fn check_folded(read: &Read<'_>) -> base::Result<()> {
    let sums = reports::sums(read)?;
    for dimension in std::iter::once(None).chain(Dimension::ALL.iter().copied().map(Some)) {
        let mut expected: BTreeMap<(String, i64, i64), Figures> = BTreeMap::new();
        for (cell, figures) in &sums {
            *expected.entry((value(dimension, cell), cell.day, cell.slot)).or_default() += *figures;
        }
        expected.retain(|_, f| !f.is_zero());
        assert_eq!(reports::totals(read, dimension)?, expected, "{dimension:?}");
    }
    Ok(())
}

fn value(dimension: Option<Dimension>, cell: &Cell) -> String {
    match dimension {
        None => String::new(),
        Some(Dimension::Channel) => cell.channel.clone(),
        Some(Dimension::Category) => cell.category.clone(),
        Some(Dimension::Priority) => cell.priority.to_string(),
        Some(Dimension::Team) => cell.team_id.to_string(),
        Some(Dimension::Agent) => cell.agent_id.to_string(),
    }
}

/// What is remembered of every ticket is what its history says: what, when, in which order.
fn check_memory(read: &Read<'_>, ids: &[Id<Ticket>]) -> base::Result<()> {
    for id in ids {
        let t = query::get(read, *id)?;
        let brief = |facts: Vec<Fact>| {
            let mut facts: Vec<_> = facts.into_iter().map(|f| (f.at, f.kind, f.seconds)).collect();
            facts.sort();
            facts
        };
        let told = reports::from_history(&t, &query::audits(read, *id)?);
        assert_eq!(brief(reports::facts_of(read, *id)?), brief(told));
    }
    Ok(())
}

fn play(world: &World, acts: Vec<Act>) {
    let there = Scope::tenant(world.there, Actor::system());
    world
        .db
        .write_blocking(there.clone(), |tx| {
            let cast = cast(tx)?;
            one(tx, &cast, &mut Vec::new(), &Act::File(1))
        })
        .unwrap();
    let before = world.db.read_blocking(there.clone(), reports::sums).unwrap();
    let stats_of = |scope: Scope| {
        let rolled = |read: &Read<'_>| stats::stats_looking_at(read, Range::default(), 0);
        world.db.read_blocking(scope, rolled).unwrap()
    };
    let volume = stats_of(there.clone()).volume;
    let cast = Arc::new(world.db.write_blocking(world.scope(), cast).unwrap());
    let mut ids = Vec::new();
    for act in acts {
        world.clock.advance(base::minutes(if let Act::Wait(minutes) = act { minutes } else { 1 }));
        let cast = cast.clone();
        let mut known = std::mem::take(&mut ids);
        ids = world
            .db
            .write_blocking(world.scope(), move |tx| {
                // What is refused changes nothing, figures included.
                let mut tried = known.clone();
                if tx.attempt(|tx| one(tx, &cast, &mut tried, &act)).is_ok() {
                    known = tried;
                }
                Ok(known)
            })
            .unwrap();
        let all = ids.clone();
        world
            .db
            .read_blocking(world.scope(), move |read| {
                check_memory(read, &all)?;
                if reports::is_behind(read)? { Ok(()) } else { check(read) }
            })
            .unwrap();
    }
    finish(world);
    world
        .db
        .read_blocking(world.scope(), |read| {
            assert!(!reports::is_behind(read)?);
            check(read)?;
            check_folded(read)
        })
        .unwrap();
    assert_eq!(stats_of(there.clone()).volume, volume);
    assert_eq!(world.db.read_blocking(there, reports::sums).unwrap(), before);
}

/// Everything counted and folded.
fn finish(world: &World) {
    for _ in 0..4 {
        world.db.write_blocking(world.scope(), reports::catch_up).unwrap();
        world.clock.advance(base::minutes(1));
        world.db.write_blocking(world.scope(), fill).unwrap();
        world.db.write_blocking(world.scope(), reports::fold).unwrap();
        world.db.write_blocking(world.scope(), reports::cohorts::fold).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, ..ProptestConfig::default() })]
    #[test]
    fn figures_are_a_recount_on_sqlite(acts in proptest::collection::vec(act(), 1..50)) {
        play(&World::sqlite(), acts);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, max_shrink_iters: 20, ..ProptestConfig::default() })]
    #[test]
    fn figures_are_a_recount_on_postgres(acts in proptest::collection::vec(act(), 1..50)) {
        play(&World::postgres(), acts);
    }
}

/// As it is after an upgrade from a version that kept no figures.
fn forget_all(tx: &mut Tx<'_>) -> base::Result<()> {
    for table in
        ["report_facts", "report_deltas", "report_cells", "report_sums", "cohort_deltas", "cohort_sums"]
    {
        tx.execute(&db::Sql::built(format!("delete from {table} where tenant_id = ?1")), &[])?;
    }
    let none = "update report_state set generation = 0, time_zone = '' where tenant_id = ?1";
    tx.execute(&db::Sql::built(none.into()), &[]).map(|_| ())
}

/// Tickets of a time when nothing was counted are counted from their history, and come out as if they had been.
fn fills(world: &World) {
    let cast = Arc::new(world.db.write_blocking(world.scope(), cast).unwrap());
    let step = |act: Act, ids: Vec<Id<Ticket>>| {
        world.clock.advance(base::minutes(50));
        let cast = cast.clone();
        world
            .db
            .write_blocking(world.scope(), move |tx| {
                let mut ids = ids;
                one(tx, &cast, &mut ids, &act)?;
                Ok(ids)
            })
            .unwrap()
    };
    let mut ids = Vec::new();
    for n in 0..400 {
        ids = step(Act::File(n), ids);
        // Whose it is is settled first: the history does not say whose it was when.
        match n % 5 {
            0 => ids = step(Act::Assign(n, Some(n % 2)), ids),
            1 => ids = step(Act::Spam(n), ids),
            _ => {}
        }
        if n % 3 == 0 {
            ids = step(Act::Answer(n), ids);
        }
        if n % 5 != 1 && n % 2 == 0 {
            ids = step(Act::Move(n, Status::Resolved), ids);
            if n % 4 == 0 {
                ids = step(Act::Move(n, Status::Open), ids);
            }
        }
    }
    let plain = |sums: BTreeMap<Cell, Figures>| {
        let mut out: BTreeMap<(i64, String, i64), Figures> = BTreeMap::new();
        for (cell, figures) in sums {
            *out.entry((cell.day, cell.channel, cell.slot)).or_default() += figures;
        }
        out
    };
    let counted = plain(world.db.read_blocking(world.scope(), reports::sums).unwrap());
    world.db.write_blocking(world.scope(), forget_all).unwrap();
    world
        .db
        .read_blocking(world.scope(), |read| {
            assert!(reports::is_behind(read)?);
            assert!(reports::sums(read)?.is_empty());
            Ok(())
        })
        .unwrap();
    world.db.write_blocking(world.scope(), reports::catch_up).unwrap();
    world.clock.advance(base::minutes(1));
    // While it is under way a ticket whose turn has not come changes, and so does one that was just filed.
    world.db.write_blocking(world.scope(), fill).unwrap();
    ids = step(Act::Category(3, true), ids);
    ids = step(Act::File(7), ids);
    ids = step(Act::Category(400, true), ids);
    finish(world);
    world
        .db
        .read_blocking(world.scope(), move |read| {
            assert!(!reports::is_behind(read)?);
            check_memory(read, &ids)?;
            check(read)?;
            check_folded(read)?;
            let mut again = plain(reports::sums(read)?);
            let newest = again.iter().map(|((day, ..), _)| *day).max().unwrap();
            again.retain(|(day, ..), _| *day != newest);
            let mut counted = counted;
            counted.retain(|(day, ..), _| *day != newest);
            assert_eq!(again, counted);
            Ok(())
        })
        .unwrap();
    // After an upgrade from a version that kept the other figures, but no cohorts, all is counted anew and the same.
    let all = |read: &Read<'_>| reports::sums(read);
    let before = world.db.read_blocking(world.scope(), all).unwrap();
    world.db.write_blocking(world.scope(), forget_cohorts).unwrap();
    assert!(world.db.read_blocking(world.scope(), reports::is_behind).unwrap());
    finish(world);
    assert_eq!(world.db.read_blocking(world.scope(), all).unwrap(), before);
    let stats = |read: &Read<'_>| {
        assert!(!reports::is_behind(read)?);
        check(read)?;
        stats::stats_looking_at(read, Range::default(), 0)
    };
    assert_eq!(world.db.read_blocking(world.scope(), stats).unwrap().volume, 401);
}

/// As the migration leaves it.
fn forget_cohorts(tx: &mut Tx<'_>) -> base::Result<()> {
    for table in ["cohort_deltas", "cohort_sums"] {
        tx.execute(&db::Sql::built(format!("delete from {table} where tenant_id = ?1")), &[])?;
    }
    let anew = "update report_state set time_zone = '' where tenant_id = ?1 and generation > 0";
    tx.execute(&db::Sql::built(anew.into()), &[]).map(|_| ())
}

#[test]
fn older_tickets_are_counted_on_sqlite() {
    fills(&World::sqlite());
}

#[test]
fn older_tickets_are_counted_on_postgres() {
    fills(&World::postgres());
}

/// Writers at once, with folding in between, lose nothing and count nothing twice.
#[test]
fn writers_at_once_lose_nothing_on_postgres() {
    let world = World::postgres();
    let cast = Arc::new(world.db.write_blocking(world.scope(), cast).unwrap());
    std::thread::scope(|scope| {
        for n in 0..6 {
            let (world, cast) = (&world, cast.clone());
            scope.spawn(move || {
                let mut ids = Vec::new();
                for i in 0..25usize {
                    let acts = [Act::File(n), Act::Assign(i, Some(n % 2)), Act::Move(i, Status::Resolved)];
                    for act in acts {
                        let (cast, known) = (cast.clone(), ids.clone());
                        ids = world
                            .db
                            .write_blocking(world.scope(), move |tx| {
                                let mut known: Vec<_> = known.clone();
                                one(tx, &cast, &mut known, &act)?;
                                Ok(known)
                            })
                            .unwrap();
                    }
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..30 {
                    world.db.write_blocking(world.scope(), reports::fold).unwrap();
                    world.db.write_blocking(world.scope(), reports::cohorts::fold).unwrap();
                }
            });
        }
    });
    world.db.write_blocking(world.scope(), reports::fold).unwrap();
    world
        .db
        .read_blocking(world.scope(), |read| {
            check(read)?;
            check_folded(read)?;
            let created: i64 = reports::sums(read)?.values().map(|f| f.created).sum();
            assert_eq!(created, 150);
            assert_eq!(
                reports::recount(read, &TimeZone::UTC)?.values().map(|f| f.resolved).sum::<i64>(),
                150
            );
            Ok(())
        })
        .unwrap();
}
