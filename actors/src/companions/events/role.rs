//! The role of a rule's target: EventBridge starts a pipeline under it, so that it must let EventBridge in and permit
//! StartPipelineExecution (user guide, "create-cwe-service role"; EventBridge's guide, "Using identity-based policies").

use penstock_engine::ids::PipelineKey;

use super::service::Owner;
use crate::aws::clients::AwsClients;
use crate::aws::refusal::AwsRefusal;
use crate::aws::role::Access;
use crate::companions::policy::trust::Source;

/// Why a role does not start a pipeline.
pub(super) struct NotUnderRole {
    /// For the log.
    pub(super) why: String,
    /// Nobody could say: it may be asked again.
    pub(super) may_pass: bool,
}

/// Whether EventBridge, whose calls these are, may start that pipeline under that role, for that rule.
pub(super) async fn may_start(
    eventbridge: &AwsClients,
    (owner, rule_arn): (&Owner, &str),
    role: &str,
    pipeline: &PipelineKey,
) -> Result<(), NotUnderRole> {
    let access = Access {
        pipeline_role: role.to_owned(),
        action_role: None,
        region: owner.region.clone(),
        source: Source { account: Some(owner.account.clone()), arn: Some(rule_arn.to_owned()) },
        session: None,
    };
    let refused = |refusal: AwsRefusal| match refusal {
        AwsRefusal::Role { cause, .. } => NotUnderRole { why: cause.to_string(), may_pass: false },
        other => NotUnderRole { why: other.to_string(), may_pass: true },
    };
    eventbridge.may_assume(&access).await.map_err(refused)?;
    let session = eventbridge.permits(&access).await.map_err(refused)?;
    let may = session.may("codepipeline:StartPipelineExecution", &pipeline.arn()).await;
    may.map_err(|denied| NotUnderRole { may_pass: !denied.is_denial(), why: denied.to_string() })
}
