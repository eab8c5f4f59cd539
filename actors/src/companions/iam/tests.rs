//! IAM over a store in memory.

#![expect(clippy::unwrap_used, reason = "tests")]

use penstock_engine::time::Timestamp;
use penstock_storage::Store;

use super::*;
use crate::companions::policy::principal::Principal;
use crate::companions::policy::trust::AssumeRequest;

const ACCOUNT: &str = "111122223333";
const NOW: Timestamp = Timestamp(1_780_315_200_000);
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"codepipeline.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const PERMISSIONS: &str =
    r#"{ "Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"} }"#;

fn iam() -> Iam {
    Iam::new(Store::in_memory())
}

fn new_role(name: &str) -> NewRole {
    NewRole { name: name.to_owned(), trust: TRUST.to_owned(), ..NewRole::default() }
}

fn new_policy(name: &str) -> NewPolicy {
    NewPolicy { name: name.to_owned(), document: PERMISSIONS.to_owned(), ..NewPolicy::default() }
}

fn tag(key: &str, value: &str) -> Tag {
    Tag { key: key.to_owned(), value: value.to_owned() }
}

fn refused<T: std::fmt::Debug>(result: Result<T, Refusal>) -> (RefusalKind, String) {
    let refusal = result.unwrap_err();
    (refusal.kind, refusal.message)
}

fn kind<T: std::fmt::Debug>(result: Result<T, Refusal>) -> RefusalKind {
    result.unwrap_err().kind
}

#[tokio::test]
async fn a_role_comes_back_as_it_was_created() {
    let iam = iam();
    let new = NewRole {
        path: Some("/ci/".to_owned()),
        description: Some("for pipelines".to_owned()),
        max_session: Some(7200),
        tags: vec![tag("team", "a")],
        ..new_role("web")
    };
    let created = iam.create_role(ACCOUNT, new, NOW).await.unwrap();
    assert_eq!(created.arn(ACCOUNT), "arn:aws:iam::111122223333:role/ci/web");
    assert!(created.id.starts_with("AROA") && created.id.len() == 21);
    assert_eq!(iam.role(ACCOUNT, "web").await.unwrap(), created);
    let by_arn = iam.role_by_arn("arn:aws:iam::111122223333:role/ci/web").await.unwrap().unwrap();
    assert_eq!((by_arn.account.as_str(), by_arn.role), (ACCOUNT, created));
    for other in ["arn:aws:iam::111122223333:role/web", "arn:aws:iam::444455556666:role/ci/web", "web"] {
        assert_eq!(iam.role_by_arn(other).await.unwrap(), None, "{other}");
    }
}

#[tokio::test]
async fn defaults_are_those_of_aws() {
    let role = iam().create_role(ACCOUNT, new_role("web"), NOW).await.unwrap();
    assert_eq!((role.path.as_str(), role.max_session, role.description), ("/", 3600, None));
}

#[tokio::test]
async fn names_differing_in_case_only_are_one_name() {
    let iam = iam();
    iam.create_role(ACCOUNT, new_role("Web"), NOW).await.unwrap();
    assert_eq!(
        refused(iam.create_role(ACCOUNT, new_role("web"), NOW).await),
        (RefusalKind::EntityAlreadyExists, "Role with name web already exists.".to_owned())
    );
    assert_eq!(
        refused(iam.role(ACCOUNT, "web").await),
        (RefusalKind::NoSuchEntity, "The role with name web cannot be found.".to_owned())
    );
}

#[tokio::test]
async fn accounts_do_not_see_each_other() {
    let iam = iam();
    iam.create_role(ACCOUNT, new_role("web"), NOW).await.unwrap();
    assert_eq!(kind(iam.role("444455556666", "web").await), RefusalKind::NoSuchEntity);
    iam.create_role("444455556666", new_role("web"), NOW).await.unwrap();
    iam.delete_role(ACCOUNT, "web").await.unwrap();
    iam.role("444455556666", "web").await.unwrap();
}

