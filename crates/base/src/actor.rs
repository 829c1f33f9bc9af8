use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Error;

/// Who does something. Written beside every act into audits, with the name as it was then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Actor {
    pub kind: ActorKind,
    /// The user, customer or API key; absent for the system and for strangers.
    pub id: Option<Uuid>,
    pub name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum ActorKind {
    /// Staff: agent, sales manager, technician, admin.
    Agent,
    Customer,
    ApiKey,
    /// Somebody without an account: contact form, status link.
    Anonymous,
    /// The product itself: schedules, rules, jobs.
    System,
    /// A person at the command line of the server.
    Operator,
}

impl Actor {
    pub fn system() -> Self {
        Self { kind: ActorKind::System, id: None, name: "Counterfoil".into() }
    }
    pub fn operator() -> Self {
        Self { kind: ActorKind::Operator, id: None, name: "command line".into() }
    }
    pub fn anonymous() -> Self {
        Self { kind: ActorKind::Anonymous, id: None, name: "somebody not signed in".into() }
    }
}

impl ActorKind {
    pub const ALL: [Self; 6] =
        [Self::Agent, Self::Customer, Self::ApiKey, Self::Anonymous, Self::System, Self::Operator];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Customer => "customer",
            Self::ApiKey => "api_key",
            Self::Anonymous => "anonymous",
            Self::System => "system",
            Self::Operator => "operator",
        }
    }
}

impl FromStr for ActorKind {
    type Err = Error;
    fn from_str(s: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|k| k.as_str() == s)
            .ok_or_else(|| Error::invalid("actor.unknown_kind", "not a kind of actor"))
    }
}

/// What a user is. `customer_service` is read as `agent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Role {
    Customer,
    Agent,
    SalesManager,
    Technician,
    Admin,
    SuperAdmin,
}

impl Role {
    pub const ALL: [Self; 6] =
        [Self::Customer, Self::Agent, Self::SalesManager, Self::Technician, Self::Admin, Self::SuperAdmin];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Agent => "agent",
            Self::SalesManager => "sales_manager",
            Self::Technician => "technician",
            Self::Admin => "admin",
            Self::SuperAdmin => "super_admin",
        }
    }

    pub const fn is_staff(self) -> bool {
        !matches!(self, Self::Customer)
    }
    pub const fn is_admin(self) -> bool {
        matches!(self, Self::Admin | Self::SuperAdmin)
    }
    /// Whether the whole queue is theirs to read; a technician sees only what is assigned to them.
    pub const fn sees_all_tickets(self) -> bool {
        matches!(self, Self::Agent | Self::SalesManager | Self::Admin | Self::SuperAdmin)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = Error;
    fn from_str(s: &str) -> Result<Self, Error> {
        let s = if s == "customer_service" { "agent" } else { s };
        Self::ALL.into_iter().find(|r| r.as_str() == s).ok_or_else(|| {
            Error::field(
                "role",
                "role.unknown",
                "a role is one of customer, agent (or customer_service), sales_manager, technician, admin, super_admin",
            )
        })
    }
}

impl<'de> Deserialize<'de> for Role {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
        text.parse().map_err(|e: Error| serde::de::Error::custom(e.plain_message()))
    }
}
