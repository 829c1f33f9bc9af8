use std::sync::Arc;

use base::{Actor, TenantId};

use crate::Lane;

/// For whom a piece of work runs. It decides what `?1` is bound to and what row-level security lets through.
#[derive(Clone, Debug)]
pub struct Scope {
    pub(crate) tenant: Option<TenantId>,
    pub(crate) actor: Arc<Actor>,
    pub(crate) request_id: Option<Arc<str>>,
    pub(crate) lane: Lane,
}

impl Scope {
    /// Work inside one tenant.
    pub fn tenant(tenant: TenantId, actor: Actor) -> Self {
        Self { tenant: Some(tenant), actor: Arc::new(actor), request_id: None, lane: Lane::Foreground }
    }

    /// Work across tenants: the job queue, finding a tenant by host, the command line. It reaches installation
    /// tables and the engine's, and no other.
    pub fn installation(actor: Actor) -> Self {
        Self { tenant: None, actor: Arc::new(actor), request_id: None, lane: Lane::Foreground }
    }

    /// Nobody is waiting for it: it lets the work of people go first, but is never starved.
    #[must_use]
    pub fn background(mut self) -> Self {
        self.lane = Lane::Background;
        self
    }

    #[must_use]
    pub fn with_request(mut self, request_id: impl Into<Arc<str>>) -> Self {
        self.request_id = Some(request_id.into());
        self
    }

    pub fn actor(&self) -> &Actor {
        &self.actor
    }
    pub fn tenant_id(&self) -> Option<TenantId> {
        self.tenant
    }
}
