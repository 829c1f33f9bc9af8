//! Every statement of the product, prepared on both engines, and held to bind its tenant.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

use desk::tickets::{
    Assignee, Channel, Direction, Order, Priority, Range, Sort, Status, TicketFilter, TicketType,
};
use testkit::World;

/// Filters that between them use every part a list's statement can have.
fn filters() -> Vec<TicketFilter> {
    let at = "2026-03-02T12:00:00Z".parse().unwrap();
    let range = Range { after: Some(at), before: Some(at) };
    let id: base::TenantId = base::Id::from_uuid(uuid::Uuid::from_u128(1));
    let full = TicketFilter {
        status: Status::ALL.to_vec(),
        priority: vec![Priority::High],
        category: vec!["bug".into(), "other".into()],
        ticket_type: TicketType::ALL.to_vec(),
        channel: vec![Channel::Email],
        assigned_to: vec![Assignee::Nobody, Assignee::User(id.cast())],
        team: vec![id.cast()],
        customer: vec![id.cast()],
        user: vec![id.cast()],
        order_id: vec![uuid::Uuid::from_u128(1)],
        tag: vec!["vip".into()],
        link: vec![("merchant".into(), "42".into())],
        created_at: range,
        last_message_at: range,
        due_at: range,
        sla_overdue: true,
        limit: 50,
        ..TicketFilter::default()
    };
    let mut out = vec![full.clone(), TicketFilter { assigned_to: vec![Assignee::Nobody], ..full }];
    for by in [Order::CreatedAt, Order::LastMessageAt, Order::Priority, Order::DueAt] {
        for descending in [false, true] {
            let sort = Sort { by, descending };
            let cursor = Some(sort.cursor_of(3, uuid::Uuid::from_u128(1)));
            out.push(TicketFilter { sort, cursor, limit: 50, ..TicketFilter::default() });
        }
    }
    out
}

async fn conforms(world: World) {
    let refused = db::conformance::refused(world.db.location(), &[]).unwrap();
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    assert!(db::sql::registered().count() > 100, "the statements of all rooms are linked in");
    let staff = identity::Staff {
        user_id: None,
        role: base::Role::Admin,
        actor: base::Actor::system(),
        read_only: true,
    };
    let customer = desk::tickets::portal::Viewer::User {
        user: base::Id::from_uuid(uuid::Uuid::from_u128(1)),
        customer: Some(uuid::Uuid::from_u128(2)),
    };
    world
        .db
        .read(world.scope(), move |read| {
            for filter in filters() {
                desk::tickets::query::list(read, &staff, &filter)?;
                desk::tickets::query::count(read, &staff, &filter, 999)?;
                if filter.sort.by != Order::DueAt {
                    desk::tickets::portal::list(
                        read,
                        &customer,
                        &filter.status,
                        filter.sort,
                        filter.cursor.as_ref(),
                        20,
                    )?;
                }
            }
            for filter in filters().into_iter().take(2) {
                let q = Some("-is:mine,open,overdue,unread,unassigned,snoozed,spam".into());
                desk::tickets::search::search(read, &staff, &TicketFilter { q, ..filter })?;
            }
            for q in ["word \"a phrase\" begin* -not status:new -priority:high assignee:none tag:x channel:email customer:ada after:7d before:2026-01-31", "-nothing"] {
                let by_relevance = q.len() % 2 == 0;
                let filter = TicketFilter { q: Some(q.into()), by_relevance, limit: 20, ..TicketFilter::default() };
                desk::tickets::search::search(read, &staff, &filter)?;
            }
            let mine = desk::tickets::search::mine::MyFilter {
                q: "word -other status:new -before:7d".into(),
                status: Status::ALL.to_vec(),
                sort: None,
                cursor: None,
                limit: 20,
            };
            desk::tickets::search::mine::search(read, &customer, &mine)?;
            let messages = desk::tickets::query::MessageFilter {
                direction: Some(Direction::Inbound),
                is_internal: Some(false),
                before: Some(uuid::Uuid::max()),
                limit: 10,
                ..Default::default()
            };
            desk::tickets::query::list_messages(read, &staff, &messages)?;
            desk::tickets::portal::list_messages(read, &customer, &messages)?;
            desk::tickets::stats::stats_looking_at(read, Range::default(), 0)?;
            reports(read)?;
            desk::tickets::query::view_counts(read, &staff)
        })
        .await
        .unwrap();
}

/// Every report by nothing, by one thing and by two, so that each of its statements is prepared.
fn reports(read: &db::Read<'_>) -> base::Result<()> {
    use desk::reports::{Ask, Filter, Report, table};
    let nobody = Some(uuid::Uuid::nil());
    let filters = [
        Filter::default(),
        Filter { channel: Some(Channel::Email), ..Filter::default() },
        Filter { category: Some("other".into()), priority: Some(Priority::Low), ..Filter::default() },
        Filter { team: nobody, agent: nobody, ..Filter::default() },
        Filter { agent: Some(uuid::Uuid::max()), ..Filter::default() },
    ];
    for filter in filters {
        let ask = Ask::new(None, None, None, filter, jiff::tz::TimeZone::UTC, read.now())?;
        for report in Report::ALL {
            table(read, *report, &ask)?;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite() {
    conforms(World::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres() {
    conforms(World::postgres()).await;
}

/// What a customer is shown comes from the portal's views, which hold no internal row.
#[test]
fn the_portal_selects_from_its_own_views_alone() {
    for source in [
        include_str!("../../desk/src/tickets/portal.rs"),
        include_str!("../../desk/src/tickets/search/mine.rs"),
        include_str!("../../desk/src/articles/portal.rs"),
        include_str!("../../desk/src/articles/search.rs"),
    ] {
        selects_from_portal_views(source);
    }
}

fn selects_from_portal_views(source: &str) {
    for (i, line) in source.lines().enumerate() {
        for word in ["from ", "join "] {
            for (at, _) in line.match_indices(word) {
                let table: String = line[at + word.len()..]
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                let is_table = db::migrate::tenant_tables().contains(&table);
                assert!(!is_table || table.starts_with("portal_"), "line {}: selects from {table}", i + 1);
            }
        }
    }
}

/// Tables of which a tenant has few rows, or whose statements look at all of them by intent.
const SMALL: [&str; 18] = [
    "recovery_codes",
    "throttles",
    "event_taps",
    "presence",
    "drafts",
    "report_deltas",
    "ticket_counts",
    "webhooks",
    "report_state",
    "report_cells",
    "report_sums",
    "cohort_deltas",
    "cohort_sums",
    "jobs",
    "saved_views",
    "rules",
    "article_words",
    "rule_triggers",
];

#[tokio::test]
async fn no_statement_walks_all_rows_of_a_tenant_for_a_few() {
    let world = World::sqlite();
    let db::Location::Sqlite(path) = world.db.location() else { unreachable!("the world is SQLite's") };
    let walks = db::conformance::walks(path, &SMALL).unwrap();
    assert!(walks.is_empty(), "{}", walks.join("\n"));
}
