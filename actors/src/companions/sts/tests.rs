//! Keys: who holds them, how long, and what happens to altered ones.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::companions::iam::NewRole;

const ACCOUNT: &str = "111122223333";
const NOW: Timestamp = Timestamp(1_780_315_200_000);
const HOUR: u64 = 3_600_000;

async fn with_role(store: &Store) -> Sts {
    let iam = Arc::new(Iam::new(store.clone()));
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333","Service":"codepipeline.amazonaws.com"},"Action":"sts:*"}]}"#;
    let role = NewRole {
        name: "web".to_owned(),
        path: Some("/ci/".to_owned()),
        trust: trust.to_owned(),
        max_session: Some(7200),
        ..NewRole::default()
    };
    iam.create_role(ACCOUNT, role, NOW).await.unwrap();
    Sts::open(store, iam).await.unwrap()
}

fn wanted() -> AssumeRole {
    AssumeRole {
        role_arn: "arn:aws:iam::111122223333:role/ci/web".to_owned(),
        session_name: "build-1".to_owned(),
        ..AssumeRole::default()
    }
}

fn root() -> Principal {
    Principal::Root { account: ACCOUNT.to_owned() }
}

fn session() -> Principal {
    Principal::AssumedRole {
        arn: "arn:aws:sts::111122223333:assumed-role/web/build-1".to_owned(),
        role_arn: "arn:aws:iam::111122223333:role/ci/web".to_owned(),
    }
}

#[tokio::test]
async fn the_keys_of_an_assumed_role_stand_for_its_session() {
    let sts = with_role(&Store::in_memory()).await;
    let assumed = sts.assume_role(&root(), wanted(), NOW).await.unwrap();
    let keys = &assumed.credentials;
    assert_eq!(assumed.arn, "arn:aws:sts::111122223333:assumed-role/web/build-1");
    assert!(assumed.id.starts_with("AROA") && assumed.id.ends_with(":build-1"));
    assert!(keys.access_key_id.starts_with("ASIA") && keys.access_key_id.len() == 20);
    assert_eq!(keys.secret_access_key.len(), 40);
    assert_eq!(keys.expiration, NOW.plus_millis(HOUR));
    let caller = sts.caller_of(&keys.access_key_id, Some(&keys.session_token), NOW).unwrap().unwrap();
    let expected = IssuedCaller {
        account: Some(ACCOUNT.to_owned()),
        principal: session(),
        session: caller.session.clone(),
    };
    assert_eq!(caller, expected);
    let session = caller.session.as_ref().unwrap();
    assert_eq!((session.name.as_str(), session.of_pipeline), ("build-1", false));
    assert_eq!(sts.secret_access_key(&keys.access_key_id), Some(keys.secret_access_key.clone()));
    let identity = sts.caller_identity(ACCOUNT, &caller.principal).await.unwrap();
    assert_eq!((identity.user_id, identity.arn), (assumed.id, assumed.arn));
}

#[tokio::test]
async fn keys_outlive_a_restart_and_are_worthless_elsewhere() {
    let store = Store::in_memory();
    let first = with_role(&store).await;
    let keys = first.assume_role(&root(), wanted(), NOW).await.unwrap().credentials;
    let token = Some(keys.session_token.as_str());
    let again = Sts::open(&store, Arc::new(Iam::new(store.clone()))).await.unwrap();
    assert!(again.caller_of(&keys.access_key_id, token, NOW).unwrap().is_some());
    assert_eq!(again.secret_access_key(&keys.access_key_id), Some(keys.secret_access_key.clone()));
    let elsewhere = with_role(&Store::in_memory()).await;
    assert_eq!(elsewhere.caller_of(&keys.access_key_id, token, NOW), Ok(None));
}

#[tokio::test]
async fn altered_foreign_and_late_tokens_are_refused() {
    let sts = with_role(&Store::in_memory()).await;
    let keys = sts.assume_role(&root(), wanted(), NOW).await.unwrap().credentials;
    let other = sts.assume_role(&root(), wanted(), NOW).await.unwrap().credentials;
    let token = keys.session_token.as_str();
    let of = |token: Option<&str>, now| sts.caller_of(&keys.access_key_id, token, now);
    assert!(of(Some(token), NOW.plus_millis(HOUR - 1)).unwrap().is_some());
    assert_eq!(of(Some(token), NOW.plus_millis(HOUR)), Err(InvalidCredentials::Expired));
    for bad in [None, Some(""), Some("x"), Some(other.session_token.as_str()), Some("\u{e9}")] {
        assert_eq!(of(bad, NOW), Err(InvalidCredentials::Invalid), "{bad:?}");
    }
    for at in 0..token.len() {
        let mut altered = token.to_owned().into_bytes();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).unwrap();
        assert_eq!(of(Some(&altered), NOW), Err(InvalidCredentials::Invalid), "character {at}");
    }
}

#[tokio::test]
async fn keys_of_others_are_nobody_here() {
    let sts = with_role(&Store::in_memory()).await;
    for key in [
        "test",
        "",
        "123456789012",
        "ASIA",
        "ASIAAAAAAAAAAAAAAAAA",
        "ASIA\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}",
    ] {
        assert_eq!(sts.caller_of(key, Some("token"), NOW), Ok(None), "{key}");
        assert_eq!(sts.secret_access_key(key), None);
    }
}

