//! One line per output: for logs, for traces of simulated histories, and for tests that compare whole steps.

use std::fmt;

use crate::action;
use crate::event::Subject;
use crate::pipeline::{self, Execution, Head, Place, Which};
use crate::stage::{self, Asked, Level, SlotState, StageExecution, StageId, Wish};

use crate::step::{Answer, Effect, Step, Tell, Write};

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let writes = self.writes.iter().map(|write| format!("write {write}"));
        let tells = self.tells.iter().map(|tell| format!("tell {tell}"));
        let effects = self.effects.iter().map(|effect| format!("effect {effect}"));
        let lines: Vec<String> = writes.chain(tells).chain(effects).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl fmt::Display for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(pipeline, incarnation) => write!(f, "name {pipeline} {incarnation}"),
            Self::NameGone(pipeline) => write!(f, "name {pipeline} gone"),
            Self::Head(head) => write!(f, "head {head}"),
            Self::Version(_, version) => {
                write!(f, "version {}", version.declaration.version.unwrap_or(1))
            }
            Self::Tags(_, tags) => write!(f, "tags {tags:?}"),
            Self::ExecutionBorn(_, execution) => write!(f, "born {execution}"),
            Self::Execution(_, execution) => write!(f, "{execution}"),
            Self::ExecutionExpired(_, execution) => write!(f, "expired {execution}"),
            Self::Succeeded { version, stage, execution, .. } => {
                write!(f, "succeeded execution {execution} in {stage} under version {version}")
            }
            Self::Live(_) => f.write_str("live"),
            Self::LiveGone(_) => f.write_str("live gone"),
            Self::Trash(_) => f.write_str("trash"),
            Self::Stage(stage) => write!(f, "{stage}"),
            Self::ActionBorn(action, _) => write!(f, "born {action}"),
            Self::Action(action) => write!(f, "{action}"),
            Self::WorkId(id, action) => write!(f, "work {id} of an action of {}", action.stage),
            Self::Context(_, execution, action::ContextEntry::Artifact(artifact)) => {
                write!(f, "context of execution {execution}: artifact {}", artifact.name)
            }
            Self::Context(_, execution, action::ContextEntry::Namespace { name, variables }) => {
                write!(f, "context of execution {execution}: namespace {name} {variables:?}")
            }
            Self::Event(event) => match &event.subject {
                Subject::Pipeline { .. } => write!(f, "event execution {:?}", event.state),
                Subject::Stage { stage, .. } => write!(f, "event stage {stage} {:?}", event.state),
                Subject::Action { stage, action, .. } => {
                    write!(f, "event action {stage}.{action} {:?}", event.state)
                }
                Subject::Rule { stage, rule, .. } => {
                    write!(f, "event rule {stage}.{rule} {:?}", event.state)
                }
            },
        }
    }
}

