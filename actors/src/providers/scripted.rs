//! Any action, as a person has said it ends.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use penstock_engine::action::{ArtifactLocation, Failure, Progress, SourceRevision, Success, Work};
use penstock_engine::declaration::action::ActionCategory;
use tokio::sync::Semaphore;

use crate::artifacts::packing::{Attributes, Packer};
use crate::artifacts::stored::{Spool, Stored};
use crate::artifacts::transfer::{self, Headers, Target};
use crate::aws::clients::AwsClients;
use crate::aws::role::Access;
use crate::clock::Clock;
use crate::outcomes::script::{Candidate, End, Outcome};
use crate::outcomes::service::Outcomes;

use super::configuration::store_key;
use super::failures;
use super::provider::Reporter;

/// Actions that write their artifacts at once. Those that only wait are not counted.
const WRITING: usize = 16;

/// Plays scripted outcomes.
///
/// The delay counts from the action's birth, so that after a restart it does not begin again, and the artifacts
/// of a run that was not recorded are written once more: the same bytes under the same keys.
#[derive(Debug)]
pub(super) struct Scripted {
    outcomes: Outcomes,
    clients: AwsClients,
    spool: Spool,
    clock: Clock,
    writing: Semaphore,
}

impl Scripted {
    pub(super) fn new(outcomes: Outcomes, clients: AwsClients, spool: Spool, clock: Clock) -> Self {
        Self { outcomes, clients, spool, clock, writing: Semaphore::new(WRITING) }
    }

    /// What is said of that action.
    pub(super) fn outcome<'a>(&self, action: impl Into<Candidate<'a>>) -> Option<Arc<Outcome>> {
        self.outcomes.outcome(action)
    }

    /// Tells what is known at once, waits, and ends as said.
    pub(super) async fn play(
        &self,
        outcome: &Outcome,
        work: &Work,
        reporter: &dyn Reporter,
    ) -> Result<Success, Failure> {
        let early = Progress {
            external_id: outcome.external_id.clone(),
            url: outcome.url.clone(),
            ..Progress::default()
        };
        if early != Progress::default() {
            reporter.progress(early.clone()).await;
        }
        self.clock.sleep_until(work.started.plus_millis(outcome.after)).await;
        match &outcome.end {
            End::Failed { code, message } => {
                if outcome.summary.is_some() {
                    reporter.progress(Progress { summary: outcome.summary.clone(), ..early }).await;
                }
                Err(Failure::new(code, message.clone()))
            }
            End::Succeeded { variables, artifacts } => {
                self.write(work, artifacts).await?;
                Ok(Success {
                    revision: revision(outcome, work),
                    output_variables: variables.clone(),
                    progress: Progress { summary: outcome.summary.clone(), ..early },
                })
            }
        }
    }

    /// Every output artifact: with the files that the outcome gives it, or with none.
    async fn write(
        &self,
        work: &Work,
        artifacts: &BTreeMap<String, BTreeMap<String, String>>,
    ) -> Result<(), Failure> {
        let declared = |name: &&String| work.outputs.iter().any(|artifact| artifact.name == **name);
        if let Some(stranger) = artifacts.keys().find(|name| !declared(name)) {
            return Err(failures::configuration(format!(
                "The scripted outcome of the action '{}' gives files for the artifact '{stranger}', which is not one of \
                 the action's output artifacts.",
                work.action
            )));
        }
        if work.outputs.is_empty() {
            return Ok(());
        }
        let _permit = self.writing.acquire().await;
        let access = Access::from(work);
        let s3 = self.clients.s3(&access).await.map_err(|refusal| failures::of_access(&access, &refusal))?;
        let headers = Headers::of_artifact(&s3, store_key(work));
        for artifact in &work.outputs {
            let ArtifactLocation { name, bucket, key, .. } = artifact;
            let zip = self.packed(artifacts.get(name)).map_err(|error| {
                failures::job(format!("The artifact '{name}' cannot be made for the time being: {error}."))
            })?;
            let to = Target { bucket, key, headers: &headers };
            transfer::put(&s3, &zip, to)
                .await
                .map_err(|refusal| failures::of_output(&access, artifact, &refusal))?;
        }
        Ok(())
    }

    fn packed(&self, files: Option<&BTreeMap<String, String>>) -> io::Result<Stored> {
        let mut packer = Packer::new(&self.spool)?;
        // As old as everything can be in a zip: the same bytes each time.
        let attributes = Attributes { mode: 0o644, modified: 0, is_link: false };
        for (path, text) in files.into_iter().flatten() {
            packer.add(path, attributes, &mut text.as_bytes())?;
        }
        packer.finish()
    }
}

/// What a source action found: that its id is the revision's is inferred from how AWS's own sources show it.
fn revision(outcome: &Outcome, work: &Work) -> Option<SourceRevision> {
    (work.action_type.category == ActionCategory::Source).then(|| SourceRevision {
        action: work.action.clone(),
        artifact: work.outputs.first().map(|artifact| artifact.name.clone()).unwrap_or_default(),
        revision_id: outcome.external_id.clone().unwrap_or_else(|| work.id.to_string()),
        change_identifier: None,
        summary: outcome.summary.clone(),
        url: outcome.url.clone(),
        created: None,
    })
}
