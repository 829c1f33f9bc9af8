//! What people are told.
//!
//! | room | what it holds |
//! |---|---|
//! | `letters` | e-mail: templates a tenant can change, the outbox, sending through the engine |
//! | `inbox` | notices inside the product, one list for each member of staff |
//! | `webhooks` | other programs: signed calls to addresses that an administrator named |

pub mod inbox;
pub mod letters;
pub mod webhooks;
