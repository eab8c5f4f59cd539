//! What the API asks of third-party jobs: those of a partner's action types (API reference: `ThirdPartyJob`).
//!
//! Their workers are shown which customer's job there is, and read it with that customer's token before they take it.
//! Otherwise they are jobs as all others.

use penstock_engine::declaration::action::{ActionOwner, ActionTypeId};
use penstock_engine::rejection::{Rejection, RejectionKind};
use penstock_engine::view;
use serde_json::{Value, json};
use uuid::Uuid;

use super::open_work::Wanted;
use super::workers::{JobKind, job_action};
use crate::Handle;
use crate::aws::clients::AwsClients;
use crate::catalogues::Place;

impl Handle {
    /// PollForThirdPartyJobs: nothing of a job's content is shown yet.
    pub async fn poll_for_third_party_jobs(
        &self,
        place: &Place,
        action_type: ActionTypeId,
        at_most: usize,
    ) -> Result<Value, Rejection> {
        let _permit = self.permit()?;
        if action_type.owner != ActionOwner::ThirdParty {
            let text = "Third-party jobs can only be polled for action types with the owner ThirdParty.";
            return Err(Rejection::new(RejectionKind::Validation, text));
        }
        let is_here = self.catalogue(&place.account, &place.region)?.find(&action_type).is_some();
        if !is_here || !self.may_work_on(place, &action_type).await? {
            return Err(Rejection::new(RejectionKind::ActionTypeNotFound, action_type.not_available()));
        }
        let (account, region) = (place.account.clone(), place.region.clone());
        let wanted = Wanted { account, region, action_type, query: None, at_most };
        let shown = self.shared.open_work.show(&wanted, self.shared.clock.now());
        let jobs: Vec<Value> = shown
            .into_iter()
            .map(|shown| json!({"clientId": client_id(&place.account), "jobId": &*shown.job}))
            .collect();
        Ok(json!({ "jobs": jobs }))
    }

    /// GetThirdPartyJobDetails: with new credentials each time, and until the job is taken with the nonce to take it
    /// with, which makes every earlier one worthless.
    pub async fn get_third_party_job_details(
        &self,
        clients: &AwsClients,
        place: &Place,
        job: &str,
    ) -> Result<Value, Rejection> {
        let _permit = self.permit()?;
        let action = job_action(self, place, JobKind::ThirdParty, job).await?;
        if action.outcome().is_some() || action.current_job().as_deref() != Some(job) {
            let text = format!("The job {job} has already ended.");
            return Err(Rejection::new(RejectionKind::InvalidJob, text));
        }
        let work = action.work();
        let mut data = self.job_data(clients, &work).await?;
        view::without_pipeline_identity(&mut data);
        let nonce = self.shared.open_work.renew(job, self.shared.clock.now());
        let mut details = json!({ "id": job, "data": data });
        if let Some(nonce) = nonce {
            details["nonce"] = Value::String(nonce);
        }
        Ok(json!({ "jobDetails": details }))
    }
}

/// The customer as partners know it: always the same for an account.
fn client_id(account: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("client {account}").as_bytes()).to_string()
}
