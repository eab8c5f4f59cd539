//! Whether a request was signed with the secret of the key that it names, by signature version 4 (IAM user guide, "Create
//! a signed AWS API request").
//!
//! Asked only of keys that this daemon issued: of others it has no secret. The request is taken as it came, and what the
//! client says it signed is signed again. Not looked at are the older and the asymmetric version (2 and 4a), and the
//! signatures within a body that comes in chunks.

use std::time::SystemTime;

use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};
use time::macros::format_description;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

use crate::credential::parameter;
use crate::error::AwsError;
use crate::protocol::refusal::Form;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const CONTENT_SHA256: &str = "x-amz-content-sha256";
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
/// What is encoded in queries that are signed, and but for slashes in paths.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const ENCODED_IN_PATHS: &AsciiSet = &ENCODED.remove(b'/');

/// The body, as far as the signature goes by it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Payload<'a> {
    /// Read whole.
    Whole(&'a [u8]),
    /// S3's: what the client says of it counts, since it may be of any length.
    AsDeclared,
}

/// Refuses a request that was not signed with that secret, or not lately.
pub(crate) fn check(
    head: &Parts,
    payload: Payload<'_>,
    secret: &str,
    form: Form,
    now: OffsetDateTime,
) -> Result<(), AwsError> {
    let query = head.uri.query().unwrap_or_default();
    if is_of_another_version(&head.headers, query) {
        return Ok(());
    }
    let signed = Signed::of(&head.headers, query).ok_or_else(|| incomplete(form))?;
    let time = moment(&signed.stamp).ok_or_else(|| incomplete(form))?;
    signed.is_timely(time, now, form)?;
    let canonical = signed.canonical_request(head, query, payload);
    if signed.scope.signature(&signed.stamp, time, secret, &canonical) == signed.signature {
        return Ok(());
    }
    Err(mismatch(form))
}

/// What a signing key is good for.
pub(crate) struct Scope {
    /// As in `20261124`.
    pub(crate) date: String,
    pub(crate) region: String,
    pub(crate) service: String,
}

impl Scope {
    /// The signature of a canonical request.
    pub(crate) fn signature(
        &self,
        stamp: &str,
        time: OffsetDateTime,
        secret: &str,
        canonical: &str,
    ) -> String {
        let Self { date, region, service } = self;
        let hash = hex::encode(Sha256::digest(canonical));
        let text = format!("{ALGORITHM}\n{stamp}\n{date}/{region}/{service}/aws4_request\n{hash}");
        calculate_signature(
            generate_signing_key(secret, SystemTime::from(time), region, service),
            text.as_bytes(),
        )
    }
}

/// The moment that a stamp such as `20261124T023000Z` names.
pub(crate) fn moment(stamp: &str) -> Option<OffsetDateTime> {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    PrimitiveDateTime::parse(stamp, format).ok().map(PrimitiveDateTime::assume_utc)
}

/// What a request says of its signature.
struct Signed {
    scope: Scope,
    stamp: String,
    /// Names in lower case, with `;` between them.
    headers: String,
    signature: String,
    /// For how many seconds a presigned address is good.
    lifetime: Option<i64>,
}

impl Signed {
    fn of(headers: &HeaderMap, query: &str) -> Option<Self> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(header) = text(AUTHORIZATION.as_str()) {
            let fields = header.strip_prefix(ALGORITHM)?;
            let field = |name: &str| {
                let mut fields = fields.split(',').map(str::trim);
                fields.find_map(|field| field.strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
            };
            return Some(Self {
                scope: scope(&field("Credential")?)?,
                stamp: text("x-amz-date")?.to_owned(),
                headers: field("SignedHeaders")?,
                signature: field("Signature")?,
                lifetime: None,
            });
        }
        Some(Self {
            scope: scope(&parameter(query, "X-Amz-Credential")?)?,
            stamp: parameter(query, "X-Amz-Date")?,
            headers: parameter(query, "X-Amz-SignedHeaders")?,
            signature: parameter(query, "X-Amz-Signature")?,
            // Services other than S3 do without.
            lifetime: Some(parameter(query, "X-Amz-Expires").map_or(Some(900), |text| text.parse().ok())?),
        })
    }

