//! How much of letters is in hand while they are read side by side.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use desk::intake::{MailState, MailWorker, Outcome};
use engine::{
    Worker,
    outside::{Authentication, CheckedMail, MailChecks},
};
use testkit::both_engines;
use tokio::sync::watch;

use crate::harness::*;

/// Name servers that take their time: meanwhile the whole letter is in hand.
#[derive(Default)]
struct Slow {
    bytes: AtomicUsize,
    letters: AtomicUsize,
    most_bytes: AtomicUsize,
    most_letters: AtomicUsize,
    /// The most bytes that were in hand beside another letter.
    most_together: AtomicUsize,
}

#[async_trait::async_trait]
impl MailChecks for Slow {
    async fn check(&self, mail: CheckedMail) -> Authentication {
        let size = mail.raw.len();
        let bytes = self.bytes.fetch_add(size, Ordering::SeqCst) + size;
        let letters = self.letters.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_bytes.fetch_max(bytes, Ordering::SeqCst);
        self.most_letters.fetch_max(letters, Ordering::SeqCst);
        if letters > 1 {
            self.most_together.fetch_max(bytes, Ordering::SeqCst);
        }
        tokio::time::sleep(Duration::from_millis(60)).await;
        self.bytes.fetch_sub(size, Ordering::SeqCst);
        self.letters.fetch_sub(1, Ordering::SeqCst);
        Authentication::none("nobody was asked")
    }
}

/// Letters of about so many bytes, brought together and read side by side.
async fn read(world: &testkit::World, at_once_kib: u32, sizes: &[usize]) -> Arc<Slow> {
    let desk = Desk::open(world).await;
    let mut ids = Vec::new();
    for (n, size) in (1..).zip(sizes) {
        let from = format!("Writer {n} <writer{n}@customers.example>");
        let body = "word ".repeat(size / 5);
        ids.push(desk.bring(desk.channel, &letter(n, &from, &format!("Letter {n}"), "", &body)).await);
    }
    let slow = Arc::new(Slow::default());
    let mut outside = desk.fakes.outside.clone();
    outside.mail_checks = slow.clone();
    let registry = registry_with(MailWorker::with_at_once_kib(at_once_kib));
    let worker = Worker::new(world.db.clone(), outside, registry);
    let (stop, stopped) = watch::channel(false);
    let all_read = async {
        for id in ids {
            while desk.mail(id).await.state == MailState::Waiting {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            assert_eq!(desk.mail(id).await.outcome, Some(Outcome::Ticket));
        }
        stop.send(true).unwrap();
    };
    tokio::join!(worker.run(stopped), all_read);
    slow
}

both_engines! {
    async fn letters_read_side_by_side_are_no_more_than_there_is_room_for(world) {
        // Three of them fit, and one is larger than all of the room.
        let sizes = [7_000, 7_000, 7_000, 100_000, 7_000, 7_000, 7_000, 7_000, 7_000];
        let slow = read(&world, 30, &sizes).await;
        let (letters, together) = (slow.most_letters.load(Ordering::SeqCst), slow.most_together.load(Ordering::SeqCst));
        assert!(together <= 30 * 1024, "{together} bytes of several letters");
        assert!((2..=3).contains(&letters), "{letters} letters at once");
        let most = slow.most_bytes.load(Ordering::SeqCst);
        assert!((100_000..110_000).contains(&most), "the large one is read too, alone: {most}");
    }
}
