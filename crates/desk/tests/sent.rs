//! Answers that were written in a mail program: what is taken from a folder of sent mail, as whose, and what is not. On both
//! engines, beside a neighbour.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests

use std::sync::Arc;

use base::{Id, Role, minutes};
use db::{Tx, params};
use desk::{
    channels::{
        self, MailChannel, NewChannel,
        mailbox::{self, NewMailbox},
        oauth::{self, NewOauthClient, Provider},
        outgoing, sent,
    },
    intake::{self, Door, Mail, Outcome, Received},
    tickets::{self, Message, Status, Ticket, query},
};
use engine::{
    Moment, Registry, Worker,
    outside::{Envelope, HttpAnswer, MailboxSignIn, Mailer, Receipt, SendError, SendErrorClass},
};
use identity::{Links, users};
use testkit::{DiesAt, Fakes, World, both_engines, fakes};
use tokio::sync::watch;

db::statements! {
    LETTERS = "select count(*) from letters where tenant_id = ?1";
    NOTICES = "select title from notices where tenant_id = ?1 order by id";
    SHUT = "update channel_outgoing set paused_at = ?2, error = '535' where tenant_id = ?1";
    MESSAGES = "select count(*) from messages where tenant_id = ?1";
}

struct Desk<'w> {
    world: &'w World,
    fakes: Fakes,
    worker: Worker,
    channel: Id<MailChannel>,
}

const ADA: &str = "Ada Byron <ada@customers.example>";
const SUPPORT: &str = "Support <support@here.example.org>";

/// At noon and later, the day the worlds begin.
fn letter(n: u32, from: &str, to: &str, subject: &str, more: &str) -> String {
    format!(
        "From: {from}\nTo: {to}\nSubject: {subject}\nDate: Mon, 2 Mar 2026 13:00:00 +0000\nMessage-ID: <s{n}@mail.example>\n{more}\nThis is {n}.\n\nOn Monday Ada wrote:\n> The light is red.\n"
    )
}

fn registry(world: &World) -> Registry {
    let links = Links::parse("https://here.example.org").unwrap();
    let mut registry = Registry::default();
    registry.handle(intake::MailWorker::default());
    registry.handle_inside(tickets::jobs::Announcer { links: links.clone() });
    registry.handle(notices::letters::Sender {
        links,
        settled: Arc::new(|tx, letter, status| tickets::letter_settled(tx, letter.uuid(), status)),
        ways: Some(Arc::new(outgoing::Outgoing::new(world.db.clone()))),
    });
    registry
}

/// A mailer that takes what comes twice for one, as the folder of letters does.
struct Folder(Arc<dyn Mailer>);

#[async_trait::async_trait]
impl Mailer for Folder {
    async fn send(&self, envelope: Envelope) -> Result<Receipt, SendError> {
        self.0.send(envelope).await
    }
    fn knows_repeats(&self) -> bool {
        true
    }
}

impl<'w> Desk<'w> {
    async fn open(world: &'w World) -> Self {
        for scope in [world.scope(), world.scope_there()] {
            world.db.write(scope, desk::prepare_tenant).await.unwrap();
        }
        let made = world.db.write(world.scope(), |tx| {
            let new = NewChannel {
                address: "support@here.example.org".parse()?,
                fields: channels::ChannelPatch::default(),
            };
            let channel = channels::create(tx, new)?.1.id;
            let mailbox = NewMailbox {
                host: "imap.here.example.org".into(),
                port: 993,
                tls: "tls".into(),
                username: "support".into(),
                password: Some(base::Secret::new("open")),
                folder: "INBOX".into(),
                from_beginning: false,
            };
            mailbox::set(tx, channel, &mailbox)?;
            sent::set(tx, channel, "")?;
            Ok(channel)
        });
        let channel = made.await.unwrap();
        let fakes = fakes();
        let worker = Worker::new(world.db.clone(), fakes.outside.clone(), registry(world));
        Self { world, fakes, worker, channel }
    }

