//! Lets approvers know that they are asked, through the topic of the action (user guide, "Add a manual approval
//! action").

use penstock_engine::action::{Failure, Work};
use penstock_engine::time::Timestamp;
use penstock_engine::view;

use crate::aws::clients::AwsClients;
use crate::aws::endpoint::Service;
use crate::aws::refusal::AwsRefusal;
use crate::aws::role::Access;
use crate::aws::sns;

use super::failures;

/// Publishes the request under the pipeline's role. False where there is nobody to tell: no topic, or no SNS.
pub(crate) async fn publish(
    clients: Option<&AwsClients>,
    work: &Work,
    token: &str,
    expires: Timestamp,
) -> Result<bool, Failure> {
    let topic = work.configuration.get("NotificationArn").filter(|topic| !topic.is_empty());
    let (Some(topic), Some(clients)) = (topic, clients.filter(|clients| clients.is_elsewhere(Service::Sns)))
    else {
        tracing::info!(
            pipeline = %work.pipeline.name,
            execution = %work.execution,
            stage = work.stage,
            action = work.action,
            not_notified = topic,
            "waits for approval"
        );
        return Ok(false);
    };
    let access = Access::from(work);
    // The line is that of the service's mails.
    let subject =
        format!("APPROVAL NEEDED: AWS CodePipeline {} for action {}", work.pipeline.name, work.action);
    let message = view::approval_message(work, token, expires).to_string();
    let published = match clients.elsewhere(Service::Sns, &access).await {
        Ok(Some(sns)) => sns::publish(&sns, topic, &subject, &message).await,
        Ok(None) => return Ok(false),
        Err(refusal) => Err(refusal),
    };
    match published {
        Ok(()) => {
            tracing::info!(pipeline = %work.pipeline.name, execution = %work.execution, topic, "approvers notified");
            Ok(true)
        }
        Err(refusal) => Err(failure(&access, topic, &refusal)),
    }
}

/// That the action fails, and the texts, are inferred.
fn failure(access: &Access, topic: &str, refusal: &AwsRefusal) -> Failure {
    match refusal {
        AwsRefusal::Refused(refused) if refusal.is_denied() => Failure::new(
            "PermissionError",
            format!(
                "The role {} does not have permission to publish to the Amazon SNS topic {topic}. Allow it \
                 sns:Publish, and then try again. Error: {refused}",
                access.pipeline_role
            ),
        ),
        AwsRefusal::Refused(refused) => failures::configuration(format!(
            "The approval request could not be published to the Amazon SNS topic {topic}. Error: {refused}"
        )),
        other => failures::of_access(access, other),
    }
}

#[cfg(test)]
mod tests {
    use penstock_engine::declaration::action::ActionCategory;

    use super::*;
    use crate::aws::scripted::Script;
    use crate::providers::tests::s3_work;

    #[tokio::test]
    async fn without_a_topic_or_an_sns_nobody_is_told() {
        let script = Script::new();
        let topic = ("NotificationArn", "arn:aws:sns:us-east-1:1:topic");
        for (clients, configuration) in
            [(None, &[topic][..]), (Some(script.clients()), &[topic]), (Some(script.clients()), &[])]
        {
            let work = s3_work(ActionCategory::Approval, configuration);
            assert_eq!(publish(clients.as_ref(), &work, "t", Timestamp(0)).await, Ok(false));
        }
        assert!(script.asked().is_empty());
    }
}
