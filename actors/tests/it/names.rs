//! Creates and deletes of one name take turns.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use penstock_engine::ids::PipelineKey;
use penstock_engine::rejection::{Rejection, RejectionKind};

use crate::retention::{incarnation, leftovers};
use crate::world::{Setup, World, answered, declaration, key, outputs, until};

async fn create(world: &World, key: &PipelineKey) -> Result<(), Rejection> {
    let created = world.handle.create(key.clone(), declaration(&key.name), BTreeMap::new(), "arn".into());
    answered(created).await.map(|declaration| assert_eq!(declaration.version, Some(1)))
}

#[actix::test]
async fn of_many_creates_one_wins_and_a_deleted_name_is_free_at_once() {
    let world = World::start(Setup::default(), outputs);
    let name = key("contested");
    for _ in 0..5 {
        let created = join_all((0..20).map(|_| create(&world, &name))).await;
        let (won, lost): (Vec<_>, Vec<_>) = created.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1);
        let in_use = |lost: &Result<(), Rejection>| {
            lost.as_ref().unwrap_err().kind == RejectionKind::PipelineNameInUse
        };
        assert!(lost.iter().all(in_use), "{lost:?}");
        // One execution of its own: nothing of its predecessor's is seen.
        assert_eq!(world.executions(&name).await.len(), 1);
        let deleted = join_all((0..20).map(|_| answered(world.handle.delete(name.clone())))).await;
        assert!(deleted.iter().all(Result::is_ok), "{deleted:?}");
    }
    create(&world, &name).await.unwrap();
    assert_eq!(world.settled(&name).await, ["Succeeded"]);
}

#[actix::test]
async fn whatever_races_at_a_name_gets_an_answer_that_some_order_explains() {
    let world = World::start(Setup::default(), outputs);
    let name = key("stormy");
    let callers = (0..8usize).map(|caller| {
        let (world, name) = (&world, &name);
        async move {
            for n in 0..40 {
                let answer = match (caller + n * 5) % 7 {
                    0 | 1 => create(world, name).await,
                    2 => answered(world.handle.delete(name.clone())).await,
                    3 => answered(world.handle.tag(name.clone(), BTreeMap::new())).await,
                    4 => answered(world.handle.update(name.clone(), declaration("stormy"))).await.map(drop),
                    _ => answered(world.begin_with(name, &format!("{caller}-{n}"))).await.map(drop),
                };
                let refused = answer.err();
                let kind = refused.as_ref().map(|refused| refused.kind);
                let explained = match kind {
                    None => true,
                    Some(RejectionKind::PipelineNameInUse) => (caller + n * 5) % 7 < 2,
                    Some(RejectionKind::ResourceNotFound) => matches!((caller + n * 5) % 7, 3 | 4),
                    Some(RejectionKind::PipelineNotFound) => (caller + n * 5) % 7 > 4,
                    Some(_) => false,
                };
                assert!(explained, "caller {caller}, {n}: {refused:?}");
            }
        }
    });
    join_all(callers).await;
    let _ = create(&world, &name).await;
    world.settled(&name).await;
    let last = incarnation(&world.store, &name).await;
    world.handle.delete(name.clone()).await.unwrap();
    until("nothing of it is left", async || leftovers(&world.store, &last).await.is_empty()).await;
}
