//! How an execution walks through a pipeline (user guide, "How pipeline executions work").

#[test]
fn an_execution_walks_as_the_guide_says() {
    super::hold(&[
        (
            "an execution goes through the stages in their order and has succeeded after the last one",
            "Source: S; Deploy: D",
            "pass 1 S D",
            "1 Succeeded; 1 Source Succeeded; 1 Deploy Succeeded",
        ),
        (
            "actions of one run order start together",
            "Deploy: A, B > C",
            "",
            "1 Deploy.A InProgress; 1 Deploy.B InProgress; not 1 Deploy.C InProgress",
        ),
        (
            "the next run order starts when all actions of the one before have succeeded",
            "Deploy: A, B > C",
            "ok 1 A",
            "not 1 Deploy.C InProgress; 1 Deploy.B InProgress",
        ),
        (
            "the next run order starts once they have",
            "Deploy: A, B > C",
            "pass 1 A B",
            "1 Deploy.C InProgress; 1 Deploy InProgress",
        ),
        (
            "after a failure the action's siblings go on",
            "Deploy: A, B > C; Last: L",
            "fail 1 A",
            "1 InProgress; 1 Deploy InProgress; 1 Deploy.B InProgress",
        ),
        (
            "and later run orders never start; the stage and the execution have failed when nothing runs any more",
            "Deploy: A, B > C; Last: L",
            "fail 1 A; ok 1 B",
            "1 Failed; 1 Deploy Failed; not 1 Deploy.C InProgress; not 1 Last InProgress",
        ),
        (
            "different stages may have different executions inside",
            "Source: S; Deploy: D",
            "ok 1 S; start",
            "1 in Deploy; 2 in Source",
        ),
        (
            "creating a pipeline starts its first execution",
            "Source: S; Deploy: D",
            "",
            "1 InProgress; 1 in Source",
        ),
    ]);
}
