//! The HTTP server: actix-web owns the port, and every request goes through one handler.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{HeaderMap, Request};
use s3s::Body;

use crate::bridge::{self, Outgoing};
use crate::classify::Class;
use crate::dispatch::{LONGEST_BODY, class_of, dispatch_from_network, refuse, too_large};
use crate::error::AwsError;
use crate::services::Services;

/// SDKs keep their connections for reuse; actix-web's five seconds would leave them with dead ones.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// Bodies that are read whole must arrive within this time.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);
/// What a client may still send of a body that is too long before it is cut off: a client that is sending
/// does not read, and the answer would be lost.
const MOST_DISCARDED: usize = 64 * 1024 * 1024;
/// Requests under way have this many seconds when the daemon stops; the rest of two belongs to the store.
const GRACE: u64 = 1;

/// Serves on bound listeners until stopped by its handle.
pub(crate) fn serve(services: Arc<Services>, listeners: Vec<TcpListener>) -> io::Result<Server> {
    let services = web::Data::from(services);
    let mut server = HttpServer::new(move || {
        App::new().app_data(web::Data::clone(&services)).default_service(web::to(handle))
    })
    .keep_alive(KEEP_ALIVE)
    .shutdown_timeout(GRACE)
    .disable_signals();
    for listener in listeners {
        server = server.listen(listener)?;
    }
    Ok(server.run())
}

async fn handle(
    services: web::Data<Services>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse<Outgoing> {
    let Some(head) = bridge::head(&request) else {
        let head = Request::new(()).into_parts().0;
        let error = AwsError::client("MalformedHttpRequestException", "The request's head is malformed.");
        return bridge::answer(refuse(&services, &head, &error));
    };
    let length = content_length(&head.headers);
    let response = match class_of(&services, &head) {
        Class::S3 | Class::Git => {
            let body = if has_body(&head.headers) { bridge::feed(payload, length) } else { Body::empty() };
            dispatch_from_network(&services, Request::from_parts(head, body)).await
        }
        _ => match whole(payload).await {
            Ok(body) => dispatch_from_network(&services, Request::from_parts(head, Body::from(body))).await,
            Err(error) => refuse_body(&services, head, &error),
        },
    };
    bridge::answer(response)
}

/// A stranger's request stays a stranger's, however long its body was.
fn refuse_body(services: &Services, head: Parts, error: &AwsError) -> http::Response<Body> {
    match services.hosts.admit(&head.headers) {
        Ok(()) => refuse(services, &head, error),
        Err(reason) => refuse(services, &head, &AwsError::new("AccessDeniedException", 403, reason)),
    }
}

/// The whole payload of a request that is small by nature.
async fn whole(payload: web::Payload) -> Result<Bytes, AwsError> {
    match actix_web::rt::time::timeout(BODY_TIMEOUT, read(payload)).await {
        Ok(read) => read,
        Err(_) => {
            Err(AwsError::new("RequestTimeoutException", 408, "The request body took too long to arrive."))
        }
    }
}

async fn read(mut payload: web::Payload) -> Result<Bytes, AwsError> {
    let mut body = BytesMut::new();
    while let Some(piece) = payload.next().await {
        let piece = piece
            .map_err(|_| AwsError::client("RequestAbortedException", "The request body ended too early."))?;
        if body.len() + piece.len() > LONGEST_BODY {
            discard(payload).await;
            return Err(too_large());
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
}

async fn discard(mut payload: web::Payload) {
    let mut discarded = 0;
    while let Some(Ok(piece)) = payload.next().await {
        discarded += piece.len();
        if discarded > MOST_DISCARDED {
            return;
        }
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok())
}

fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(CONTENT_LENGTH) || headers.contains_key(http::header::TRANSFER_ENCODING)
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
