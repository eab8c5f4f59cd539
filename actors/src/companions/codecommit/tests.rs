//! Repositories made and read by the real program.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use penstock_engine::time::Timestamp;
use penstock_storage::Store;

use super::service::{CodeCommit, NewRepository};
use crate::companions::place::Place;

const HERE: Place<'_> = Place { account: "111111111111", region: "us-east-1" };
const THERE: Place<'_> = Place { account: "111111111111", region: "eu-west-1" };

fn new(name: &str) -> NewRepository {
    NewRepository { name: name.to_owned(), ..NewRepository::default() }
}

async fn open(store: &Store, folder: &tempfile::TempDir) -> CodeCommit {
    CodeCommit::open(store.clone(), Some(folder.path()), "http://host".to_owned()).await.unwrap()
}

#[tokio::test]
async fn a_repository_is_there_after_a_restart_and_what_was_never_acknowledged_is_not() {
    let (store, folder) = (Store::in_memory(), tempfile::tempdir().unwrap());
    let service = open(&store, &folder).await;
    let made = service.create(HERE, new("web"), Timestamp(1)).await.unwrap();
    assert_eq!(made.arn(), "arn:aws:codecommit:us-east-1:111111111111:web");
    let refused = service.create(HERE, new("web"), Timestamp(2)).await.unwrap_err();
    assert_eq!(refused.code, Some("RepositoryNameExistsException"));
    let orphan = folder.path().join("repositories/orphan.git");
    std::fs::create_dir(&orphan).unwrap();
    drop(service);
    let service = open(&store, &folder).await;
    assert!(!orphan.exists());
    assert_eq!(service.get(HERE, "web").await.unwrap(), made);
    assert!(service.list_branches(HERE, "web").await.unwrap().is_empty());
    assert_eq!(
        service.branch(HERE, "web", "main").await.unwrap_err().code,
        Some("BranchDoesNotExistException")
    );
    assert_eq!(service.branch(HERE, "web", "-x").await.unwrap_err().code, Some("InvalidBranchNameException"));
    assert_eq!(service.delete(HERE, "web").await.unwrap(), Some(made.id.clone()));
    assert_eq!(service.delete(HERE, "web").await.unwrap(), None);
    assert!(!service.folder(&made).exists());
}

#[tokio::test]
async fn a_url_means_the_default_places_repository_else_the_only_one_of_that_name() {
    let (store, folder) = (Store::in_memory(), tempfile::tempdir().unwrap());
    let service = open(&store, &folder).await;
    let there = service.create(THERE, new("web"), Timestamp(1)).await.unwrap();
    assert_eq!(service.named(HERE, "web").await.unwrap(), there);
    let here = service.create(HERE, new("web"), Timestamp(1)).await.unwrap();
    assert_eq!(service.named(HERE, "web").await.unwrap(), here);
    let nowhere = Place { account: "222222222222", region: "us-east-1" };
    assert!(service.named(nowhere, "web").await.is_err(), "two of that name, none of that place");
    assert!(service.named(HERE, "../web").await.is_err());
}

#[tokio::test]
async fn names_and_tags_that_cannot_be_are_refused() {
    let (store, folder) = (Store::in_memory(), tempfile::tempdir().unwrap());
    let service = open(&store, &folder).await;
    for name in ["web.git", "-web", ".", ".."] {
        let refused = service.create(HERE, new(name), Timestamp(1)).await.unwrap_err();
        assert_eq!(refused.code, Some("InvalidRepositoryNameException"), "{name}");
    }
    let tags =
        |keys: &[&str]| keys.iter().map(|key| ((*key).to_owned(), String::new())).collect::<BTreeMap<_, _>>();
    let reserved = NewRepository { tags: tags(&["AWS:x"]), ..new("web") };
    let refused = service.create(HERE, reserved, Timestamp(1)).await.unwrap_err();
    assert_eq!(refused.code, Some("InvalidSystemTagUsageException"));
    service.create(HERE, new("web"), Timestamp(1)).await.unwrap();
    let many: Vec<String> = (0..51).map(|number| number.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(service.tag(HERE, "web", tags(&many)).await.unwrap_err().code, Some("TooManyTagsException"));
    assert!(service.get(HERE, "web").await.unwrap().tags.is_empty());
}
