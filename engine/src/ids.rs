//! Names and ids, each a type of its own so that no two can be confused.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a pipeline is addressed by: pipelines of two accounts or Regions never see each other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PipelineKey {
    /// Twelve digits.
    pub account: String,
    /// Such as `us-east-1`.
    pub region: String,
    /// The pipeline's name, unique within account and Region.
    pub name: String,
}

impl PipelineKey {
    /// `arn:aws:codepipeline:<region>:<account>:<name>`, as the service's permissions reference has it.
    pub fn arn(&self) -> String {
        format!("arn:aws:codepipeline:{}:{}:{}", self.region, self.account, self.name)
    }
}

impl fmt::Display for PipelineKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.account, self.region, self.name)
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// One life of a pipeline name: made anew by every CreatePipeline, so that what is left of a deleted
    /// pipeline never meets its namesake.
    Incarnation
);
text_id!(
    /// A pipeline execution's id as clients see it: a lower-case UUID.
    ExecutionId
);
text_id!(
    /// An action (or rule) execution's id as clients see it: a lower-case UUID.
    ActionExecutionId
);

/// An execution's start number within its incarnation, from 1; the order in which executions started.
pub type ExecutionNumber = u64;
