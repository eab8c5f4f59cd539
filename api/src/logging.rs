//! Log lines: to standard error, as text or JSON, and never with headers or secrets.

use std::io::{self, IsTerminal};
use std::panic::PanicHookInfo;

use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::Directive;

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

/// Starts logging; a sentence when the level makes no sense.
pub(crate) fn start(format: LogFormat, level: &str) -> Result<(), String> {
    let filter = filter(level)?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    let started = match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    std::panic::set_hook(Box::new(log_panic));
    started.map_err(|error| format!("logging cannot start: {error}"))
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
    fn every_quiet_directive_is_one() {
        assert!(QUIET.iter().all(|directive| directive.parse::<Directive>().is_ok()));
    }

    #[test]
    fn a_level_that_makes_no_sense_is_refused() {
        assert!(filter("penstock=loud").is_err());
    }
}
