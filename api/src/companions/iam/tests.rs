//! IAM and STS through the wire's whole way: parameters in, XML out.

#![expect(clippy::unwrap_used, reason = "tests")]

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::operations;
use crate::caller::Caller;
use crate::companions::{models, query_services};
use crate::error::AwsError;
use crate::services::Services;
use crate::services::tests_support::services;
use penstock_actors::companions::sts::InvalidCredentials;

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"sts:AssumeRole"}]}"#;
const PERMISSIONS: &str = "{\n \"Version\": \"2012-10-17\",\r\n \"Statement\": {\"Effect\": \"Allow\", \"Action\": \"s3:*\", \"Resource\": \"*\"}\n}";

async fn call(
    services: &Services,
    scope: &str,
    action: &str,
    params: &[(&str, &str)],
) -> Result<String, AwsError> {
    let mut body = format!("Action={action}");
    for (name, value) in params {
        body.push_str(&format!("&{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    }
    let caller = Caller::by_key_id(None, "us-east-1");
    query_services::call(services, &caller, Some(scope), None, body.as_bytes(), "id").await
}

fn between<'a>(text: &'a str, element: &str) -> &'a str {
    let (_, rest) = text.split_once(&format!("<{element}>")).unwrap();
    rest.split_once(&format!("</{element}>")).unwrap().0
}

#[test]
fn every_operation_of_the_model_has_a_handler() {
    for (name, _) in models::iam().operations() {
        assert!(operations::handler(name).is_some(), "{name}");
    }
    for name in operations::NAMES {
        assert!(models::iam().operation(name).is_some(), "{name}");
    }
}

#[tokio::test]
async fn documents_come_back_url_encoded_to_the_letter() {
    let services = services();
    let created =
        call(&services, "iam", "CreateRole", &[("RoleName", "web"), ("AssumeRolePolicyDocument", TRUST)])
            .await;
    let created = created.unwrap();
    assert!(created.starts_with(
        "<CreateRoleResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><CreateRoleResult><Role>"
    ));
    assert_eq!(between(&created, "Arn"), "arn:aws:iam::000000000000:role/web");
    assert_eq!(between(&created, "RequestId"), "id");
    assert!(
        between(&created, "AssumeRolePolicyDocument").starts_with("%7B%22Version%22%3A%222012-10-17%22%2C")
    );
    let put = [("RoleName", "web"), ("PolicyName", "p"), ("PolicyDocument", PERMISSIONS)];
    let put = call(&services, "iam", "PutRolePolicy", &put).await.unwrap();
    assert!(!put.contains("PutRolePolicyResult"), "an operation without output has no result");
    let got =
        call(&services, "iam", "GetRolePolicy", &[("RoleName", "web"), ("PolicyName", "p")]).await.unwrap();
    let document = percent_encoding::percent_decode_str(between(&got, "PolicyDocument"));
    assert_eq!(document.decode_utf8().unwrap(), PERMISSIONS);
    let updated = call(&services, "iam", "UpdateRole", &[("RoleName", "web"), ("Description", "a<b>")]).await;
    assert!(updated.unwrap().contains("<UpdateRoleResult>"), "SDKs look for it");
    let got = call(&services, "iam", "GetRole", &[("RoleName", "web")]).await.unwrap();
    assert_eq!(between(&got, "Description"), "a&lt;b&gt;");
}

#[tokio::test]
async fn bad_input_is_refused_in_aws_words() {
    let services = services();
    let long = "r".repeat(65);
    for (action, params, code, message) in [
        ("GetRole", vec![], "ValidationError", "1 validation error detected: Value null at 'roleName' failed to satisfy constraint: Member must not be null".to_owned()),
        ("GetRole", vec![("RoleName", long.as_str())], "ValidationError", format!("1 validation error detected: Value '{long}' at 'roleName' failed to satisfy constraint: Member must have length less than or equal to 64")),
        ("GetRole", vec![("RoleName", "a b")], "ValidationError", "The specified value for roleName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-".to_owned()),
        ("GetRole", vec![("RoleName", "none")], "NoSuchEntity", "The role with name none cannot be found.".to_owned()),
        ("CreateRole", vec![("RoleName", "x"), ("AssumeRolePolicyDocument", "{")], "MalformedPolicyDocument", "This policy contains invalid Json".to_owned()),
        ("CreateRole", vec![("RoleName", "x"), ("AssumeRolePolicyDocument", TRUST), ("Path", "x")], "ValidationError", "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.".to_owned()),
        ("CreateRole", vec![("RoleName", "x"), ("AssumeRolePolicyDocument", TRUST), ("MaxSessionDuration", "60")], "ValidationError", "1 validation error detected: Value '60' at 'maxSessionDuration' failed to satisfy constraint: Member must have value greater than or equal to 3600".to_owned()),
        ("CreateRole", vec![("RoleName", "x"), ("AssumeRolePolicyDocument", TRUST), ("MaxSessionDuration", "x")], "MalformedInput", "STRING_VALUE can not be converted to an Integer".to_owned()),
        ("CreateRole", vec![("RoleName", "x"), ("AssumeRolePolicyDocument", TRUST), ("Tags.member.1.Key", "a;b"), ("Tags.member.1.Value", "")], "ValidationError", r"1 validation error detected: Value 'a;b' at 'tags.1.member.key' failed to satisfy constraint: Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+".to_owned()),
        ("ListRoles", vec![("MaxItems", "0")], "ValidationError", "1 validation error detected: Value '0' at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1".to_owned()),
        ("ListRoles", vec![("Marker", "%")], "ValidationError", "Invalid Marker.".to_owned()),
        ("CreateSAMLProvider", vec![("Name", "x")], "InvalidAction", "Could not find operation CreateSAMLProvider for version 2010-05-08".to_owned()),
    ] {
        let error = call(&services, "iam", action, &params).await.unwrap_err();
        assert_eq!((error.code.as_str(), error.message), (code, message), "{action} {params:?}");
    }
    let listed = call(&services, "iam", "ListRoles", &[]).await.unwrap();
    assert_eq!(between(&listed, "Roles"), "", "nothing was created");
}

#[tokio::test]
async fn a_request_without_a_scope_is_told_by_its_version() {
    let services = services();
    let caller = Caller::by_key_id(None, "us-east-1");
    for (query, expected) in [
        ("Action=GetCallerIdentity&Version=2011-06-15", "GetCallerIdentityResult"),
        ("Action=ListRoles&Version=2010-05-08", "ListRolesResult"),
        ("Action=ListRoles&Version=2011-06-15", "InvalidAction"),
        ("Action=ListRoles", "InvalidAction"),
        ("Action=", "MissingAction"),
        ("", "MissingAction"),
    ] {
        let answer = query_services::call(&services, &caller, None, Some(query), b"", "id").await;
        let text = answer.unwrap_or_else(|error| error.code);
        assert!(text.contains(expected), "{query}: {text}");
    }
}

#[tokio::test]
async fn keys_of_an_assumed_role_are_the_sessions() {
    let services = services();
    let role = [("RoleName", "web"), ("AssumeRolePolicyDocument", TRUST)];
    call(&services, "iam", "CreateRole", &role).await.unwrap();
    let wanted = [("RoleArn", "arn:aws:iam::000000000000:role/web"), ("RoleSessionName", "me")];
    let assumed = call(&services, "sts", "AssumeRole", &wanted).await.unwrap();
    let (key, token) = (between(&assumed, "AccessKeyId"), between(&assumed, "SessionToken"));
    let issued = services.issued_key(key, Some(token)).unwrap().unwrap();
    let plain = Caller::by_key_id(None, "us-east-1");
    let caller = Caller { account: issued.account.unwrap(), principal: issued.principal, ..plain };
    let body = b"Action=GetCallerIdentity";
    let identity = query_services::call(&services, &caller, Some("sts"), None, body, "id").await.unwrap();
    assert_eq!(between(&identity, "Arn"), "arn:aws:sts::000000000000:assumed-role/web/me");
    assert_eq!(between(&identity, "UserId"), between(&assumed, "AssumedRoleId"));
    assert_eq!(services.issued_key(key, Some("x")).unwrap_err(), InvalidCredentials::Invalid);
    let none = [("RoleArn", "arn:aws:iam::000000000000:role/none"), ("RoleSessionName", "me")];
    let error = call(&services, "sts", "AssumeRole", &none).await.unwrap_err();
    assert_eq!((error.code.as_str(), error.status), ("AccessDenied", 403));
    for (name, value, code) in [
        ("DurationSeconds", "899", "ValidationError"),
        ("DurationSeconds", "3601", "ValidationError"),
        ("RoleSessionName", "a b", "ValidationError"),
        ("RoleArn", "arn:aws:iam::000000000000:user/x", "ValidationError"),
        ("Policy", "{", "MalformedPolicyDocument"),
        ("TokenCode", "123456", "AccessDenied"),
        ("Tags.member.1.Key", "k", "ValidationError"),
    ] {
        let mut params = wanted.to_vec();
        params.retain(|(other, _)| *other != name);
        params.push((name, value));
        let error = call(&services, "sts", "AssumeRole", &params).await.unwrap_err();
        assert_eq!(error.code, code, "{name}={value}");
    }
}
