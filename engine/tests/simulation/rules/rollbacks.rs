//! Rolling a stage back (user guide, "Configure stage rollback", and API reference, "RollbackStage").

#[test]
fn somebody_rolls_a_stage_back_as_the_guide_says() {
    super::hold(&[
        (
            "a rollback is a new execution of that stage alone",
            "Source: S; Deploy: D; Last: L",
            "pass 1 S D L; start; ok 2 S; fail 2 D; rollback Deploy to 1",
            "accepted; 3 rolls back to 1; 3 in Deploy; 3 Deploy.D InProgress; not 3 Source Succeeded; 2 Failed",
        ),
        (
            "no later stage follows",
            "Source: S; Deploy: D; Last: L",
            "pass 1 S D L; start; ok 2 S; fail 2 D; rollback Deploy to 1; ok 3 D",
            "3 Succeeded; not 3 Last InProgress; not 3 Last Succeeded",
        ),
        (
            "it has the target's variables",
            "color=red | Source: S; Deploy: D",
            "pass 1 S D; start color=blue; pass 2 S D; rollback Deploy to 1",
            "3 color=red; 2 color=blue",
        ),
        (
            "it uses what the target's actions put out",
            "Source: A; Deploy: After",
            "pass 1 A After; start; pass 2 A After; rollback Deploy to 1",
            "3 Deploy.After with of-1",
        ),
        (
            "the target has succeeded in that stage",
            "Source: S; Deploy: D",
            "ok 1 S; fail 1 D; rollback Deploy to 1",
            "refused UnableToRollbackStage",
        ),
        (
            "the target is no rollback itself",
            "Source: S; Deploy: D",
            "pass 1 S D; start; pass 2 S D; rollback Deploy to 1; ok 3 D; rollback Deploy to 3",
            "refused UnableToRollbackStage",
        ),
        (
            "an unknown target is refused",
            "Source: S; Deploy: D",
            "pass 1 S D; rollback Deploy to 77",
            "refused PipelineExecutionNotFound",
        ),
        (
            "an unknown stage is refused",
            "Source: S; Deploy: D",
            "pass 1 S D; rollback Elsewhere to 1",
            "refused StageNotFound",
        ),
        (
            "the first stage is not rolled back",
            "Source: S; Deploy: D",
            "pass 1 S D; rollback Source to 1",
            "refused UnableToRollbackStage",
        ),
        (
            "a stage that is under way is not rolled back",
            "Source: S; Deploy: D",
            "pass 1 S D; start; ok 2 S; rollback Deploy to 1",
            "refused UnableToRollbackStage",
        ),
        (
            "a stage that was skipped is no target",
            "Source: S; Deploy[entry-skip]: D; Last: L",
            "ok 1 S; fail 1 entry; ok 1 L; rollback Deploy to 1",
            "1 Deploy Skipped; refused UnableToRollbackStage",
        ),
    ]);
}

#[test]
fn a_stage_rolls_itself_back_as_the_guide_says() {
    super::hold(&[
        (
            "a failed stage with ROLLBACK goes back to the last execution that succeeded in it",
            "Source: S; Deploy[rollback]: D",
            "pass 1 S D; start; ok 2 S; fail 2 D",
            "2 Failed; 3 rolls back to 1; 3 in Deploy",
        ),
        (
            "without such an execution the failure stands",
            "Source: S; Deploy[rollback]: D",
            "ok 1 S; fail 1 D",
            "1 Failed; not 2 InProgress",
        ),
        (
            "one of an earlier version does not count",
            "Source: S; Deploy[rollback]: D",
            "pass 1 S D; update Source: S / Deploy[rollback]: D; start; ok 2 S; fail 2 D",
            "2 Failed; not 3 InProgress",
        ),
        (
            "a rollback that fails starts no other",
            "Source: S; Deploy[rollback]: D",
            "pass 1 S D; start; ok 2 S; fail 2 D; fail 3 D",
            "3 Failed; not 4 InProgress",
        ),
        (
            "a stage that is stopped does not roll itself back",
            "Source: S; Deploy[rollback]: D",
            "pass 1 S D; start; ok 2 S; abandon 2",
            "2 Stopped; not 3 InProgress",
        ),
    ]);
}
