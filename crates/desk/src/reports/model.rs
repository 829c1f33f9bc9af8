//! Cells, their figures, and what a report can be told apart by.

use std::{
    fmt,
    ops::{AddAssign, Neg},
    str::FromStr,
};

use base::{Error, Result};
use db::{Row, Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::tickets::words;

words!(
    /// What a report can be narrowed to and broken down by.
    Dimension, "dimension", { Channel = "channel", Category = "category", Priority = "priority", Team = "team", Agent = "agent" }
);

impl Dimension {
    /// Its column in a cell.
    pub(super) const fn column(self) -> &'static str {
        match self {
            Self::Channel => "channel",
            Self::Category => "category",
            Self::Priority => "priority",
            Self::Team => "team_id",
            Self::Agent => "agent_id",
        }
    }

    /// A cell's value of it, as a sum keeps it: a word, a rank, or an id (nil for nobody).
    pub(super) fn value(self, cell: &Cell) -> String {
        match self {
            Self::Channel => cell.channel.clone(),
            Self::Category => cell.category.clone(),
            Self::Priority => cell.priority.to_string(),
            Self::Team => cell.team_id.to_string(),
            Self::Agent => cell.agent_id.to_string(),
        }
    }

    /// The same read from a cell's column.
    pub(super) fn read(self, row: &Row<'_>, index: usize) -> Result<String> {
        match self {
            Self::Channel | Self::Category => row.get(index),
            Self::Priority => Ok(row.get::<i64>(index)?.to_string()),
            Self::Team | Self::Agent => Ok(row.get::<Uuid>(index)?.to_string()),
        }
    }
}

/// One combination of what tickets are told apart by, on one day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// Days since 1970-01-01 in the tenant's zone.
    pub day: i64,
    pub channel: String,
    pub category: String,
    /// The priority's rank.
    pub priority: i64,
    /// Nil for none.
    pub team_id: Uuid,
    /// Nil for nobody.
    pub agent_id: Uuid,
    /// A length of time, see [`super::spans`]; 0 where there is none.
    pub slot: i64,
}

macro_rules! figures {
    ($($(#[$meta:meta])* $name:ident),* $(,)?) => {
        /// How often something happened. Differences may be negative; sums are not.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Figures { $($(#[$meta])* pub $name: i64),* }

        impl Figures {
            pub(super) const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];
            pub(super) fn values(&self) -> Vec<Value<'static>> {
                vec![$(Value::Int(self.$name)),*]
            }
            /// Read from a row, the first at the given column.
            pub(super) fn read(row: &Row<'_>, first: usize) -> Result<Self> {
                let mut at = first..;
                let mut next = || row.get::<i64>(at.next().unwrap_or(first));
                Ok(Self { $($name: next()?),* })
            }
        }
        impl AddAssign for Figures {
            fn add_assign(&mut self, other: Self) { $(self.$name += other.$name;)* }
        }
        impl Neg for Figures {
            type Output = Self;
            fn neg(self) -> Self { Self { $($name: -self.$name),* } }
        }
    };
}

figures! {
    /// Tickets created that day.
    created,
    /// Of those, how many are live now.
    live,
    /// Reopened that day, under what the ticket is now: the backlog's other inflow.
    returned,
    /// Resolved or closed that day, under what the ticket is now: the backlog's outflow.
    finished,
    /// Answered for the first time that day, under who answered.
    responded,
    /// Resolved that day, under whose the ticket was then.
    resolved,
    /// Of those, before they were due.
    on_time,
    /// Reopened that day, under who had resolved it.
    reopened,
    /// The lengths of time of this slot, added up.
    seconds,
}

impl Figures {
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}