#[tokio::test]
async fn a_role_with_policies_is_not_deleted() {
    let iam = iam();
    iam.create_role(ACCOUNT, new_role("web"), NOW).await.unwrap();
    let admin = "arn:aws:iam::aws:policy/AdministratorAccess";
    iam.attach_policy(ACCOUNT, Entity::Role("web"), admin, NOW).await.unwrap();
    iam.put_inline_policy(ACCOUNT, Entity::Role("web"), "p", PERMISSIONS.to_owned()).await.unwrap();
    assert_eq!(
        refused(iam.delete_role(ACCOUNT, "web").await),
        (RefusalKind::DeleteConflict, "Cannot delete entity, must detach all policies first.".to_owned())
    );
    iam.detach_policy(ACCOUNT, Entity::Role("web"), admin).await.unwrap();
    assert_eq!(
        refused(iam.delete_role(ACCOUNT, "web").await),
        (RefusalKind::DeleteConflict, "Cannot delete entity, must delete policies first.".to_owned())
    );
    iam.delete_inline_policy(ACCOUNT, Entity::Role("web"), "p").await.unwrap();
    iam.delete_role(ACCOUNT, "web").await.unwrap();
    assert_eq!(kind(iam.delete_role(ACCOUNT, "web").await), RefusalKind::NoSuchEntity);
    // The next role of that name starts bare.
    iam.create_role(ACCOUNT, new_role("web"), NOW).await.unwrap();
    let page = PageRequest::default();
    assert_eq!(
        iam.list_inline_policies(ACCOUNT, Entity::Role("web"), &page).await.unwrap().items,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn updates_touch_only_what_they_name() {
    let iam = iam();
    iam.create_role(ACCOUNT, new_role("web"), NOW).await.unwrap();
    iam.update_role(ACCOUNT, "web", Some("new".to_owned()), None).await.unwrap();
    let role = iam.update_role(ACCOUNT, "web", None, Some(7200)).await.unwrap();
    assert_eq!((role.description.as_deref(), role.max_session), (Some("new"), 7200));
    let trust = TRUST.replace("codepipeline", "codebuild");
    iam.update_trust(ACCOUNT, "web", trust.clone()).await.unwrap();
    assert_eq!(iam.role(ACCOUNT, "web").await.unwrap().trust, trust);
    assert_eq!(
        kind(iam.update_trust(ACCOUNT, "web", "{}".to_owned()).await),
        RefusalKind::MalformedPolicyDocument
    );
    assert_eq!(iam.role(ACCOUNT, "web").await.unwrap().trust, trust);
    for missing in [
        kind(iam.update_role(ACCOUNT, "no", None, None).await),
        kind(iam.update_trust(ACCOUNT, "no", TRUST.to_owned()).await),
        kind(iam.tag_role(ACCOUNT, "no", Vec::new()).await),
    ] {
        assert_eq!(missing, RefusalKind::NoSuchEntity);
    }
}

#[tokio::test]
async fn inline_policies_are_kept_to_the_letter() {
    let iam = iam();
    iam.create_role(ACCOUNT, new_role("web"), NOW).await.unwrap();
    let odd = PERMISSIONS.replace("s3:*", "s3:Get\u{e9}*");
    iam.put_inline_policy(ACCOUNT, Entity::Role("web"), "p+=,.@-_", odd.clone()).await.unwrap();
    assert_eq!(iam.inline_policy(ACCOUNT, Entity::Role("web"), "p+=,.@-_").await.unwrap(), odd);
    iam.put_inline_policy(ACCOUNT, Entity::Role("web"), "p+=,.@-_", PERMISSIONS.to_owned()).await.unwrap();
    assert_eq!(iam.inline_policy(ACCOUNT, Entity::Role("web"), "p+=,.@-_").await.unwrap(), PERMISSIONS);
    assert_eq!(
        refused(iam.inline_policy(ACCOUNT, Entity::Role("web"), "q").await),
        (RefusalKind::NoSuchEntity, "The role policy with name q cannot be found.".to_owned())
    );
    assert_eq!(
        kind(iam.delete_inline_policy(ACCOUNT, Entity::Role("web"), "q").await),
        RefusalKind::NoSuchEntity
    );
}

#[tokio::test]
async fn documents_beyond_the_quotas_are_refused() {
    let iam = iam();
    iam.create_role(ACCOUNT, new_role("web"), NOW).await.unwrap();
    let sized = |size: usize| PERMISSIONS.replace("s3:*", &format!("s3:{}", "a".repeat(size)));
    let spaced = PERMISSIONS.replace("s3:*\"", &format!("s3:*\"{}", " ".repeat(20_000)));
    iam.put_inline_policy(ACCOUNT, Entity::Role("web"), "spaces", spaced).await.unwrap();
    iam.put_inline_policy(ACCOUNT, Entity::Role("web"), "half", sized(6000)).await.unwrap();
    assert_eq!(
        refused(iam.put_inline_policy(ACCOUNT, Entity::Role("web"), "other-half", sized(6000)).await),
        (RefusalKind::LimitExceeded, "Maximum policy size of 10240 bytes exceeded for role web".to_owned())
    );
    // Replacing a policy frees what it took.
    iam.put_inline_policy(ACCOUNT, Entity::Role("web"), "half", sized(7000)).await.unwrap();
    let long = TRUST.replace("codepipeline", &"a".repeat(2048));
    assert_eq!(
        refused(iam.create_role(ACCOUNT, NewRole { trust: long, ..new_role("long") }, NOW).await),
        (RefusalKind::LimitExceeded, "Cannot exceed quota for ACLSizePerRole: 2048".to_owned())
    );
    let policy = NewPolicy { document: sized(6144), ..new_policy("long") };
    assert_eq!(kind(iam.create_policy(ACCOUNT, policy, NOW).await), RefusalKind::LimitExceeded);
}

#[tokio::test]
async fn managed_policies_attach_and_count() {
    let iam = iam();
    iam.create_role(ACCOUNT, new_role("web"), NOW).await.unwrap();
    let policy = iam.create_policy(ACCOUNT, new_policy("deploy"), NOW).await.unwrap();
    let arn = policy.arn.as_str();
    assert_eq!(arn, "arn:aws:iam::111122223333:policy/deploy");
    let aws = "arn:aws:iam::aws:policy/service-role/AWSCodeStarServiceRole";
    for _ in 0..2 {
        iam.attach_policy(ACCOUNT, Entity::Role("web"), arn, NOW).await.unwrap();
        iam.attach_policy(ACCOUNT, Entity::Role("web"), aws, NOW).await.unwrap();
    }
    assert_eq!(iam.policy(ACCOUNT, arn).await.unwrap().attachments, 1);
    let known = iam.policy(ACCOUNT, aws).await.unwrap();
    assert_eq!((known.path.as_str(), known.attachments, known.own), ("/service-role/", 1, None));
    let page = PageRequest::default();
    let attached = iam.list_attached_policies(ACCOUNT, Entity::Role("web"), None, &page).await.unwrap().items;
    assert_eq!(
        attached.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(),
        ["deploy", "AWSCodeStarServiceRole"]
    );
    let filtered = iam
        .list_attached_policies(ACCOUNT, Entity::Role("web"), Some("/service-role/"), &page)
        .await
        .unwrap();
    assert_eq!(filtered.items.len(), 1);
    let roles = iam.entities_with_policy(ACCOUNT, arn, None, None, None, &page).await.unwrap().items;
    assert_eq!(roles.iter().map(|role| role.name.as_str()).collect::<Vec<_>>(), ["web"]);
    for (scope, expected) in [("All", 2), ("AWS", 1), ("Local", 1)] {
        let filter = PolicyFilter { scope: Some(scope.to_owned()), ..PolicyFilter::default() };
        assert_eq!(
            iam.list_policies(ACCOUNT, &filter, &page).await.unwrap().items.len(),
            expected,
            "{scope}"
        );
    }
    assert_eq!(
        refused(iam.delete_policy(ACCOUNT, arn).await),
        (RefusalKind::DeleteConflict, "Cannot delete a policy attached to entities.".to_owned())
    );
    iam.detach_policy(ACCOUNT, Entity::Role("web"), arn).await.unwrap();
    assert_eq!(
        refused(iam.detach_policy(ACCOUNT, Entity::Role("web"), arn).await),
        (RefusalKind::NoSuchEntity, format!("Policy {arn} was not found."))
    );
    iam.delete_policy(ACCOUNT, arn).await.unwrap();
    assert_eq!(kind(iam.policy(ACCOUNT, arn).await), RefusalKind::NoSuchEntity);
    assert_eq!(
        refused(iam.attach_policy(ACCOUNT, Entity::Role("web"), arn, NOW).await),
        (RefusalKind::NoSuchEntity, format!("Policy {arn} does not exist or is not attachable."))
    );
    assert_eq!(
        refused(iam.attach_policy(ACCOUNT, Entity::Role("web"), "arn:aws:s3:::bucket/x/y", NOW).await),
        (RefusalKind::InvalidInput, "ARN arn:aws:s3:::bucket/x/y is not valid.".to_owned())
    );
    assert_eq!(kind(iam.delete_policy(ACCOUNT, aws).await), RefusalKind::AccessDenied);
}

#[tokio::test]
async fn a_role_takes_ten_managed_policies() {
    let iam = iam();
    iam.create_role(ACCOUNT, new_role("web"), NOW).await.unwrap();
    for n in 0..10 {
        iam.attach_policy(ACCOUNT, Entity::Role("web"), &format!("arn:aws:iam::aws:policy/P{n}"), NOW)
            .await
            .unwrap();
    }
    assert_eq!(
        kind(iam.attach_policy(ACCOUNT, Entity::Role("web"), "arn:aws:iam::aws:policy/P10", NOW).await),
        RefusalKind::LimitExceeded
    );
}

#[tokio::test]
async fn policy_versions_are_numbered_once_and_at_most_five() {
    let iam = iam();
    let arn = iam.create_policy(ACCOUNT, new_policy("deploy"), NOW).await.unwrap().arn;
    let create = |default: bool| {
        iam.create_policy_version(ACCOUNT, &arn, PERMISSIONS.replace("s3", "sqs"), Some(default), NOW)
    };
    assert_eq!(create(false).await.unwrap().number, 2);
    assert_eq!(create(true).await.unwrap().number, 3);
    assert_eq!(iam.policy(ACCOUNT, &arn).await.unwrap().own.unwrap().default_version, 3);
    iam.delete_policy_version(ACCOUNT, &arn, "v2").await.unwrap();
    for expected in 4..=6 {
        assert_eq!(create(false).await.unwrap().number, expected);
    }
    assert_eq!(kind(create(false).await), RefusalKind::LimitExceeded);
    let page = PageRequest { marker: None, max_items: Some(2) };
    let first = iam.list_policy_versions(ACCOUNT, &arn, &page).await.unwrap();
    assert_eq!(first.items.iter().map(|one| one.number).collect::<Vec<_>>(), [6, 5]);
    let page = PageRequest { marker: first.marker, max_items: None };
    let rest = iam.list_policy_versions(ACCOUNT, &arn, &page).await.unwrap();
    assert_eq!(rest.items.iter().map(|one| one.number).collect::<Vec<_>>(), [4, 3, 1]);
    assert_eq!(kind(iam.delete_policy_version(ACCOUNT, &arn, "v3").await), RefusalKind::DeleteConflict);
    for missing in ["v2", "v99", "v99999999999999", "2", "v"] {
        assert_eq!(kind(iam.policy_version(ACCOUNT, &arn, missing).await), RefusalKind::NoSuchEntity);
    }
    assert_eq!(kind(iam.delete_policy(ACCOUNT, &arn).await), RefusalKind::DeleteConflict);
    iam.set_default_policy_version(ACCOUNT, &arn, "v1", NOW).await.unwrap();
    assert_eq!(iam.policy_version(ACCOUNT, &arn, "v1").await.unwrap().document, PERMISSIONS);
    for gone in ["v3", "v4", "v5", "v6"] {
        iam.delete_policy_version(ACCOUNT, &arn, gone).await.unwrap();
    }
    iam.delete_policy(ACCOUNT, &arn).await.unwrap();
    // A policy of the same name begins with its own first version only.
    iam.create_policy(ACCOUNT, new_policy("deploy"), NOW).await.unwrap();
    let page = PageRequest::default();
    assert_eq!(iam.list_policy_versions(ACCOUNT, &arn, &page).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn policy_names_are_unique_whatever_their_path() {
    let iam = iam();
    iam.create_policy(ACCOUNT, new_policy("deploy"), NOW).await.unwrap();
    let other = NewPolicy { path: Some("/x/".to_owned()), ..new_policy("DEPLOY") };
    assert_eq!(
        refused(iam.create_policy(ACCOUNT, other, NOW).await),
        (
            RefusalKind::EntityAlreadyExists,
            "A policy called DEPLOY already exists. Duplicate names are not allowed.".to_owned()
        )
    );
}

#[tokio::test]
async fn a_boundary_is_a_policy_that_exists() {
    let iam = iam();
    let arn = iam.create_policy(ACCOUNT, new_policy("limits"), NOW).await.unwrap().arn;
    let missing = "arn:aws:iam::111122223333:policy/none".to_owned();
    let with = |boundary: &str| NewRole { boundary: Some(boundary.to_owned()), ..new_role("web") };
    assert_eq!(kind(iam.create_role(ACCOUNT, with(&missing), NOW).await), RefusalKind::NoSuchEntity);
    iam.create_role(ACCOUNT, with(&arn), NOW).await.unwrap();
    assert_eq!(iam.policy(ACCOUNT, &arn).await.unwrap().boundaries, 1);
    assert_eq!(kind(iam.delete_policy(ACCOUNT, &arn).await), RefusalKind::DeleteConflict);
    iam.set_boundary(ACCOUNT, "web", None).await.unwrap();
    assert_eq!(kind(iam.set_boundary(ACCOUNT, "web", None).await), RefusalKind::NoSuchEntity);
    iam.delete_policy(ACCOUNT, &arn).await.unwrap();
}

#[tokio::test]
async fn tag_keys_are_compared_without_regard_to_case() {
    let iam = iam();
    iam.create_role(ACCOUNT, new_role("web"), NOW).await.unwrap();
    iam.tag_role(ACCOUNT, "web", vec![tag("Team", "a"), tag("cost", "1")]).await.unwrap();
    iam.tag_role(ACCOUNT, "web", vec![tag("team", "b")]).await.unwrap();
    let page = PageRequest::default();
    let tags = iam.list_role_tags(ACCOUNT, "web", &page).await.unwrap().items;
    assert_eq!(tags, [tag("cost", "1"), tag("team", "b")]);
    iam.untag_role(ACCOUNT, "web", &["TEAM".to_owned(), "absent".to_owned()]).await.unwrap();
    assert_eq!(iam.list_role_tags(ACCOUNT, "web", &page).await.unwrap().items, [tag("cost", "1")]);
    for bad in [vec![tag("a", "1"), tag("A", "2")], vec![tag("aws:x", "1")]] {
        assert_eq!(kind(iam.tag_role(ACCOUNT, "web", bad).await), RefusalKind::InvalidInput);
    }
    let many = (0..50).map(|n| tag(&format!("k{n}"), "")).collect();
    assert_eq!(kind(iam.tag_role(ACCOUNT, "web", many).await), RefusalKind::LimitExceeded);
}

#[tokio::test]
async fn lists_show_roles_by_path_page_by_page() {
    let iam = iam();
    for (name, path) in [("b", "/x/"), ("a", "/x/y/"), ("c", "/z/"), ("D", "/x/")] {
        let new = NewRole { path: Some(path.to_owned()), ..new_role(name) };
        iam.create_role(ACCOUNT, new, NOW).await.unwrap();
    }
    let names = |page: &Page<Role>| page.items.iter().map(|role| role.name.clone()).collect::<Vec<_>>();
    let first = PageRequest { marker: None, max_items: Some(2) };
    let first = iam.list_roles(ACCOUNT, Some("/x/"), &first).await.unwrap();
    assert_eq!(names(&first), ["a", "b"]);
    let rest = PageRequest { marker: first.marker, max_items: Some(2) };
    let rest = iam.list_roles(ACCOUNT, Some("/x/"), &rest).await.unwrap();
    assert_eq!((names(&rest), rest.marker), (vec!["D".to_owned()], None));
}

#[tokio::test]
async fn changes_at_the_same_time_are_all_kept() {
    let iam = iam();
    iam.create_role(ACCOUNT, new_role("web"), NOW).await.unwrap();
    let tag_all = (0..20).map(|n| iam.tag_role(ACCOUNT, "web", vec![tag(&format!("k{n}"), "")]));
    for result in futures_util::future::join_all(tag_all).await {
        result.unwrap();
    }
    assert_eq!(iam.role(ACCOUNT, "web").await.unwrap().tags.len(), 20);
    let create = || iam.create_role(ACCOUNT, new_role("once"), NOW);
    let results = futures_util::future::join_all([create(), create(), create()]).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
}

#[tokio::test]
async fn a_role_is_assumed_by_whom_its_trust_policy_names() {
    let iam = iam();
    iam.create_role(ACCOUNT, new_role("web"), NOW).await.unwrap();
    let arn = "arn:aws:iam::111122223333:role/web";
    let pipeline = Principal::Service("codepipeline.amazonaws.com".to_owned());
    let root = Principal::Root { account: ACCOUNT.to_owned() };
    let request = AssumeRequest::default();
    iam.may_assume(arn, &pipeline, &request, NOW).await.unwrap();
    assert!(matches!(
        iam.may_assume(arn, &root, &request, NOW).await,
        Err(AssumeRefusal::NotAllowed(who)) if who == "arn:aws:iam::111122223333:root"
    ));
    for missing in ["arn:aws:iam::111122223333:role/other", "nonsense"] {
        assert!(matches!(
            iam.may_assume(missing, &pipeline, &request, NOW).await,
            Err(AssumeRefusal::NoSuchRole)
        ));
    }
}

#[tokio::test]
async fn a_user_has_two_keys_at_most_and_goes_only_without_keys_and_policies() {
    let iam = Iam::new(Store::in_memory());
    let jo = NewUser { name: "jo".to_owned(), path: Some("/team/".to_owned()), ..NewUser::default() };
    let user = iam.create_user(ACCOUNT, jo.clone(), NOW).await.unwrap();
    assert_eq!(user.arn(ACCOUNT), "arn:aws:iam::111122223333:user/team/jo");
    assert!(user.id.starts_with("AIDA") && user.id.len() == 21, "{}", user.id);
    let twin = NewUser { name: "JO".to_owned(), ..NewUser::default() };
    assert_eq!(kind(iam.create_user(ACCOUNT, twin, NOW).await), RefusalKind::EntityAlreadyExists);
    assert_eq!(kind(iam.user(ACCOUNT, "al").await), RefusalKind::NoSuchEntity);
    for id in ["one", "two"] {
        iam.create_access_key(ACCOUNT, "jo", id.to_owned(), NOW).await.unwrap();
        assert_eq!(iam.holder_of(id).unwrap().unwrap().1.name, "jo");
    }
    let third = iam.create_access_key(ACCOUNT, "jo", "three".to_owned(), NOW).await;
    assert_eq!(kind(third), RefusalKind::LimitExceeded);
    iam.update_access_key(ACCOUNT, "jo", "one", KeyStatus::Inactive).await.unwrap();
    assert_eq!(iam.holder_of("one").unwrap(), None);
    assert_eq!(kind(iam.delete_user(ACCOUNT, "jo").await), RefusalKind::DeleteConflict);
    for id in ["one", "two"] {
        iam.delete_access_key(ACCOUNT, "jo", id).await.unwrap();
    }
    assert_eq!(kind(iam.delete_access_key(ACCOUNT, "jo", "one").await), RefusalKind::NoSuchEntity);
    assert_eq!(iam.holder_of("two").unwrap(), None);
    let on = Entity::User("jo");
    iam.put_inline_policy(ACCOUNT, on, "p", PERMISSIONS.to_owned()).await.unwrap();
    // A role of that name has policies of its own.
    assert_eq!(kind(iam.inline_policy(ACCOUNT, Entity::Role("jo"), "p").await), RefusalKind::NoSuchEntity);
    assert_eq!(kind(iam.delete_user(ACCOUNT, "jo").await), RefusalKind::DeleteConflict);
    iam.delete_inline_policy(ACCOUNT, on, "p").await.unwrap();
    let admin = "arn:aws:iam::aws:policy/AdministratorAccess";
    iam.attach_policy(ACCOUNT, on, admin, NOW).await.unwrap();
    let page = PageRequest::default();
    let using = iam.entities_with_policy(ACCOUNT, admin, None, None, None, &page).await.unwrap().items;
    assert_eq!(using, [PolicyUser { kind: USER_ENTITY, name: "jo".to_owned(), id: user.id }]);
    assert_eq!(kind(iam.delete_user(ACCOUNT, "jo").await), RefusalKind::DeleteConflict);
    iam.detach_policy(ACCOUNT, on, admin).await.unwrap();
    iam.delete_user(ACCOUNT, "jo").await.unwrap();
    assert_eq!(kind(iam.delete_user(ACCOUNT, "jo").await), RefusalKind::NoSuchEntity);
}
