//! Ways out besides the installation's mail server.

use async_trait::async_trait;
use base::{Result, TenantId};
use db::Tx;
use engine::{
    Outside,
    outside::{Envelope, Receipt, SendError},
};
use uuid::Uuid;

use super::Letter;

/// Servers of a business's own, by the address a letter is from.
#[async_trait]
pub trait Ways: Send + Sync + 'static {
    /// The way of a letter.
    fn way(&self, tx: &mut Tx<'_>, letter: &Letter) -> Result<Way>;

    /// Sends a letter by a way of its own. What it reports is about this letter: a server that lets nobody in is asked by
    /// no other letter either, until somebody has corrected the access.
    async fn send(
        &self,
        outside: &Outside,
        tenant: TenantId,
        way: Uuid,
        envelope: Envelope,
    ) -> Result<Receipt, SendError>;
}

/// How a letter leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// Through the installation's mail server.
    Installation,
    /// Through the one of this name. Servers deliver what is sent twice.
    Own(Uuid),
    /// Through one that lets nobody in, until somebody has corrected the access; why, for people.
    Shut(String),
}
