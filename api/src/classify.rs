//! Which service and protocol a request speaks, from its head alone.
//!
//! In this order: `X-Amz-Target`, the service of the credential scope, `Action` in the query or a form as
//! body, a JSON body without a target, else S3.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method};

use crate::companions::json_services;
use crate::credential::{Credential, parameter};
use crate::git_http::REPOSITORIES;
use crate::protocol::json::Version;

/// The path below which the daemon's own, un-AWS-like answers live. No bucket can be called so.
pub(crate) const OPERATOR_PREFIX: &str = "/_penstock";

/// The services whose scope is served by the query protocol, here or at AWS.
const QUERY_SERVICES: [&str; 8] =
    ["iam", "sts", "sns", "cloudformation", "ec2", "elasticloadbalancing", "autoscaling", "monitoring"];

/// The first part of CodePipeline's targets.
const CODEPIPELINE: &str = "CodePipeline_20150709";

/// A served AWS JSON service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JsonService {
    CodePipeline,
    /// A companion, by the first part of its targets.
    Companion(&'static str),
}

/// What a request is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// An operation of a served AWS JSON service.
    Json {
        /// Which.
        service: JsonService,
        /// Its name as sent.
        operation: String,
    },
    /// An AWS JSON (or REST) request that no service here answers, with what it named.
    Unserved {
        /// The target, or the scope's service.
        named: String,
    },
    /// The query protocol; which operation is in the query or the body.
    Query {
        /// The scope's service, when there is a scope.
        service: Option<String>,
    },
    /// Below `/_penstock`.
    Operator,
    /// Git's HTTP transport, to a CodeCommit repository.
    Git,
    /// Everything else.
    S3,
}

/// Tells what a request is.
pub(crate) fn classify(method: &Method, path: &str, headers: &HeaderMap, query: Option<&str>) -> Class {
    if let Some(target) = headers.get("x-amz-target") {
        return by_target(&String::from_utf8_lossy(target.as_bytes()));
    }
    let scope = Credential::of(headers, query).and_then(|credential| credential.service);
    match scope.as_deref() {
        Some("s3" | "s3express" | "s3-object-lambda") => return Class::S3,
        _ if is_operator(path) => return Class::Operator,
        // No bucket's name is so short.
        _ if path.starts_with(REPOSITORIES) => return Class::Git,
        Some(service) => return by_scope(service, method, headers, query),
        None => {}
    }
    if path != "/" {
        return Class::S3;
    }
    let content_type = content_type(headers);
    if is_form(content_type) && method == Method::POST || has_action(query) {
        return Class::Query { service: None };
    }
    if method == Method::POST && is_json(content_type) {
        return Class::Unserved { named: "no X-Amz-Target".to_owned() };
    }
    Class::S3
}

fn by_target(target: &str) -> Class {
    let served = target.rsplit_once('.').and_then(|(prefix, operation)| {
        let service = match prefix {
            CODEPIPELINE => JsonService::CodePipeline,
            _ => JsonService::Companion(json_services::by_target(prefix)?.target),
        };
        Some(Class::Json { service, operation: operation.to_owned() })
    });
    served.unwrap_or_else(|| Class::Unserved { named: target.to_owned() })
}

fn by_scope(service: &str, method: &Method, headers: &HeaderMap, query: Option<&str>) -> Class {
    let form = method == Method::POST && is_form(content_type(headers));
    if QUERY_SERVICES.contains(&service) || form || has_action(query) {
        return Class::Query { service: Some(service.to_owned()) };
    }
    Class::Unserved { named: service.to_owned() }
}

fn is_operator(path: &str) -> bool {
    path.strip_prefix(OPERATOR_PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok())
}

