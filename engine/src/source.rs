//! Which revision a source action takes when it is not to take the newest one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::declaration::action::{ActionCategory, ActionDeclaration};
use crate::declaration::pipeline::{PipelineDeclaration, PipelineType};
use crate::rejection::{Rejection, RejectionKind};

/// API reference: `SourceRevisionOverride`; holds for one execution only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct SourceRevisionOverride {
    pub action_name: String,
    pub revision_type: SourceRevisionType,
    pub revision_value: String,
}

/// API reference: `SourceRevisionType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "each is AWS's value of the same name")]
pub enum SourceRevisionType {
    CommitId,
    ImageDigest,
    #[serde(rename = "S3_OBJECT_VERSION_ID")]
    S3ObjectVersionId,
    #[serde(rename = "S3_OBJECT_KEY")]
    S3ObjectKey,
}

impl fmt::Display for SourceRevisionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CommitId => "COMMIT_ID",
            Self::ImageDigest => "IMAGE_DIGEST",
            Self::S3ObjectVersionId => "S3_OBJECT_VERSION_ID",
            Self::S3ObjectKey => "S3_OBJECT_KEY",
        })
    }
}

/// The value of that type among an action's overrides.
pub fn overridden(overrides: &[SourceRevisionOverride], wanted: SourceRevisionType) -> Option<&str> {
    let found = overrides.iter().find(|given| given.revision_type == wanted)?;
    Some(&found.revision_value)
}

/// Refuses overrides that do not fit the pipeline (guide: "pipelines-trigger-source-overrides"). The operation
/// has no error of its own for that, so that it is a `ValidationException`; the texts are inferred.
pub(crate) fn check(
    overrides: &[SourceRevisionOverride],
    declaration: &PipelineDeclaration,
) -> Result<(), Rejection> {
    let refuse = |why: String| Err(Rejection::new(RejectionKind::Validation, why));
    if !overrides.is_empty() && declaration.pipeline_type != Some(PipelineType::V2) {
        return refuse("Source revision overrides can only be used with V2 pipelines.".to_owned());
    }
    for (index, given) in overrides.iter().enumerate() {
        let SourceRevisionOverride { action_name, revision_type, .. } = given;
        let Some(action) = source_action(declaration, action_name) else {
            return refuse(format!(
                "The source revision override is not valid: pipeline '{}' does not have a source action with name \
                 '{action_name}'.",
                declaration.name
            ));
        };
        let provider = action.action_type_id.provider.as_str();
        if !types_of(provider).contains(revision_type) {
            return refuse(format!(
                "The source revision override of action '{action_name}' is not valid: the revision type \
                 {revision_type} does not fit the provider {provider}."
            ));
        }
        if *revision_type == SourceRevisionType::S3ObjectKey && !allows_key(action) {
            return refuse(format!(
                "The source revision override of action '{action_name}' is not valid: {revision_type} needs \
                 AllowOverrideForS3ObjectKey to be true in the action's configuration."
            ));
        }
        let is_same = |other: &SourceRevisionOverride| {
            (&other.action_name, other.revision_type) == (action_name, *revision_type)
        };
        if overrides.iter().take(index).any(is_same) {
            return refuse(format!(
                "The source revision override of action '{action_name}' is not valid: {revision_type} is given more \
                 than once."
            ));
        }
    }
    Ok(())
}

/// The source action of that name; all of them are in the first stage.
pub fn source_action<'a>(declaration: &'a PipelineDeclaration, name: &str) -> Option<&'a ActionDeclaration> {
    source_actions(declaration).find(|action| action.name == name)
}

/// All source actions.
pub fn source_actions(declaration: &PipelineDeclaration) -> impl Iterator<Item = &ActionDeclaration> {
    let actions = declaration.stages.iter().take(1).flat_map(|stage| &stage.actions);
    actions.filter(|action| action.action_type_id.category == ActionCategory::Source)
}

/// Where a source action looks for revisions, if its changes can be watched for: `bucket/key`, or
/// `repository/branch` of CodeCommit.
pub fn location(action: &ActionDeclaration) -> Option<String> {
    let keys = match action.action_type_id.provider.as_str() {
        "S3" => ("S3Bucket", "S3ObjectKey"),
        "CodeCommit" => ("RepositoryName", "BranchName"),
        _ => return None,
    };
    let value = |key: &str| action.configuration.get(key);
    Some(format!("{}/{}", value(keys.0)?, value(keys.1)?))
}

