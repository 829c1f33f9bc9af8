//! A desk with an address, its worker, and everything outside.

use base::{Id, Role, minutes};
use db::params;
use desk::{
    channels::{self, ChannelPatch, MailChannel, NewChannel},
    intake::{self, Door, Mail, MessageMail, Received},
    tickets::{self, Message, NewMessage, Ticket, query},
};
use engine::{Registry, Worker, outside::BlobRef};
use identity::{Links, Settings, Staff, User, users};
use testkit::{Fakes, World, fakes};

use crate::{COUNT_LETTERS, COUNT_MAILS, COUNT_MESSAGES, COUNT_TICKETS};

/// A desk with an address, its worker, and everything outside.
pub struct Desk<'w> {
    pub world: &'w World,
    pub fakes: Fakes,
    pub worker: Worker,
    pub channel: Id<MailChannel>,
}

pub fn registry() -> Registry {
    registry_with(intake::MailWorker::default())
}

pub fn registry_with(mails: intake::MailWorker) -> Registry {
    let links = Links::parse("https://here.example.org").unwrap();
    let mut registry = Registry::default();
    registry.handle(mails);
    registry.handle(desk::leftovers::Sweeper);
    registry.handle_inside(tickets::jobs::Announcer { links: links.clone() });
    registry.handle(notices::letters::Sender {
        links,
        settled: std::sync::Arc::new(|tx, letter, status| tickets::letter_settled(tx, letter.uuid(), status)),
        ways: None,
    });
    registry
}

pub async fn channel(
    world: &World,
    scope: db::Scope,
    address: &str,
    fields: ChannelPatch,
) -> Id<MailChannel> {
    let new = NewChannel { address: address.parse().unwrap(), fields };
    world.db.write(scope, move |tx| channels::create(tx, new)).await.unwrap().1.id
}

impl<'w> Desk<'w> {
    pub async fn open(world: &'w World) -> Self {
        Self::open_with(world, ChannelPatch::default()).await
    }

    pub async fn open_with(world: &'w World, fields: ChannelPatch) -> Self {
        for scope in [world.scope(), world.scope_there()] {
            world.db.write(scope, desk::prepare_tenant).await.unwrap();
        }
        let channel = channel(world, world.scope(), "support@here.example.org", fields).await;
        let fakes = fakes();
        let worker = Worker::new(world.db.clone(), fakes.outside.clone(), registry());
        Self { world, fakes, worker, channel }
    }

    pub async fn store(&self, raw: &str) -> BlobRef {
        let mut writer = self.fakes.outside.blobs.begin(self.world.here).await.unwrap();
        writer.write(raw.replace('\n', "\r\n").into_bytes().into()).await.unwrap();
        writer.finish().await.unwrap()
    }

    /// Brings a letter to a channel's door, and leaves it there.
    pub async fn bring(&self, channel: Id<MailChannel>, raw: &str) -> Id<Mail> {
        self.bring_by(Door::Api, channel, raw).await
    }

    pub async fn bring_by(&self, door: Door, channel: Id<MailChannel>, raw: &str) -> Id<Mail> {
        let blob = self.store(raw).await;
        let letter = Received {
            channel,
            door,
            envelope_from: None,
            envelope_to: Vec::new(),
            client_ip: None,
            helo: None,
            blob,
        };
        self.world.db.write(self.world.scope(), move |tx| intake::receive(tx, letter)).await.unwrap()
    }

    pub async fn mail(&self, id: Id<Mail>) -> Mail {
        self.world.db.read(self.world.scope(), move |r| intake::query::get(r, id)).await.unwrap()
    }

    /// Brings a letter, lets everything happen that follows, and says what became of it.
    pub async fn deliver(&self, raw: &str) -> Mail {
        self.deliver_to(self.channel, raw).await
    }

    pub async fn deliver_to(&self, channel: Id<MailChannel>, raw: &str) -> Mail {
        self.world.clock.advance(minutes(1));
        let id = self.bring(channel, raw).await;
        self.worker.run_due().await.unwrap();
        self.mail(id).await
    }