    async fn bring(&self, door: Door, raw: &str) -> Mail {
        self.world.clock.advance(minutes(1));
        let mut writer = self.fakes.outside.blobs.begin(self.world.here).await.unwrap();
        writer.write(raw.replace('\n', "\r\n").into_bytes().into()).await.unwrap();
        let letter = Received {
            channel: self.channel,
            door,
            envelope_from: None,
            envelope_to: Vec::new(),
            client_ip: None,
            helo: None,
            blob: writer.finish().await.unwrap(),
        };
        let id =
            self.world.db.write(self.world.scope(), move |tx| intake::receive(tx, letter)).await.unwrap();
        self.worker.run_due().await.unwrap();
        self.world.db.read(self.world.scope(), move |r| intake::query::get(r, id)).await.unwrap()
    }
    async fn sent(&self, raw: &str) -> Mail {
        self.bring(Door::Sent, raw).await
    }
    async fn ticket(&self, id: Id<Ticket>) -> (Ticket, Vec<Message>) {
        let read = move |r: &db::Read<'_>| {
            let ticket = query::get(r, id)?;
            let thread = query::thread(r, &ticket)?;
            Ok((ticket, thread))
        };
        self.world.db.read(self.world.scope(), read).await.unwrap()
    }
    async fn count(&self, sql: &'static db::Sql) -> i64 {
        let read = move |r: &db::Read<'_>| r.query_one(sql, params![], |row| row.get(0));
        self.world.db.read(self.world.scope(), read).await.unwrap().unwrap()
    }
}

