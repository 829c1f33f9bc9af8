//! A door that keeps letters in memory, behind a listener on a port of its own.

use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use base::Email;
use engine::outside::{Accepted, Delivered, Door, RecipientVerdict};
use outside::{Protocol, SmtpServer, SmtpServerConfig};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

/// Knows every address at example.org but `nobody`; says "later" of `later`.
#[derive(Default)]
pub struct TestDoor {
    pub letters: Mutex<Vec<Delivered>>,
    /// What is answered for a recipient, one after the other; then it is taken.
    pub answers: Mutex<HashMap<String, VecDeque<Accepted>>>,
    /// How long it takes to commit.
    pub slowness: Mutex<Duration>,
}

impl TestDoor {
    pub fn letters(&self) -> Vec<Delivered> {
        self.letters.lock().unwrap().clone()
    }
    pub fn answer(&self, recipient: &str, answer: Accepted) {
        self.answers.lock().unwrap().entry(recipient.into()).or_default().push_back(answer);
    }
}

#[async_trait]
impl Door for TestDoor {
    async fn recipient(&self, address: &Email) -> RecipientVerdict {
        match address.as_str() {
            "nobody@example.org" => RecipientVerdict::Unknown,
            "later@example.org" => RecipientVerdict::Later,
            _ if address.domain() == "example.org" || address.domain() == "mx.example.org" => {
                RecipientVerdict::Known
            }
            _ => RecipientVerdict::Unknown,
        }
    }

    async fn accept(&self, letter: Delivered) -> Vec<Accepted> {
        let slowness = *self.slowness.lock().unwrap();
        tokio::time::sleep(slowness).await;
        let mut answers = self.answers.lock().unwrap();
        let said = letter.recipients.iter().map(|to| {
            let told = answers.get_mut(to.as_str()).and_then(VecDeque::pop_front);
            told.unwrap_or(Accepted::Taken)
        });
        let said = said.collect();
        self.letters.lock().unwrap().push(letter);
        said
    }
}

/// A running listener. Dropping it stops it.
pub struct Running {
    pub port: u16,
    pub door: Arc<TestDoor>,
    pub stop: watch::Sender<bool>,
    pub served: JoinHandle<()>,
}

pub async fn listen(protocol: Protocol, change: impl FnOnce(&mut SmtpServerConfig)) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let mut config = SmtpServerConfig::new(address, protocol, "mx.example.org");
    change(&mut config);
    let door = Arc::new(TestDoor::default());
    let server = SmtpServer::new(config, door.clone()).unwrap();
    let (stop, stopped) = watch::channel(false);
    let served = tokio::spawn(server.serve(listener, stopped));
    Running { port: address.port(), door, stop, served }
}
