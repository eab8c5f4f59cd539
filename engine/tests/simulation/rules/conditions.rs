//! Stage conditions (user guide, "Stage conditions", and API reference, "OverrideStageCondition").

#[test]
fn conditions_hold_a_stage_as_the_guide_says() {
    super::hold(&[
        (
            "an entry condition is looked at before any action starts",
            "Source: S; Deploy[entry-fail]: D",
            "ok 1 S",
            "1 in Deploy; 1 Deploy.entry InProgress; not 1 Deploy.D InProgress; 1 Deploy condition entry InProgress",
        ),
        (
            "where it is met, the actions start",
            "Source: S; Deploy[entry-fail]: D",
            "ok 1 S; ok 1 entry",
            "1 Deploy.D InProgress; 1 Deploy condition entry Succeeded",
        ),
        (
            "where it is not, FAIL fails the stage",
            "Source: S; Deploy[entry-fail]: D",
            "ok 1 S; fail 1 entry",
            "1 Failed; 1 Deploy Failed; 1 Deploy condition entry Failed; not 1 Deploy.D InProgress",
        ),
        (
            "and SKIP skips it: the execution goes on to the next stage",
            "Source: S; Deploy[entry-skip]: D; Last: L",
            "ok 1 S; fail 1 entry",
            "1 in Last; 1 Deploy Skipped; not 1 Deploy.D InProgress",
        ),
        (
            "a success condition is looked at when all actions have succeeded",
            "Source: S; Deploy[success-fail]: D; Last: L",
            "pass 1 S D",
            "1 in Deploy; 1 Deploy.success InProgress; 1 Deploy InProgress",
        ),
        (
            "where it is met, the stage has succeeded",
            "Source: S; Deploy[success-fail]: D; Last: L",
            "pass 1 S D success",
            "1 in Last; 1 Deploy Succeeded",
        ),
        (
            "where it is not, FAIL fails the stage though its actions have succeeded",
            "Source: S; Deploy[success-fail]: D; Last: L",
            "pass 1 S D; fail 1 success",
            "1 Failed; 1 Deploy Failed; 1 Deploy.D Succeeded",
        ),
        (
            "and ROLLBACK rolls the stage back",
            "Source: S; Deploy[success-rollback]: D",
            "pass 1 S D success; start; pass 2 S D; fail 2 success",
            "2 Failed; 3 rolls back to 1",
        ),
        (
            "a success condition is not looked at when the stage has failed",
            "Source: S; Deploy[success-fail]: D",
            "ok 1 S; fail 1 D",
            "1 Failed; not 1 Deploy condition success InProgress",
        ),
        (
            "a failure condition is looked at when the stage has failed",
            "Source: S; Deploy[failure-rollback]: D",
            "pass 1 S D; start; ok 2 S; fail 2 D",
            "2 InProgress; 2 Deploy.failure InProgress; not 1 Deploy condition failure InProgress",
        ),
        (
            "where it is not met, its ROLLBACK rolls the stage back",
            "Source: S; Deploy[failure-rollback]: D",
            "pass 1 S D; start; ok 2 S; fail 2 D; fail 2 failure",
            "2 Failed; 3 rolls back to 1",
        ),
        (
            "where it is met, the stage has failed and that is all",
            "Source: S; Deploy[failure-rollback]: D",
            "pass 1 S D; start; ok 2 S; fail 2 D; ok 2 failure",
            "2 Failed; not 3 InProgress",
        ),
        (
            "RETRY of a failure condition retries the stage",
            "Source: S; Deploy[failure-retry]: D",
            "ok 1 S; fail 1 D; fail 1 failure",
            "1 InProgress; 1 Deploy.D ran 2",
        ),
        (
            "a stage that retries itself is judged by its success condition afterwards",
            "Source: S; Deploy[retry success-fail]: D",
            "ok 1 S; fail 1 D; ok 1 D",
            "1 InProgress; 1 Deploy.success InProgress",
        ),
        (
            "an update cancels a condition that is looked at",
            "Source: S; Deploy[entry-fail]: D",
            "ok 1 S; update Source: S / Deploy: D",
            "1 Cancelled; 1 Deploy condition entry Cancelled; 1 Deploy.entry Abandoned",
        ),
    ]);
}

#[test]
fn conditions_are_overridden_as_the_guide_says() {
    super::hold(&[
        (
            "overriding an entry condition that is looked at starts the actions",
            "Source: S; Deploy[entry-fail]: D",
            "ok 1 S; override entry 1 Deploy",
            "accepted; 1 Deploy.D InProgress; 1 Deploy condition entry Overridden; 1 Deploy.entry Abandoned",
        ),
        (
            "overriding one that has failed does, too",
            "Source: S; Deploy[entry-fail]: D",
            "ok 1 S; fail 1 entry; override entry 1 Deploy",
            "accepted; 1 InProgress; 1 Deploy.D InProgress; 1 Deploy condition entry Overridden",
        ),
        (
            "overriding a success condition lets the execution go on",
            "Source: S; Deploy[success-fail]: D; Last: L",
            "pass 1 S D; fail 1 success; override success 1 Deploy",
            "accepted; 1 in Last; 1 Deploy Succeeded; 1 Deploy condition success Overridden",
        ),
        (
            "an entry condition with SKIP cannot be overridden",
            "Source: S; Deploy[entry-skip]: D",
            "ok 1 S; override entry 1 Deploy",
            "refused ConditionNotOverridable",
        ),
        (
            "nor can one that there is not",
            "Source: S; Deploy: D",
            "ok 1 S; override entry 1 Deploy",
            "refused ConditionNotOverridable",
        ),
        (
            "nor one of a stage that a later execution has entered",
            "Source: S; Deploy[entry-fail]: D",
            "ok 1 S; fail 1 entry; start; ok 2 S; override entry 1 Deploy",
            "refused NotLatestPipelineExecution",
        ),
        (
            "an unknown stage is refused",
            "Source: S; Deploy[entry-fail]: D",
            "ok 1 S; override entry 1 Elsewhere",
            "refused StageNotFound",
        ),
    ]);
}
