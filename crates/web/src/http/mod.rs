//! What every handler shares: the application, who is asking, bodies and answers, errors.
//!
//! | file | what it holds |
//! |---|---|
//! | `app` | the application's parts, and the caches that a change of access voids |
//! | `caller` | who is asking: tenant by host, session or key, client address |
//! | `extract` | proofs: `StaffCaller`, `AdminCaller`, `CustomerCaller`; strict JSON and query parameters |
//! | `answer` | JSON answers with status and ETag; idempotent creation |
//! | `part` | parts of lists that are short by nature |
//! | `failure` | errors as problem documents or pages: the only file that knows HTTP statuses |
//! | `upload` | files on their way to the blob store |
//! | `page` | what page handlers share: chrome, flash messages, forms, redirects |
//! | `person` | proofs for pages: a signed-in person, staff, administrators; questions asked before an act |
//! | `router` | the table of API routes with who may call them |
//! | `server` | the whole service: routes and the layers around them |

pub mod answer;
pub mod app;
pub mod caller;
pub mod extract;
pub mod failure;
pub mod page;
pub mod part;
pub mod person;
pub mod router;
pub mod server;
pub mod upload;
