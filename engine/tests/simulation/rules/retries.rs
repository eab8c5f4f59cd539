//! Retrying a stage (user guide, "Configure stage retry", and API reference, "RetryStageExecution").

#[test]
fn somebody_retries_a_stage_as_the_guide_says() {
    super::hold(&[
        (
            "a failed stage is retried in the same execution",
            "Source: S; Deploy: A; Last: L",
            "ok 1 S; fail 1 A; retry 1 Deploy",
            "accepted; 1 InProgress; 1 in Deploy; 1 Deploy InProgress; 1 Deploy.A ran 2",
        ),
        (
            "and goes on from there",
            "Source: S; Deploy: A; Last: L",
            "ok 1 S; fail 1 A; retry 1 Deploy; pass 1 A L",
            "1 Succeeded; 1 Source.S ran 1",
        ),
        (
            "FAILED_ACTIONS: what has succeeded keeps its result",
            "Deploy: A, B",
            "fail 1 A; ok 1 B; retry 1 Deploy",
            "1 Deploy.A ran 2; 1 Deploy.B ran 1; 1 Deploy.A InProgress; 1 Deploy.B Succeeded",
        ),
        (
            "ALL_ACTIONS: everything runs again from the first run order",
            "Deploy: A > B, C",
            "ok 1 A; fail 1 B; ok 1 C; retry all 1 Deploy",
            "1 Deploy.A ran 2; 1 Deploy.A InProgress; 1 Deploy.B ran 1; 1 Deploy.C ran 1",
        ),
        (
            "a stopped execution's stage can be retried",
            "Deploy: A > B",
            "stop 1; ok 1 A; retry 1 Deploy",
            "accepted; 1 InProgress; 1 Deploy.A ran 1; 1 Deploy.B InProgress",
        ),
        (
            "FAILED_ACTIONS: actions still in progress continue, and what has failed runs again beside them",
            "Deploy: A, B; Last: L",
            "fail 1 A; retry 1 Deploy",
            "accepted; 1 Deploy InProgress; 1 Deploy.A ran 2; 1 Deploy.A InProgress; 1 Deploy.B ran 1; \
             1 Deploy.B InProgress",
        ),
        (
            "and then the stage goes on as ever",
            "Deploy: A, B > C; Last: L",
            "fail 1 A; retry 1 Deploy; ok 1 B; ok 1 A; pass 1 C L",
            "1 Succeeded; 1 Deploy.A ran 2; 1 Deploy.C ran 1",
        ),
        (
            "it may fail and be retried again",
            "Deploy: A, B",
            "fail 1 A; retry 1 Deploy; fail 1 A; retry 1 Deploy; pass 1 A B",
            "1 Succeeded; 1 Deploy.A ran 3",
        ),
        (
            "a retry under way has no failed action, and is no automatic one",
            "Deploy[retry]: A, B",
            "fail 1 A; retry 1 Deploy; fail 1 A; ok 1 B",
            "1 InProgress; 1 Deploy.A ran 3; 1 Deploy.B ran 1",
        ),
        (
            "ALL_ACTIONS: no action of the stage may be in progress",
            "Deploy: A, B",
            "fail 1 A; retry all 1 Deploy",
            "refused StageNotRetryable; 1 Deploy.A ran 1",
        ),
        (
            "a stage without a failed action cannot be retried",
            "Deploy: A, B",
            "ok 1 A; retry 1 Deploy",
            "refused StageNotRetryable; 1 Deploy.A ran 1",
        ),
        (
            "nor one whose execution is being stopped",
            "Deploy: A, B",
            "fail 1 A; stop 1; retry 1 Deploy",
            "refused StageNotRetryable; 1 Deploy.A ran 1",
        ),
        (
            "a stage that has succeeded cannot",
            "Source: S; Deploy: D",
            "ok 1 S; fail 1 D; retry 1 Source",
            "refused StageNotRetryable",
        ),
        (
            "who was stopped while it waited before the stage cannot",
            "Source: S; Deploy: D",
            "start; stop 2; retry 2 Source",
            "refused StageNotRetryable",
        ),
        (
            "after a later execution has entered the stage, the earlier one cannot be retried there",
            "Source: S; Deploy: D",
            "fail 1 S; start; retry 1 Source",
            "refused NotLatestPipelineExecution",
        ),
        (
            "another retry that is under way refuses the next",
            "Deploy: A",
            "fail 1 A; retry 1 Deploy; retry 1 Deploy",
            "refused StageNotRetryable",
        ),
        (
            "a stage that is not there is refused",
            "Deploy: A",
            "fail 1 A; retry 1 Elsewhere",
            "refused StageNotFound",
        ),
        (
            "in QUEUED mode a retry counts towards the 50 under way",
            "QUEUED | Source: S; Deploy: D",
            "ok 1 S; fail 1 D; disable Deploy; start 50 times; retry 1 Deploy",
            "refused ConcurrentPipelineExecutionsLimitExceeded",
        ),
        (
            "a stage that was skipped cannot be retried",
            "Source: S; Deploy[entry-skip]: D; Last: L",
            "ok 1 S; fail 1 entry; fail 1 L; retry 1 Deploy",
            "1 Deploy Skipped; refused StageNotRetryable",
        ),
    ]);
}

#[test]
fn a_stage_retries_itself_as_the_guide_says() {
    super::hold(&[
        (
            "a stage with RETRY retries itself in the same execution",
            "Source: S; Deploy[retry]: A; Last: L",
            "ok 1 S; fail 1 A",
            "1 InProgress; 1 Deploy InProgress; 1 Deploy.A ran 2; 1 Deploy.A InProgress",
        ),
        (
            "but once only",
            "Source: S; Deploy[retry]: A; Last: L",
            "ok 1 S; fail 1 A; fail 1 A",
            "1 Failed; 1 Deploy Failed; 1 Deploy.A ran 2",
        ),
        (
            "what then succeeds goes on",
            "Source: S; Deploy[retry]: A; Last: L",
            "ok 1 S; fail 1 A; ok 1 A",
            "1 in Last",
        ),
        (
            "afterwards somebody may retry it all the same",
            "Source: S; Deploy[retry]: A; Last: L",
            "ok 1 S; fail 1 A; fail 1 A; retry 1 Deploy",
            "accepted; 1 InProgress; 1 Deploy.A ran 3",
        ),
        (
            "FAILED_ACTIONS: what has succeeded keeps its result; the retry waits until nothing runs any more",
            "Deploy[retry]: A, B",
            "fail 1 A; ok 1 B",
            "1 Deploy.A ran 2; 1 Deploy.B ran 1",
        ),
        (
            "ALL_ACTIONS: everything runs again",
            "Deploy[retry-all]: A, B",
            "fail 1 A; ok 1 B",
            "1 Deploy.A ran 2; 1 Deploy.B ran 2",
        ),
        (
            "the source stage may retry itself, too",
            "Source[retry]: S; Deploy: D",
            "fail 1 S; ok 1 S",
            "1 in Deploy; 1 Source.S ran 2",
        ),
    ]);
}
