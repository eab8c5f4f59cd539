//! Execution modes (user guide, "Set or change the pipeline execution mode", and "Quotas").

#[test]
fn superseded_mode_is_as_the_guide_says() {
    super::hold(&[
        (
            "a stage is locked while an execution is inside: who comes later waits before it",
            "Source: S; Deploy: D",
            "start",
            "1 in Source; 2 before Source",
        ),
        (
            "a newer execution that arrives replaces the one that waits",
            "Source: S; Deploy: D",
            "ok 1 S; start; ok 2 S; start; ok 3 S",
            "1 in Deploy; 2 Superseded; 3 before Deploy",
        ),
        (
            "it does not touch the one inside the stage",
            "Source: S; Deploy: D",
            "ok 1 S; start; ok 2 S; start; ok 3 S",
            "1 InProgress; 1 Deploy.D InProgress",
        ),
        (
            "when the stage is free, the one that waits enters",
            "Source: S; Deploy: D",
            "ok 1 S; start; ok 2 S; ok 1 D",
            "1 Succeeded; 2 in Deploy; 2 Deploy.D InProgress",
        ),
        (
            "a failure in the stage unlocks it",
            "Source: S; Deploy: D",
            "ok 1 S; start; ok 2 S; fail 1 D",
            "1 Failed; 2 in Deploy",
        ),
        (
            "an execution waits for an approval or a condition inside the stage, where nobody supersedes it",
            "Source: S; Deploy[entry-fail]: D",
            "ok 1 S; start; ok 2 S; start; ok 3 S",
            "1 in Deploy; 1 Deploy condition entry InProgress; 2 Superseded; 3 before Deploy",
        ),
        (
            "a superseded execution cannot be retried",
            "Source: S; Deploy: D",
            "start; start; retry 2 Source",
            "2 Superseded; refused StageNotRetryable",
        ),
    ]);
}

#[test]
fn queued_mode_is_as_the_guide_says() {
    super::hold(&[
        (
            "executions wait in a queue before a stage, nobody is superseded",
            "QUEUED | Source: S; Deploy: D",
            "ok 1 S; start; ok 2 S; start; ok 3 S",
            "1 in Deploy; 2 before Deploy; 3 before Deploy",
        ),
        (
            "they enter in the order in which they came",
            "QUEUED | Source: S; Deploy: D",
            "ok 1 S; start; ok 2 S; start; ok 3 S; ok 1 D",
            "1 Succeeded; 2 in Deploy; 3 before Deploy",
        ),
        (
            "a failure lets the next in the queue enter",
            "QUEUED | Source: S; Deploy: D",
            "ok 1 S; start; ok 2 S; start; ok 3 S; fail 1 D",
            "1 Failed; 2 in Deploy; 3 before Deploy",
        ),
        (
            "a stop of one that waits takes it out of the queue",
            "QUEUED | Source: S; Deploy: D",
            "start; start; stop 2; ok 1 S",
            "2 Stopped; 3 in Source",
        ),
        (
            "50 executions may be under way",
            "QUEUED | Source: S",
            "start 49 times",
            "accepted; 1 in Source; 50 before Source",
        ),
        (
            "and no more than these",
            "QUEUED | Source: S",
            "start 49 times; start",
            "refused ConcurrentPipelineExecutionsLimitExceeded",
        ),
        (
            "when one has ended, there is place for another",
            "QUEUED | Source: S",
            "start 49 times; ok 1 S; start",
            "accepted; 2 in Source; 51 before Source",
        ),
    ]);
}

#[test]
fn parallel_mode_is_as_the_guide_says() {
    super::hold(&[
        (
            "executions do not wait for each other",
            "PARALLEL | Source: S; Deploy: D",
            "start; start",
            "1 in Source; 2 in Source; 3 in Source",
        ),
        (
            "a failure concerns its execution alone",
            "PARALLEL | Source: S; Deploy: D",
            "start; fail 1 S; ok 2 S",
            "1 Failed; 2 in Deploy",
        ),
        (
            "a later one may overtake",
            "PARALLEL | Source: S; Deploy: D",
            "start; pass 2 S D",
            "1 in Source; 2 Succeeded",
        ),
        (
            "a stop concerns its execution alone",
            "PARALLEL | Source: S; Deploy: D",
            "start; abandon 1",
            "1 Stopped; 1 Source.S Abandoned; 2 in Source",
        ),
        (
            "50 executions may be under way",
            "PARALLEL | Source: S",
            "start 49 times; start",
            "50 in Source; refused ConcurrentPipelineExecutionsLimitExceeded",
        ),
        (
            "in each execution five actions run at once",
            "PARALLEL | Deploy: A, B, C, D, E, F",
            "",
            "1 Deploy.E InProgress; not 1 Deploy.F InProgress",
        ),
        (
            "the next begins when one of them has ended",
            "PARALLEL | Deploy: A, B, C, D, E, F",
            "ok 1 C",
            "1 Deploy.F InProgress",
        ),
        (
            "there is no rollback",
            "PARALLEL | Source: S; Deploy: D",
            "pass 1 S D; rollback Deploy to 1",
            "refused UnableToRollbackStage",
        ),
    ]);
}
