//! Builds that are tried again by themselves: after a phase with `on-failure: RETRY`, or as the project says (user guide,
//! auto-retry-build).

use penstock_storage::{Batch, StoreError};
use uuid::Uuid;

use super::phases::{Phases, Status};
use super::records::{AutoRetry, BuildRecord, ProjectRecord};
use super::service::{Inner, put};
use crate::build::buildspec::{OnFailure, PhaseName};
use crate::companions::wall_clock;
use penstock_storage::keys::builds as keys;

/// Who starts such a build (inferred).
const INITIATOR: &str = "codebuild-auto-retry";

impl Inner {
    /// Makes a build's end durable, and with it the beginning of the next try, if there is to be one.
    pub(super) async fn ended(&self, record: &mut BuildRecord) -> Option<BuildRecord> {
        if !is_to_be_retried(record) {
            self.save(record).await;
            return None;
        }
        let _change = self.change.lock().await;
        let key = keys::project(&record.account, &record.region, &record.project.name);
        let found = self.setup.store.read(|view| view.get::<ProjectRecord>(&key)).await;
        let (Ok(Some(mut project)), Ok(())) = (found, self.setup.store.accepts_data()) else {
            self.save(record).await;
            return None;
        };
        project.builds += 1;
        let next = next(record, project.builds);
        record.auto_retry.next = Some(next.arn());
        let (group, stream) = next.log();
        let mut batch = Batch::new();
        batch.put(key, &project);
        put(&mut batch, record);
        put(&mut batch, &next);
        let logs = &self.setup.logs;
        let added = self.setup.store.read(|view| {
            let place = (next.account.as_str(), next.region.as_str());
            logs.add_stream(view, &mut batch, place, &group, &stream, next.started)
        });
        let added: Result<(), StoreError> = added.await;
        if let Err(error) = added {
            tracing::warn!(build = record.id, %error, "a build is not tried again");
            record.auto_retry.next = None;
            self.save(record).await;
            return None;
        }
        self.setup.store.queue(batch).await;
        Some(next)
    }
}

/// CodeBuild tries no build of a pipeline again: its action has ended.
fn is_to_be_retried(build: &BuildRecord) -> bool {
    if build.status != Status::Failed || build.owner.is_some() {
        return false;
    }
    let failed = build.phases.failed();
    let phase = failed.and_then(|failed| {
        let name = PhaseName::ALL.into_iter().find(|phase| phase.phase_type() == failed.name)?;
        build.launched.as_ref()?.plan.phases.iter().find(|phase| phase.name == name)
    });
    let limit = match phase.and_then(|phase| phase.on_failure.as_ref()) {
        Some(OnFailure::Retry { limit, pattern }) => {
            let context = failed.and_then(|failed| failed.context.as_ref());
            let message = context.map_or("", |context| &context.message);
            let is_meant = regex::Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(message));
            if is_meant { *limit } else { 0 }
        }
        _ => build.project.auto_retry_limit.unwrap_or_default(),
    };
    build.auto_retry.number < limit
}

/// The same build from its beginning.
fn next(build: &BuildRecord, number: u64) -> BuildRecord {
    let now = wall_clock::now();
    BuildRecord {
        id: Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{} again", build.id).as_bytes()).to_string(),
        number,
        initiator: INITIATOR.to_owned(),
        status: Status::InProgress,
        started: now,
        ended: None,
        phases: Phases::submitted(now),
        launched: None,
        resolved: None,
        told: 0,
        exported: std::collections::BTreeMap::new(),
        auto_retry: AutoRetry {
            number: build.auto_retry.number + 1,
            previous: Some(build.arn()),
            next: None,
        },
        ..build.clone()
    }
}
