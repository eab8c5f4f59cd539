//! Inputs and pages, as all handlers take them.

use penstock_actors::reads::Page;
use penstock_engine::ids::PipelineKey;
use serde::Deserialize;

use crate::caller::Caller;

/// The caller's pipeline of that name.
pub(super) fn pipeline(caller: &Caller, name: String) -> PipelineKey {
    PipelineKey { account: caller.account.clone(), region: caller.region.clone(), name }
}

/// The two members that lists share.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Paging {
    max_results: Option<usize>,
    next_token: Option<String>,
}

impl Paging {
    /// The page that is wanted; where the caller does not say, of that size.
    pub(super) fn page(self, usual_size: usize) -> Page {
        Page { token: self.next_token, size: self.max_results.unwrap_or(usual_size) }
    }
}