#[tokio::test]
async fn whoever_is_not_trusted_learns_only_that() {
    let sts = with_role(&Store::in_memory()).await;
    let stranger = Principal::Root { account: "444455556666".to_owned() };
    for role_arn in ["arn:aws:iam::111122223333:role/ci/web", "arn:aws:iam::111122223333:role/none"] {
        let wanted = AssumeRole { role_arn: role_arn.to_owned(), ..wanted() };
        let refusal = sts.assume_role(&stranger, wanted, NOW).await.unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::AccessDenied);
        assert_eq!(
            refusal.message,
            format!(
                "User: arn:aws:iam::444455556666:root is not authorized to perform: sts:AssumeRole on resource: \
                 {role_arn}"
            )
        );
    }
}

#[tokio::test]
async fn sessions_last_as_long_as_the_role_and_the_chain_allow() {
    let sts = with_role(&Store::in_memory()).await;
    let lasting = |seconds| AssumeRole { duration_seconds: Some(seconds), ..wanted() };
    for (caller, seconds, expected) in [
        (root(), 900, Ok(900)),
        (root(), 7200, Ok(7200)),
        (
            root(),
            7201,
            Err("The requested DurationSeconds exceeds the MaxSessionDuration set for this role."),
        ),
        (session(), 3600, Ok(3600)),
        (
            session(),
            3601,
            Err(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
            ),
        ),
    ] {
        let result = sts.assume_role(&caller, lasting(seconds), NOW).await;
        let result = result.map(|one| (one.credentials.expiration.0 - NOW.0) / 1000);
        assert_eq!(result.map_err(|refusal| refusal.message), expected.map_err(str::to_owned));
    }
}

#[tokio::test]
async fn session_policies_are_checked_and_counted() {
    let sts = with_role(&Store::in_memory()).await;
    let policy =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    let with = |policy: String| AssumeRole { policy: Some(policy), ..wanted() };
    let assumed = sts.assume_role(&root(), with(policy.to_owned()), NOW).await.unwrap();
    assert_eq!(assumed.packed_percent, Some(5));
    let refusal = sts.assume_role(&root(), with("{".to_owned()), NOW).await.unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::MalformedPolicyDocument);
    let long = policy.replace("s3:*", &format!("s3:{}", "a".repeat(2048)));
    let refusal = sts.assume_role(&root(), with(long), NOW).await.unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::PackedPolicyTooLarge);
}

#[tokio::test]
async fn a_service_is_known_by_its_keys_and_says_for_whom_it_acts() {
    let sts = with_role(&Store::in_memory()).await;
    let (key, secret, token) = sts.service_credentials("codepipeline.amazonaws.com").unwrap();
    assert_eq!(sts.service_credentials("codepipeline.amazonaws.com").unwrap().0, key);
    assert_eq!(sts.secret_access_key(&key), Some(secret));
    let caller = sts.caller_of(&key, Some(&token), NOW).unwrap().unwrap();
    assert_eq!(caller.principal, Principal::Service("codepipeline.amazonaws.com".to_owned()));
    sts.assume_role(&caller.principal, wanted(), NOW).await.unwrap();
    for bad in [None, Some("guess")] {
        assert_eq!(sts.caller_of(&key, bad, NOW), Err(InvalidCredentials::Invalid));
    }
    let source = Source {
        account: Some(ACCOUNT.to_owned()),
        arn: Some("arn:aws:codepipeline:us-east-1:111122223333:web".to_owned()),
    };
    let (sourced, ..) = sts.service_credentials_for("codepipeline.amazonaws.com", &source).unwrap();
    assert_ne!(sourced, key);
    assert_eq!(sts.source_of(&sourced), source);
    assert_eq!(sts.source_of(&key), Source::default());
}

#[tokio::test]
async fn session_tokens_stand_for_the_caller_itself() {
    let sts = with_role(&Store::in_memory()).await;
    let user = Principal::User { arn: "arn:aws:iam::111122223333:user/jo".to_owned() };
    for (caller, wanted, seconds) in [
        (root(), None, 3600),
        (root(), Some(43_200), 3600),
        (user.clone(), None, 43_200),
        (user, Some(900), 900),
    ] {
        let keys = sts.session_token(&caller, wanted, NOW).unwrap();
        assert_eq!(keys.expiration, NOW.plus_millis(seconds * 1000));
        let holder = sts.caller_of(&keys.access_key_id, Some(&keys.session_token), NOW).unwrap().unwrap();
        assert_eq!(holder.principal, caller);
    }
    assert_eq!(sts.session_token(&session(), None, NOW).unwrap_err().kind, RefusalKind::AccessDenied);
}

#[tokio::test]
async fn the_session_of_a_deleted_role_has_no_identity() {
    let store = Store::in_memory();
    let sts = with_role(&store).await;
    sts.iam.delete_role(ACCOUNT, "web").await.unwrap();
    let refusal = sts.caller_identity(ACCOUNT, &session()).await.unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::InvalidClientTokenId);
}

#[test]
fn keys_are_not_shown_by_debug() {
    let keys = Credentials {
        access_key_id: "ASIAX".to_owned(),
        secret_access_key: "hidden1".to_owned(),
        session_token: "hidden2".to_owned(),
        expiration: NOW,
    };
    assert!(!format!("{keys:?}").contains("hidden"));
}
