use std::{collections::HashMap, sync::Arc};

use base::{Result, TenantId, Timestamp};
use db::{Read, Tx};

use crate::job::{AnyHandler, Handler, Inside, Insider, Job, Outsider};

/// Which handler works which kind of job, and what runs on a schedule.
#[derive(Default, Clone)]
pub struct Registry {
    handlers: HashMap<&'static str, Arc<dyn AnyHandler>>,
    pub(crate) schedules: Vec<Schedule>,
}

/// Something that happens every so often, once across replicas, in every tenant.
#[derive(Clone)]
pub(crate) struct Schedule {
    pub name: &'static str,
    pub every: jiff::SignedDuration,
    pub run: Arc<Work>,
}

/// What a schedule does, in a transaction of one tenant; true where more is to be done at once, in the next.
pub(crate) type Work = dyn Fn(&mut Tx<'_>) -> Result<bool> + Send + Sync;

impl Registry {
    /// Registers a job that touches the outside world.
    pub fn handle<H: Handler>(&mut self, handler: H) -> &mut Self {
        self.handlers.insert(H::Job::KIND, Arc::new(Outsider(Arc::new(handler))));
        self
    }

    /// Registers a job that happens inside one transaction.
    pub fn handle_inside<I: Inside>(&mut self, handler: I) -> &mut Self {
        self.handlers.insert(I::Job::KIND, Arc::new(Insider(handler)));
        self
    }

    /// Runs `run` in a transaction of every tenant, every so often, by one replica.
    pub fn every(
        &mut self,
        name: &'static str,
        every: jiff::SignedDuration,
        run: impl Fn(&mut Tx<'_>) -> Result<()> + Send + Sync + 'static,
    ) -> &mut Self {
        self.every_piece(name, every, move |tx| run(tx).map(|()| false))
    }

    /// The same for work in pieces, each in a transaction of its own: while `run` answers true the next piece follows at
    /// once, as long as the other schedules can wait.
    pub fn every_piece(
        &mut self,
        name: &'static str,
        every: jiff::SignedDuration,
        run: impl Fn(&mut Tx<'_>) -> Result<bool> + Send + Sync + 'static,
    ) -> &mut Self {
        self.schedules.push(Schedule { name, every, run: Arc::new(run) });
        self
    }

    pub(crate) fn handler(&self, kind: &str) -> Option<Arc<dyn AnyHandler>> {
        self.handlers.get(kind).cloned()
    }
}

db::statements! {
    installation TENANTS = "select id from tenants order by id";
    installation DUE = "select next_run_at from schedules where name = ?1 {lock}";
    installation START = "insert into schedules (name, next_run_at) values (?1, ?2) on conflict (name) do nothing";
    installation MOVE = "update schedules set next_run_at = ?2, last_run_at = ?3 where name = ?1 and next_run_at <= ?3";
}

pub(crate) fn tenants(read: &Read<'_>) -> Result<Vec<TenantId>> {
    read.query_all(&TENANTS, db::params![], |row| row.get(0))
}

/// Takes the turn of a schedule if it is due; of several replicas one gets it. A run that was missed is not made up for.
pub(crate) fn take_turn(tx: &mut Tx<'_>, schedule: &Schedule) -> Result<bool> {
    let now = tx.now();
    let next: Option<Timestamp> = tx.query_one(&DUE, db::params![schedule.name], |row| row.get(0))?;
    let Some(next) = next else {
        tx.execute(&START, db::params![schedule.name, now + schedule.every])?;
        return Ok(false);
    };
    if next > now {
        return Ok(false);
    }
    Ok(tx.execute(&MOVE, db::params![schedule.name, now + schedule.every, now])? == 1)
}
