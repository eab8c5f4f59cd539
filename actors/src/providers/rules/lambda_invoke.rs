//! Rule/AWS/LambdaInvoke: a function decides (user guide, rule-reference-LambdaInvoke).

use async_trait::async_trait;
use penstock_engine::action::{Failure, Progress, Success, Work};
use penstock_engine::declaration::action::ActionTypeId;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::aws::clients::AwsClients;
use crate::aws::endpoint::Service;
use crate::aws::role::Access;
use crate::jobs::{artifact_policy, job_data};
use crate::providers::configuration::required;
use crate::providers::failures;
use crate::providers::provider::{Provider, Reporter};

use super::rule_type;

/// How much of a function's own words a text shows.
const SHOWN: usize = 500;

/// Rule/AWS/LambdaInvoke.
///
/// The function is given a job, as the Lambda action gives one, and may say how it ends by PutJobSuccessResult or
/// PutJobFailureResult. One that returns without having said so has succeeded, one that raises an error has failed
/// (inferred). After a restart of the daemon it is invoked again, with the same job.
#[derive(Debug)]
pub struct LambdaInvoke {
    clients: AwsClients,
}

impl LambdaInvoke {
    /// Calls Lambda through these.
    pub fn new(clients: AwsClients) -> Self {
        Self { clients }
    }
}

#[async_trait]
impl Provider for LambdaInvoke {
    fn action_type(&self) -> ActionTypeId {
        rule_type("LambdaInvoke")
    }

    async fn run(&self, work: Work, _: &dyn Reporter) -> Result<Success, Failure> {
        let function = required(&work, "FunctionName")?;
        let access = Access::from(&work);
        let of_access = |refusal| failures::of_access(&access, &refusal);
        let lambda = self.clients.elsewhere(Service::Lambda, &access).await.map_err(of_access)?;
        let lambda = lambda.ok_or_else(|| failures::not_configured(Service::Lambda))?;
        let event = self.event(&work, &access).await?.to_string();
        let name = utf8_percent_encode(function, NON_ALPHANUMERIC);
        let path = format!("/2015-03-31/functions/{name}/invocations");
        let headers = [("content-type", "application/json"), ("x-amz-invocation-type", "RequestResponse")];
        let answer = lambda.post(&path, &headers, &event).await;
        let answer = answer.map_err(|refusal| failures::of_function(function, &refusal))?;
        if answer.header("x-amz-function-error").is_some() {
            return Err(failures::job(format!(
                "The AWS Lambda function {function} failed. Error: {}",
                shown(&answer.body)
            )));
        }
        let summary = Some(format!("The AWS Lambda function {function} returned."));
        Ok(Success { progress: Progress { summary, ..Progress::default() }, ..Success::default() })
    }
}

impl LambdaInvoke {
    /// User guide, "actions-invoke-lambda-function"; what a function may ask for itself is left out, as there.
    async fn event(&self, work: &Work, access: &Access) -> Result<Value, Failure> {
        let credentials = self.clients.credentials(access, &artifact_policy(work)).await;
        let credentials = credentials.map_err(|refusal| failures::of_access(access, &refusal))?;
        let mut data = job_data(work, &credentials);
        if let Some(data) = data.as_object_mut() {
            data.remove("actionTypeId");
            data.remove("pipelineContext");
        }
        Ok(json!({
            "CodePipeline.job": { "id": work.job, "accountId": work.pipeline.account, "data": data },
        }))
    }
}

fn shown(text: &str) -> &str {
    let end = text.char_indices().nth(SHOWN).map_or(text.len(), |(end, _)| end);
    text.get(..end).unwrap_or_default()
}
