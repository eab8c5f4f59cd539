//! What the API asks of jobs. Workers get their jobs from [`OpenWork`](super::open_work::OpenWork); what they say
//! of them is for the action to judge.

use aws_credential_types::Credentials;
use penstock_engine::action::{
    ActionExecution, ArtifactLocation, Failure, JobSuccess, JobWord, Work, job_not_found,
};
use penstock_engine::action_type::ActionType;
use penstock_engine::declaration::action::{ActionOwner, ActionTypeId};
use penstock_engine::rejection::{Rejection, RejectionKind};
use penstock_engine::view;
use serde_json::{Value, json};

use super::open_work::{Shown, Wanted};
use crate::Handle;
use crate::aws::clients::AwsClients;
use crate::aws::refusal::AwsRefusal;
use crate::aws::role::Access;
use crate::catalogues::Place;
use crate::messages::Said;
use crate::providers::failures::of_access;
use crate::reads::{begun, internal};
use crate::words::action_of;

/// What PollForJobs is asked for.
#[derive(Clone, Debug)]
pub struct JobQuery {
    /// The worker's type of actions.
    pub action_type: ActionTypeId,
    /// `queryParam`.
    pub property: Option<(String, String)>,
    /// How many jobs at most.
    pub at_most: usize,
}

impl Handle {
    /// PollForJobs. Nothing is committed: a job that nobody acknowledges is shown again.
    pub async fn poll_for_jobs(
        &self,
        clients: &AwsClients,
        place: &Place,
        query: JobQuery,
    ) -> Result<Value, Rejection> {
        let _permit = self.permit()?;
        let JobQuery { action_type, property, at_most } = query;
        if action_type.owner != ActionOwner::Custom {
            let text = "Jobs can only be polled for action types with the owner Custom.";
            return Err(Rejection::new(RejectionKind::Validation, text));
        }
        let catalogue = self.catalogue(&place.account, &place.region)?;
        let found = catalogue
            .find(&action_type)
            .ok_or_else(|| Rejection::new(RejectionKind::ActionTypeNotFound, action_type.not_available()))?;
        check_query(found, property.as_ref().map(|(name, _)| name))?;
        let (account, region) = (place.account.clone(), place.region.clone());
        let wanted = Wanted { account, region, action_type, query: property, at_most };
        let mut jobs = Vec::new();
        for shown in self.shared.open_work.show(&wanted, self.shared.clock.now()) {
            jobs.extend(self.job(clients, place, shown).await?);
        }
        Ok(json!({ "jobs": jobs }))
    }

    /// A job as it is sent; none when it is over by now, or when there are no credentials for it.
    async fn job(
        &self,
        clients: &AwsClients,
        place: &Place,
        shown: Shown,
    ) -> Result<Option<Value>, Rejection> {
        let Shown { job, nonce } = shown;
        let work = match job_action(self, place, JobKind::Custom, &job).await {
            Ok(action) if action.current_job().as_deref() == Some(&*job) => action.work(),
            Err(rejection) if rejection.kind != RejectionKind::JobNotFound => return Err(rejection),
            _ => return Ok(None),
        };
        Ok(match clients.credentials(&Access::from(&work), &artifact_policy(&work)).await {
            Ok(credentials) => Some(json!({
                "id": &*job,
                "nonce": nonce,
                "accountId": work.pipeline.account,
                "data": data(&work, &credentials),
            })),
            Err(refusal @ AwsRefusal::Role { .. }) => {
                // As of every other action whose role cannot be assumed.
                let failure = of_access(&Access::from(&work), &refusal);
                self.fail_job(&work, failure).await;
                None
            }
            Err(refusal) => {
                tracing::warn!(%refusal, %job, "there are no credentials for a job; it waits");
                self.shared.open_work.unhide(&job, &nonce);
                None
            }
        })
    }

    async fn fail_job(&self, work: &Work, failure: Failure) {
        let Some(job) = &work.job else { return };
        let read = self.shared.store.read(|view| action_of(view, job));
        let Ok(Some(action)) = read.await else { return };
        let said = Said::Job { job: job.clone(), word: JobWord::Unable(failure) };
        // Refused where it was acknowledged or has ended since: then there is nothing to fail.
        let _ = self.bring(&work.pipeline, action.reference, said).await;
    }

    /// AcknowledgeJob and AcknowledgeThirdPartyJob: done when the job is the worker's and in progress.
    pub async fn acknowledge_job(
        &self,
        kind: JobKind,
        place: &Place,
        job: String,
        nonce: &str,
    ) -> Result<(), Rejection> {
        let latest = self.shared.open_work.is_latest(&job, nonce);
        let word = if latest { JobWord::Acknowledge } else { JobWord::AcknowledgeInVain };
        self.say(place, kind, job, word).await
    }

    /// PutJobSuccessResult and PutThirdPartyJobSuccessResult.
    pub async fn put_job_success(
        &self,
        kind: JobKind,
        place: &Place,
        job: String,
        success: JobSuccess,
    ) -> Result<(), Rejection> {
        self.accepts_data()?;
        self.say(place, kind, job, JobWord::Success(Box::new(success))).await
    }

