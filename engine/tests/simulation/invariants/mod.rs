//! The laws, one file each, named as `engine-protocol` numbers them.

pub(crate) mod closed_means_closed;
pub(crate) mod conditions;
pub(crate) mod delete_leaves_nothing;
pub(crate) mod end_implies_ends;
pub(crate) mod ends_never_change;
pub(crate) mod everything_ends;
pub(crate) mod limits;
pub(crate) mod nobody_waits_in_vain;
pub(crate) mod one_place;
pub(crate) mod one_result;
pub(crate) mod own_version;
pub(crate) mod records_are_the_truth;
pub(crate) mod retries;
pub(crate) mod rollbacks;
pub(crate) mod run_order;
pub(crate) mod small_memory;
pub(crate) mod stage_lock;
pub(crate) mod start_order;
pub(crate) mod stop_means_stop;

use std::collections::BTreeSet;

use penstock_engine::step::Write;

use crate::law::Checked;
use crate::oracle::Oracle;
use crate::records::{Key, Records};
use crate::world::World;

/// Laws about one change: what was, and what is written.
pub(crate) fn before_write(before: &Records, oracle: &Oracle, write: &Write) -> Checked {
    closed_means_closed::check(before, oracle, write)?;
    conditions::before_write(before, oracle, write)?;
    ends_never_change::check(before, oracle, write)?;
    one_result::check(before, write)?;
    own_version::check(before, write)?;
    retries::check(before, write)?;
    rollbacks::check(before, write)?;
    run_order::check(before, write)?;
    stop_means_stop::check(before, oracle, write)?;
    start_order::check(before, write)?;
    delete_leaves_nothing::check(before, write)
}

/// Laws about every state that a crash may leave, and so about the records after each batch. Only the
/// executions are looked at that the batch concerns, and their pipeline.
pub(crate) fn after_batch(records: &Records, touched: &BTreeSet<Key>) -> Checked {
    let pipelines: BTreeSet<_> = touched.iter().map(|(incarnation, _)| incarnation).collect();
    for incarnation in pipelines {
        one_place::check(records, incarnation)?;
        nobody_waits_in_vain::check(records, incarnation)?;
        limits::check_pipeline(records, incarnation)?;
        start_order::check_waiting(records, incarnation)?;
        small_memory::check(records, incarnation)?;
    }
    for key in touched {
        conditions::check(records, key)?;
        limits::check(records, key)?;
        stage_lock::check(records, key)?;
        end_implies_ends::check(records, key)?;
    }
    Ok(())
}

/// Laws about a world in which nothing more can happen.
pub(crate) fn at_rest(world: &World) -> Checked {
    world.oracle.check(&world.disk.durable)?;
    everything_ends::check(world)?;
    delete_leaves_nothing::at_rest(&world.disk.durable)?;
    small_memory::at_rest(world)
}

/// The executions that a write concerns; number 0 stands for the pipeline alone.
pub(crate) fn touched(write: &Write, keys: &mut BTreeSet<Key>) {
    match write {
        Write::Head(head) => keys.insert((head.incarnation.clone(), 0)),
        Write::ExecutionBorn(incarnation, execution)
        | Write::Execution(incarnation, execution)
        | Write::ExecutionExpired(incarnation, execution) => {
            keys.insert((incarnation.clone(), execution.number))
        }
        Write::Stage(stage) => keys.insert((stage.id.incarnation.clone(), stage.id.execution)),
        Write::ActionBorn(action, _) | Write::Action(action) => {
            let stage = &action.reference.stage;
            keys.insert((stage.incarnation.clone(), stage.execution))
        }
        _ => false,
    };
}
