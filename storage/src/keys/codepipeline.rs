//! The keys of CodePipeline's own records. What `inc`, `n` and *descending* mean is said in [`super`].

use penstock_engine::declaration::action::ActionTypeId;
use penstock_engine::ids::{ActionExecutionId, ExecutionId, ExecutionNumber, Incarnation, PipelineKey};
use penstock_engine::time::Timestamp;

use super::layout::{Layout, Segments};
use super::{Key, Prefix};

/// Which incarnation bears a name.
pub fn name(pipeline: &PipelineKey) -> Key {
    Layout::family("name").text(&pipeline.account).text(&pipeline.region).text(&pipeline.name).key()
}

/// The pipelines of one account and Region, by name.
pub fn names(account: &str, region: &str) -> Prefix {
    Layout::family("name").text(account).text(region).prefix()
}

/// Every pipeline there is.
pub fn all_names() -> Prefix {
    Layout::family("name").prefix()
}

/// The parts of a [`name`].
pub fn parse_name(key: &Key) -> Option<PipelineKey> {
    let mut segments = Segments::of(key, "name")?;
    let (account, region, name) = (segments.text()?, segments.text()?, segments.text()?);
    segments.end()?;
    Some(PipelineKey { account, region, name })
}

/// What the pipeline machine keeps between steps.
pub fn head(inc: &Incarnation) -> Key {
    Layout::family("head").text(inc.as_str()).key()
}

/// Every pipeline's head.
pub fn heads() -> Prefix {
    Layout::family("head").prefix()
}

/// One version of a declaration.
pub fn version(inc: &Incarnation, version: u64) -> Key {
    Layout::family("version").text(inc.as_str()).number(version).key()
}

/// All versions, oldest first.
pub fn versions(inc: &Incarnation) -> Prefix {
    Layout::family("version").text(inc.as_str()).prefix()
}

/// The version number of a [`version`].
pub fn parse_version(key: &Key) -> Option<u64> {
    let mut segments = Segments::of(key, "version")?;
    segments.text()?;
    let version = segments.number()?;
    segments.end()?;
    Some(version)
}

/// One execution.
pub fn execution(inc: &Incarnation, n: ExecutionNumber) -> Key {
    Layout::family("execution").text(inc.as_str()).descending(n).key()
}

/// All executions of a pipeline, newest first.
pub fn executions(inc: &Incarnation) -> Prefix {
    Layout::family("execution").text(inc.as_str()).prefix()
}

/// The start number of an [`execution`].
pub fn parse_execution(key: &Key) -> Option<ExecutionNumber> {
    let mut segments = Segments::of(key, "execution")?;
    segments.text()?;
    let n = segments.descending()?;
    segments.end()?;
    Some(n)
}

/// Where the execution with this id is.
pub fn execution_id(id: &ExecutionId) -> Key {
    Layout::family("execution-id").text(id.as_str()).key()
}

/// Which execution a `clientRequestToken` started.
pub fn token(inc: &Incarnation, token: &str) -> Key {
    Layout::family("token").text(inc.as_str()).text(token).key()
}

/// All request tokens of a pipeline.
pub fn tokens(inc: &Incarnation) -> Prefix {
    Layout::family("token").text(inc.as_str()).prefix()
}

/// That an execution succeeded in a stage under a version.
pub fn succeeded(inc: &Incarnation, version: u64, stage: &str, n: ExecutionNumber) -> Key {
    Layout::family("succeeded").text(inc.as_str()).number(version).text(stage).descending(n).key()
}

/// Who succeeded in a stage under a version, newest first.
pub fn succeeded_in(inc: &Incarnation, version: u64, stage: &str) -> Prefix {
    Layout::family("succeeded").text(inc.as_str()).number(version).text(stage).prefix()
}

/// Every success of a pipeline.
pub fn all_succeeded(inc: &Incarnation) -> Prefix {
    Layout::family("succeeded").text(inc.as_str()).prefix()
}

/// The start number of a [`succeeded`].
pub fn parse_succeeded(key: &Key) -> Option<ExecutionNumber> {
    let mut segments = Segments::of(key, "succeeded")?;
    segments.text()?;
    segments.number()?;
    segments.text()?;
    let n = segments.descending()?;
    segments.end()?;
    Some(n)
}

/// That a pipeline has unfinished executions: what a restart begins again.
pub fn live(inc: &Incarnation) -> Key {
    Layout::family("live").text(inc.as_str()).key()
}

/// Every pipeline with unfinished executions.
pub fn all_live() -> Prefix {
    Layout::family("live").prefix()
}

/// The incarnation of a [`live`].
pub fn parse_live(key: &Key) -> Option<Incarnation> {
    one_id(key, "live").map(Incarnation)
}

/// A pipeline's tags.
pub fn tags(inc: &Incarnation) -> Key {
    Layout::family("tags").text(inc.as_str()).key()
}