    /// Five minutes either way, for S3 fifteen; what is presigned has its own time.
    fn is_timely(&self, time: OffsetDateTime, now: OffsetDateTime, form: Form) -> Result<(), AwsError> {
        let skew = Duration::minutes(if form == Form::S3 { 15 } else { 5 });
        let until = time.saturating_add(self.lifetime.map_or(skew, Duration::seconds));
        if now <= until && time <= now.saturating_add(skew) {
            return Ok(());
        }
        let stamp = &self.stamp;
        Err(match form {
            Form::S3 if self.lifetime.is_some() && now > until => {
                AwsError::new("AccessDenied", 403, "Request has expired")
            }
            Form::S3 => AwsError::new(
                "RequestTimeTooSkewed",
                403,
                "The difference between the request time and the current time is too large.",
            ),
            Form::Json(_) | Form::Query => {
                let format = format_description!("[year][month][day]T[hour][minute][second]Z");
                let now = now.format(format).unwrap_or_default();
                refused(form, format!("Signature expired or not yet current: {stamp} is too far from {now}"))
            }
        })
    }

    /// The request in the form that is signed.
    fn canonical_request(&self, head: &Parts, query: &str, payload: Payload<'_>) -> String {
        let mut text = format!("{}\n{}\n", head.method, self.path(head.uri.path()));
        text.push_str(&self.query(query));
        text.push('\n');
        for name in self.headers.split(';') {
            text.push_str(name);
            text.push(':');
            let values = head.headers.get_all(name).iter().map(|value| {
                let value = String::from_utf8_lossy(value.as_bytes());
                value.split_whitespace().collect::<Vec<_>>().join(" ")
            });
            text.push_str(&values.collect::<Vec<_>>().join(","));
            text.push('\n');
        }
        let declared = head.headers.get(CONTENT_SHA256).and_then(|value| value.to_str().ok());
        let hash = match payload {
            Payload::Whole(_) if declared == Some(UNSIGNED) => UNSIGNED.to_owned(),
            Payload::Whole(bytes) => hex::encode(Sha256::digest(bytes)),
            Payload::AsDeclared => declared.unwrap_or(UNSIGNED).to_owned(),
        };
        format!("{text}\n{}\n{hash}", self.headers)
    }

    /// S3 signs paths as they are sent; everybody else encodes them once more.
    fn path(&self, path: &str) -> String {
        match self.scope.service.as_str() {
            "s3" => path.to_owned(),
            _ => utf8_percent_encode(path, ENCODED_IN_PATHS).to_string(),
        }
    }

    fn query(&self, query: &str) -> String {
        let encoded = |text: &str| {
            let spaced = text.replace('+', " ");
            let decoded: Vec<u8> = percent_decode_str(&spaced).collect();
            percent_encoding::percent_encode(&decoded, ENCODED).to_string()
        };
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let mut pairs: Vec<(String, String)> = pairs
            .filter(|(name, _)| self.lifetime.is_none() || !name.eq_ignore_ascii_case("X-Amz-Signature"))
            .map(|(name, value)| (encoded(name), encoded(value)))
            .collect();
        pairs.sort();
        pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    }
}

/// `<key>/<date>/<region>/<service>/aws4_request`.
fn scope(credential: &str) -> Option<Scope> {
    match credential.split('/').collect::<Vec<_>>().as_slice() {
        [_key, date, region, service, "aws4_request"] => Some(Scope {
            date: (*date).to_owned(),
            region: (*region).to_owned(),
            service: (*service).to_owned(),
        }),
        _ => None,
    }
}

fn is_of_another_version(headers: &HeaderMap, query: &str) -> bool {
    match headers.get(AUTHORIZATION) {
        Some(header) => !header.as_bytes().starts_with(b"AWS4-HMAC-"),
        None => parameter(query, "X-Amz-Algorithm").is_none_or(|algorithm| algorithm != ALGORITHM),
    }
}

fn mismatch(form: Form) -> AwsError {
    let told = match form {
        Form::S3 => "Check your key and signing method.",
        Form::Json(_) | Form::Query => {
            "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
        }
    };
    refused(
        form,
        format!("The request signature we calculated does not match the signature you provided. {told}"),
    )
}

fn refused(form: Form, message: String) -> AwsError {
    match form {
        Form::Json(_) => AwsError::client("InvalidSignatureException", message),
        Form::Query | Form::S3 => AwsError::new("SignatureDoesNotMatch", 403, message),
    }
}

fn incomplete(form: Form) -> AwsError {
    let message = "The request signature does not conform to AWS standards: it must name the credential, the signed \
                   headers, the signature and the date.";
    match form {
        Form::Json(_) => AwsError::client("IncompleteSignatureException", message),
        Form::Query => AwsError::new("IncompleteSignature", 400, message),
        Form::S3 => AwsError::new("AuthorizationHeaderMalformed", 400, message),
    }
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
