//! GitHub's REST API, as far as source actions need it.

pub mod client;
pub(crate) mod repack;
