//! What sessions of roles may do, over a store in memory.
#![expect(clippy::unwrap_used, reason = "tests")]

use penstock_storage::Store;

use super::*;
use crate::companions::iam::{NewPolicy, NewRole};

const ACCOUNT: &str = "111122223333";
const ARN: &str = "arn:aws:iam::111122223333:role/web";
const NOW: Timestamp = Timestamp(1_780_315_200_000);
const TRUST: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}]}"#;
const DENIED: &str = "because no identity-based policy allows the s3:GetObject action";

fn policy(effect: &str, action: &str, more: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"{effect}","Action":"{action}","Resource":"*"{more}}}]}}"#
    )
}

async fn with_role() -> (Iam, RoleSession) {
    let iam = Iam::new(Store::in_memory());
    let tags = vec![Tag { key: "team".to_owned(), value: "a".to_owned() }];
    let new = NewRole { name: "web".to_owned(), trust: TRUST.to_owned(), tags, ..NewRole::default() };
    let role = iam.create_role(ACCOUNT, new, NOW).await.unwrap();
    let session = RoleSession {
        name: "me".to_owned(),
        role_id: role.id,
        policy: None,
        policy_arns: Vec::new(),
        tags: Vec::new(),
        source_identity: None,
        of_pipeline: true,
    };
    (iam, session)
}

async fn said(iam: &Iam, session: &RoleSession) -> String {
    let principal = Principal::AssumedRole {
        arn: "arn:aws:sts::111122223333:assumed-role/web/me".to_owned(),
        role_arn: ARN.to_owned(),
    };
    let bearer = Bearer { principal: &principal, session: Some(session) };
    let on = "arn:aws:s3:::bucket/key";
    let decided = iam.authorize(bearer, "s3:GetObject", on, Context::default(), None, NOW).await.unwrap();
    decided.map_or_else(|denial| denial.to_string(), |()| "yes".to_owned())
}

#[tokio::test]
async fn a_change_of_a_roles_policies_counts_at_the_next_call() {
    let (iam, session) = with_role().await;
    assert_eq!(said(&iam, &session).await, DENIED);
    iam.put_inline_policy(ACCOUNT, Entity::Role("web"), "p", policy("Allow", "s3:*", "")).await.unwrap();
    assert_eq!(said(&iam, &session).await, "yes");
    iam.put_inline_policy(ACCOUNT, Entity::Role("web"), "q", policy("Deny", "s3:Get*", "")).await.unwrap();
    assert_eq!(said(&iam, &session).await, "with an explicit deny in an identity-based policy");
    iam.delete_inline_policy(ACCOUNT, Entity::Role("web"), "q").await.unwrap();
    iam.delete_inline_policy(ACCOUNT, Entity::Role("web"), "p").await.unwrap();
    assert_eq!(said(&iam, &session).await, DENIED);
}

#[tokio::test]
async fn managed_policies_count_in_their_version_in_force() {
    let (iam, session) = with_role().await;
    let new =
        NewPolicy { name: "p".to_owned(), document: policy("Allow", "sqs:*", ""), ..NewPolicy::default() };
    let arn = iam.create_policy(ACCOUNT, new, NOW).await.unwrap().arn;
    iam.attach_policy(ACCOUNT, Entity::Role("web"), &arn, NOW).await.unwrap();
    assert_eq!(said(&iam, &session).await, DENIED);
    iam.create_policy_version(ACCOUNT, &arn, policy("Allow", "s3:*", ""), Some(true), NOW).await.unwrap();
    assert_eq!(said(&iam, &session).await, "yes");
    iam.set_default_policy_version(ACCOUNT, &arn, "v1", NOW).await.unwrap();
    assert_eq!(said(&iam, &session).await, DENIED);
    iam.attach_policy(ACCOUNT, Entity::Role("web"), "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess", NOW)
        .await
        .unwrap();
    assert_eq!(said(&iam, &session).await, "yes");
    iam.set_boundary(ACCOUNT, "web", Some(arn)).await.unwrap();
    assert_eq!(said(&iam, &session).await, "because no permissions boundary allows the s3:GetObject action");
}

#[tokio::test]
async fn a_policy_of_awss_own_that_is_not_known_allows_nothing() {
    let (iam, session) = with_role().await;
    iam.attach_policy(ACCOUNT, Entity::Role("web"), "arn:aws:iam::aws:policy/Curious", NOW).await.unwrap();
    assert_eq!(said(&iam, &session).await, DENIED);
}

#[tokio::test]
async fn a_session_is_narrowed_by_its_policy_and_known_by_its_tags() {
    let (iam, session) = with_role().await;
    let condition =
        r#","Condition":{"StringEquals":{"aws:PrincipalTag/team":"a","aws:userid":"${aws:userid}"}}"#;
    iam.put_inline_policy(ACCOUNT, Entity::Role("web"), "p", policy("Allow", "s3:*", condition))
        .await
        .unwrap();
    assert_eq!(said(&iam, &session).await, "yes");
    let tagged = RoleSession { tags: vec![("team".to_owned(), "b".to_owned())], ..session.clone() };
    assert_eq!(said(&iam, &tagged).await, DENIED);
    let narrowed = RoleSession { policy: Some(policy("Allow", "s3:Put*", "")), ..session.clone() };
    let not_in_session = "because no session policy allows the s3:GetObject action";
    assert_eq!(said(&iam, &narrowed).await, not_in_session);
    let by_arn = |name: &str| RoleSession {
        policy_arns: vec![format!("arn:aws:iam::aws:policy/{name}")],
        ..session.clone()
    };
    assert_eq!(said(&iam, &by_arn("AmazonS3FullAccess")).await, "yes");
    assert_eq!(said(&iam, &by_arn("IAMFullAccess")).await, not_in_session);
}

#[tokio::test]
async fn sessions_of_an_earlier_role_of_the_same_name_may_do_nothing() {
    let (iam, session) = with_role().await;
    iam.put_inline_policy(ACCOUNT, Entity::Role("web"), "p", policy("Allow", "s3:*", "")).await.unwrap();
    let earlier = RoleSession { role_id: "AROAEARLIER".to_owned(), ..session };
    assert_eq!(said(&iam, &earlier).await, DENIED);
}
