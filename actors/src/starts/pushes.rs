//! What follows a push to CodeCommit: pipelines whose sources poll (`PollForSourceChanges`, AWS's default) are told, and
//! rules. Every push is followed by a look, and every start of the daemon, so that none is lost to a crash.

use std::collections::BTreeMap;
use std::time::Duration;

use penstock_engine::pipeline::{BranchHead, News};
use penstock_engine::rejection::RejectionKind;
use penstock_storage::keys::codecommit as keys;
use penstock_storage::{Batch, Record};
use serde::{Deserialize, Serialize};

use super::sources::Origin;
use crate::Handle;
use crate::companions::codecommit::event::{self, Changed};
use crate::companions::codecommit::records::RepositoryRecord;
use crate::companions::codecommit::refusal::Refusal;
use crate::companions::codecommit::service::CodeCommit;
use crate::companions::wall_clock;
use crate::git::names::ObjectId;
use crate::golden::form;

/// Before something that could not be started is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// The commits of branches and tags, as they were when they were last told of. A tag's name stands behind a colon, which
/// no name of a branch has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Told(BTreeMap<String, ObjectId>);

impl Record for Told {
    const VERSION: u8 = 1;
}

form!(repository_told_keeps_its_form: Told);

impl Handle {
    /// Somebody pushed to a repository: its pipelines are told before this is done.
    pub async fn pushed(&self, codecommit: &CodeCommit, record: &RepositoryRecord) {
        let seen = codecommit.see_to_default_branch(record).await;
        let told = match seen {
            Ok(()) => self.tell_of_branches(codecommit, record).await,
            Err(error) => Err(error),
        };
        match told {
            Ok(true) => {}
            Ok(false) => {
                let (handle, codecommit, record) = (self.clone(), codecommit.clone(), record.clone());
                tokio::spawn(async move { handle.tell_until_heard(&codecommit, &record).await });
            }
            Err(error) => {
                tracing::warn!(repository = record.name, %error, "a push starts nothing before the daemon starts again");
            }
        }
    }

    /// What was pushed and not told of before the daemon ended. Done once, when it begins.
    pub async fn catch_up_with_pushes(self, codecommit: CodeCommit) {
        let loaded = self.shared.sources.load(&self.shared.store).await;
        let all = match loaded {
            Ok(()) => codecommit.all().await,
            Err(error) => Err(error),
        };
        match all {
            Ok(records) => {
                for record in records {
                    self.pushed(&codecommit, &record).await;
                }
            }
            Err(error) => {
                tracing::error!(%error, "repositories cannot be read; what was pushed starts nothing")
            }
        }
    }

    async fn tell_until_heard(&self, codecommit: &CodeCommit, record: &RepositoryRecord) {
        loop {
            tokio::time::sleep(AGAIN).await;
            match self.tell_of_branches(codecommit, record).await {
                Ok(false) => {}
                Ok(true) => return,
                Err(error) => {
                    tracing::warn!(repository = record.name, %error, "a push starts nothing before the daemon starts again");
                    return;
                }
            }
        }
    }

    /// Tells of every branch that is not as it was; whether everybody has taken it.
    async fn tell_of_branches(
        &self,
        codecommit: &CodeCommit,
        record: &RepositoryRecord,
    ) -> Result<bool, Refusal> {
        let _telling = codecommit.telling().await;
        let (key, store) = (keys::told(&record.id), &self.shared.store);
        let Told(before) = store.read(|view| view.get(&key)).await?.unwrap_or_default();
        let refs = codecommit.contents(record)?.refs().await?;
        let told_as = |name: &str| match name.strip_prefix("refs/heads/") {
            Some(branch) => Some(branch.to_owned()),
            None => name.strip_prefix("refs/tags/").map(|tag| format!(":{tag}")),
        };
        let refs = refs.into_iter().filter_map(|(name, id)| Some((told_as(&name)?, id)));
        let mut now: BTreeMap<String, ObjectId> = refs.collect();
        let mut all_told = true;
        for (branch, id) in now.clone().into_iter().filter(|(name, _)| !name.starts_with(':')) {
            if before.get(&branch) != Some(&id) && !self.tell_of_branch(record, &branch, &id).await {
                all_told = false;
                match before.get(&branch) {
                    Some(old) => now.insert(branch, old.clone()),
                    None => now.remove(&branch),
                };
            }
        }
        if now != before {
            let mut batch = Batch::new();
            let _changing = codecommit.changing().await;
            codecommit.note_push(record, wall_clock::now(), &mut batch).await?;
            for change in changes(&before, &now) {
                event::changed(record, change).put(&mut batch);
            }
            batch.put(key, &Told(now));
            store.queue(batch).await;
            codecommit.ring();
        }
        Ok(all_told)
    }

    async fn tell_of_branch(&self, record: &RepositoryRecord, branch: &str, id: &ObjectId) -> bool {
        let origin = Origin::Branch { repository: record.name.clone(), branch: branch.to_owned() };
        let mut all_told = true;
        for (pipeline, _) in self.shared.sources.followers(&origin) {
            if (&pipeline.account, &pipeline.region) != (&record.account, &record.region) {
                continue;
            }
            let head = BranchHead {
                repository: record.name.clone(),
                branch: branch.to_owned(),
                commit: id.to_string(),
                pushed: self.shared.clock.now(),
            };
            match self.hear(pipeline.clone(), News::Branch(head), None).await {
                Ok(_) => {}
                Err(refused) if refused.kind == RejectionKind::PipelineNotFound => {
                    self.shared.sources.forget(&pipeline);
                }
                Err(refused) if refused.is_passing() => all_told = false,
                Err(refused) => {
                    tracing::info!(pipeline = %pipeline.name, repository = record.name, branch, %refused, "a push starts nothing");
                }
            }
        }
        all_told
    }
}

/// What is not as it was.
fn changes<'a>(
    before: &'a BTreeMap<String, ObjectId>,
    now: &'a BTreeMap<String, ObjectId>,
) -> impl Iterator<Item = Changed<'a>> {
    let gone =
        before.iter().filter(|(name, _)| !now.contains_key(*name)).map(|(name, old)| (name, Some(old), None));
    let others =
        now.iter().map(|(name, new)| (name, before.get(name), Some(new))).filter(|(_, old, new)| old != new);
    gone.chain(others).map(|(name, old, new)| match name.strip_prefix(':') {
        Some(name) => Changed { kind: "tag", name, old, new },
        None => Changed { kind: "branch", name, old, new },
    })
}
