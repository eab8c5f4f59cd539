//! Transitions (user guide, "Disable or enable transitions", and API reference, "DisableStageTransition").

#[test]
fn a_disabled_transition_holds_as_the_guide_says() {
    super::hold(&[
        (
            "an execution waits before a disabled transition",
            "Source: S; Deploy: D",
            "disable Deploy; ok 1 S",
            "1 InProgress; 1 before Deploy; 1 Source Succeeded",
        ),
        (
            "who is inside is not affected",
            "Source: S; Deploy: D; Last: L",
            "ok 1 S; disable Deploy; ok 1 D",
            "1 in Last",
        ),
        (
            "outbound of a stage is inbound of the next",
            "Source: S; Deploy: D",
            "disable out of Source; ok 1 S",
            "1 before Deploy",
        ),
        (
            "when it is enabled, the execution that waits enters",
            "Source: S; Deploy: D",
            "disable Deploy; ok 1 S; enable Deploy",
            "1 in Deploy; accepted",
        ),
        (
            "in SUPERSEDED mode it is the latest",
            "Source: S; Deploy: D",
            "disable Deploy; ok 1 S; start; ok 2 S; enable Deploy",
            "1 Superseded; 2 in Deploy",
        ),
        (
            "in QUEUED mode it is the first",
            "QUEUED | Source: S; Deploy: D",
            "disable Deploy; ok 1 S; start; ok 2 S; enable Deploy",
            "1 in Deploy; 2 before Deploy",
        ),
        (
            "in PARALLEL mode it is all of them",
            "PARALLEL | Source: S; Deploy: D",
            "disable Deploy; ok 1 S; start; ok 2 S; enable Deploy",
            "1 in Deploy; 2 in Deploy",
        ),
        (
            "after more than 30 days enabling does not resume who waits",
            "Source: S; Deploy: D",
            "disable Deploy; ok 1 S; wait 31 days; enable Deploy",
            "not 1 in Deploy; not 1 before Deploy",
        ),
        (
            "after 29 days it does",
            "Source: S; Deploy: D",
            "disable Deploy; ok 1 S; wait 29 days; enable Deploy",
            "1 in Deploy",
        ),
        (
            "it can be disabled again and enabled again",
            "Source: S; Deploy: D",
            "disable Deploy; disable Deploy; enable Deploy; enable Deploy",
            "accepted",
        ),
        ("an unknown stage is refused", "Source: S; Deploy: D", "disable Elsewhere", "refused StageNotFound"),
        (
            "a stop ends who waits there",
            "Source: S; Deploy: D",
            "disable Deploy; ok 1 S; stop 1",
            "1 Stopped; accepted",
        ),
    ]);
}
