use base::{Actor, ActorKind, Email, Id, Role};

use crate::{
    ApiKey, KeyScope, User,
    sessions::{Session, SessionRow},
};

/// Who makes a request.
#[derive(Clone, Debug)]
pub enum Principal {
    Nobody,
    User { user: Box<User>, session: Id<SessionRow> },
    Key(Box<ApiKey>),
}

/// Somebody of the business, or a key that acts as one. Holding this value is the proof.
#[derive(Clone, Debug)]
pub struct Staff {
    /// Absent for an API key.
    pub user_id: Option<Id<User>>,
    pub role: Role,
    pub actor: Actor,
    /// A key with the scope `read`.
    pub read_only: bool,
}

/// A customer who is signed in, so whose address is verified.
#[derive(Clone, Debug)]
pub struct Customer {
    pub user_id: Id<User>,
    /// The customer record of the verified address.
    pub customer_id: Option<uuid::Uuid>,
    pub email: Email,
    pub name: String,
}

impl Principal {
    pub fn of_session(user: User, session: &Session) -> Self {
        Self::User { user: Box::new(user), session: session.id }
    }

    pub fn actor(&self) -> Actor {
        match self {
            Self::Nobody => Actor::anonymous(),
            Self::User { user, .. } => user.actor(),
            Self::Key(key) => {
                Actor { kind: ActorKind::ApiKey, id: Some(key.id.uuid()), name: key.name.clone() }
            }
        }
    }

    pub fn staff(&self) -> Option<Staff> {
        match self {
            Self::User { user, .. } if user.role.is_staff() => {
                Some(Staff { user_id: Some(user.id), role: user.role, actor: user.actor(), read_only: false })
            }
            Self::Key(key) => Some(Staff {
                user_id: None,
                role: if key.scope == KeyScope::Admin { Role::Admin } else { Role::Agent },
                actor: self.actor(),
                read_only: key.scope == KeyScope::Read,
            }),
            _ => None,
        }
    }

    /// Any signed-in person in their own right: a customer, or staff looking at what they themselves asked for.
    pub fn customer(&self) -> Option<Customer> {
        match self {
            Self::User { user, .. } => Some(Customer {
                user_id: user.id,
                customer_id: user.customer_id,
                email: user.email.clone(),
                name: user.name.clone(),
            }),
            _ => None,
        }
    }
}

impl Staff {
    pub fn is_admin(&self) -> bool {
        self.role.is_admin()
    }
    /// The product itself, acting by a rule: nobody of the business has looked.
    pub fn is_product(&self) -> bool {
        self.user_id.is_none() && self.actor.kind == ActorKind::System
    }
    pub fn is_user(&self, id: Option<Id<User>>) -> bool {
        id.is_some() && self.user_id == id
    }
}
