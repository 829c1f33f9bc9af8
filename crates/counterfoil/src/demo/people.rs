//! Who works at Northwind Fiber, and whom it serves.

use base::{Actor, Email, Id, Result, Role, Timestamp, hours, minutes};
use crm::{CustomerRecord, customers, customers::CustomerPatch};
use db::Tx;
use identity::{Staff, User, teams, teams::Team, users};

use super::chance::Chance;

pub const PASSWORD: &str = "demo password";

/// Name, address, role, team (an index into `TEAMS`).
pub const STAFF: [(&str, &str, Role, usize); 6] = [
    ("Olivia Brandt", "admin@northwind.example", Role::Admin, 1),
    ("Ben Okafor", "agent@northwind.example", Role::Agent, 0),
    ("Chiara Rossi", "chiara@northwind.example", Role::Agent, 1),
    ("Dmitri Hallberg", "dmitri@northwind.example", Role::Agent, 0),
    ("Sofia Marin", "sales@northwind.example", Role::SalesManager, 1),
    ("Tom Ashworth", "technician@northwind.example", Role::Technician, 2),
];
pub const TECHNICIAN: usize = 5;
pub const TEAMS: [&str; 3] = ["Network", "Billing and contracts", "Field service"];

const CUSTOMERS: usize = 150;
/// Customers with an account, who see their tickets on the portal. The first of them is the one to sign in as.
const WITH_ACCOUNT: usize = 70;

const FIRST: [&str; 48] = [
    "Emma", "Liam", "Aisha", "Noah", "Marta", "Jonas", "Yuki", "Pedro", "Ingrid", "Omar", "Clara", "Mateo",
    "Hannah", "Ravi", "Elena", "Felix", "Nadia", "Oscar", "Amara", "Luca", "Greta", "Samuel", "Leila",
    "Hugo", "Ivana", "Theo", "Zeynep", "Arthur", "Mei", "Viktor", "Paula", "Kofi", "Astrid", "Daniel",
    "Rosa", "Anton", "Priya", "Emil", "Julia", "Tariq", "Nora", "Pavel", "Sara", "Gabriel", "Lena", "Dario",
    "Freya", "Max",
];
const LAST: [&str; 50] = [
    "Lindqvist",
    "Moreau",
    "Haddad",
    "Novak",
    "Fischer",
    "Tanaka",
    "Silva",
    "Kowalski",
    "Berg",
    "Rahman",
    "Castillo",
    "Weber",
    "Iyer",
    "Petrov",
    "Marchetti",
    "Jensen",
    "Osei",
    "Dubois",
    "Horvat",
    "Nguyen",
    "Schneider",
    "Romano",
    "Larsen",
    "Yilmaz",
    "Costa",
    "Virtanen",
    "Murphy",
    "Keller",
    "Popescu",
    "Andersson",
    "Ferrari",
    "Mensah",
    "Svoboda",
    "Blanc",
    "Hoffmann",
    "Santos",
    "Nielsen",
    "Arslan",
    "Walsh",
    "Bauer",
    "Ricci",
    "Zhang",
    "Meyer",
    "Garcia",
    "Eriksen",
    "Baran",
    "Lefevre",
    "Okoye",
    "Huber",
    "Rossi",
];
const STREETS: [&str; 18] = [
    "Harbour Street",
    "Mill Lane",
    "Station Road",
    "Birch Avenue",
    "Old Market",
    "Chapel Hill",
    "River Walk",
    "Meadow Close",
    "Lighthouse Road",
    "Orchard Street",
    "Foundry Lane",
    "King's Court",
    "Linden Alley",
    "North Quay",
    "Bakery Row",
    "School Road",
    "Vineyard Path",
    "Bridge Street",
];
const TOWNS: [&str; 6] = [
    "2140 Eastport",
    "2143 Nordhaven",
    "2151 Millbrook",
    "2155 Saltmarsh",
    "2160 Kirkwell",
    "2162 Alder Bay",
];
const PLANS: [&str; 6] =
    ["Fiber 100", "Fiber 250", "Fiber 500", "Fiber 1000", "Fiber 500 Family", "Business 1000"];
const COMPANIES: [&str; 8] = [
    "Lakeside Dental",
    "Hopper & Sons Carpentry",
    "Bluebird Bakery",
    "Alder Bay Yachts",
    "Millbrook Library",
    "Kirkwell Veterinary Clinic",
    "Studio Paperboat",
    "Nordhaven Hostel",
];

/// Somebody of the business as the month's acts need them.
#[derive(Clone)]
pub struct Colleague {
    pub id: Id<User>,
    pub staff: Staff,
}