/// One stage execution.
pub fn stage(inc: &Incarnation, n: ExecutionNumber, stage: &str, attempt: u32) -> Key {
    Layout::family("stage").text(inc.as_str()).number(n).text(stage).small(attempt).key()
}

/// The attempts of one stage in one execution, first one first.
pub fn stage_attempts(inc: &Incarnation, n: ExecutionNumber, stage: &str) -> Prefix {
    Layout::family("stage").text(inc.as_str()).number(n).text(stage).prefix()
}

/// All stage executions of one execution, by stage name.
pub fn stages_of(inc: &Incarnation, n: ExecutionNumber) -> Prefix {
    Layout::family("stage").text(inc.as_str()).number(n).prefix()
}

/// All stage executions of a pipeline.
pub fn all_stages(inc: &Incarnation) -> Prefix {
    Layout::family("stage").text(inc.as_str()).prefix()
}

/// Execution, stage and attempt of a [`stage`].
pub fn parse_stage(key: &Key) -> Option<(ExecutionNumber, String, u32)> {
    let mut segments = Segments::of(key, "stage")?;
    segments.text()?;
    let parts = (segments.number()?, segments.text()?, segments.small()?);
    segments.end()?;
    Some(parts)
}

/// One action or rule execution.
pub fn action(inc: &Incarnation, started: Timestamp, id: &ActionExecutionId) -> Key {
    Layout::family("action").text(inc.as_str()).descending(started.0).text(id.as_str()).key()
}

/// All action and rule executions of a pipeline, newest first.
pub fn actions(inc: &Incarnation) -> Prefix {
    Layout::family("action").text(inc.as_str()).prefix()
}

/// Start and id of an [`action`].
pub fn parse_action(key: &Key) -> Option<(Timestamp, ActionExecutionId)> {
    parse_begun(key, "action")
}

fn parse_begun(key: &Key, family: &str) -> Option<(Timestamp, ActionExecutionId)> {
    let mut segments = Segments::of(key, family)?;
    segments.text()?;
    let parts = (Timestamp(segments.descending()?), ActionExecutionId(segments.text()?));
    segments.end()?;
    Some(parts)
}

/// That an [`action`] is a rule execution.
pub fn rule(inc: &Incarnation, started: Timestamp, id: &ActionExecutionId) -> Key {
    Layout::family("rule").text(inc.as_str()).descending(started.0).text(id.as_str()).key()
}

/// All rule executions of a pipeline, newest first.
pub fn rules(inc: &Incarnation) -> Prefix {
    Layout::family("rule").text(inc.as_str()).prefix()
}

/// Start and id of a [`rule`].
pub fn parse_rule(key: &Key) -> Option<(Timestamp, ActionExecutionId)> {
    parse_begun(key, "rule")
}

/// That an action execution belongs to an execution.
pub fn action_of(inc: &Incarnation, n: ExecutionNumber, started: Timestamp, id: &ActionExecutionId) -> Key {
    Layout::family("action-of").text(inc.as_str()).number(n).descending(started.0).text(id.as_str()).key()
}

/// The action executions of one execution, newest first.
pub fn actions_of(inc: &Incarnation, n: ExecutionNumber) -> Prefix {
    Layout::family("action-of").text(inc.as_str()).number(n).prefix()
}

/// The action executions of all executions, by execution.
pub fn all_actions_of(inc: &Incarnation) -> Prefix {
    Layout::family("action-of").text(inc.as_str()).prefix()
}

/// Execution, start and id of an [`action_of`].
pub fn parse_action_of(key: &Key) -> Option<(ExecutionNumber, Timestamp, ActionExecutionId)> {
    let mut segments = Segments::of(key, "action-of")?;
    segments.text()?;
    let parts = (segments.number()?, Timestamp(segments.descending()?), ActionExecutionId(segments.text()?));
    segments.end()?;
    Some(parts)
}

/// An output artifact of an execution, by the artifact's name.
pub fn artifact(inc: &Incarnation, n: ExecutionNumber, name: &str) -> Key {
    Layout::family("context").text(inc.as_str()).number(n).raw("artifact").text(name).key()
}

/// All artifacts of an execution.
pub fn artifacts(inc: &Incarnation, n: ExecutionNumber) -> Prefix {
    Layout::family("context").text(inc.as_str()).number(n).raw("artifact").prefix()
}

/// The output variables of an execution's namespace.
pub fn namespace(inc: &Incarnation, n: ExecutionNumber, name: &str) -> Key {
    Layout::family("context").text(inc.as_str()).number(n).raw("namespace").text(name).key()
}

/// All namespaces of an execution.
pub fn namespaces(inc: &Incarnation, n: ExecutionNumber) -> Prefix {
    Layout::family("context").text(inc.as_str()).number(n).raw("namespace").prefix()
}

/// Artifacts and namespaces of one execution.
pub fn context_of(inc: &Incarnation, n: ExecutionNumber) -> Prefix {
    Layout::family("context").text(inc.as_str()).number(n).prefix()
}

