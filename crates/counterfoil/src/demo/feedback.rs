//! What the month's customers thought of it: asked an hour after the resolution, answered by some, in the order of time.

use std::collections::BTreeMap;

use base::{Actor, Id, Result, Timestamp, hours, minutes};
use db::{Tx, params};
use desk::{
    csat::{self, jobs::AskCustomer},
    tickets::{self, Ticket},
};
use identity::Token;

use super::{chance::Chance, month::Month};

db::statements! {
    DROP_QUESTIONS = "delete from jobs where tenant_id = ?1 and kind = ?2 and run_at <= ?3";
}

/// Of a hundred who are asked, so many answer.
const ANSWERS: u64 = 38;
/// From 1 to 5, how often each score is given.
const SCORES: [u64; 5] = [4, 5, 11, 33, 47];
const REMARKS: [&[&str]; 5] = [
    &[
        "Three days without a line, and I had to explain it anew each time.",
        "Nobody called back as promised.",
        "The bill is still wrong.",
    ],
    &["It took far too long.", "Friendly, but it broke again the next evening."],
    &["Works again. An estimate would have helped.", "OK in the end."],
    &[
        "Quick once somebody had it.",
        "Clear steps, thank you.",
        "Good help. The wait on the phone was long.",
        "Solved on the second try.",
    ],
    &[
        "Ben knew at once what it was.",
        "Fixed before lunch. Thank you!",
        "Best support I have had from a provider.",
        "Polite, fast, done.",
        "Thank you for calling back after the visit.",
    ],
];

enum Due {
    Question,
    Answer(Token),
}

/// What is still to come, by when and of which ticket.
pub struct Feedback {
    chance: Chance,
    due: BTreeMap<(Timestamp, usize), (Id<Ticket>, Due)>,
}

impl Feedback {
    pub fn new(seed: u64) -> Self {
        Self { chance: Chance::new(seed), due: BTreeMap::new() }
    }

    /// A ticket may have been resolved; its customer is asked in an hour, if it still is.
    pub fn may_ask(&mut self, at: Timestamp, number: usize, ticket: Id<Ticket>) {
        self.due.insert((at + hours(1), number), (ticket, Due::Question));
    }

    /// Everything that was due up to an instant.
    pub fn play(&mut self, tx: &mut Tx<'_>, until: Timestamp) -> Result<()> {
        while let Some(entry) = self.due.first_entry().filter(|e| e.key().0 <= until) {
            let ((at, number), (ticket, due)) = entry.remove_entry();
            match due {
                Due::Question => {
                    let now = tickets::query::get(tx, ticket)?;
                    let asked =
                        csat::is_due(&now).then(|| tx.as_of(Actor::system(), at, |tx| csat::ask(tx, &now)));
                    let Some(token) = asked.transpose()?.flatten() else { continue };
                    if self.chance.percent(ANSWERS) {
                        let later = at + minutes(self.chance.between(4, 40 * 60));
                        self.due.insert((later, number), (ticket, Due::Answer(token)));
                    }
                }
                Due::Answer(token) => {
                    let score = self.chance.weighted(SCORES.into_iter());
                    let remark = REMARKS.get(score).filter(|_| self.chance.percent(30));
                    let remark = remark.map_or("", |remarks| self.chance.one::<&str>(remarks));
                    let score = i64::try_from(score).unwrap_or(0) + 1;
                    tx.as_of(Actor::anonymous(), at, |tx| csat::answer(tx, token.reveal(), score, remark))?;
                }
            }
        }
        Ok(())
    }

    /// The month's questions have been asked here; those of the last hour are asked by the server.
    pub fn end(&mut self, tx: &mut Tx<'_>, month: &Month<'_>) -> Result<()> {
        self.play(tx, month.now)?;
        let kind = <AskCustomer as engine::Job>::KIND;
        tx.execute(&DROP_QUESTIONS, params![kind, month.now]).map(|_| ())
    }
}
