//! Who a request says it is: the SigV4 credential scope, in the header or in a presigned query.
//!
//! Nothing is verified here, see [`signature`](crate::signature). Also read: the older signature version 2, which boto3 still uses to presign in
//! us-east-1, and which names a key only.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use percent_encoding::percent_decode_str;

/// What the request names, as it names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Credential {
    /// The access key id.
    pub(crate) access_key: String,
    /// The Region of the scope; signature version 2 and the Region-less version 4a have none.
    pub(crate) region: Option<String>,
    /// The service of the scope.
    pub(crate) service: Option<String>,
    /// The session token beside it.
    pub(crate) session_token: Option<String>,
}

impl Credential {
    /// The credential of a request, when it carries one.
    pub(crate) fn of(headers: &HeaderMap, query: Option<&str>) -> Option<Self> {
        let query = query.unwrap_or_default();
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let token = text("x-amz-security-token")
            .map(str::to_owned)
            .or_else(|| parameter(query, "X-Amz-Security-Token"));
        if let Some(header) = headers.get(AUTHORIZATION) {
            return Self::of_header(header.to_str().ok()?, token);
        }
        if let Some(scope) = parameter(query, "X-Amz-Credential") {
            return Self::of_scope(&scope, token);
        }
        let access_key = parameter(query, "AWSAccessKeyId").filter(|key| !key.is_empty())?;
        Some(Self { access_key, region: None, service: Some("s3".to_owned()), session_token: token })
    }

    fn of_header(header: &str, session_token: Option<String>) -> Option<Self> {
        if let Some(version_2) = header.strip_prefix("AWS ") {
            let (key, _signature) = version_2.trim().split_once(':')?;
            return Some(Self {
                access_key: key.to_owned(),
                region: None,
                service: Some("s3".to_owned()),
                session_token,
            });
        }
        let (_algorithm, fields) = header.strip_prefix("AWS4-")?.split_once(' ')?;
        let scope = fields.split(',').find_map(|field| field.trim().strip_prefix("Credential="))?;
        Self::of_scope(scope.trim(), session_token)
    }

    /// `<key>/<date>/<region>/<service>/aws4_request`; version 4a leaves out the Region.
    fn of_scope(scope: &str, session_token: Option<String>) -> Option<Self> {
        let parts: Vec<&str> = scope.split('/').collect();
        let (access_key, region, service) = match parts.as_slice() {
            [key, _date, region, service, "aws4_request"] => (*key, Some(*region), *service),
            [key, _date, service, "aws4_request"] => (*key, None, *service),
            _ => return None,
        };
        if access_key.is_empty() {
            return None;
        }
        Some(Self {
            access_key: access_key.to_owned(),
            region: region.map(str::to_owned),
            service: Some(service.to_ascii_lowercase()),
            session_token,
        })
    }
}

/// The decoded value of a query parameter, by its name in any case.
pub(crate) fn parameter(query: &str, name: &str) -> Option<String> {
    query.split('&').find_map(|pair| {
        let (found, value) = pair.split_once('=').unwrap_or((pair, ""));
        found.eq_ignore_ascii_case(name).then(|| percent_decode_str(value).decode_utf8_lossy().into_owned())
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn of_header(value: &str) -> Option<Credential> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value.parse().unwrap());
        Credential::of(&headers, None)
    }

    #[test]
    fn the_scope_of_a_signed_request_names_key_region_and_service() {
        let found = of_header(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-1/iam/aws4_request, \
             SignedHeaders=host;x-amz-date, Signature=abc",
        )
        .unwrap();
        assert_eq!(found.access_key, "AKIDEXAMPLE");
        assert_eq!(found.region.as_deref(), Some("eu-west-1"));
        assert_eq!(found.service.as_deref(), Some("iam"));
        assert_eq!(found.session_token, None);
    }

    #[test]
    fn the_scope_may_be_the_last_field_and_have_no_spaces() {
        let found =
            of_header("AWS4-HMAC-SHA256 SignedHeaders=host,Signature=a,Credential=k/d/r/sts/aws4_request")
                .unwrap();
        assert_eq!(found.service.as_deref(), Some("sts"));
    }

    #[test]
    fn version_4a_has_no_region_and_version_2_only_a_key() {
        let found =
            of_header("AWS4-ECDSA-P256-SHA256 Credential=k/20200101/s3/aws4_request, Signature=x").unwrap();
        assert_eq!((found.region, found.service.as_deref()), (None, Some("s3")));
        let found = of_header("AWS 123456789012:c2lnbmF0dXJl").unwrap();
        assert_eq!((found.access_key.as_str(), found.service.as_deref()), ("123456789012", Some("s3")));
    }

    #[test]
    fn a_presigned_query_names_the_same_things() {
        let query =
            "x=1&X-Amz-Credential=key%2F20200101%2Fus-west-2%2Fs3%2Faws4_request&X-Amz-Security-Token=a%2Fb";
        let found = Credential::of(&HeaderMap::new(), Some(query)).unwrap();
        assert_eq!(found.region.as_deref(), Some("us-west-2"));
        assert_eq!(found.session_token.as_deref(), Some("a/b"));
        let found =
            Credential::of(&HeaderMap::new(), Some("AWSAccessKeyId=key&Signature=s&Expires=1")).unwrap();
        assert_eq!(found.access_key, "key");
    }

    #[test]
    fn the_session_token_comes_with_the_header() {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, "AWS4-HMAC-SHA256 Credential=k/d/r/s3/aws4_request".parse().unwrap());
        headers.insert("x-amz-security-token", "token".parse().unwrap());
        assert_eq!(Credential::of(&headers, None).unwrap().session_token.as_deref(), Some("token"));
    }

    #[test]
    fn what_is_no_credential_is_none() {
        for header in [
            "",
            "Basic dXNlcjpwYXNz",
            "AWS4-HMAC-SHA256",
            "AWS4-HMAC-SHA256 Credential=",
            "AWS nothing",
            "AWS4-HMAC-SHA256 Credential=a/b/c",
            "AWS4-HMAC-SHA256 Credential=/d/r/s3/aws4_request",
            "Bearer x",
        ] {
            assert_eq!(of_header(header), None, "{header}");
        }
        assert_eq!(Credential::of(&HeaderMap::new(), Some("list-type=2")), None);
        assert_eq!(Credential::of(&HeaderMap::new(), None), None);
    }
}
