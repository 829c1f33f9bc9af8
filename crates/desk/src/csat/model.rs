use base::{Error, Id, Result, Timestamp, text};
use serde::Serialize;

use crate::tickets::{CloseReason, Status, Ticket};

/// An answer can be changed for so many days after it was first given.
pub const CHANGEABLE_DAYS: i64 = 14;
/// The longest comment, in bytes.
pub const COMMENT_MAX: usize = 4_000;
/// From here on somebody was satisfied: the share of these is the CSAT figure.
pub const SATISFIED: u8 = 4;

/// A question that was asked.
#[derive(Clone, Debug)]
pub struct Survey {
    pub id: Id<Survey>,
    pub ticket_id: Id<Ticket>,
    pub ticket_number: String,
    pub subject: String,
    pub answer: Option<Answer>,
}

/// What a customer said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Answer {
    /// 1 (very bad) to 5 (very good).
    pub score: u8,
    pub comment: String,
    pub answered_at: Timestamp,
}

/// # Errors
/// `score.range`.
pub fn check_score(score: i64) -> Result<u8> {
    match u8::try_from(score) {
        Ok(score @ 1..=5) => Ok(score),
        _ => Err(Error::field("score", "score.range", "a whole number from 1 (very bad) to 5 (very good)")),
    }
}

/// # Errors
/// `text.too_long`.
pub fn check_comment(comment: &str) -> Result<String> {
    let comment = comment.trim();
    if comment.is_empty() { Ok(String::new()) } else { text::body("comment", comment, COMMENT_MAX) }
}

/// Whether the customer of a ticket in this state is asked.
pub fn is_due(ticket: &Ticket) -> bool {
    let solved = match ticket.status {
        Status::Resolved => true,
        Status::Closed | Status::Archived => !matches!(
            ticket.close_reason,
            Some(CloseReason::Spam | CloseReason::Duplicate | CloseReason::NoReply)
        ),
        _ => false,
    };
    solved && ticket.deleted_at.is_none() && ticket.survivor_id.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_one_to_five() {
        assert_eq!(check_score(1).unwrap(), 1);
        assert_eq!(check_score(5).unwrap(), 5);
        for bad in [0, 6, -1, 256 + 3, i64::MAX] {
            let error = check_score(bad).unwrap_err();
            assert_eq!(error.field_errors()[0].field, "score", "{bad}");
        }
    }
}
