//! ListDeployActionExecutionTargets: where a deploy action put what it deployed, target by target.
//!
//! Only deployments to instances have targets, and no action of that kind is here: what is found has none.

use std::ops::Bound;

use penstock_engine::ids::{Incarnation, PipelineKey};
use penstock_engine::rejection::{Rejection, RejectionKind};
use penstock_storage::keys::codepipeline as keys;
use penstock_storage::{Direction, NameEntry, StoreError, View};
use serde_json::{Value, json};

use crate::Handle;
use crate::catalogues::Place;
use crate::reads::internal;

impl Handle {
    /// ListDeployActionExecutionTargets. There is no next page, so that every token is a made-up one.
    pub async fn list_deploy_targets(
        &self,
        place: &Place,
        pipeline: Option<String>,
        action_execution: &str,
        token: Option<&str>,
    ) -> Result<Value, Rejection> {
        let _permit = self.permit()?;
        let pipelines = match pipeline {
            Some(name) => {
                let (account, region) = (place.account.clone(), place.region.clone());
                let key = PipelineKey { account, region, name };
                vec![self.look(&key, |_, head| Ok(head.incarnation)).await?]
            }
            None => self.pipelines_of(place).await?,
        };
        let mut is_there = false;
        for pipeline in pipelines {
            let read = self.shared.store.read(|view| has_action(view, &pipeline, action_execution));
            is_there |= read.await.map_err(|error| internal(&error))?;
        }
        if !is_there {
            let text = format!("No action execution with the ID {action_execution} was found.");
            return Err(Rejection::new(RejectionKind::ActionExecutionNotFound, text));
        }
        if token.is_some() {
            return Err(Rejection::new(RejectionKind::InvalidNextToken, "The next token is not valid."));
        }
        Ok(json!({ "targets": [] }))
    }

    async fn pipelines_of(&self, place: &Place) -> Result<Vec<Incarnation>, Rejection> {
        let prefix = keys::names(&place.account, &place.region);
        let read = self.shared.store.read(|view| {
            let entries = view.scan::<NameEntry>(&prefix, Bound::Unbounded, Direction::Forward);
            entries.map(|entry| entry.map(|(_, entry)| entry.0)).collect()
        });
        read.await.map_err(|error| internal(&error))
    }
}

fn has_action(view: &View<'_>, pipeline: &Incarnation, id: &str) -> Result<bool, StoreError> {
    for key in view.scan_keys(&keys::actions(pipeline), Bound::Unbounded, Direction::Backward) {
        if keys::parse_action(&key?).is_some_and(|(_, found)| found.as_str() == id) {
            return Ok(true);
        }
    }
    Ok(false)
}
