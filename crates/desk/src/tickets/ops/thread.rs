//! A ticket with the tickets whose threads show its messages, and what a message does to the counters of each.
//!
//! A ticket that was never merged is a thread of one. What staff count of a survivor is its own plus that of what was
//! merged into it, so that taking a merge back is a subtraction. What its customer counts is kept by each ticket for
//! itself and summed by the customer's view, since of a chain of merges only some may be theirs.

use base::{Id, OrNotFound, Result, Timestamp};
use db::{Tx, params};

use super::{publish, publish_message, snooze, touch};
use crate::tickets::{model::*, search, store};

db::statements! {
    INTO = "select into_id from ticket_merges where tenant_id = ?1 and ticket_id = ?2";
}

/// The ticket a message is addressed to first, its survivor last, what lies between in order.
pub struct Thread {
    links: Vec<(Ticket, Ticket)>,
}

/// Whose message is counted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Said {
    ByCustomer,
    ByStaff,
    ByRule,
    AsNote,
}

/// The ticket this one was merged into, by hand, not at the end of the chain.
pub fn merged_into(tx: &Tx<'_>, id: Id<Ticket>) -> Result<Option<Id<Ticket>>> {
    tx.query_one(&INTO, params![id], |row| row.get(0))
}

impl Thread {
    /// Holds their rows, the addressed one's first and the survivor's last: whoever takes more than one row of a thread
    /// takes them from below, so that two of them cannot wait for each other.
    pub fn lock(tx: &mut Tx<'_>, id: Id<Ticket>) -> Result<Self> {
        let addressed = store::lock(tx, id)?.or_not_found("ticket")?;
        let mut next = match addressed.survivor_id {
            Some(_) => merged_into(tx, id)?,
            None => None,
        };
        let mut links = vec![(addressed.clone(), addressed)];
        while let Some(above) = next {
            let above = store::lock(tx, above)?.or_not_found("ticket")?;
            next = match above.survivor_id {
                Some(_) => merged_into(tx, above.id)?,
                None => None,
            };
            links.push((above.clone(), above));
        }
        Ok(Self { links })
    }

    /// The ticket that was asked for, as it was.
    pub fn addressed(&self) -> &Ticket {
        &self.links[0].0
    }

    /// The survivor, as it was.
    pub fn head_before(&self) -> &Ticket {
        &self.links[self.links.len() - 1].0
    }

    /// The survivor, as it will be.
    pub fn head(&mut self) -> &mut Ticket {
        let last = self.links.len() - 1;
        &mut self.links[last].1
    }

    pub fn is_merged(&self) -> bool {
        self.links.len() > 1
    }

    /// Counts one message everywhere it shows.
    pub fn count(&mut self, said: Said, now: Timestamp) {
        let customer = self.addressed().customer_id;
        for (i, (_, t)) in self.links.iter_mut().enumerate() {
            let theirs = t.customer_id == customer;
            t.message_count += 1;
            if said == Said::AsNote {
                continue;
            }
            if i == 0 {
                t.public_message_count += 1;
            }
            if theirs {
                t.public_last_message_at = None;
            } else if t.public_last_message_at.is_none() {
                // Another customer's message is no news to this one.
                t.public_last_message_at = Some(t.last_message_at);
            }
            t.last_message_at = now;
            match said {
                Said::ByCustomer => {
                    t.unread_by_agent += 1;
                    if i == 0 {
                        t.unread_by_customer = 0;
                    }
                }
                _ => {
                    if said != Said::ByRule {
                        t.unread_by_agent = 0;
                    }
                    if i == 0 {
                        t.unread_by_customer += 1;
                    }
                }
            }
        }
    }

    /// A message that was a note becomes part of the conversation.
    pub fn admit(&mut self, now: Timestamp) {
        let customer = self.addressed().customer_id;
        for (i, (_, t)) in self.links.iter_mut().enumerate() {
            if i == 0 {
                t.public_message_count += 1;
            }
            if t.customer_id == customer {
                t.public_last_message_at = None;
            } else if t.public_last_message_at.is_none() {
                t.public_last_message_at = Some(t.last_message_at);
            }
            t.last_message_at = now;
        }
    }

    /// Somebody should look at it, though its customer said nothing.
    pub fn heard(&mut self) {
        for (_, t) in &mut self.links {
            t.unread_by_agent += 1;
        }
    }

    /// Somebody replied: nobody sleeps on. Below the survivor that shows when a merge is taken back.
    pub fn wake(&mut self, tx: &mut Tx<'_>) -> Result<()> {
        let Some(((_, head), below)) = self.links.split_last_mut() else { return Ok(()) };
        for (_, t) in below {
            *t = snooze::awake(t);
        }
        snooze::wake(tx, head)
    }

    /// Writes all of it and tells live streams. `is_public`: whether the customer of the message may know.
    ///
    /// Answers the survivor as it is now.
    pub fn save(
        mut self,
        tx: &mut Tx<'_>,
        topic: &'static str,
        message: Id<Message>,
        is_public: bool,
    ) -> Result<Ticket> {
        let customer = self.addressed().customer_id;
        let last = self.links.len() - 1;
        let head = &self.links[last];
        if head.1.merged_count > 0 && head.1.unread_by_agent == 0 && head.0.unread_by_agent > 0 {
            store::mark_merged_read(tx, head.1.id)?;
        }
        for (i, (before, t)) in self.links.iter_mut().enumerate() {
            let seen = is_public && (t.customer_id == customer || before.public_status != t.public_status);
            touch(tx, t, seen);
            store::save(tx, before, t)?;
            if i == 0 {
                publish_message(tx, topic, t, is_public, message)?;
            } else if i == last {
                publish(tx, "ticket.changed", t, seen)?;
            }
        }
        search::added(tx, self.addressed().id, message)?;
        let (_, head) = self.links.swap_remove(last);
        Ok(head)
    }
}
