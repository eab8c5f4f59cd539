//! What the daemon counts about its requests, for `/_penstock/metrics`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Counters since the start. Labels come from closed sets, never from what a client sent.
#[derive(Debug)]
pub(crate) struct Metrics {
    started: Instant,
    requests: Mutex<BTreeMap<Request, u64>>,
}

/// What a request was and how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Request {
    /// Such as `codepipeline` or `s3`.
    pub(crate) service: &'static str,
    /// The operation, or for S3 the HTTP method; `other` for what nobody knows.
    pub(crate) operation: &'static str,
    /// The HTTP status.
    pub(crate) status: u16,
}

impl Metrics {
    /// Nothing counted yet.
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), requests: Mutex::default() }
    }

    /// One more request.
    pub(crate) fn count(&self, request: Request) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry(request).or_default() += 1;
    }

    /// Seconds since the start.
    pub(crate) fn uptime(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// The counters in Prometheus' text format.
    pub(crate) fn render(&self, text: &mut String) {
        let _ = writeln!(text, "# HELP penstock_uptime_seconds Seconds since the daemon began to serve.");
        let _ = writeln!(text, "# TYPE penstock_uptime_seconds gauge");
        let _ = writeln!(text, "penstock_uptime_seconds {:.3}", self.uptime());
        let _ = writeln!(text, "# HELP penstock_requests_total Requests answered.");
        let _ = writeln!(text, "# TYPE penstock_requests_total counter");
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        for (Request { service, operation, status }, count) in requests.iter() {
            let _ = writeln!(
                text,
                "penstock_requests_total{{service=\"{service}\",operation=\"{operation}\",status=\"{status}\"}} \
                 {count}"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_service_operation_and_status() {
        let metrics = Metrics::new();
        let request = Request { service: "codepipeline", operation: "ListPipelines", status: 200 };
        metrics.count(request);
        metrics.count(request);
        metrics.count(Request { status: 400, ..request });
        let mut text = String::new();
        metrics.render(&mut text);
        assert!(text.contains("operation=\"ListPipelines\",status=\"200\"} 2\n"), "{text}");
        assert!(text.contains("operation=\"ListPipelines\",status=\"400\"} 1\n"), "{text}");
    }
}
