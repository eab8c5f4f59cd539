//! A pipeline's declaration with AWS's wire names: one definition serves the API and the records, since AWS
//! froze it. See the CodePipeline API reference, `PipelineDeclaration`.

pub mod action;
pub mod pipeline;
pub mod stage;
pub mod trigger;