    pub async fn ticket(&self, id: Option<Id<Ticket>>) -> Ticket {
        let id = id.expect("a ticket");
        self.world.db.read(self.world.scope(), move |r| query::get(r, id)).await.unwrap()
    }

    pub async fn messages(&self, ticket: Option<Id<Ticket>>) -> Vec<Message> {
        let id = ticket.expect("a ticket");
        self.world
            .db
            .read(self.world.scope(), move |r| {
                let t = query::get(r, id)?;
                query::thread(r, &t)
            })
            .await
            .unwrap()
    }

    pub async fn how(&self, mail: &Mail) -> MessageMail {
        let id = mail.message_id.expect("a message");
        self.world
            .db
            .read(self.world.scope(), move |r| intake::query::of_message(r, id))
            .await
            .unwrap()
            .unwrap()
    }

    pub async fn count(&self, sql: &'static db::Sql) -> i64 {
        count(self.world, self.world.scope(), sql).await
    }

    /// An agent answers; answers the letter as it left.
    pub async fn answer(&self, ticket: Id<Ticket>, staff: &Staff) -> String {
        let (staff, body) = (staff.clone(), tickets::Markdown::parse("body", "We are on our way.").unwrap());
        let new = NewMessage {
            body,
            is_internal: false,
            attachments: Vec::new(),
            status: None,
            expected_version: None,
            addressed_to: None,
        };
        let scope = db::Scope::tenant(self.world.here, staff.actor.clone());
        let write =
            move |tx: &mut db::Tx<'_>| tickets::staff_message(tx, &Settings::default(), &staff, ticket, new);
        self.world.db.write(scope, write).await.unwrap();
        self.worker.run_due().await.unwrap();
        self.last_letter()
    }

    pub fn last_letter(&self) -> String {
        let sent = self.fakes.mailer.sent();
        String::from_utf8(sent.last().expect("a letter").raw.to_vec()).unwrap()
    }

    pub async fn agent(&self, email: &str) -> (User, Staff) {
        let email = email.parse().unwrap();
        let new = users::NewUser {
            email,
            name: "Ben".into(),
            role: Role::Admin,
            password_hash: None,
            verified: true,
            locale: "en".into(),
            time_zone: "UTC".into(),
        };
        let user = self.world.db.write(self.world.scope(), move |tx| users::create(tx, new)).await.unwrap();
        let staff = Staff { user_id: Some(user.id), role: user.role, actor: user.actor(), read_only: false };
        (user, staff)
    }
}

pub async fn count(world: &World, scope: db::Scope, sql: &'static db::Sql) -> i64 {
    world.db.read(scope, move |r| r.query_one(sql, params![], |row| row.get(0))).await.unwrap().unwrap()
}

/// Nothing happened next door.
pub async fn check_neighbour(world: &World) {
    for sql in [&COUNT_TICKETS, &COUNT_MESSAGES, &COUNT_LETTERS, &COUNT_MAILS] {
        assert_eq!(count(world, world.scope_there(), sql).await, 0);
    }
}

/// A letter of its own Message-ID.
pub fn letter(n: u32, from: &str, subject: &str, more: &str, body: &str) -> String {
    format!(
        "From: {from}\nTo: support@here.example.org\nSubject: {subject}\nDate: Mon, 2 Mar 2026 10:00:00 +0000\nMessage-ID: <m{n}@mail.example>\n{more}MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n{body}\n"
    )
}

pub fn header(raw: &str, name: &str) -> String {
    let unfolded = raw.replace("\r\n ", " ").replace("\r\n\t", " ");
    let start = format!("{name}: ");
    let line = unfolded.lines().find(|l| l.starts_with(&start));
    line.unwrap_or_else(|| panic!("no {name} in {raw}"))[start.len()..].trim().to_owned()
}

/// The address between the brackets, or the whole of it.
pub fn address(value: &str) -> String {
    value.rsplit_once('<').map_or(value, |(_, rest)| rest.trim_end_matches('>')).to_owned()
}

pub const ADA: &str = "Ada Byron <ada@customers.example>";
pub const MALLORY: &str = "Mallory <mallory@elsewhere.example>";