fn is_form(content_type: Option<&str>) -> bool {
    let media_type = content_type.and_then(|value| value.split(';').next()).unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

fn is_json(content_type: Option<&str>) -> bool {
    Version::of_content_type(content_type).is_some()
}

fn has_action(query: Option<&str>) -> bool {
    query.is_some_and(|query| parameter(query, "Action").is_some() && parameter(query, "Version").is_some())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn class(method: &str, target: &str, headers: &[(&'static str, &str)]) -> Class {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let (path, query) =
            target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        classify(&method.parse().unwrap(), path, &map, query)
    }

    fn scope(service: &str) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host"
        )
    }

    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    const JSON: (&str, &str) = ("content-type", "application/x-amz-json-1.1");

    fn unserved(named: &str) -> Class {
        Class::Unserved { named: named.to_owned() }
    }

    #[test]
    fn a_target_names_service_and_operation() {
        let expected =
            Class::Json { service: JsonService::CodePipeline, operation: "ListPipelines".to_owned() };
        let target = ("x-amz-target", "CodePipeline_20150709.ListPipelines");
        assert_eq!(class("POST", "/", &[target, JSON]), expected);
        assert_eq!(class("POST", "/", &[target, ("authorization", &scope("s3"))]), expected);
    }

    #[test]
    fn an_unknown_target_is_named() {
        for target in ["CodePipeline.ListPipelines", "AWSEvent.PutRule", "ListPipelines", ".", ""] {
            assert_eq!(class("POST", "/", &[("x-amz-target", target), JSON]), unserved(target));
        }
    }

    #[test]
    fn the_scope_tells_query_services_from_s3() {
        let query = |service: &str| Class::Query { service: Some(service.to_owned()) };
        assert_eq!(class("POST", "/", &[("authorization", &scope("iam")), FORM]), query("iam"));
        assert_eq!(class("POST", "/", &[("authorization", &scope("sts")), FORM]), query("sts"));
        assert_eq!(class("POST", "/", &[("authorization", &scope("redshift")), FORM]), query("redshift"));
        assert_eq!(class("PUT", "/bucket/key", &[("authorization", &scope("s3"))]), Class::S3);
        assert_eq!(
            class(
                "GET",
                "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Credential=k%2Fd%2Fr%2Fsts%2Faws4_request",
                &[]
            ),
            query("sts")
        );
    }

    #[test]
    fn a_service_that_is_not_here_is_not_taken_for_s3() {
        assert_eq!(
            class("GET", "/2015-03-31/functions", &[("authorization", &scope("lambda"))]),
            unserved("lambda")
        );
        assert_eq!(
            class("POST", "/", &[("authorization", &scope("codepipeline")), JSON]),
            unserved("codepipeline")
        );
    }

    #[test]
    fn without_a_scope_the_form_tells() {
        assert_eq!(class("POST", "/", &[FORM]), Class::Query { service: None });
        assert_eq!(
            class("GET", "/?Action=ListRoles&Version=2010-05-08", &[]),
            Class::Query { service: None }
        );
        assert_eq!(class("POST", "/", &[JSON]), unserved("no X-Amz-Target"));
        assert_eq!(class("POST", "/", &[("content-type", "application/json")]), unserved("no X-Amz-Target"));
    }

    #[test]
    fn everything_else_is_s3() {
        assert_eq!(class("GET", "/", &[]), Class::S3);
        assert_eq!(class("GET", "/bucket?list-type=2", &[]), Class::S3);
        assert_eq!(class("PUT", "/bucket/file.json", &[JSON]), Class::S3);
        assert_eq!(class("PUT", "/bucket/form", &[FORM]), Class::S3);
        assert_eq!(
            class("POST", "/bucket", &[("content-type", "multipart/form-data; boundary=x")]),
            Class::S3
        );
        assert_eq!(class("GET", "/b/k?AWSAccessKeyId=key&Signature=s&Expires=1", &[]), Class::S3);
    }

    #[test]
    fn the_operators_paths_are_ours_unless_signed_for_s3() {
        assert_eq!(class("GET", "/_penstock/health", &[]), Class::Operator);
        assert_eq!(class("GET", "/_penstock", &[]), Class::Operator);
        assert_eq!(class("GET", "/_penstocks", &[]), Class::S3);
        assert_eq!(class("GET", "/_penstock/x", &[("authorization", &scope("s3"))]), Class::S3);
    }
}
