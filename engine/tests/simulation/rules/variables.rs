//! Variables (user guide, "Variables reference", and API reference, "StartPipelineExecution").

#[test]
fn variables_are_resolved_as_the_guide_says() {
    super::hold(&[
        (
            "a pipeline variable has its default",
            "color=red | Source: S; Deploy: Paint",
            "ok 1 S",
            "1 color=red; 1 Deploy.Paint with red",
        ),
        (
            "a start may say another value",
            "color=red | Source: S; Deploy: Paint",
            "pass 1 S Paint; start color=blue; ok 2 S",
            "2 color=blue; 2 Deploy.Paint with blue; 1 color=red",
        ),
        (
            "a variable that is not declared is refused",
            "color=red | Source: S",
            "start shape=round",
            "refused Validation; not 2 InProgress",
        ),
        (
            "a variable without a default must be given",
            "size | Source: S",
            "start",
            "refused Validation; not 1 InProgress",
        ),
        (
            "and where it is given, the execution starts",
            "size | Source: S",
            "start size=9",
            "accepted; 1 size=9; 1 in Source",
        ),
        (
            "an action refers to what an earlier one put out",
            "Source: A; Deploy: After",
            "ok 1 A",
            "1 Deploy.After with of-1",
        ),
        ("also within a stage", "Deploy: A > After", "ok 1 A", "1 Deploy.After with of-1"),
        (
            "what was never put out fails the action that refers to it",
            "Source: S; Deploy: After",
            "ok 1 S",
            "1 Failed; 1 Deploy.After Failed",
        ),
        (
            "a retry resolves its variables anew",
            "Deploy: A > After",
            "ok 1 A; fail 1 After; retry 1 Deploy",
            "1 Deploy.After ran 2; 1 Deploy.After with of-1",
        ),
    ]);
}
