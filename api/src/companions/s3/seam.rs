//! What the rest of the daemon hands to S3 with a request: who asks, and the headers behind the body.

use std::sync::Arc;

use http::{Extensions, HeaderMap};
use penstock_actors::companions::s3::service::Requester;
use s3s::S3Request;

/// Whose request it is when nothing says so.
const NOBODY: (&str, &str) = ("000000000000", "us-east-1");

/// Account and Region of a request; put into its extensions.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// Twelve digits.
    pub(crate) account: String,
    /// Such as `us-east-1`.
    pub(crate) region: String,
}

/// The headers behind a chunked body, once it has been read; put into a request's extensions.
#[derive(Clone)]
pub(crate) struct Trailing(pub(crate) Arc<dyn Fn() -> Option<HeaderMap> + Send + Sync>);

/// Who asks.
pub(super) fn requester<T>(request: &S3Request<T>, expected_owner: Option<String>) -> Requester {
    let (account, region) = match request.extensions.get::<Identity>() {
        Some(identity) => (identity.account.clone(), identity.region.clone()),
        None => (NOBODY.0.to_owned(), NOBODY.1.to_owned()),
    };
    Requester { account, region, expected_owner }
}

/// The headers behind the body of that request.
pub(super) fn trailing(extensions: &Extensions) -> Option<Trailing> {
    extensions.get::<Trailing>().cloned()
}
