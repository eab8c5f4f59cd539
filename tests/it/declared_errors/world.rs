//! A daemon, and the situations that several errors share.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use penstock_tests::aws::{Caller, Refusal};
use penstock_tests::daemon::Daemon;
use penstock_tests::pipelines::{Ground, stage};
use penstock_tests::waiting::until;
use serde_json::{Value, json};

/// What a call came to.
pub(super) type Outcome = Result<Value, Refusal>;

/// No execution, job or token has it.
pub(super) const NOBODY: &str = "01234567-89ab-4def-8123-456789abcdef";

/// The daemon and what was called successfully so far.
pub(super) struct World {
    /// Lives as long as this.
    _daemon: Daemon,
    pub(super) caller: Caller,
    pub(super) ground: Ground,
    used: RefCell<BTreeSet<String>>,
    names: Cell<usize>,
}

impl World {
    pub(super) fn new() -> Self {
        let daemon = Daemon::start();
        let caller = daemon.caller();
        let ground = Ground::prepare(&caller, b"content");
        Self { _daemon: daemon, caller, ground, used: RefCell::default(), names: Cell::default() }
    }

    pub(super) fn succeeded(&self, operation: &str) -> bool {
        self.used.borrow().contains(operation)
    }

    /// Calls an operation and keeps in mind that it succeeded.
    pub(super) fn try_call(&self, operation: &str, input: &Value) -> Outcome {
        let outcome = self.caller.codepipeline(operation, input);
        if outcome.is_ok() {
            self.used.borrow_mut().insert(operation.to_owned());
        }
        outcome
    }

    /// Calls an operation, which must accept.
    pub(super) fn call(&self, operation: &str, input: &Value) -> Value {
        self.try_call(operation, input).unwrap_or_else(|refusal| panic!("{operation}: {refusal:?}"))
    }

    /// A name that nothing has yet.
    pub(super) fn name(&self) -> String {
        self.names.set(self.names.get() + 1);
        format!("p-{}", self.names.get())
    }

    /// The declaration of a V2 pipeline: the source, the stage `Hold` with the approval `Hold`, the stage `Deploy`.
    pub(super) fn declaration(&self, name: &str, mode: &str) -> Value {
        let hold = json!({
            "name": "Hold",
            "actionTypeId": {"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"},
        });
        let stages = [stage("Hold", &[hold]), stage("Deploy", &[self.ground.deploy("Deploy", 1, name)])];
        let mut declaration = self.ground.pipeline(name, &stages);
        declaration["pipelineType"] = json!("V2");
        declaration["executionMode"] = json!(mode);
        declaration
    }

    /// Makes such a pipeline; answers its name.
    pub(super) fn pipeline(&self, mode: &str) -> String {
        let name = self.name();
        self.call("CreatePipeline", &json!({"pipeline": self.declaration(&name, mode)}));
        name
    }

    /// Starts an execution; answers its id.
    pub(super) fn start(&self, pipeline: &str) -> String {
        let answer = self.call("StartPipelineExecution", &json!({"name": pipeline}));
        answer["pipelineExecutionId"].as_str().unwrap().to_owned()
    }

    /// The newest execution's id.
    pub(super) fn newest(&self, pipeline: &str) -> String {
        self.caller.executions(pipeline)[0]["pipelineExecutionId"].as_str().unwrap().to_owned()
    }

    /// Such a pipeline, whose first execution waits for its approval.
    pub(super) fn held(&self, mode: &str) -> Held {
        let pipeline = self.pipeline(mode);
        let execution = self.newest(&pipeline);
        let token = self.token(&pipeline, &execution);
        Held { pipeline, execution, token }
    }

    /// The token of the approval at which that execution waits.
    pub(super) fn token(&self, pipeline: &str, execution: &str) -> String {
        until("an approval", || {
            let newest = self.caller.actions(pipeline, execution).pop()?;
            let waits = newest["actionName"] == "Hold" && newest["status"] == "InProgress";
            let token = newest["output"]["executionResult"]["externalExecutionId"].as_str();
            token.filter(|_| waits).map(str::to_owned)
        })
    }

    /// The input of an approval's answer.
    pub(super) fn verdict(&self, pipeline: &str, token: &str, status: &str) -> Value {
        json!({
            "pipelineName": pipeline, "stageName": "Hold", "actionName": "Hold", "token": token,
            "result": {"status": status, "summary": "said so"},
        })
    }

    /// Such a pipeline, whose first execution failed at its approval.
    pub(super) fn failed(&self, mode: &str) -> Held {
        self.ended(mode, "Rejected", "Failed")
    }

    /// Such a pipeline, whose first execution has succeeded.
    pub(super) fn done(&self, mode: &str) -> Held {
        self.ended(mode, "Approved", "Succeeded")
    }

    fn ended(&self, mode: &str, verdict: &str, status: &str) -> Held {
        let held = self.held(mode);
        self.call("PutApprovalResult", &self.verdict(&held.pipeline, &held.token, verdict));
        assert_eq!(self.caller.ended(&held.pipeline, &held.execution), status);
        held
    }

    /// Starts executions of a PARALLEL pipeline until no more is admitted.
    pub(super) fn fill(&self, pipeline: &str) {
        let full =
            (0..=50).find_map(|_| self.try_call("StartPipelineExecution", &json!({"name": pipeline})).err());
        assert_eq!(full.unwrap().code, "ConcurrentPipelineExecutionsLimitExceededException");
    }
}

/// A pipeline and its first execution.
pub(super) struct Held {
    pub(super) pipeline: String,
    pub(super) execution: String,
    /// Of its approval.
    pub(super) token: String,
}
