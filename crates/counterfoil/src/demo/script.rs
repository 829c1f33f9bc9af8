//! What happens to one ticket, act by act, with the time of each.

use base::{Timestamp, hours, minutes};
use desk::tickets::{CloseReason, Priority, Status};
use jiff::SignedDuration;

use super::{
    chance::Chance,
    people::{Person, STAFF, TECHNICIAN},
    stories::{self, Story},
};

/// One thing that somebody does. `by` is an index into the staff.
pub enum Act {
    File,
    Claim { by: usize },
    Assign { by: usize, to: usize },
    Note { by: usize, text: String },
    Answer { by: usize, text: String, status: Option<Status> },
    Reply { text: String, with_file: bool },
    Settle { by: usize, text: String, notes: String },
    Confirm,
    Close { by: usize, reason: CloseReason },
    Escalate { by: usize },
    Archive,
}

pub struct Script {
    pub story: &'static Story,
    pub person: usize,
    pub subject: String,
    pub opening: String,
    pub priority: Priority,
    pub by_phone: Option<usize>,
    pub with_file: bool,
    pub acts: Vec<(Timestamp, Act)>,
}

/// Where a ticket is now.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Untouched,
    GivenAway,
    AtWork,
    Waiting,
    Settled,
    Closed(CloseReason),
    Reopened,
    FollowedUp,
}

/// How likely each fate is, by age in hours: tickets of today wait, those of last week are settled.
fn fate(chance: &Chance, age_hours: i64) -> Fate {
    use CloseReason::{Duplicate, NoReply, Spam};
    let table: &[(Fate, u64)] = match age_hours {
        ..=3 => &[(Fate::Untouched, 75), (Fate::AtWork, 15), (Fate::GivenAway, 10)],
        4..=24 => &[
            (Fate::Untouched, 22),
            (Fate::GivenAway, 12),
            (Fate::AtWork, 32),
            (Fate::Waiting, 18),
            (Fate::Settled, 16),
        ],
        25..=170 => &[
            (Fate::Untouched, 3),
            (Fate::GivenAway, 4),
            (Fate::AtWork, 17),
            (Fate::Waiting, 14),
            (Fate::Settled, 54),
            (Fate::Reopened, 4),
            (Fate::Closed(Duplicate), 2),
            (Fate::Closed(Spam), 2),
        ],
        _ => &[
            (Fate::AtWork, 2),
            (Fate::Waiting, 2),
            (Fate::Settled, 78),
            (Fate::Reopened, 4),
            (Fate::FollowedUp, 4),
            (Fate::Closed(NoReply), 5),
            (Fate::Closed(Duplicate), 3),
            (Fate::Closed(Spam), 2),
        ],
    };
    table[chance.weighted(table.iter().map(|(_, weight)| *weight))].0
}

/// Writes the script of a ticket that is filed at `filed`; acts after `now` are cut off.
pub fn write(chance: &Chance, people: &[Person], filed: Timestamp, now: Timestamp) -> Script {
    let story = &stories::ALL[chance.weighted(stories::ALL.iter().map(|s| s.weight))];
    // Some people write more than others: half of all tickets come from a third of the customers.
    let person = if chance.percent(4) {
        0
    } else if chance.percent(40) {
        chance.index(people.len() / 3)
    } else {
        chance.index(people.len())
    };
    let words = Words::new(chance, &people[person]);
    let age = now.duration_since(filed).as_hours();
    let fate = fate(chance, age);
    let priority = match chance.below(10) {
        0 => Priority::Urgent,
        1 | 2 => Priority::High,
        _ => story.priority,
    };
    let agents: Vec<usize> = (0..TECHNICIAN).filter(|i| STAFF[*i].3 == story.team.min(1)).collect();
    let agent = *chance.one(&agents);
    let by_phone = (people[person].user.is_none() && chance.percent(35)).then_some(agent);
    let mut script = Writer { chance, words, story, at: filed, agent, acts: vec![(filed, Act::File)] };
    script.play(fate, by_phone.is_some());
    let acts = script.acts.into_iter().filter(|(at, _)| *at < now).collect();
    let spam = fate == Fate::Closed(CloseReason::Spam);
    let words = script.words;
    let (subject, opening) = if spam {
        ("Rank #1 on search engines, guaranteed".to_owned(), SPAM.to_owned())
    } else {
        (words.fill(chance.one::<&str>(story.subjects)), words.fill(chance.one::<&str>(story.openings)))
    };
    let with_file = !spam && by_phone.is_none() && story.file.is_some() && chance.percent(22);
    let priority = if spam { Priority::Normal } else { priority };
    Script { story, person, subject, opening, priority, by_phone, with_file, acts }
}