both_engines! {
    async fn an_answer_from_a_mail_program_is_an_answer_without_a_letter(world) {
        let desk = Desk::open(&world).await;
        let first = desk.bring(Door::Imap, &letter(1, ADA, SUPPORT, "Internet down", "")).await;
        let id = first.ticket_id.unwrap();
        let letters = desk.count(&LETTERS).await;

        let answer = letter(2, SUPPORT, ADA, "Re: Internet down", "In-Reply-To: <s1@mail.example>\n");
        let taken = desk.sent(&answer).await;
        assert_eq!((taken.outcome, taken.ticket_id), (Some(Outcome::Reply), Some(id)), "{}", taken.reason);
        let (ticket, thread) = desk.ticket(id).await;
        let said = thread.last().unwrap();
        assert!(!said.is_internal && said.body.starts_with("This is 2."), "{said:?}");
        assert_eq!((said.author.name.as_str(), said.delivery.as_str()), ("support@here.example.org", "sent"));
        assert!(ticket.first_response_at.is_some(), "the clock of the first answer stops");
        assert_eq!((ticket.status, ticket.unread_by_agent, ticket.unread_by_customer), (Status::InProgress, 0, 1));
        assert_eq!(desk.count(&LETTERS).await, letters, "it has left already");

        // Its customer answers what they got, and is in the same thread.
        let reply = desk.bring(Door::Imap, &letter(3, ADA, SUPPORT, "Thanks", "In-Reply-To: <s2@mail.example>\n")).await;
        assert_eq!((reply.outcome, reply.ticket_id), (Some(Outcome::Reply), Some(id)), "{}", reply.reason);

        // Once, however often the folder is read.
        let again = desk.sent(&answer).await;
        assert_eq!((again.outcome, again.ticket_id), (Some(Outcome::Duplicate), Some(id)), "{}", again.reason);
        assert_eq!(desk.ticket(id).await.1.len(), 3);
        let (theirs, scope) = (&MESSAGES, world.scope_there());
        let count: Option<i64> = world.db.read(scope, move |r| r.query_one(theirs, params![], |row| row.get(0))).await.unwrap();
        assert_eq!(count, Some(0));
    }

    async fn who_wrote_is_named_and_what_went_to_a_colleague_is_for_the_team(world) {
        let desk = Desk::open(&world).await;
        let ben = world.db.write(world.scope(), |tx| {
            users::create(tx, users::NewUser {
                email: "ben@here.example.org".parse()?, name: "Ben Okafor".into(), role: Role::Agent, password_hash: None,
                verified: true, locale: "en".into(), time_zone: "UTC".into(),
            })
        }).await.unwrap();
        let id = desk.bring(Door::Imap, &letter(1, ADA, SUPPORT, "Internet down", "")).await.ticket_id.unwrap();
        let number = desk.ticket(id).await.0.ticket_number;
        // By the number alone, from an agent's own address.
        let taken = desk.sent(&letter(2, "Ben <ben@here.example.org>", ADA, &format!("Re: {number}"), "")).await;
        assert_eq!(taken.outcome, Some(Outcome::Reply), "{}", taken.reason);
        let said = desk.ticket(id).await.1.pop().unwrap();
        assert_eq!((said.author.id, said.is_internal), (Some(ben.id.uuid()), false));

        // Forwarded to somebody else: the customer got none of it, and sees none.
        let asked = desk.sent(&letter(3, SUPPORT, "Hanna <hanna@network.example>", "Fwd: Internet down", "References: <s1@mail.example>\n")).await;
        assert_eq!(asked.outcome, Some(Outcome::Reply), "{}", asked.reason);
        assert!(desk.ticket(id).await.1.last().unwrap().is_internal);
        let unread = desk.ticket(id).await.0.unread_by_customer;
        assert_eq!(unread, 1);
    }

    async fn what_is_no_answer_is_left_alone_and_says_why(world) {
        let desk = Desk::open(&world).await;
        let id = desk.bring(Door::Imap, &letter(1, ADA, SUPPORT, "Internet down", "")).await.ticket_id.unwrap();
        let re = "In-Reply-To: <s1@mail.example>\n";
        let own_mark = world.here.uuid().simple().to_string();
        let before = letter(9, SUPPORT, ADA, "Re", re).replace("2 Mar 2026 13", "2 Mar 2026 09");
        let cases = [
            (letter(2, SUPPORT, "Grace <grace@friends.example>", "Lunch?", ""), Outcome::Ignored, "leads to a ticket"),
            (letter(3, "Mallory <mallory@elsewhere.example>", ADA, "Re", re), Outcome::Ignored, "neither from"),
            (letter(4, SUPPORT, ADA, "Re", &format!("{re}X-Counterfoil-Loop: {own_mark}\n")), Outcome::Duplicate, "of ours"),
            (letter(5, SUPPORT, ADA, "Away", &format!("{re}Auto-Submitted: auto-replied\n")), Outcome::Ignored, "a program"),
            (letter(6, SUPPORT, SUPPORT, "Re", re), Outcome::Ignored, "got it"),
            (letter(7, SUPPORT, "hanna@network.example", "About SUP-00001", ""), Outcome::Ignored, "got it"),
            (before, Outcome::Ignored, "before this folder"),
        ];
        let messages = desk.count(&MESSAGES).await;
        for (raw, outcome, why) in cases {
            let left = desk.sent(&raw).await;
            assert_eq!((left.outcome, left.message_id), (Some(outcome), None), "{why}: {}", left.reason);
            assert!(left.reason.contains(why), "{why}: {}", left.reason);
        }
        assert_eq!(desk.count(&MESSAGES).await, messages);
        assert!(desk.ticket(id).await.0.first_response_at.is_none());
    }

    async fn letters_of_a_channel_leave_through_its_own_server_which_is_not_hammered(world) {
        let desk = Desk::open(&world).await;
        let channel = desk.channel;
        world.db.write(world.scope(), |tx| {
            users::create(tx, users::NewUser {
                email: "boss@here.example.org".parse()?, name: "Boss".into(), role: Role::Admin, password_hash: None,
                verified: true, locale: "en".into(), time_zone: "UTC".into(),
            })
        }).await.unwrap();
        let server = |password: &str| outgoing::NewOutgoing {
            host: "smtp.here.example.org".into(), port: 587, tls: "starttls".into(), sign_in: "password".into(), username: "support".into(),
            password: Some(base::Secret::new(password)),
        };
        let new = server("wrong");
        world.db.write(world.scope(), move |tx| outgoing::set(tx, channel, &new)).await.unwrap();
        let refused = SendError { class: SendErrorClass::SignIn, detail: "535 5.7.8 no".into() };
        desk.fakes.relays.fail_next([refused]);
        // A confirmation to the customer; what goes to staff is from the same address.
        desk.bring(Door::Imap, &letter(1, ADA, SUPPORT, "Internet down", "")).await;
        assert_eq!(desk.fakes.relays.knocks(), 1, "one knock, whatever waits");
        let known = world.db.read(world.scope(), move |r| outgoing::find(r, channel)).await.unwrap().unwrap();
        assert!(known.paused_at.is_some() && known.error.as_deref() == Some("535 5.7.8 no"), "{known:?}");
        assert!(!format!("{known:?}").contains("wrong"));
        let told = world.db.read(world.scope(), |r| r.query_all(&NOTICES, params![], |row| row.get::<String>(0))).await.unwrap();
        assert_eq!(told.iter().filter(|t| t.contains("its mail server does not let us in: 535")).count(), 1, "{told:?}");

        // With the right one what waited leaves, each once, and none by another way.
        let new = server("right");
        world.db.write(world.scope(), move |tx| outgoing::set(tx, channel, &new)).await.unwrap();
        for _ in 0..6 {
            world.clock.advance(minutes(10));
            desk.worker.run_due().await.unwrap();
        }
        let sent = desk.fakes.relays.sent();
        assert!(sent.iter().any(|(_, e)| e.to.as_str() == "ada@customers.example"), "{sent:?}");
        assert!(sent.iter().all(|(relay, e)| relay.host == "smtp.here.example.org" && e.from.is_none()), "{sent:?}");
        let mut ids: Vec<&str> = sent.iter().map(|(_, e)| e.message_id.as_str()).collect();
        ids.sort_unstable();
        let count = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), count, "each once");
        assert!(desk.fakes.mailer.sent().is_empty());

        // Taken away, letters leave as all others do.
        world.db.write(world.scope(), move |tx| outgoing::remove(tx, channel)).await.unwrap();
        desk.bring(Door::Imap, &letter(2, "Eve <eve@customers.example>", SUPPORT, "Another", "")).await;
        assert!(desk.fakes.mailer.sent().iter().any(|e| e.to.as_str() == "eve@customers.example"));
    }

    async fn automatic_letters_have_no_return_path_unless_the_server_wants_one(world) {
        let desk = Desk::open(&world).await;
        let channel = desk.channel;
        let server = |host: &str| outgoing::NewOutgoing {
            host: host.into(), port: 587, tls: "starttls".into(), sign_in: "password".into(), username: "support".into(),
            password: Some(base::Secret::new("right")),
        };
        let set = async |host: &str| {
            let new = server(host);
            world.db.write(world.scope(), move |tx| outgoing::set(tx, channel, &new)).await.unwrap()
        };
        let known = async || world.db.read(world.scope(), move |r| outgoing::find(r, channel)).await.unwrap().unwrap();
        let paths = || -> Vec<Option<String>> {
            desk.fakes.relays.sent().iter().map(|(_, e)| e.from.as_ref().map(|f| f.as_str().to_owned())).collect()
        };
        let own = || Some("support@here.example.org".to_owned());
        let confirm = async |n: u32| {
            let from = format!("Somebody <c{n}@customers.example>");
            desk.bring(Door::Imap, &letter(n, &from, SUPPORT, "Hello", "")).await;
        };
        set("smtp.here.example.org").await;
        confirm(1).await;
        assert_eq!((paths(), known().await.null_path_refused_at), (vec![None], None));
        // Another server, which takes none without: in the same attempt, and known from then on.
        desk.fakes.relays.want_return_path();
        set("smtp.elsewhere.example").await;
        confirm(2).await;
        assert_eq!((paths(), desk.fakes.relays.knocks()), (vec![None, own()], 3));
        assert!(known().await.null_path_refused_at.is_some());
        confirm(3).await;
        assert_eq!((paths().len(), desk.fakes.relays.knocks()), (3, 4), "not asked again");
        let raw = String::from_utf8(desk.fakes.relays.sent()[2].1.raw.to_vec()).unwrap();
        assert!(raw.contains("\r\nAuto-Submitted: auto-"), "{raw}");
        // A day later it is asked again, whether it still refuses.
        world.clock.advance(base::hours(24));
        confirm(6).await;
        assert_eq!((paths().len(), desk.fakes.relays.knocks()), (4, 6));
        confirm(7).await;
        assert_eq!((paths().len(), desk.fakes.relays.knocks()), (5, 7));
        // A letter that is refused for another reason says so, and nothing is concluded from it.
        set("smtp.elsewhere.example").await;
        let refused = |why: &str| SendError::permanent(format!("RCPT: permanent error (550): {why}"));
        desk.fakes.relays.fail_next([refused("5.7.1 no"), refused("5.1.1 no such user")]);
        confirm(4).await;
        assert_eq!((paths().len(), known().await.null_path_refused_at), (5, None));
        let letters = world.db.read(world.scope(), |r| notices::letters::list(r, None, 50)).await.unwrap();
        let failed = letters.iter().find(|l| l.to_email.as_str() == "c4@customers.example").unwrap();
        assert_eq!((failed.status.as_str(), failed.last_error.as_deref()), ("failed", Some("RCPT: permanent error (550): 5.1.1 no such user")));
        // One that nobody can say of whether it left is not sent once more.
        desk.fakes.relays.fail_next([SendError::uncertain("the answer was lost")]);
        let knocks = desk.fakes.relays.knocks();
        confirm(5).await;
        assert_eq!(desk.fakes.relays.knocks(), knocks + 1);
        let none = world.db.read(world.scope_there(), move |r| outgoing::find(r, channel)).await.unwrap();
        assert!(none.is_none());
    }

    async fn a_connected_mailbox_signs_in_at_its_mail_server_too(world) {
        let desk = Desk::open(&world).await;
        let channel = desk.channel;
        let new = outgoing::NewOutgoing {
            host: "smtp.here.example.org".into(), port: 465, tls: "tls".into(), sign_in: "oauth".into(), username: String::new(), password: None,
        };
        let refused = world.db.write(world.scope(), move |tx| outgoing::set(tx, channel, &new)).await.unwrap_err();
        assert_eq!(refused.code(), "smtp.not_connected", "{refused}");
    }

    async fn of_letters_that_leave_together_none_is_sent_twice_after_a_crash(world) {
        let desk = Desk::open(&world).await;
        let channel = desk.channel;
        let names = ["ada", "ben", "eve", "grace"];
        world.db.write(world.scope(), move |tx| {
            outgoing::set(tx, channel, &outgoing::NewOutgoing {
                host: "smtp.here.example.org".into(), port: 587, tls: "starttls".into(), sign_in: "none".into(), username: String::new(), password: None,
            })?;
            for name in names {
                let to = format!("{name}@customers.example").parse()?;
                let kind = notices::letters::LetterKind::SupportTicketUpdate;
                let mut new = notices::letters::NewLetter::to(kind, to, name, "en", "here.example.org".into());
                new.from_email = Some("support@here.example.org".parse()?);
                notices::letters::post_test(tx, new, "Hello", "Hello")?;
            }
            Ok(())
        }).await.unwrap();
        let mut outside = desk.fakes.outside.clone();
        outside.mailer = Arc::new(Folder(outside.mailer.clone()));
        // Each was taken, and the server dies before any of it is written down.
        let dying = Worker::new(world.db.clone(), outside.clone(), registry(&world)).with_probe(DiesAt::new([Moment::Performed; 4]));
        // Side by side, as a server does.
        let (stop, stopped) = watch::channel(false);
        let all_went = async {
            while desk.fakes.relays.sent().len() < 4 {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            stop.send(true).unwrap();
        };
        tokio::join!(dying.run(stopped), all_went);
        world.clock.advance(minutes(3));
        Worker::new(world.db.clone(), outside, registry(&world)).run_due().await.unwrap();
        assert_eq!(desk.fakes.relays.sent().len(), 4);
        let letters = world.db.read(world.scope(), |r| notices::letters::list(r, None, 50)).await.unwrap();
        assert!(letters.len() == 4 && letters.iter().all(|l| l.status == "uncertain"), "{letters:?}");
    }

    async fn letters_wait_for_a_connection_and_leave_by_the_new_one(world) {
        let desk = Desk::open(&world).await;
        let (channel, scope) = (desk.channel, || world.scope());
        let register = |secret: &'static str| move |tx: &mut Tx<'_>| oauth::set_client(tx, Provider::Google, registration(secret)).map(|_| ());
        world.db.write(scope(), register("one")).await.unwrap();
        world.db.write(scope(), move |tx| connect(tx, channel, "support@here.example.org", "first")).await.unwrap();
        let new = outgoing::NewOutgoing {
            host: "smtp.here.example.org".into(), port: 465, tls: "tls".into(), sign_in: "oauth".into(), username: String::new(), password: None,
        };
        let theirs = new.clone();
        world.db.write(scope(), move |tx| outgoing::set(tx, channel, &new)).await.unwrap();
        // A neighbour whose server lets nobody in either.
        let there = world.db.write(world.scope_there(), move |tx| {
            oauth::set_client(tx, Provider::Google, registration("theirs"))?;
            let address = NewChannel { address: "help@there.example.org".parse()?, fields: channels::ChannelPatch::default() };
            let channel = channels::create(tx, address)?.1.id;
            connect(tx, channel, "help@there.example.org", "theirs")?;
            outgoing::set(tx, channel, &theirs)?;
            let now = tx.now();
            tx.execute(&SHUT, params![now])?;
            Ok(channel)
        }).await.unwrap();
        let refused = || SendError { class: SendErrorClass::SignIn, detail: "535 5.7.8 no".into() };
        let says = |status: u16, body: &'static str| {
            Ok(HttpAnswer { status, retry_after: None, body: body.into(), took: std::time::Duration::ZERO })
        };
        let to_ada = async || {
            let all = world.db.read(scope(), |r| notices::letters::list(r, None, 50)).await.unwrap();
            all.into_iter().find(|l| l.to_email.as_str() == "ada@customers.example").unwrap()
        };
        let pass = async |minutes_each: i64, times: u32| {
            for _ in 0..times {
                world.clock.advance(minutes(minutes_each));
                desk.worker.run_due().await.unwrap();
            }
        };

        // The provider has ended the connection.
        desk.fakes.relays.fail_next([refused()]);
        desk.fakes.http.answer_next([says(400, r#"{"error": "invalid_grant"}"#)]);
        desk.bring(Door::Imap, &letter(1, ADA, SUPPORT, "Internet down", "")).await;
        // For a day and a half nobody knocks, nothing fails, and the letter says what it waits for.
        pass(30, 72).await;
        assert_eq!(desk.fakes.relays.knocks(), 1);
        let waiting = to_ada().await;
        assert!(waiting.status == "queued" && waiting.attempts <= 1, "{waiting:?}");
        let why = waiting.last_error.unwrap();
        assert!(why.contains("until the channel's mail server is corrected") && why.contains("connect again"), "{why}");

        // Connected again, by another account.
        world.db.write(scope(), move |tx| connect(tx, channel, "desk@here.example.org", "second")).await.unwrap();
        let server = world.db.read(scope(), move |r| outgoing::find(r, channel)).await.unwrap().unwrap();
        assert_eq!((server.paused_at, server.error, server.username.as_str()), (None, None, "desk@here.example.org"));
        pass(10, 1).await;
        assert_eq!(to_ada().await.status, "sent");
        for (relay, _) in desk.fakes.relays.sent() {
            let Some(MailboxSignIn::Token { username, access_token }) = relay.sign_in else { panic!("a token") };
            assert_eq!((username.as_str(), access_token.reveal()), ("desk@here.example.org", "second"));
        }

        // The registration's secret has run out, and is entered anew.
        desk.fakes.relays.fail_next([refused()]);
        desk.fakes.http.answer_next([says(401, r#"{"error": "invalid_client"}"#)]);
        desk.bring(Door::Imap, &letter(2, "Eve <eve@customers.example>", SUPPORT, "Another", "")).await;
        let paused = world.db.read(scope(), move |r| outgoing::find(r, channel)).await.unwrap().unwrap();
        assert!(paused.paused_at.is_some(), "{paused:?}");
        world.db.write(scope(), register("two")).await.unwrap();
        pass(10, 1).await;
        assert!(desk.fakes.relays.sent().iter().any(|(_, e)| e.to.as_str() == "eve@customers.example"));

        // What waits for longer than three days has failed, and can be sent again.
        desk.fakes.relays.fail_next([refused()]);
        desk.fakes.http.answer_next([says(400, r#"{"error": "invalid_grant"}"#)]);
        desk.bring(Door::Imap, &letter(3, ADA, SUPPORT, "A third", "")).await;
        let third = to_ada().await;
        pass(60, 71).await;
        assert_eq!(to_ada().await.status, "queued");
        pass(60, 2).await;
        let failed = to_ada().await;
        assert_eq!((failed.id, failed.status.as_str()), (third.id, "failed"), "{failed:?}");
        world.db.write(scope(), move |tx| connect(tx, channel, "support@here.example.org", "third")).await.unwrap();
        world.db.write(scope(), move |tx| notices::letters::resend(tx, third.id)).await.unwrap();
        pass(1, 1).await;
        assert_eq!(to_ada().await.status, "sent");

        let there = world.db.read(world.scope_there(), move |r| outgoing::find(r, there)).await.unwrap().unwrap();
        assert!(there.paused_at.is_some() && there.username == "help@there.example.org", "{there:?}");
        assert!(desk.fakes.mailer.sent().is_empty());
    }
}

fn registration(secret: &str) -> NewOauthClient {
    NewOauthClient {
        client_id: "counterfoil".into(),
        client_secret: Some(base::Secret::new(secret)),
        directory: String::new(),
        authorize_url: String::new(),
        token_url: String::new(),
        scopes: String::new(),
        host: String::new(),
        port: 993,
        tls: "tls".into(),
    }
}

/// Signs in at the provider, from the button to the tokens.
fn connect(tx: &mut Tx<'_>, channel: Id<MailChannel>, username: &str, token: &str) -> base::Result<()> {
    let session = uuid::Uuid::from_u128(7);
    let page = oauth::begin(
        tx,
        &oauth::Begin {
            channel,
            provider: Provider::Google,
            session,
            redirect_url: "https://here.example.org/connected".into(),
            username: username.into(),
            folder: "INBOX".into(),
            from_beginning: false,
        },
    )?;
    let state = page.split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let attempt = oauth::take(tx, Provider::Google, &state, session)?;
    let tokens = oauth::Tokens {
        access_token: base::Secret::new(token),
        refresh_token: Some(base::Secret::new(format!("more of {token}"))),
        seconds: 1_000_000,
        scope: None,
        account: None,
    };
    oauth::keep(tx, &attempt, &tokens).map(|_| ())
}
