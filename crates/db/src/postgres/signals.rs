use std::{
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use base::{Error, Result, Secret};
use postgres::fallible_iterator::FallibleIterator;

use super::maintenance;
use crate::{Signals, Wake, queue::Pause};

const CHANNEL: &str = "counterfoil";

/// Tells other replicas what was committed here, and hears from them.
///
/// `notify` inside the transaction would put every commit behind one lock (ADR-0002); one connection sends them
/// after the commit, several at a time.
pub struct Notifier {
    sender: Option<mpsc::Sender<Wake>>,
    threads: Vec<JoinHandle<()>>,
    pause: Arc<Pause>,
}

impl Notifier {
    pub fn start(url: &Secret, signals: &Signals) -> Result<Self> {
        let (sender, receiver) = mpsc::channel();
        let pause = Arc::new(Pause::new());
        let talk = {
            let (url, pause) = (url.clone(), pause.clone());
            std::thread::Builder::new().name("db-notify".into()).spawn(move || send(&url, &receiver, &pause))
        };
        let listen = {
            let (url, signals, pause) = (url.clone(), signals.clone(), pause.clone());
            std::thread::Builder::new().name("db-listen".into()).spawn(move || hear(&url, &signals, &pause))
        };
        let threads = vec![talk.map_err(Error::from_source)?, listen.map_err(Error::from_source)?];
        Ok(Self { sender: Some(sender), threads, pause })
    }

    pub fn sender(&self) -> mpsc::Sender<Wake> {
        // Present until `join`, after which nobody asks.
        self.sender.clone().unwrap_or_else(|| mpsc::channel().0)
    }

    pub fn join(&mut self) {
        self.sender = None;
        self.pause.stop();
        for thread in self.threads.drain(..) {
            thread.join().ok();
        }
    }
}

fn send(url: &Secret, wakes: &mpsc::Receiver<Wake>, pause: &Pause) {
    let mut client = None;
    while let Ok(first) = wakes.recv() {
        let mut batch = vec![first];
        pause.wait(Duration::from_millis(2));
        while let Ok(more) = wakes.try_recv() {
            if !batch.contains(&more) {
                batch.push(more);
            }
        }
        let list: Vec<String> =
            batch.iter().map(|w| format!("notify {CHANNEL}, '{}'", w.to_text())).collect();
        for _ in 0..2 {
            if client.is_none() {
                client = maintenance(url).ok();
            }
            match client.as_mut().map(|c| c.batch_execute(&list.join(";"))) {
                Some(Ok(())) => break,
                _ => client = None,
            }
        }
    }
}

fn hear(url: &Secret, signals: &Signals, pause: &Pause) {
    loop {
        if let Ok(mut client) = maintenance(url)
            && client.batch_execute(&format!("listen {CHANNEL}")).is_ok()
        {
            // What was said while nobody listened is unknown: wake everybody who keeps a cache.
            signals.fire(Wake::Access);
            signals.fire(Wake::Jobs);
            loop {
                let mut notifications = client.notifications();
                let next = notifications.timeout_iter(Duration::from_millis(250)).next();
                drop(notifications);
                match next {
                    Ok(Some(heard)) => {
                        if let Some(wake) = Wake::from_text(heard.payload()) {
                            signals.fire(wake);
                        }
                    }
                    Ok(None) if client.is_closed() => break,
                    Ok(None) => {
                        if pause.wait(Duration::ZERO) {
                            return;
                        }
                    }
                    Err(_) => break,
                }
            }
        }
        signals.fire(Wake::Access);
        if pause.wait(Duration::from_secs(1)) {
            return;
        }
    }
}
