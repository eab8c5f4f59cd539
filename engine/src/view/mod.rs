//! Answers computed from the records: AWS's output shapes, as JSON. Reads need no machine.

mod action_types;
mod condition_state;
mod events;
mod execution;
mod history;
mod jobs;
mod pipeline_state;
mod rules;
mod urls;

pub use action_types::{action_type, action_type_declaration};
pub use events::{approval_message, event};
pub use execution::{artifact_revisions, execution, execution_summary};
pub use history::action_execution_detail;
pub use jobs::{job_data, without_pipeline_identity};
pub use pipeline_state::{LastOfStage, pipeline_state};
pub use rules::{rule_execution_detail, rule_type};
