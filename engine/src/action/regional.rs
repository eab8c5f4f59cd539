//! The artifacts of actions in several Regions: an action finds its inputs in its own Region's artifact store, wherever an
//! earlier action has put them (user guide, "Add a cross-Region action in CodePipeline"; the keys of copies are inferred).

use serde::{Deserialize, Serialize};

use super::context::artifact_key;
use super::state::{ActionExecution, ArtifactLocation};
use super::worker::Worker;

/// The artifact store of an action's Region, where the pipeline has several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegionalStore {
    /// The bucket.
    pub bucket: String,
    /// Where those inputs lie that are copied into it first; known from the action's begin on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copied_from: Vec<ArtifactLocation>,
}

impl ActionExecution {
    /// Inputs that lie in another Region's store are to be copied; from then on the copies are the action's inputs. Job
    /// workers are told where the artifact lies instead: their actions are never abroad, and nothing of the daemon's runs for
    /// them.
    pub(super) fn move_inputs_here(&mut self) {
        let is_run_here = self.worker() != Worker::JobWorker;
        let Some(store) = self.regional.as_mut().filter(|_| is_run_here) else { return };
        store.copied_from.clear();
        for input in &mut self.inputs {
            if input.bucket == store.bucket {
                continue;
            }
            let key = artifact_key(&self.pipeline.name, &input.name, &self.reference.id);
            let copy = ArtifactLocation { bucket: store.bucket.clone(), key, ..input.clone() };
            store.copied_from.push(std::mem::replace(input, copy));
        }
    }

    /// Where inputs are to be copied from.
    pub(super) fn copied_from(&self) -> &[ArtifactLocation] {
        self.regional.as_ref().map_or(&[], |store| &store.copied_from)
    }

    /// The objects that are this action's own: its outputs, and its copies of inputs.
    pub fn into_artifacts(self) -> Vec<ArtifactLocation> {
        let copied = self.copied_from();
        let is_copy = |input: &ArtifactLocation| copied.iter().any(|from| from.name == input.name);
        let copies: Vec<ArtifactLocation> =
            self.inputs.iter().filter(|input| is_copy(input)).cloned().collect();
        self.outputs.into_iter().chain(copies).collect()
    }
}
