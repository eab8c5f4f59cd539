//! `/_penstock/action-outcomes`: the script that says how actions end, put and shown word for word.

use http::{Response, StatusCode};
use penstock_actors::outcomes::service::PutError;
use s3s::Body;

use super::text;
use crate::dispatch::collect;
use crate::error::AwsError;
use crate::services::Services;

/// What was put last.
pub(super) fn show(services: &Services) -> Result<Response<Body>, AwsError> {
    let put = services.outcomes.text().ok_or_else(|| {
        AwsError::new(
            "NotFoundException",
            404,
            "No action outcomes were put; a file of them is not shown here.",
        )
    })?;
    Ok(text(StatusCode::OK, "application/yaml; charset=utf-8", put))
}

/// Puts a script in place of the one before. One that cannot be read changes nothing.
pub(super) async fn put(services: &Services, body: Body) -> Result<Response<Body>, AwsError> {
    let script = String::from_utf8(collect(body).await?.into())
        .map_err(|_| AwsError::validation("action outcomes are text in UTF-8"))?;
    services.outcomes.put(&services.store, script).await.map_err(|error| match error {
        PutError::Malformed(why) => AwsError::validation(format!("action outcomes, {why}")),
        PutError::NoSpace(full) => AwsError::new("ServiceUnavailable", 503, full.to_string()),
    })?;
    Ok(no_content())
}

/// Forgets what was put.
pub(super) async fn forget(services: &Services) -> Response<Body> {
    services.outcomes.forget(&services.store).await;
    no_content()
}

fn no_content() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
