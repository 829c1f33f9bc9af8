//! Accounts: links work once, second factors are not replayed, throttles count, and nobody is found next door.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

use base::{Role, minutes, seconds};
use identity::{
    Token, sessions,
    throttle::{self, Limit},
    tokens::{self, Purpose},
    totp,
    users::{self, NewUser},
};
use testkit::both_engines;

fn person(email: &str, role: Role, verified: bool) -> NewUser {
    NewUser {
        email: email.parse().unwrap(),
        name: "Ada".into(),
        role,
        password_hash: None,
        verified,
        locale: "en".into(),
        time_zone: "UTC".into(),
    }
}

both_engines! {
    async fn an_address_belongs_to_one_person_of_a_tenant(world) {
        world.db.write(world.scope(), |tx| users::create(tx, person("Ada@example.org", Role::Agent, true))).await.unwrap();
        let twin = world.db.write(world.scope(), |tx| users::create(tx, person("ada@EXAMPLE.org", Role::Agent, true))).await;
        assert_eq!(twin.unwrap_err().code(), "user.exists");
        world.db.write(world.scope_there(), |tx| users::create(tx, person("ada@example.org", Role::Agent, true))).await.unwrap();
    }

    async fn a_link_works_once_for_its_purpose_and_not_for_long(world) {
        let user = world.db.write(world.scope(), |tx| users::create(tx, person("a@x.io", Role::Customer, false))).await.unwrap();
        let issue = |purpose| world.db.write(world.scope(), move |tx| tokens::issue(tx, purpose, user.id));
        let redeem = |purpose, token: &Token| { let t = token.reveal().to_owned(); world.db.write(world.scope(), move |tx| tokens::redeem(tx, purpose, &t)) };
        let token = issue(Purpose::Verify).await.unwrap();
        assert!(redeem(Purpose::Reset, &token).await.is_err(), "one purpose each");
        let stolen = token.reveal().to_owned();
        assert!(world.db.write(world.scope_there(), move |tx| tokens::redeem(tx, Purpose::Verify, &stolen)).await.is_err(), "not next door");
        let (a, b) = tokio::join!(redeem(Purpose::Verify, &token), redeem(Purpose::Verify, &token));
        assert_eq!(usize::from(a.is_ok()) + usize::from(b.is_ok()), 1, "of two uses at once one wins");
        let old = issue(Purpose::Verify).await.unwrap();
        let new = issue(Purpose::Verify).await.unwrap();
        assert!(redeem(Purpose::Verify, &old).await.is_err(), "the newest link counts");
        world.clock.advance(Purpose::Verify.lifetime() + seconds(1));
        assert!(redeem(Purpose::Verify, &new).await.is_err(), "not for ever");
        let nothing = world.db.write(world.scope(), |tx| tokens::redeem(tx, Purpose::Verify, "")).await;
        assert!(nothing.is_err());
    }

    async fn a_session_ends_with_time_password_role_and_account(world) {
        let user = world.db.write(world.scope(), |tx| users::create(tx, person("a@x.io", Role::Agent, true))).await.unwrap();
        let begin = || { let u = user.clone(); world.db.write(world.scope(), move |tx| sessions::begin(tx, &u, "t", "127.0.0.1").map(|s| s.0)) };
        let alive = |t: &Token, scope| { let t = t.clone(); world.db.read(scope, move |r| Ok(sessions::find(r, &t)?.is_some())) };
        let id = user.id;
        let token = begin().await.unwrap();
        assert!(alive(&token, world.scope()).await.unwrap());
        assert!(!alive(&token, world.scope_there()).await.unwrap());
        world.db.write(world.scope(), move |tx| users::set_password(tx, id, "hash")).await.unwrap();
        assert!(!alive(&token, world.scope()).await.unwrap());
        let token = begin().await.unwrap();
        world.db.write(world.scope(), move |tx| users::set_role(tx, id, Role::Technician)).await.unwrap();
        assert!(!alive(&token, world.scope()).await.unwrap());
        let token = begin().await.unwrap();
        world.db.write(world.scope(), move |tx| users::set_disabled(tx, id, true)).await.unwrap();
        assert!(!alive(&token, world.scope()).await.unwrap());
        world.db.write(world.scope(), move |tx| users::set_disabled(tx, id, false)).await.unwrap();
        let token = begin().await.unwrap();
        world.clock.advance(sessions::LIFETIME);
        assert!(!alive(&token, world.scope()).await.unwrap());
    }

    async fn a_code_and_a_recovery_code_work_once(world) {
        let user = world.db.write(world.scope(), |tx| users::create(tx, person("a@x.io", Role::Admin, true))).await.unwrap();
        let (id, u) = (user.id, user.clone());
        let enrolment = world.db.write(world.scope(), move |tx| totp::begin(tx, &u, "Acme: Broadband")).await.unwrap();
        assert!(enrolment.address.starts_with("otpauth://totp/Acme%3A%20Broadband:"));
        let code = |at| totp::code_at(&enrolment.secret_base32, at).unwrap();
        let now = world.now();
        let first = code(now);
        let codes = world.db.write(world.scope(), move |tx| { let u = users::get(tx, id)?; totp::confirm(tx, &u, &first) }).await.unwrap();
        assert_eq!(codes.len(), 10);
        let check = |text: String| world.db.write(world.scope(), move |tx| { let u = users::get(tx, id)?; totp::check(tx, &u, &base::Secret::new(text)) });
        assert!(!check(code(now)).await.unwrap(), "the code of the enrolment was used");
        world.clock.advance(minutes(2));
        let next = code(world.now());
        assert!(check(next.clone()).await.unwrap());
        assert!(!check(next).await.unwrap(), "not replayed");
        assert!(check(codes[3].to_uppercase()).await.unwrap());
        assert!(!check(codes[3].clone()).await.unwrap());
        assert!(!check("000000".into()).await.unwrap() || !check("000000".into()).await.unwrap());
    }

    async fn a_throttle_counts_within_its_window_and_its_tenant(world) {
        const LIMIT: Limit = Limit { name: "test", most: 3, window_seconds: 60 };
        let hit = |scope| world.db.write(scope, |tx| throttle::hit(tx, &LIMIT, "ada"));
        for _ in 0..3 { assert!(hit(world.scope()).await.unwrap().is_ok()); }
        let refused = hit(world.scope()).await.unwrap().unwrap_err();
        assert!(refused.retry_after_seconds().is_some_and(|s| s <= 60));
        assert!(hit(world.scope_there()).await.unwrap().is_ok());
        world.clock.advance(minutes(1));
        assert!(hit(world.scope()).await.unwrap().is_ok());
    }
}