#[derive(Clone)]
pub struct Person {
    pub customer: Id<CustomerRecord>,
    /// The account, where there is one.
    pub user: Option<Id<User>>,
    pub email: Email,
    pub name: String,
    pub street: String,
    pub plan: &'static str,
}

impl Person {
    pub fn first_name(&self) -> &str {
        self.name.split(' ').next().unwrap_or(&self.name)
    }
    /// How the person acts: signed in, or as somebody nobody knows.
    pub fn actor(&self) -> Actor {
        match self.user {
            Some(user) => {
                Actor { kind: base::ActorKind::Customer, id: Some(user.uuid()), name: self.name.clone() }
            }
            None => Actor::anonymous(),
        }
    }
}

pub struct Cast {
    pub staff: Vec<Colleague>,
    pub teams: Vec<Id<Team>>,
    pub people: Vec<Person>,
}

/// Makes everybody, half a year before the month begins.
pub fn hire_and_sign_up(tx: &mut Tx<'_>, chance: &Chance, hash: &str, start: Timestamp) -> Result<Cast> {
    let user = |name: &str, email: Email, role| users::NewUser {
        email,
        name: name.to_owned(),
        role,
        password_hash: Some(hash.to_owned()),
        verified: true,
        locale: "en".into(),
        time_zone: "UTC".into(),
    };
    let operator = Actor::operator();
    let opened = start - hours(24 * 180);
    let mut staff = Vec::new();
    for (name, email, role, _) in STAFF {
        let made =
            tx.as_of(operator.clone(), opened, |tx| users::create(tx, user(name, email.parse()?, role)))?;
        let proof = Staff { user_id: Some(made.id), role: made.role, actor: made.actor(), read_only: false };
        staff.push(Colleague { id: made.id, staff: proof });
    }
    let admin = staff[0].staff.actor.clone();
    let mut made_teams = Vec::new();
    for (index, name) in TEAMS.iter().enumerate() {
        let members: Vec<Id<User>> = STAFF
            .iter()
            .zip(&staff)
            .filter(|((.., team), _)| *team == index)
            .map(|(_, colleague)| colleague.id)
            .collect();
        made_teams.push(tx.as_of(admin.clone(), opened + hours(2), |tx| {
            let team = teams::create(tx, name)?;
            teams::set_members(tx, team.id, &members)?;
            Ok(team.id)
        })?);
    }
    let mut people = Vec::new();
    for index in 0..CUSTOMERS {
        let joined = opened + hours(24) + minutes(chance.between(0, 175 * 24 * 60));
        let person = tx.as_of(Actor::system(), joined, |tx| sign_up(tx, chance, index, user))?;
        people.push(person);
    }
    Ok(Cast { staff, teams: made_teams, people })
}

fn sign_up(
    tx: &mut Tx<'_>,
    chance: &Chance,
    index: usize,
    user: impl Fn(&str, Email, Role) -> users::NewUser,
) -> Result<Person> {
    // Strides that share no factor with the lists: no name comes twice.
    let (first, last) = (FIRST[index * 7 % FIRST.len()], LAST[(index * 11 + index / 48) % LAST.len()]);
    let name = format!("{first} {last}");
    let email: Email = if index == 0 {
        "customer@example.org".parse()?
    } else {
        let domain = chance.one(&["example.org", "example.com", "example.net"]);
        format!("{}.{}{}@{domain}", first.to_lowercase(), last.to_lowercase(), index).parse()?
    };
    let street = format!("{} {}", chance.one(&STREETS), chance.between(1, 148));
    let plan = *chance.one(&PLANS);
    let account = index < WITH_ACCOUNT;
    let (customer, user_id) = if account {
        let made = users::create(tx, user(&name, email.clone(), Role::Customer))?;
        (customers::tie_verified_user(tx, &made)?, Some(made.id))
    } else {
        (customers::find_or_create(tx, &email, &name)?, None)
    };
    let patch = CustomerPatch {
        phone: Some(Some(format!("+49 30 5550{:04}", 100 + index * 13))),
        service_address: Some(Some(format!("{street}, {}", chance.one(&TOWNS)))),
        plan: Some(Some(plan.to_owned())),
        company: plan.starts_with("Business").then(|| Some((*chance.one(&COMPANIES)).to_owned())),
        name: None,
    };
    let record = customers::update(tx, customer.id, patch)?;
    if chance.percent(12) {
        let note = chance.one(&[
            "Prefers to be called after 17:00.",
            "Basement key is with the caretaker, ground floor left.",
            "Had three outages in spring, be generous.",
            "Hard of hearing: please write, do not call.",
            "Runs a home office, business hours matter.",
        ]);
        customers::set_notes(tx, record.id, note)?;
    }
    Ok(Person { customer: record.id, user: user_id, email, name, street, plan })
}
