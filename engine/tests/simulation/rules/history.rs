//! What happens, in words separated by `; `:
//!
//! | words | what |
//! |---|---|
//! | `start`, `start color=blue` | StartPipelineExecution; executions are numbered, 1 comes with the pipeline |
//! | `start 49 times` | so often |
//! | `ok 1 A`, `fail 1 A` | the running action (or rule) A of execution 1 ends well or badly |
//! | `pass 1 A B C` | each of them ends well, one after the other |
//! | `stop 1`, `abandon 1` | StopPipelineExecution |
//! | `disable Deploy`, `disable out of Source`, `enable Deploy` | the transition into a stage, or out of it |
//! | `retry 1 Deploy`, `retry all 1 Deploy` | RetryStageExecution with FAILED_ACTIONS or ALL_ACTIONS |
//! | `rollback Deploy to 1` | RollbackStage |
//! | `override entry 1 Deploy`, `override success 1 Deploy` | OverrideStageCondition |
//! | `update <pipeline>`, `delete` | UpdatePipeline (`/` stands for `;`), DeletePipeline |
//! | `wait 31 days` | time passes |
//!
//! How things stand, in lines separated by `; `: `1 Succeeded` (the execution), `1 in Deploy` or `1 before Deploy`,
//! `1 Deploy Failed` (its latest stage execution there), `1 Deploy.A Abandoned` (its latest action execution there),
//! `1 Deploy.A ran 2`, `1 Deploy.A with blue` (its configuration), `1 color=blue`, `2 rolls back to 1`,
//! `1 Deploy condition entry Overridden`, `1 shown before Deploy as Stopped` (who waited and ended there); and of the last request `accepted` or `refused <error>`. A line behind `not `
//! must not be there.

use super::Rule;
use super::play::Play;

pub(super) fn broken((rule, pipeline, happens, expected): &Rule) -> Result<(), String> {
    let mut play = Play::new(pipeline);
    for words in happens.split("; ").filter(|words| !words.is_empty()) {
        play.happen(words);
    }
    let lines = play.lines();
    let wrong: Vec<&str> = expected
        .split("; ")
        .filter(|line| match line.strip_prefix("not ") {
            Some(absent) => lines.iter().any(|line| line == absent),
            None => !lines.iter().any(|there| there == line),
        })
        .collect();
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!("{rule}\n  {pipeline}\n  {happens}\n  wrong: {}\n  {}", wrong.join("; "), lines.join("\n  ")))
}