/// Whether the service looks for changes of the source by itself: unless the action says no.
pub fn polls(action: &ActionDeclaration) -> bool {
    let polls = action.configuration.get("PollForSourceChanges");
    polls.is_none_or(|polls| !polls.eq_ignore_ascii_case("false"))
}

/// The types of revision that a provider's source action can be told to take.
pub(crate) fn types_of(provider: &str) -> &'static [SourceRevisionType] {
    match provider {
        "CodeCommit" | "CodeStarSourceConnection" | "GitHub" => &[SourceRevisionType::CommitId],
        "ECR" => &[SourceRevisionType::ImageDigest],
        "S3" => &[SourceRevisionType::S3ObjectVersionId, SourceRevisionType::S3ObjectKey],
        _ => &[],
    }
}

fn allows_key(action: &ActionDeclaration) -> bool {
    let allowed = action.configuration.get("AllowOverrideForS3ObjectKey");
    allowed.is_some_and(|allowed| allowed.eq_ignore_ascii_case("true"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::fixture;

    fn pipeline(provider: &str) -> PipelineDeclaration {
        let mut declaration = fixture::declaration("Source: S; Deploy: D");
        declaration.pipeline_type = Some(PipelineType::V2);
        let source = declaration.stages.first_mut().unwrap().actions.first_mut().unwrap();
        source.action_type_id.category = ActionCategory::Source;
        source.action_type_id.provider = provider.to_owned();
        declaration
    }

    fn given(action: &str, revision_type: SourceRevisionType) -> SourceRevisionOverride {
        SourceRevisionOverride {
            action_name: action.to_owned(),
            revision_type,
            revision_value: "value".to_owned(),
        }
    }

    fn refused(overrides: &[SourceRevisionOverride], declaration: &PipelineDeclaration) -> String {
        let rejection = check(overrides, declaration).unwrap_err();
        assert_eq!(rejection.kind, RejectionKind::Validation);
        rejection.message
    }

    #[test]
    fn each_provider_takes_its_own_types_of_revision() {
        use SourceRevisionType::{CommitId, ImageDigest, S3ObjectKey, S3ObjectVersionId};
        let all = [CommitId, ImageDigest, S3ObjectVersionId, S3ObjectKey];
        for (provider, taken) in [
            ("S3", &[S3ObjectVersionId][..]),
            ("ECR", &[ImageDigest]),
            ("CodeCommit", &[CommitId]),
            ("CodeStarSourceConnection", &[CommitId]),
            ("GitHub", &[CommitId]),
            ("Mine", &[]),
        ] {
            let fits = |revision_type| check(&[given("S", revision_type)], &pipeline(provider)).is_ok();
            let accepted: Vec<_> = all.into_iter().filter(|revision_type| fits(*revision_type)).collect();
            assert_eq!(accepted, taken, "{provider}");
        }
    }

    #[test]
    fn an_object_key_is_overridden_only_where_the_action_allows_it() {
        let mut declaration = pipeline("S3");
        let both =
            [given("S", SourceRevisionType::S3ObjectKey), given("S", SourceRevisionType::S3ObjectVersionId)];
        assert!(refused(&both, &declaration).contains("AllowOverrideForS3ObjectKey"));
        let source = declaration.stages.first_mut().unwrap().actions.first_mut().unwrap();
        source.configuration.insert("AllowOverrideForS3ObjectKey".to_owned(), "true".to_owned());
        check(&both, &declaration).unwrap();
    }

    #[test]
    fn what_names_no_source_action_or_comes_twice_is_refused() {
        let declaration = pipeline("S3");
        let version = SourceRevisionType::S3ObjectVersionId;
        for unknown in ["D", "Nobody"] {
            assert!(
                refused(&[given(unknown, version)], &declaration).contains("does not have a source action")
            );
        }
        assert!(
            refused(&[given("S", version), given("S", version)], &declaration).contains("more than once")
        );
    }

    #[test]
    fn overrides_are_for_v2_pipelines() {
        let declaration = PipelineDeclaration { pipeline_type: Some(PipelineType::V1), ..pipeline("S3") };
        check(&[], &declaration).unwrap();
        let message = refused(&[given("S", SourceRevisionType::S3ObjectVersionId)], &declaration);
        assert_eq!(message, "Source revision overrides can only be used with V2 pipelines.");
    }
}