    /// PutJobFailureResult and PutThirdPartyJobFailureResult.
    pub async fn put_job_failure(
        &self,
        kind: JobKind,
        place: &Place,
        job: String,
        failure: Failure,
    ) -> Result<(), Rejection> {
        self.say(place, kind, job, JobWord::Failure(failure)).await
    }

    /// GetJobDetails, of a job that is not done: with new credentials each time.
    pub async fn get_job_details(
        &self,
        clients: &AwsClients,
        place: &Place,
        job: &str,
    ) -> Result<Value, Rejection> {
        let _permit = self.permit()?;
        let action = job_action(self, place, JobKind::Custom, job).await?;
        if action.outcome().is_some() || action.current_job().as_deref() != Some(job) {
            return Err(job_not_found(job));
        }
        let work = action.work();
        let data = self.job_data(clients, &work).await?;
        Ok(json!({ "jobDetails": { "id": job, "accountId": work.pipeline.account, "data": data } }))
    }

    /// What a worker needs for a job, with new credentials.
    pub(crate) async fn job_data(&self, clients: &AwsClients, work: &Work) -> Result<Value, Rejection> {
        let credentials = clients.credentials(&Access::from(work), &artifact_policy(work)).await;
        let credentials = credentials.map_err(|refusal| {
            Rejection::new(
                RejectionKind::Validation,
                format!("There are no credentials for the job: {refusal}"),
            )
        })?;
        Ok(data(work, &credentials))
    }

    pub(crate) async fn say(
        &self,
        place: &Place,
        kind: JobKind,
        job: String,
        word: JobWord,
    ) -> Result<(), Rejection> {
        let read = self.shared.store.read(|view| action_of(view, &job));
        let action = read.await.map_err(|error| internal(&error))?;
        let action = action.filter(|action| is_here(action, place) && kind.is_of(action));
        let action = action.ok_or_else(|| job_not_found(&job))?;
        self.bring(&action.pipeline, action.reference, Said::Job { job, word }).await.map(drop)
    }
}

/// Whose jobs: the two kinds have operations of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// Of custom actions.
    Custom,
    /// Of partners' actions.
    ThirdParty,
}

impl JobKind {
    /// Whether the action has jobs of that kind. An approval's token is no job's id.
    fn is_of(self, action: &ActionExecution) -> bool {
        let is_partners = action.declaration.action_type_id.owner == ActionOwner::ThirdParty;
        action.current_job().is_some() && is_partners == (self == Self::ThirdParty)
    }
}

/// The action that had or has that job.
pub(crate) async fn job_action(
    handle: &Handle,
    place: &Place,
    kind: JobKind,
    job: &str,
) -> Result<ActionExecution, Rejection> {
    let read = handle.shared.store.read(|view| {
        let action = action_of(view, job)?.filter(|action| is_here(action, place) && kind.is_of(action));
        action.map(|action| begun(view, action)).transpose()
    });
    read.await.map_err(|error| internal(&error))?.ok_or_else(|| job_not_found(job))
}

fn is_here(action: &ActionExecution, place: &Place) -> bool {
    (&action.pipeline.account, &action.pipeline.region) == (&place.account, &place.region)
}

/// API reference: `queryParam` is required where the type has a queryable property, and empty elsewhere.
fn check_query(action_type: &ActionType, given: Option<&String>) -> Result<(), Rejection> {
    let queryable = action_type.properties.iter().find(|property| property.queryable);
    let text = match (queryable, given) {
        (Some(property), Some(name)) if property.name == *name => return Ok(()),
        (None, None) => return Ok(()),
        (Some(property), _) => {
            format!(
                "The action type is queried by '{}': queryParam must have a value for it alone.",
                property.name
            )
        }
        (None, Some(_)) => "The action type has no queryable property: queryParam must be empty.".to_owned(),
    };
    Err(Rejection::new(RejectionKind::Validation, text))
}

/// API reference, `JobData.artifactCredentials`: they are good for the job's own artifacts and nothing else. Uploads
/// in parts belong to it: the plugin for Jenkins makes all of its own so.
pub(crate) fn artifact_policy(work: &Work) -> String {
    let arns = |artifacts: &[ArtifactLocation]| -> Vec<String> {
        artifacts.iter().map(|at| format!("arn:aws:s3:::{}/{}", at.bucket, at.key)).collect()
    };
    let statements = [
        (&["s3:GetObject", "s3:GetObjectVersion"][..], arns(&work.inputs)),
        (
            &["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"][..],
            arns(&work.outputs),
        ),
    ];
    let mut statements: Vec<Value> = statements
        .into_iter()
        .filter(|(_, arns)| !arns.is_empty())
        .map(|(actions, arns)| json!({"Effect": "Allow", "Action": actions, "Resource": arns}))
        .collect();
    if statements.is_empty() {
        statements.push(json!({"Effect": "Deny", "Action": "*", "Resource": "*"}));
    }
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

/// API reference: `JobData`. The one answer in which secrets stand.
pub(crate) fn data(work: &Work, credentials: &Credentials) -> Value {
    let mut data = view::job_data(work);
    data["artifactCredentials"] = json!({
        "accessKeyId": credentials.access_key_id(),
        "secretAccessKey": credentials.secret_access_key(),
        "sessionToken": credentials.session_token().unwrap_or_default(),
    });
    data
}