/// Artifacts and namespaces of all executions.
pub fn all_context(inc: &Incarnation) -> Prefix {
    Layout::family("context").text(inc.as_str()).prefix()
}

/// The name at the end of an [`artifact`] or a [`namespace`].
pub fn parse_context_name(key: &Key) -> Option<String> {
    let mut segments = Segments::of(key, "context")?;
    segments.text()?;
    segments.number()?;
    segments.text()?;
    let name = segments.text()?;
    segments.end()?;
    Some(name)
}

/// What GetPipelineState shows of an action.
pub fn state(inc: &Incarnation, stage: &str, action: &str) -> Key {
    Layout::family("state").text(inc.as_str()).text(stage).text(action).key()
}

/// What GetPipelineState shows of all actions.
pub fn states(inc: &Incarnation) -> Prefix {
    Layout::family("state").text(inc.as_str()).prefix()
}

/// Stage and action of a [`state`].
pub fn parse_state(key: &Key) -> Option<(String, String)> {
    let mut segments = Segments::of(key, "state")?;
    segments.text()?;
    let parts = (segments.text()?, segments.text()?);
    segments.end()?;
    Some(parts)
}

/// Which action a job id or approval token belongs to.
pub fn work(id: &str) -> Key {
    Layout::family("work").text(id).key()
}

/// A custom action type; for paging, any type.
pub fn action_type(account: &str, region: &str, id: &ActionTypeId) -> Key {
    type_in("action-type", account, region, id)
}

/// The custom action types of one account and Region.
pub fn action_types(account: &str, region: &str) -> Prefix {
    Layout::family("action-type").text(account).text(region).prefix()
}

/// A webhook.
pub fn webhook(account: &str, region: &str, name: &str) -> Key {
    Layout::family("webhook").text(account).text(region).text(name).key()
}

/// The webhooks of one account and Region, by name.
pub fn webhooks(account: &str, region: &str) -> Prefix {
    Layout::family("webhook").text(account).text(region).prefix()
}

/// Whose webhook's URL ends with that.
pub fn webhook_id(id: &str) -> Key {
    Layout::family("webhook-id").text(id).key()
}

/// An action type with an executor.
pub fn declared_type(account: &str, region: &str, id: &ActionTypeId) -> Key {
    type_in("declared-type", account, region, id)
}

/// The action types with an executor of one account and Region.
pub fn declared_types(account: &str, region: &str) -> Prefix {
    Layout::family("declared-type").text(account).text(region).prefix()
}

fn type_in(family: &'static str, account: &str, region: &str, id: &ActionTypeId) -> Key {
    Layout::family(family)
        .text(account)
        .text(region)
        .text(&id.owner.to_string())
        .text(&id.category.to_string())
        .text(&id.provider)
        .text(&id.version)
        .key()
}

/// Work outside that an ended action still has to cancel.
pub fn cleanup(id: &ActionExecutionId) -> Key {
    Layout::family("cleanup").text(id.as_str()).key()
}

/// Everything still to cancel.
pub fn cleanups() -> Prefix {
    Layout::family("cleanup").prefix()
}

/// The action execution of a [`cleanup`].
pub fn parse_cleanup(key: &Key) -> Option<ActionExecutionId> {
    one_id(key, "cleanup").map(ActionExecutionId)
}

/// A deleted incarnation whose records are still to be removed.
pub fn trash(inc: &Incarnation) -> Key {
    Layout::family("trash").text(inc.as_str()).key()
}

/// A dropped execution whose records are still to be removed.
pub fn trash_execution(inc: &Incarnation, n: ExecutionNumber) -> Key {
    Layout::family("trash").text(inc.as_str()).number(n).key()
}

/// Everything still to be removed.
pub fn all_trash() -> Prefix {
    Layout::family("trash").prefix()
}

/// The incarnation of a [`trash`] or [`trash_execution`], and the execution of the latter.
pub fn parse_trash(key: &Key) -> Option<(Incarnation, Option<ExecutionNumber>)> {
    let mut segments = Segments::of(key, "trash")?;
    let inc = Incarnation(segments.text()?);
    match segments.number() {
        Some(n) => segments.end().map(|()| (inc, Some(n))),
        None => segments.end().map(|()| (inc, None)),
    }
}

/// An event, by the number that the committer gave it.
pub fn event(seq: u64) -> Key {
    Layout::family("event").number(seq).key()
}

/// All events, oldest first.
pub fn events() -> Prefix {
    Layout::family("event").prefix()
}

/// The number of an [`event`].
pub fn parse_event(key: &Key) -> Option<u64> {
    let mut segments = Segments::of(key, "event")?;
    let seq = segments.number()?;
    segments.end()?;
    Some(seq)
}

/// The number of the last event, which stays when the events themselves are removed.
pub(crate) fn event_last() -> Key {
    Layout::family("event-last").key()
}

fn one_id(key: &Key, family: &str) -> Option<String> {
    let mut segments = Segments::of(key, family)?;
    let id = segments.text()?;
    segments.end()?;
    Some(id)
}
