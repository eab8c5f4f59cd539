//! The birth of a pipeline: version 1, and its first execution in the same batch.

use std::collections::{BTreeMap, BTreeSet};

use crate::declaration::pipeline::PipelineDeclaration;
use crate::ids::{Incarnation, PipelineKey};
use crate::step::{Answer, Effect, ReplyId, Step, Write};
use crate::time::Timestamp;

use super::input::StartRequest;
use super::machine::Pipeline;
use super::state::{Head, Version};

/// CreatePipeline: a new incarnation and the batch that brings it into the world. The declaration was
/// validated and has its defaults filled in; `start` is its first execution, started by itself. A pipeline
/// with a variable that has no value cannot start by itself and is created all the same (AWS is silent).
pub fn create(
    pipeline: PipelineKey,
    incarnation: Incarnation,
    declaration: PipelineDeclaration,
    tags: BTreeMap<String, String>,
    start: StartRequest,
    reply: ReplyId,
    now: Timestamp,
) -> Step {
    let version = Version { declaration: declaration.clone(), created: now };
    let head = Head {
        pipeline: pipeline.clone(),
        incarnation: incarnation.clone(),
        version: declaration.version.unwrap_or(1),
        created: now,
        updated: now,
        last_step: now,
        next_execution: 1,
        unfinished: BTreeSet::new(),
        finished: 0,
        history: 0,
        stages: BTreeMap::new(),
        sources: BTreeMap::new(),
        active: Some(now),
        polling_disabled: None,
        deleted: false,
    };
    let mut step = Step {
        writes: vec![
            Write::Name(pipeline, incarnation.clone()),
            Write::Version(incarnation.clone(), Box::new(version.clone())),
            Write::Tags(incarnation, tags.clone()),
        ],
        ..Step::default()
    };
    let mut machine = Pipeline::load(head, Vec::new(), vec![version], tags, u64::MAX);
    if machine.begin_execution(start, now, &mut step).is_err() {
        machine.write_head(now, &mut step);
    }
    let answer = Ok(Answer::Declaration(Box::new(declaration)));
    step.effects.insert(0, Effect::Answer { reply, answer });
    step
}
