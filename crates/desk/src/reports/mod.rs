//! Reports: how much came in, how fast it was answered and resolved, what is left, by day and by whom.
//!
//! Words: a *fact* is something that happened to a ticket and that its row forgets; a *cell* is one combination of day,
//! channel, category, priority, team and agent with its *figures*; a *sum* is the same by one of these alone; a *delta* is
//! what one change adds to a cell.
//!
//! Rules this room protects:
//! - figures are written in the transaction of the change they count ([`rollups`]), and equal a recount of every ticket;
//! - reading a report looks at roll-ups and never at all tickets ([`query`]);
//! - the page, the JSON and the CSV of a report are one table ([`tables`]), so that they cannot disagree.
//!
//! | file | what it holds |
//! |---|---|
//! | `model` | cells, figures, dimensions |
//! | `spans` | lengths of time as slots of a histogram, median and percentiles of them |
//! | `facts` | what happened to a ticket |
//! | `rollups` | what a ticket counts for; deltas; the recount they are held against |
//! | `fold` | deltas into cells and sums |
//! | `adding` | the statement that adds to many sums |
//! | `cohorts/` | what tickets created on one day are now: figures of ranges of creation times |
//! | `fill` | counting tickets that were there before, and all of them in another time zone |
//! | `ask` | range, filters, interval of a report |
//! | `query` | reading cells and sums |
//! | `tables` | the reports |
//! | `satisfaction` | what customers said, with the same filters |
//! | `csv` | a table as text |

mod adding;
mod ask;
pub mod cohorts;
pub mod csv;
mod facts;
mod fill;
mod fold;
mod model;
mod query;
mod rollups;
mod satisfaction;
mod spans;
mod tables;

pub use ask::{Ask, DAYS_MAX, Interval};
pub use facts::{Fact, FactKind, from_history, of as facts_of};
pub use fill::{FillReports, Filler, catch_up, is_behind, time_zone};
pub use fold::fold;
pub use model::{Cell, Dimension, Figures};
pub use query::Filter;
pub(crate) use rollups::{left_team, look_ahead, moved};
pub use rollups::{recount, sums, totals};
pub use satisfaction::{Remark, remarks};
pub use spans::{ERROR_PERCENT, quantile, slot_of};
pub use tables::{Column, Kind, Report, Table, table};
