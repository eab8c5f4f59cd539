//! TagResource and UntagResource.

use std::collections::BTreeMap;

use crate::step::{Answer, Effect, ReplyId, Step, Write};
use crate::tags;

use super::machine::Pipeline;

impl Pipeline {
    /// Adds tags, overwriting equal keys.
    pub(super) fn tag(&mut self, added: BTreeMap<String, String>, reply: ReplyId) -> Step {
        match tags::merge(&self.tags, &added, &self.head.pipeline.arn()) {
            Ok(merged) => self.set_tags(merged, reply),
            Err(rejection) => Step::refuse(reply, rejection),
        }
    }

    /// Removes tags; keys that are not set are ignored (inferred).
    pub(super) fn untag(&mut self, keys: &[String], reply: ReplyId) -> Step {
        match tags::untag(&self.tags, keys) {
            Ok(rest) => self.set_tags(rest, reply),
            Err(rejection) => Step::refuse(reply, rejection),
        }
    }

    fn set_tags(&mut self, tags: BTreeMap<String, String>, reply: ReplyId) -> Step {
        self.tags = tags;
        Step {
            writes: vec![Write::Tags(self.head.incarnation.clone(), self.tags.clone())],
            effects: vec![Effect::Answer { reply, answer: Ok(Answer::Done) }],
            ..Step::default()
        }
    }
}
