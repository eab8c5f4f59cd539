//! Stopping (user guide, "Stop a pipeline execution", and API reference, "StopPipelineExecution").

#[test]
fn an_execution_stops_as_the_guide_says() {
    super::hold(&[
        (
            "stop and wait: what runs is finished first",
            "Deploy: A > B; Last: L",
            "stop 1",
            "1 Stopping; 1 Deploy Stopping; 1 Deploy.A InProgress; accepted",
        ),
        (
            "then the execution has stopped, and no further action starts",
            "Deploy: A > B; Last: L",
            "stop 1; ok 1 A",
            "1 Stopped; 1 Deploy Stopped; 1 Deploy.A Succeeded; not 1 Deploy.B InProgress",
        ),
        (
            "also when what ran has failed",
            "Deploy: A > B; Last: L",
            "stop 1; fail 1 A",
            "1 Stopped; 1 Deploy.A Failed",
        ),
        (
            "and also when it was the last action of its stage",
            "Deploy: A; Last: L",
            "stop 1; ok 1 A",
            "1 Stopped; not 1 Last InProgress",
        ),
        (
            "stop and abandon: what runs is abandoned",
            "Deploy: A, B > C",
            "abandon 1",
            "1 Stopped; 1 Deploy Stopped; 1 Deploy.A Abandoned; 1 Deploy.B Abandoned; accepted",
        ),
        (
            "to wait again is a duplicate",
            "Deploy: A",
            "stop 1; stop 1",
            "refused DuplicatedStopRequest; 1 Stopping",
        ),
        (
            "to abandon after waiting is allowed",
            "Deploy: A",
            "stop 1; abandon 1",
            "accepted; 1 Stopped; 1 Deploy.A Abandoned",
        ),
        (
            "what has stopped cannot be stopped",
            "Deploy: A",
            "abandon 1; stop 1",
            "refused PipelineExecutionNotStoppable",
        ),
        (
            "what has ended cannot be stopped",
            "Deploy: A",
            "ok 1 A; abandon 1",
            "refused PipelineExecutionNotStoppable; 1 Succeeded",
        ),
        (
            "an unknown execution cannot be stopped",
            "Deploy: A",
            "stop 77",
            "refused PipelineExecutionNotStoppable",
        ),
        (
            "a stop unlocks the stage",
            "Source: S; Deploy: D",
            "ok 1 S; start; ok 2 S; abandon 1",
            "1 Stopped; 2 in Deploy",
        ),
        (
            "an execution that waits before a stage stops at once",
            "Source: S; Deploy: D",
            "start; stop 2",
            "2 Stopped; accepted; 1 in Source",
        ),
        (
            "it is shown there as stopped",
            "Source: S; Deploy: D",
            "disable Deploy; ok 1 S; stop 1",
            "1 Stopped; 1 shown before Deploy as Stopped",
        ),
        (
            "until another one comes",
            "Source: S; Deploy: D",
            "disable Deploy; ok 1 S; stop 1; start; ok 2 S",
            "1 Stopped; 2 before Deploy; not 1 shown before Deploy as Stopped",
        ),
        (
            "when the transition is enabled, it does not enter the stage",
            "Source: S; Deploy: D",
            "disable Deploy; ok 1 S; stop 1; enable Deploy",
            "1 Stopped; not 1 Deploy InProgress",
        ),
        (
            "a stop while a condition is looked at abandons its rules and it",
            "Source: S; Deploy[entry-fail]: D",
            "ok 1 S; stop 1",
            "1 Stopped; 1 Deploy condition entry Abandoned; 1 Deploy.entry Abandoned; not 1 Deploy.D InProgress",
        ),
    ]);
}
