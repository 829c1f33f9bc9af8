//! Customers. The rule this room protects: **an address that nobody proved opens nothing.** A record is made for every
//! sender, but a portal user is tied to one only after following a link that went to that address.

mod model;
mod ops;
mod query;
mod store;

pub use model::{CustomerPatch, CustomerRecord};
pub use ops::{find_or_create, set_notes, set_surveys_off, tie_verified_user, update};
pub use query::{find, find_by_email, get, has_surveys_off, page, search};
