//! The action types of every account and Region: those that come with the service, and the custom ones.

use std::collections::HashMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError};

use penstock_engine::action_type::Catalogue;
use penstock_engine::action_type::custom::CustomActionType;
use penstock_engine::action_type::declared::Declared;
use penstock_engine::declaration::action::ActionTypeId;
use penstock_engine::rejection::Rejection;
use penstock_storage::keys::Prefix;
use penstock_storage::keys::codepipeline as keys;
use penstock_storage::{Batch, Direction, Record, Store, StoreError, View};

use crate::reads::internal;

/// How many accounts' and Regions' catalogues are kept at hand; they are read again when needed.
const AT_HAND: usize = 1024;

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Catalogues(Arc<Inner>);

struct Inner {
    store: Store,
    builtin: Arc<Catalogue>,
    at_hand: Mutex<HashMap<Place, Arc<Catalogue>>>,
    /// Changes take turns, so that each rests on the one before.
    turn: tokio::sync::Mutex<()>,
}

/// An account and a Region.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Twelve digits.
    pub account: String,
    /// Such as `us-east-1`.
    pub region: String,
}

impl Catalogues {
    pub(crate) fn new(store: Store, builtin: Arc<Catalogue>) -> Self {
        let (at_hand, turn) = Default::default();
        Self(Arc::new(Inner { store, builtin, at_hand, turn }))
    }

    /// The types that come with the service.
    pub(crate) fn builtin(&self) -> &Catalogue {
        &self.0.builtin
    }

    /// All types of that place.
    pub(crate) fn of(&self, account: &str, region: &str) -> Result<Arc<Catalogue>, StoreError> {
        let place = Place { account: account.to_owned(), region: region.to_owned() };
        // Held while reading, so that a change that is forgotten below is not put back by an older look.
        let mut at_hand = self.0.at_hand.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(catalogue) = at_hand.get(&place) {
            return Ok(Arc::clone(catalogue));
        }
        let prefix = keys::action_types(account, region);
        let declared = keys::declared_types(account, region);
        let (custom, declared): (Vec<CustomActionType>, Vec<Declared>) =
            self.0.store.peek(|view| Ok((all(view, &prefix)?, all(view, &declared)?)))?;
        let catalogue = if custom.is_empty() && declared.is_empty() {
            Arc::clone(&self.0.builtin)
        } else {
            Arc::new(with(&self.0.builtin, &custom, &declared, account))
        };
        if at_hand.len() >= AT_HAND {
            at_hand.clear();
        }
        at_hand.insert(place, Arc::clone(&catalogue));
        Ok(catalogue)
    }

    /// Changes one type with an executor: what it is to be, given what it is.
    pub(crate) async fn declare(
        &self,
        place: &Place,
        id: &ActionTypeId,
        decide: impl FnOnce(Option<&Declared>) -> Result<Declared, Rejection>,
    ) -> Result<(), Rejection> {
        let _turn = self.0.turn.lock().await;
        self.0.store.barrier().await;
        let key = keys::declared_type(&place.account, &place.region, id);
        let known = self.0.store.peek(|view| view.get::<Declared>(&key)).map_err(|error| internal(&error))?;
        let mut batch = Batch::new();
        batch.put(key, &decide(known.as_ref())?);
        self.0.store.queue(batch).await;
        self.0.at_hand.lock().unwrap_or_else(PoisonError::into_inner).remove(place);
        Ok(())
    }

    /// Changes one custom type: what it is to be, given what it is and how many others there are that were not
    /// deleted. Nothing is changed where there is nothing to write.
    pub(crate) async fn change(
        &self,
        place: &Place,
        id: &ActionTypeId,
        decide: impl FnOnce(Option<&CustomActionType>, usize) -> Result<Option<CustomActionType>, Rejection>,
    ) -> Result<Option<CustomActionType>, Rejection> {
        let _turn = self.0.turn.lock().await;
        self.0.store.barrier().await;
        let key = keys::action_type(&place.account, &place.region, id);
        let prefix = keys::action_types(&place.account, &place.region);
        let looked = self.0.store.peek(|view| {
            let (mut known, mut others) = (None, 0);
            for entry in view.scan::<CustomActionType>(&prefix, Bound::Unbounded, Direction::Forward) {
                match entry? {
                    (at, custom) if at == key => known = Some(custom),
                    (_, custom) if !custom.deleted => others += 1,
                    _ => {}
                }
            }
            Ok((known, others))
        });
        let (known, others) = looked.map_err(|error| internal(&error))?;
        let decided = decide(known.as_ref(), others)?;
        if let Some(custom) = &decided {
            let mut batch = Batch::new();
            batch.put(key, custom);
            self.0.store.queue(batch).await;
            self.0.at_hand.lock().unwrap_or_else(PoisonError::into_inner).remove(place);
        }
        Ok(decided)
    }
}

pub(crate) fn all<R: Record>(view: &View<'_>, prefix: &Prefix) -> Result<Vec<R>, StoreError> {
    view.scan(prefix, Bound::Unbounded, Direction::Forward).map(|entry| Ok(entry?.1)).collect()
}

pub(crate) fn with(
    builtin: &Catalogue,
    custom: &[CustomActionType],
    declared: &[Declared],
    account: &str,
) -> Catalogue {
    let mut catalogue = builtin.clone();
    for declared in declared.iter().filter(|declared| declared.is_open_to(account)) {
        catalogue.add(declared.action_type());
    }
    for CustomActionType { definition, deleted, .. } in custom {
        if *deleted {
            catalogue.add_deleted(definition.action_type());
        } else {
            catalogue.add(definition.action_type());
        }
    }
    catalogue
}
