//! Mail that waits for a decision: who is to decide is told, and not of each one by itself.

use base::{Role, minutes};
use db::params;
use desk::{
    channels::{self, ChannelPatch, UnknownSenders},
    intake::{self, MailState, waiting},
};
use identity::{teams, users};
use testkit::both_engines;

use crate::harness::*;

db::statements! {
    COUNT_NOTICES = "select count(*) from notices where tenant_id = ?1";
    // A flood, without its letters.
    FLOOD = "insert into mails (tenant_id, id, channel_id, door, envelope_to, sha256, size_bytes, state, reason, subject, from_email, from_name,
        authentication, run, received_at, settled_at) values (?1, ?2, ?3, 'api', ?4, ?5, 1, 'quarantined', '', '', '', '', ?4, 1, ?6, ?6)";
}

/// What somebody was told about mail that waits, the newest first.
async fn told(desk: &Desk<'_>, user: base::Id<identity::User>) -> Vec<(String, String)> {
    desk.world.clock.advance(minutes(1));
    desk.world.db.write(desk.world.scope(), waiting::tell_of_undecided).await.unwrap();
    let all =
        desk.world.db.read(desk.world.scope(), move |r| notices::inbox::latest(r, user, 100)).await.unwrap();
    all.into_iter().filter(|n| n.kind.starts_with("mail_")).map(|n| (n.kind, n.title)).collect()
}

fn strangers() -> ChannelPatch {
    ChannelPatch { unknown_senders: Some(UnknownSenders::Quarantine), ..ChannelPatch::default() }
}

both_engines! {
    async fn a_flood_in_quarantine_is_one_notice_in_an_hour_and_what_comes_later_is_told_too(world) {
        let desk = Desk::open_with(&world, strangers()).await;
        let (root, _) = desk.agent("root@here.example.org").await;
        assert!(told(&desk, root.id).await.is_empty(), "nothing waits");
        let first = desk.deliver(&letter(1, MALLORY, "Buy now", "", "One")).await;
        assert_eq!(first.state, MailState::Quarantined);
        let quarantine = |words: &str| ("mail_quarantined".to_owned(), format!("support@here.example.org: {words}"));
        assert_eq!(told(&desk, root.id).await, [quarantine("1 mail waits in quarantine")]);
        // A flood within the hour.
        for n in 2..5 {
            desk.deliver(&letter(n, MALLORY, "Buy now", "", &format!("Number {n}"))).await;
        }
        assert_eq!(told(&desk, root.id).await.len(), 1, "they were told a moment ago");
        // Nothing comes any more: what came in that hour is told all the same.
        world.clock.advance(minutes(60));
        assert_eq!(told(&desk, root.id).await[0], quarantine("4 mails wait in quarantine"));
        for _ in 0..3 {
            world.clock.advance(minutes(60));
            assert_eq!(told(&desk, root.id).await.len(), 2, "nothing new, so nothing is said");
        }
        let channel = desk.channel;
        world.db.write(world.scope(), move |tx| {
            let now = tx.now();
            for n in 0..150_u8 {
                let id: base::Id<intake::Mail> = tx.new_id();
                tx.execute(&FLOOD, params![id, channel, serde_json::json!([]), [n; 32], now])?;
            }
            Ok(())
        }).await.unwrap();
        assert_eq!(told(&desk, root.id).await[0], quarantine("100 mails or more wait in quarantine"));
        let waits = world.db.read(world.scope(), waiting::undecided).await.unwrap();
        assert_eq!((waits.quarantined, waits.failed), (waiting::COUNTED, 0));
        let there = world.db.read(world.scope_there(), waiting::undecided).await.unwrap();
        assert_eq!(there, waiting::Undecided::default());
        world.db.write(world.scope_there(), waiting::tell_of_undecided).await.unwrap();
        assert_eq!(count(&world, world.scope_there(), &COUNT_NOTICES).await, 0);
        check_neighbour(&world).await;
    }

    async fn a_letter_that_cannot_be_read_is_told_of(world) {
        let desk = Desk::open(&world).await;
        let (root, _) = desk.agent("root@here.example.org").await;
        let failed = desk.deliver(&letter(1, ADA, "Hello", &"X-Much: y\n".repeat(20_000), "x")).await;
        assert_eq!(failed.state, MailState::Failed, "{}", failed.reason);
        let title = "support@here.example.org: 1 mail could not be read".to_owned();
        assert_eq!(told(&desk, root.id).await, [("mail_failed".to_owned(), title)]);
        // Decided: nobody hears of it again.
        let id = failed.id;
        world.db.write(world.scope(), move |tx| intake::discard(tx, id)).await.unwrap();
        world.clock.advance(minutes(120));
        assert_eq!(told(&desk, root.id).await.len(), 1);
        assert_eq!(world.db.read(world.scope(), waiting::undecided).await.unwrap(), waiting::Undecided::default());
        check_neighbour(&world).await;
    }

    async fn the_team_of_the_address_is_told_and_administrators_where_it_has_none(world) {
        let desk = Desk::open_with(&world, strangers()).await;
        let (root, _) = desk.agent("root@here.example.org").await;
        let (lead, _) = desk.agent("lead@here.example.org").await;
        let new = users::NewUser {
            email: "cleo@here.example.org".parse().unwrap(),
            name: "Cleo".into(),
            role: Role::Agent,
            password_hash: None,
            verified: true,
            locale: "en".into(),
            time_zone: "UTC".into(),
        };
        let cleo = world.db.write(world.scope(), move |tx| users::create(tx, new)).await.unwrap();
        let channel = desk.channel;
        let team = world.db.write(world.scope(), move |tx| {
            let team = teams::create(tx, "Front")?.id;
            teams::set_members(tx, team, &[cleo.id])?;
            let patch = ChannelPatch { team_id: Some(Some(team)), ..ChannelPatch::default() };
            channels::change(tx, channel, patch)?;
            Ok(team)
        }).await.unwrap();
        desk.deliver(&letter(1, MALLORY, "Hello", "", "One")).await;
        let words = "support@here.example.org: 1 mail waits in quarantine";
        assert_eq!(told(&desk, cleo.id).await[0].1, format!("{words}; an administrator decides"));
        assert_eq!(told(&desk, root.id).await[0].1, words, "nobody of the team decides");
        assert_eq!(told(&desk, lead.id).await[0].1, words);
        let member = lead.id;
        world.db.write(world.scope(), move |tx| teams::set_members(tx, team, &[cleo.id, member])).await.unwrap();
        world.clock.advance(minutes(60));
        desk.deliver(&letter(2, MALLORY, "Hello", "", "Two")).await;
        let counts = [told(&desk, cleo.id).await.len(), told(&desk, lead.id).await.len(), told(&desk, root.id).await.len()];
        assert_eq!(counts, [2, 2, 1], "the team can decide by itself");
        check_neighbour(&world).await;
    }
}