impl fmt::Display for Tell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pipeline(_, pipeline::Input::WishTaken { stage, level }) => {
                write!(f, "pipeline: stage {stage} took {level:?}")
            }
            Self::Pipeline(_, pipeline::Input::StageEnded { stage, outcome }) => {
                write!(f, "pipeline: stage {stage} ended {:?}", outcome.status)?;
                if outcome.wants_rollback { f.write_str(" and wants rollback") } else { Ok(()) }
            }
            Self::Stage(stage, stage::Input::ActionEnded { outcome, .. }) => {
                write!(f, "stage {stage}: an action ended {:?}", outcome.status)
            }
            Self::Pipeline(_, pipeline::Input::Decided { stage, reply, decided }) => match decided {
                Ok(()) => write!(f, "pipeline: {} is done in stage {stage}", reply.0),
                Err(rejection) => write!(f, "pipeline: {} is refused in stage {stage}: {rejection}", reply.0),
            },
            Self::Pipeline(_, input) => write!(f, "pipeline: {input:?}"),
            Self::Stage(stage, input) => write!(f, "stage {stage}: {input:?}"),
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer { reply, answer: Err(rejection) } => write!(f, "answer {}: {rejection}", reply.0),
            Self::Answer { reply, answer: Ok(answer) } => match answer {
                Answer::Execution(id) => write!(f, "answer {}: execution {id}", reply.0),
                Answer::Declaration(declaration) => {
                    write!(f, "answer {}: version {}", reply.0, declaration.version.unwrap_or(1))
                }
                Answer::Started(Some(id)) => write!(f, "answer {}: started execution {id}", reply.0),
                Answer::Started(None) => write!(f, "answer {}: started nothing", reply.0),
                Answer::Revision { new, execution } => {
                    let known = if *new { "new" } else { "known" };
                    write!(f, "answer {}: {known} revision of execution {execution}", reply.0)
                }
                Answer::ApprovedAt(when) => write!(f, "answer {}: approved at {}", reply.0, when.0),
                Answer::Done => write!(f, "answer {}: done", reply.0),
            },
            Self::SeeToStage(stage, wish) => write!(f, "see to stage {stage}{wish}"),
            Self::AskStage { stage, wish, asked: Asked::Override(condition), reply } => {
                write!(f, "override {} of stage {stage}{wish} for {}", condition.member(), reply.0)
            }
            Self::AskStage { stage, wish, asked: Asked::Retry, reply } => {
                write!(f, "retry what failed in stage {stage}{wish} for {}", reply.0)
            }
            Self::SeeToAction(action, wish) => write!(f, "see to an action of {}{wish}", action.stage),
            Self::RunProvider(work) => {
                write!(f, "run {} {}.{}", work.action_type.provider, work.stage, work.action)?;
                if let Some(resume) = &work.resume {
                    write!(f, " resuming {resume}")?;
                }
                write!(f, " with {:?}", work.configuration)
            }
            Self::AskForApproval { work, .. } => {
                write!(f, "ask for approval of {}.{} with {:?}", work.stage, work.action, work.configuration)
            }
            Self::OfferJob(work) => {
                write!(f, "offer job {}", work.job.as_deref().unwrap_or_default())?;
                if let Some(token) = &work.continuation {
                    write!(f, " continuing {token}")?;
                }
                write!(f, " with {:?}", work.configuration)
            }
            Self::AbortProvider => f.write_str("abort provider"),
            Self::WakeAt(time) => write!(f, "wake at {}", time.0),
            Self::ExecutionEnded(status) => write!(f, "execution ended {status:?}"),
            Self::Recall(recall) => match &recall.execution {
                Which::Id(id) => write!(f, "recall execution {id} in {}", recall.stage),
                Which::Number(number) => write!(f, "recall execution {number} in {}", recall.stage),
            },
            Self::ProposeExpiry(count) => write!(f, "propose {count} for expiry"),
            Self::EmptyTrash => f.write_str("empty trash"),
        }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unfinished: Vec<String> = self.unfinished.iter().map(ToString::to_string).collect();
        write!(f, "version {} unfinished [{}]", self.version, unfinished.join(" "))?;
        write!(f, " finished {}", self.finished)?;
        for (name, stage) in &self.stages {
            write!(f, ", {name}:")?;
            if let Some(inside) = &stage.inside {
                write!(f, " inside {}", inside.execution)?;
            }
            if !stage.waiting.is_empty() {
                let waiting: Vec<String> = stage.waiting.iter().map(ToString::to_string).collect();
                write!(f, " waiting {}", waiting.join(" "))?;
            }
            if let Some(entered) = &stage.last_entered {
                write!(f, " entered {}", entered.execution)?;
            }
            if let Some(succeeded) = stage.last_succeeded {
                write!(f, " succeeded {succeeded}")?;
            }
            if !stage.is_open() {
                f.write_str(" disabled")?;
            }
        }
        if self.deleted { f.write_str(", deleted") } else { Ok(()) }
    }
}

impl fmt::Display for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "execution {} {:?}", self.number, self.status)?;
        if let Some(rollback) = &self.rollback {
            write!(f, " back to {}", rollback.number)?;
        }
        match &self.place {
            Some(Place::Waiting(stage)) => write!(f, " waiting before {stage}")?,
            Some(Place::Inside(stage)) => write!(f, " inside {stage}")?,
            None => {}
        }
        write!(f, "{}", self.wish)
    }
}

impl fmt::Display for StageExecution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stage {} {:?}{}", self.id, self.status, self.wish)?;
        if self.retries.automatic > 0 {
            f.write_str(" retried by itself")?;
        }
        for (condition, judged) in self.conditions.iter() {
            write!(f, ", {} {:?}", condition.member(), judged.status)?;
            let rules: Vec<String> =
                judged.rules.iter().map(|rule| format!("{} {:?}", rule.rule, rule.status)).collect();
            write!(f, " ({})", rules.join(" "))?;
        }
        if let Some(condition) = self.failed_by {
            write!(f, ", failed by {}", condition.member())?;
        }
        for slot in &self.slots {
            match &slot.state {
                SlotState::Waiting => write!(f, ", {} waits", slot.action)?,
                SlotState::Running { .. } => write!(f, ", {} runs", slot.action)?,
                SlotState::Ended { outcome, .. } => write!(f, ", {} {:?}", slot.action, outcome.status)?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for action::ActionExecution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind();
        write!(f, "{kind} {}.{} {:?}", self.reference.stage, self.declaration.name, self.status)?;
        if let Some(id) = &self.external.id {
            write!(f, " as {id}")?;
        }
        if self.job.acknowledged {
            f.write_str(" acknowledged")?;
        }
        if let Some(who) = &self.last_updated_by {
            write!(f, " by {who}")?;
        }
        if let Some(error) = &self.error {
            write!(f, " ({}: {})", error.code, error.message)?;
        }
        Ok(())
    }
}

impl fmt::Display for StageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.execution, self.stage, self.attempt)
    }
}

/// Nothing for [`Wish::PROCEED`], else ` to Finish as Stopped`: to be put behind its subject.
impl fmt::Display for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.level, self.end) {
            (Level::Proceed, _) => Ok(()),
            (level, Some(end)) => write!(f, " to {level:?} as {end:?}"),
            (level, None) => write!(f, " to {level:?}"),
        }
    }
}
