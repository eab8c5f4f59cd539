//! What CreatePipeline and UpdatePipeline check beyond the shapes: the pipeline's role first (inferred from others'
//! tests), the declaration by itself, and then the actions' roles and the buckets that it names.

use std::collections::BTreeSet;

use penstock_actors::aws::refusal::AwsRefusal;
use penstock_actors::aws::role::{Access, of_pipeline};
use penstock_engine::declaration::pipeline::PipelineDeclaration;
use penstock_engine::ids::PipelineKey;
use penstock_engine::rejection::{Rejection, RejectionKind};
use penstock_engine::validation::normalise::normalise;
use penstock_engine::validation::validate;

use crate::error::AwsError;
use crate::services::Services;

/// The declaration with its defaults filled in, when nothing speaks against it.
pub(super) async fn declared(
    services: &Services,
    pipeline: &PipelineKey,
    declaration: PipelineDeclaration,
) -> Result<PipelineDeclaration, AwsError> {
    services
        .aws
        .may_assume(&access(pipeline, &declaration, None, &pipeline.region))
        .await
        .map_err(refused)?;
    let catalogue = services.pipelines()?.catalogue(&pipeline.account, &pipeline.region)?;
    let violations = validate(&declaration, &pipeline.region, &catalogue);
    if let Some(first) = violations.into_iter().next() {
        return Err(first.into());
    }
    check_action_roles_and_buckets(services, pipeline, &declaration).await?;
    Ok(normalise(declaration, 1))
}

fn access(
    pipeline: &PipelineKey,
    declaration: &PipelineDeclaration,
    action_role: Option<&String>,
    region: &str,
) -> Access {
    Access {
        pipeline_role: declaration.role_arn.clone(),
        action_role: action_role.cloned(),
        region: region.to_owned(),
        source: of_pipeline(pipeline),
        session: None,
    }
}

async fn check_action_roles_and_buckets(
    services: &Services,
    pipeline: &PipelineKey,
    declaration: &PipelineDeclaration,
) -> Result<(), AwsError> {
    let actions = declaration.stages.iter().flat_map(|stage| &stage.actions);
    let action_roles: BTreeSet<&String> = actions.filter_map(|action| action.role_arn.as_ref()).collect();
    for role in action_roles {
        let access = access(pipeline, declaration, Some(role), &pipeline.region);
        services.aws.may_assume(&access).await.map_err(refused)?;
    }
    let single = declaration.artifact_store.iter().map(|store| (pipeline.region.as_str(), store));
    let several = declaration.artifact_stores.iter().flatten();
    for (region, store) in single.chain(several.map(|(region, store)| (region.as_str(), store))) {
        let bucket = &store.location;
        let exists =
            match services.aws.bucket_exists(&access(pipeline, declaration, None, region), bucket).await {
                // Documented service roles may not list the bucket: that it is denied says that it is there.
                Err(refusal) if refusal.is_denied() => true,
                other => other.map_err(refused)?,
            };
        if !exists {
            let text = format!(
                "An error occurred while validating the artifact bucket '{bucket}': No bucket with the name \
                 {bucket} was found. Choose a valid artifact bucket in '{region}', or create a new artifact \
                 bucket to use in your pipeline."
            );
            return Err(Rejection::new(RejectionKind::InvalidStructure, text).into());
        }
    }
    Ok(())
}

fn refused(refusal: AwsRefusal) -> AwsError {
    Rejection::new(RejectionKind::InvalidStructure, refusal.to_string()).into()
}
