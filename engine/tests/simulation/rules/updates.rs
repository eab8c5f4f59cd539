//! What an update and a delete do to executions under way (user guide, "Edit a pipeline" and the table of changes of
//! the execution mode; what a delete does is inferred).

#[test]
fn an_update_ends_or_leaves_executions_as_the_guide_says() {
    super::hold(&[
        (
            "running actions are completed, then the stage and the execution end",
            "Source: S; Deploy: A > B; Last: L",
            "ok 1 S; update Source: S / Deploy: A > B / Last: L; ok 1 A",
            "1 Cancelled; 1 Deploy Cancelled; 1 Deploy.A Succeeded; not 1 Deploy.B InProgress",
        ),
        (
            "until then it is under way",
            "Source: S; Deploy: A > B; Last: L",
            "ok 1 S; update Source: S / Deploy: A > B / Last: L",
            "1 InProgress; 1 Deploy.A InProgress",
        ),
        (
            "who waits ends, and is shown so",
            "Source: S; Deploy: D",
            "start; update Source: S / Deploy: D",
            "2 Cancelled; 2 shown before Source as Cancelled",
        ),
        (
            "in PARALLEL mode executions go on with their own version",
            "PARALLEL | Source: S; Deploy: D",
            "update PARALLEL | Source: S / Other: O; pass 1 S D",
            "1 Succeeded; 1 Deploy Succeeded; not 1 Other InProgress",
        ),
        (
            "from PARALLEL to QUEUED they go on, too",
            "PARALLEL | Source: S; Deploy: D",
            "update QUEUED | Source: S / Deploy: D; start; pass 1 S D",
            "1 Succeeded; 2 in Source",
        ),
        (
            "from QUEUED to PARALLEL they end",
            "QUEUED | Source: S; Deploy: D",
            "start; update PARALLEL | Source: S / Deploy: D; ok 1 S",
            "1 Cancelled; 2 Cancelled",
        ),
        (
            "a new execution runs the new version",
            "Source: S; Deploy: D",
            "pass 1 S D; update Source: S / Other: O; start; ok 2 S",
            "2 in Other",
        ),
        (
            "what failed under the old version cannot be retried",
            "Source: S; Deploy: D",
            "ok 1 S; fail 1 D; update Source: S / Deploy: D; retry 1 Deploy",
            "refused StageNotRetryable; 1 Failed",
        ),
        (
            "nor is it a target of a rollback",
            "Source: S; Deploy: D",
            "pass 1 S D; update Source: S / Deploy: D; rollback Deploy to 1",
            "refused PipelineExecutionOutdated",
        ),
        (
            "a deleted pipeline's actions are abandoned",
            "Source: S; Deploy: D",
            "start; delete",
            "1 Cancelled; 1 Source.S Abandoned; 2 Cancelled",
        ),
        (
            "a deleted pipeline is not found",
            "Source: S; Deploy: D",
            "delete; start",
            "refused PipelineNotFound",
        ),
    ]);
}
