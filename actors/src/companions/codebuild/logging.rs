//! A build's log: made under the service role before the build does anything.

use penstock_storage::Batch;

use super::environment::access;
use super::phases::Context;
use super::projects;
use super::records::BuildRecord;
use super::service::Inner;

impl Inner {
    /// Makes the log stream, and its group where there is none. A build that was launched has its own.
    pub(super) async fn open_log(&self, build: &BuildRecord) -> Result<(), Context> {
        if build.launched.is_some() {
            return Ok(());
        }
        let (group, stream) = build.log();
        let BuildRecord { account, region, .. } = build;
        if !build.is_silent() {
            let is_there = self.setup.logs.has_group(account, region, &group).await;
            let is_there = is_there.map_err(|error| denied(build, &error.to_string()))?;
            let group = format!("arn:aws:logs:{region}:{account}:log-group:{group}:log-stream:");
            let stream = format!("{group}{stream}");
            let first = (!is_there).then_some(("logs:CreateLogGroup", &group));
            self.may_log(
                build,
                first.into_iter().chain([("logs:CreateLogStream", &stream), ("logs:PutLogEvents", &stream)]),
            )
            .await?;
        }
        let mut batch = Batch::new();
        let place = (account.as_str(), region.as_str());
        let filled = self
            .setup
            .store
            .read(|view| self.setup.logs.add_stream(view, &mut batch, place, &group, &stream, build.started));
        filled.await.map_err(|error| denied(build, &error.to_string()))?;
        // Readers see it when it is durable; the build need not wait for that.
        drop(self.setup.store.queue(batch));
        Ok(())
    }

    async fn may_log(
        &self,
        build: &BuildRecord,
        calls: impl Iterator<Item = (&str, &String)>,
    ) -> Result<(), Context> {
        let access = access(build);
        let session = self.clients(build).permits(&access).await.map_err(|refusal| Context {
            code: "ACCESS_DENIED".to_owned(),
            message: format!("{}: {refusal}", projects::not_authorized(&access.pipeline_role)),
        })?;
        for (action, resource) in calls {
            let permitted = session.may(action, resource).await;
            permitted.map_err(|refusal| denied(build, &refusal.to_string()))?;
        }
        Ok(())
    }
}

/// User guide, troubleshooting: a role that may not write logs. That a build without PutLogEvents fails as well is
/// inferred.
fn denied(build: &BuildRecord, why: &str) -> Context {
    Context {
        code: "ACCESS_DENIED".to_owned(),
        message: format!(
            "Service role {} does not allow AWS CodeBuild to create Amazon CloudWatch Logs log streams for build {}. \
             Error message: {why}",
            build.project.service_role,
            build.arn()
        ),
    }
}
