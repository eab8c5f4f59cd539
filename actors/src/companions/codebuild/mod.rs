//! CodeBuild: projects, and builds that really run.

mod builds;
mod cloning;
mod ending;
mod environment;
mod logging;
mod naming;
mod phases;
mod projects;
mod records;
mod refusal;
mod retrying;
mod running;
mod service;
mod sources;
mod uploading;
mod values;

pub use builds::{Order, Owner};
pub use environment::url;
pub use phases::{Context, PhaseRecord, Status};
pub use projects::arn;
pub use records::{
    AutoRetry, BuildRecord, Commands, Input, Output, Project, ProjectArtifacts, ProjectEnvironment,
    ProjectRecord, Source, Variable, VariableType,
};
pub use refusal::{Refusal, RefusalKind};
pub use service::{CodeBuild, Setup};
