//! Git triggers: which action, and which filters go together. User guide: "pipelines-filter", "limits".

use super::{Subject, Violations};
use crate::declaration::pipeline::PipelineType;
use crate::declaration::trigger::{GitConfiguration, GitPushFilter};
use crate::rejection::RejectionKind::{InvalidStructure, LimitExceeded};

const CONNECTION: &str = "CodeStarSourceConnection";
/// The whole list, as JSON.
const LIST_BYTES: usize = 200 * 1024;

pub(super) fn check(subject: &Subject<'_>, violations: &mut Violations) {
    let triggers = subject.declaration.triggers.as_deref().unwrap_or_default();
    if triggers.is_empty() {
        return;
    }
    if subject.pipeline_type == PipelineType::V1 {
        violations.add(InvalidStructure, "Triggers on tag can only be used with V2 pipelines");
    }
    if serde_json::to_vec(triggers).is_ok_and(|json| json.len() > LIST_BYTES) {
        // Inferred.
        violations.add(LimitExceeded, "The triggers of a pipeline can only be up to 200 KB in size");
    }
    for (index, trigger) in triggers.iter().enumerate() {
        let git = &trigger.git_configuration;
        let action = &git.source_action_name;
        let is_connection = subject
            .actions()
            .any(|place| place.action.name == *action && place.action.action_type_id.provider == CONNECTION);
        let earlier = triggers.iter().take(index);
        if !is_connection
            || earlier.into_iter().any(|other| other.git_configuration.source_action_name == *action)
        {
            violations.add(
                InvalidStructure,
                "Triggers for connection must reference a CodeStarSourceConnection action. Note that when you specify \
                 a trigger, you cant specify more than one trigger per source action.",
            );
        }
        filters(git, violations);
    }
}

fn filters(git: &GitConfiguration, violations: &mut Violations) {
    let push = git.push.as_deref().unwrap_or_default();
    if push.iter().any(|filter| !is_legal(filter)) {
        violations.add(
            InvalidStructure,
            "The trigger configuration for the source action is not valid. Make sure to choose valid filter \
             combinations.",
        );
    }
    let pull_request = git.pull_request.as_deref().unwrap_or_default();
    if repeats(push) || repeats(pull_request) {
        // Inferred.
        violations.add(
            InvalidStructure,
            "The trigger configuration for the source action is not valid. The same filter occurs more than once.",
        );
    }
}

/// Tags go with nothing else. The guide does not list file paths alone, but accepted pipelines have them.
fn is_legal(filter: &GitPushFilter) -> bool {
    let GitPushFilter { tags, branches, file_paths } = filter;
    tags.is_some() != (branches.is_some() || file_paths.is_some())
}

fn repeats<T: PartialEq>(filters: &[T]) -> bool {
    filters
        .iter()
        .enumerate()
        .any(|(index, filter)| filters.iter().take(index).any(|earlier| earlier == filter))
}
