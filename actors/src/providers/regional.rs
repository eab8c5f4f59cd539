//! Copies the inputs of an action that runs in another Region into that Region's artifact store, before the action begins
//! (user guide, "Add a cross-Region action in CodePipeline"): under the pipeline's role, since the service does it (inferred).

use penstock_engine::action::{Failure, Work};

use crate::artifacts::transfer::{self, Headers, Metadata, Source, Target};
use crate::aws::clients::AwsClients;
use crate::aws::role::Access;

use super::configuration::store_key;
use super::failures;

/// Does it, unless the action's own work has begun already.
pub(super) async fn copy_inputs(clients: &AwsClients, work: &Work) -> Result<(), Failure> {
    if work.copied_from.is_empty() || work.resume.is_some() {
        return Ok(());
    }
    let access = Access { action_role: None, ..Access::from(work) };
    let s3 = clients.s3(&access).await.map_err(|refusal| failures::of_access(&access, &refusal))?;
    let headers = Headers::of_artifact(&s3, store_key(work));
    for from in &work.copied_from {
        let Some(to) = work.inputs.iter().find(|input| input.name == from.name) else { continue };
        let source = Source { bucket: &from.bucket, key: &from.key, version: None };
        let target = Target { bucket: &to.bucket, key: &to.key, headers: &headers };
        let copied = transfer::copy(&s3, source, target, Metadata::Kept).await;
        copied.map_err(|refusal| failures::of_input(&access, from, &refusal))?;
    }
    Ok(())
}
