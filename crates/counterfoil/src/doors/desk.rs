//! The door behind a listener: a letter is taken when its bytes and its rows are durable.

use std::sync::Arc;

use async_trait::async_trait;
use base::{Actor, Email, Id, Kind, Result, TenantId};
use db::{Db, Scope};
use desk::{
    channels::MailChannel,
    intake::{self, Door as Way, Received},
};
use engine::outside::{Accepted, BlobRef, Blobs, Delivered, Door, RecipientVerdict};

pub struct DeskDoor {
    pub db: Db,
    pub blobs: Arc<dyn Blobs>,
    /// `Smtp` or `Lmtp`.
    pub way: Way,
}

type Home = (TenantId, Id<MailChannel>);

impl DeskDoor {
    /// Whose mail each recipient's is.
    async fn homes(&self, to: Vec<Email>) -> Result<Vec<Option<Home>>> {
        let scope = Scope::installation(Actor::system());
        self.db.read(scope, move |read| intake::envelope_channels(read, &to)).await
    }

    async fn store(&self, tenant: TenantId, letter: &Delivered) -> Result<BlobRef> {
        let mut writer = self.blobs.begin(tenant).await?;
        writer.write(letter.raw.clone()).await?;
        writer.finish().await
    }

    /// Takes a letter for one channel.
    async fn take(&self, home: Home, blob: BlobRef, letter: &Delivered, to: Vec<String>) -> Result<()> {
        let received = Received {
            channel: home.1,
            door: self.way,
            envelope_from: Some(letter.envelope_from.as_str().to_owned()),
            envelope_to: to,
            // Behind LMTP whoever connects is our own mail server, which says nothing about the sender.
            client_ip: (self.way == Way::Smtp).then(|| letter.client_ip.to_string()),
            helo: (self.way == Way::Smtp).then(|| letter.helo.clone()),
            blob,
        };
        let scope = Scope::tenant(home.0, Actor::system());
        self.db.write(scope, move |tx| intake::receive(tx, received)).await.map(drop)
    }
}

#[async_trait]
impl Door for DeskDoor {
    async fn recipient(&self, address: &Email) -> RecipientVerdict {
        match self.homes(vec![address.clone()]).await {
            Ok(found) if found.first().is_some_and(Option::is_some) => RecipientVerdict::Known,
            Ok(_) => RecipientVerdict::Unknown,
            Err(error) => {
                tracing::warn!(?error, "a recipient could not be looked up");
                RecipientVerdict::Later
            }
        }
    }

    async fn accept(&self, letter: Delivered) -> Vec<Accepted> {
        let later = |error: base::Error| {
            tracing::warn!(?error, "a letter could not be taken");
            let text = match error.kind() {
                Kind::StorageFull => "4.3.1 no space left; try again later",
                _ => "4.3.0 it cannot be stored now; try again later",
            };
            Accepted::Later(text.into())
        };
        let homes = match self.homes(letter.recipients.clone()).await {
            Ok(homes) => homes,
            Err(error) => return vec![later(error); letter.recipients.len()],
        };
        let mut stored: Vec<(TenantId, BlobRef)> = Vec::new();
        let mut done: Vec<(Home, Accepted)> = Vec::new();
        for home in homes.iter().flatten() {
            if done.iter().any(|(known, _)| known == home) {
                continue;
            }
            // One letter to two addresses of one channel comes once.
            let to = letter.recipients.iter().zip(&homes).filter(|(_, h)| h.as_ref() == Some(home));
            let to: Vec<String> = to.map(|(address, _)| address.as_str().to_owned()).collect();
            let blob = match stored.iter().find(|(tenant, _)| *tenant == home.0) {
                Some((_, blob)) => Ok(*blob),
                None => self.store(home.0, &letter).await,
            };
            let answer = match blob {
                Ok(blob) => {
                    stored.push((home.0, blob));
                    match self.take(*home, blob, &letter, to).await {
                        Ok(()) => Accepted::Taken,
                        Err(error) => later(error),
                    }
                }
                Err(error) => later(error),
            };
            done.push((*home, answer));
        }
        let of = |home: &Option<Home>| match home {
            Some(home) => done.iter().find(|(known, _)| known == home).map(|(_, answer)| answer.clone()),
            None => None,
        };
        // A channel may have been switched off since the recipient was asked for.
        let gone = || Accepted::Refused("5.1.1 nobody here has this address".into());
        homes.iter().map(|home| of(home).unwrap_or_else(gone)).collect()
    }
}
