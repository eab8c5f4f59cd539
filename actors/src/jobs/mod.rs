//! Jobs of custom actions and of partners' actions: those that wait, and what workers ask and say of them.

mod open_work;
mod third_party;
mod workers;

pub(crate) use open_work::OpenWork;
pub use workers::{JobKind, JobQuery};
pub(crate) use workers::{artifact_policy, data as job_data};
