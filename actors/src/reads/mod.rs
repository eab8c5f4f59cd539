//! Queries. They go to the store's consistent view and not to actors: sleeping pipelines stay asleep, and
//! reads never queue behind work. Every answer is a moment between two batches, holds all that was
//! acknowledged before the request, and is never taken back.

mod executions;
mod history;
mod pages;
mod pipelines;
mod state;

pub use history::HistoryFilter;
pub(crate) use history::begun;
pub use pages::Page;
pub(crate) use pages::internal;
pub(crate) use pipelines::with_token;
