//! Log lines: to standard error, as text or JSON, and never with headers or secrets.

use std::io::{self, IsTerminal};
use std::panic::PanicHookInfo;

use tracing::Level;
use tracing_subscriber::filter::Directive;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

use crate::cli::LogFormat;

/// Crates that write requests, headers or signatures when they are let: whatever level is asked for. And
/// actix-http's connections, which call it an error of ours when a client sends something that is not HTTP; an
/// answer that breaks off is logged by the bridge.
const QUIET: [&str; 10] = [
    "s3s=off",
    "actix_http=warn",
    "actix_http::h1=off",
    "actix_server=warn",
    "aws_runtime=warn",
    "aws_sdk_s3=warn",
    "aws_sigv4=warn",
    "aws_smithy_runtime=warn",
    "h2=warn",
    "hyper=warn",
];

/// What decides about each line.
pub(crate) struct Logging(reload::Handle<EnvFilter, Registry>);

impl Logging {
    /// Starts logging; a sentence when the level makes no sense.
    pub(crate) fn start(format: LogFormat, level: &str) -> Result<Self, String> {
        let (filter, handle) = reload::Layer::new(filter(level)?);
        let lines = fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
        let lines = match format {
            LogFormat::Text => lines.boxed(),
            LogFormat::Json => lines.json().flatten_event(true).boxed(),
        };
        let started = tracing_subscriber::registry().with(filter).with(lines).try_init();
        std::panic::set_hook(Box::new(log_panic));
        started.map_err(|error| format!("logging cannot start: {error}"))?;
        Ok(Self(handle))
    }

    /// From now on the server may say what it likes about connections that it no longer takes: it calls each
    /// that arrives while it stops an error of its own.
    pub(crate) fn leave(&self) {
        let quiet = "actix_server::accept=off".parse::<Directive>();
        if let Ok(quiet) = quiet {
            let _ = self.0.modify(|filter| *filter = std::mem::take(filter).add_directive(quiet));
        }
    }
}

fn filter(level: &str) -> Result<EnvFilter, String> {
    let asked = EnvFilter::try_new(level).map_err(|error| format!("--log-level {level}: {error}"))?;
    let quiet = QUIET.iter().filter_map(|directive| directive.parse::<Directive>().ok());
    Ok(quiet.fold(asked, EnvFilter::add_directive))
}

/// A panic as one log line; without a backtrace, whose making costs more memory than the daemon itself.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let said = panic.payload_as_str().unwrap_or("no text");
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    tracing::event!(Level::ERROR, place, said, "panic");
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn crates_that_log_credentials_stay_quiet_at_every_level() {
        for level in ["trace", "s3s=trace", "info,s3s=debug,aws_sigv4=trace"] {
            let text = filter(level).unwrap().to_string();
            assert!(text.contains("s3s=off"), "{text}");
            assert!(text.contains("aws_sigv4=warn"), "{text}");
            assert!(!text.contains("s3s=debug") && !text.contains("s3s=trace"), "{text}");
        }
    }

    #[test]
    fn who_comes_while_the_daemon_leaves_is_no_error_of_it() {
        let (layer, handle) = reload::Layer::<EnvFilter, Registry>::new(filter("info").unwrap());
        let logging = Logging(handle);
        logging.leave();
        let text = logging.0.with_current(ToString::to_string).unwrap();
        assert!(text.contains("actix_server::accept=off"), "{text}");
        assert!(text.contains("actix_server=warn") && text.contains("info"), "{text}");
        drop(layer);
    }

    #[test]
    fn every_quiet_directive_is_one() {
        assert!(QUIET.iter().all(|directive| directive.parse::<Directive>().is_ok()));
    }

    #[test]
    fn a_level_that_makes_no_sense_is_refused() {
        assert!(filter("penstock=loud").is_err());
    }
}