const SPAM: &str = "Dear business owner,\n\nwe bring your website to the first page. 500 backlinks for 49 dollars, offer ends today. Reply YES.";

struct Writer<'a> {
    chance: &'a Chance,
    words: Words,
    story: &'static Story,
    at: Timestamp,
    agent: usize,
    acts: Vec<(Timestamp, Act)>,
}

impl Writer<'_> {
    /// Staff act between seven and nine in the evening; what falls into the night waits for the morning.
    fn later(&mut self, by_staff: bool, least: i64, most: i64) {
        self.at +=
            SignedDuration::from_secs(60 * self.chance.between(least, most) + self.chance.between(1, 59));
        let of_day = self.at.as_second().rem_euclid(86_400) / 60;
        if by_staff && !(7 * 60..21 * 60).contains(&of_day) {
            let until_seven = (7 * 60 - of_day).rem_euclid(24 * 60);
            self.at += minutes(until_seven + self.chance.between(2, 75));
        }
    }
    fn act(&mut self, act: Act) {
        self.acts.push((self.at, act));
    }
    fn one(&self, of: &[&str]) -> String {
        self.words.fill(self.chance.one::<&str>(of))
    }

    fn first_look(&mut self) {
        match self.chance.below(10) {
            0..4 => self.later(true, 4, 45),
            4..8 => self.later(true, 45, 240),
            _ => self.later(true, 240, 1500),
        }
    }

    fn claim(&mut self) {
        self.first_look();
        let by = self.agent;
        if self.chance.percent(25) {
            // An admin hands work out in the morning.
            self.act(Act::Assign { by: 0, to: by });
            self.later(true, 3, 40);
        } else {
            self.act(Act::Claim { by });
            self.later(true, 2, 12);
        }
        if self.chance.percent(38) {
            let text = self.one(self.story.notes);
            self.act(Act::Note { by, text });
            self.later(true, 2, 25);
        }
    }

    fn ask(&mut self) {
        let (question, _) = *self.chance.one(self.story.questions);
        let text = self.words.fill(question);
        self.act(Act::Answer { by: self.agent, text, status: Some(Status::PendingCustomer) });
    }

    fn ask_and_hear(&mut self) {
        let (question, reply) = *self.chance.one(self.story.questions);
        let text = self.words.fill(question);
        self.act(Act::Answer { by: self.agent, text, status: Some(Status::PendingCustomer) });
        self.later(false, 6, 700);
        let with_file = self.story.file.is_some() && self.chance.percent(30);
        let text = self.words.fill(reply);
        self.act(Act::Reply { text, with_file });
        self.later(true, 5, 160);
    }

    fn visit(&mut self) {
        self.act(Act::Assign { by: self.agent, to: TECHNICIAN });
        self.agent = TECHNICIAN;
        self.later(true, 180, 1800);
        let text = self.one(&[
            "On site. Measured -27 dBm at the box, should be around -18. Going through the basement.",
            "Visited at {time}. Cleaned and re-seated the connector, replaced the patch cable.",
            "Customer was not at home the first time, second try went well.",
        ]);
        self.act(Act::Note { by: TECHNICIAN, text });
        self.later(true, 10, 60);
    }

    fn settle(&mut self) {
        let (ending, notes) = *self.chance.one(self.story.endings);
        let (text, notes) = (self.words.fill(ending), self.words.fill(notes));
        self.act(Act::Settle { by: self.agent, text, notes });
    }

    fn play(&mut self, fate: Fate, by_phone: bool) {
        if let Fate::Untouched = fate {
            // A call that was logged has been seen by somebody, and still waits.
            return;
        }
        if let Fate::GivenAway = fate {
            self.first_look();
            self.act(Act::Assign { by: 0, to: self.agent });
            return;
        }
        if let Fate::Closed(reason @ (CloseReason::Spam | CloseReason::Duplicate)) = fate {
            self.first_look();
            self.act(Act::Close { by: self.agent, reason });
            return;
        }
        self.claim();
        if self.chance.percent(if by_phone { 15 } else { 45 }) {
            self.ask_and_hear();
        }
        match fate {
            Fate::AtWork => {
                let text = self.one(&[
                    "Hello {first}, thank you for your message. I am looking into it and will be back to you today.",
                    "Thank you, {first}. I have passed this to our network team and keep an eye on it for you.",
                    "I see the problem from here, {first}. Please leave the router switched on while we test the line.",
                ]);
                self.act(Act::Answer { by: self.agent, text, status: None });
                if self.chance.percent(20) {
                    self.later(true, 60, 400);
                    self.act(Act::Escalate { by: self.agent });
                }
                if self.story.visit && self.chance.percent(35) {
                    self.later(true, 30, 300);
                    self.visit();
                }
            }
            Fate::Waiting => self.ask(),
            Fate::Closed(reason) => {
                self.ask();
                self.later(true, 4 * 1440, 6 * 1440);
                self.act(Act::Close { by: self.agent, reason });
            }
            _ => self.finish(fate),
        }
    }

    fn finish(&mut self, fate: Fate) {
        if self.chance.percent(8) {
            self.act(Act::Escalate { by: self.agent });
            self.later(true, 20, 200);
        }
        if self.story.visit && self.chance.percent(30) {
            self.visit();
        }
        self.settle();
        if fate == Fate::Reopened {
            self.later(false, 300, 2600);
            let text = self.one(&stories::NOT_YET);
            self.act(Act::Reply { text, with_file: false });
            self.later(true, 10, 300);
            if self.chance.percent(40) {
                return;
            }
            self.settle();
        }
        if self.chance.percent(48) || fate == Fate::FollowedUp {
            self.later(false, 20, 1500);
            if self.chance.percent(35) && fate != Fate::FollowedUp {
                // Thanks that come as a message take the ticket up again; the agent settles it with a word.
                let text = self.one(&stories::THANKS);
                self.act(Act::Reply { text, with_file: false });
                self.later(true, 5, 240);
                let by = self.agent;
                let note = self.one(&stories::SOLVED_BY_PHONE);
                self.act(Act::Note { by, text: note });
                self.act(Act::Close { by, reason: CloseReason::Solved });
            } else {
                self.act(Act::Confirm);
            }
        }
        if fate == Fate::FollowedUp {
            self.at += hours(24 * 15) + minutes(self.chance.between(1, 4000));
            let text = self.one(&stories::LATER);
            self.act(Act::Reply { text, with_file: false });
        } else if self.chance.percent(7) {
            self.at += hours(24 * 12);
            self.later(true, 1, 600);
            self.act(Act::Archive);
        }
    }
}

/// The words of this customer.
struct Words(Vec<(&'static str, String)>);

impl Words {
    fn new(chance: &Chance, person: &Person) -> Self {
        const DEVICES: [&str; 4] = ["Nordbox 7", "Nordbox 5", "Nordbox Pro", "HomeHub X2"];
        Self(vec![
            ("{first}", person.first_name().to_owned()),
            ("{street}", person.street.clone()),
            ("{plan}", person.plan.to_owned()),
            ("{agent}", "everybody".to_owned()),
            ("{device}", (*chance.one(&DEVICES)).to_owned()),
            ("{time}", format!("{:02}:{:02}", chance.between(6, 21), 5 * chance.between(0, 11))),
            ("{speed}", chance.between(11, 94).to_string()),
            ("{amount}", format!("{}.{}0", chance.between(9, 59), chance.between(1, 9))),
        ])
    }
    fn fill(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (word, value)| text.replace(word, value))
    }
}
