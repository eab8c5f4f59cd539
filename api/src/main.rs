//! The daemon: AWS's wire protocols on one port.
//!
//! Read in this order: `startup` (from the command line to a listening port and back), `server` and
//! `dispatch` (the way of a request), `codepipeline::operations` (the table of what is answered).

mod addresses;
mod cli;
mod endpoints;
mod ephemeral;
mod logging;
mod startup;

mod authorization;
mod bridge;
mod server;

mod classify;
mod credential;
mod dispatch;
mod git_credentials;
mod git_http;
mod git_push;
mod hosts;
mod loopback;
mod request_id;

mod caller;
mod constraints;
mod error;
mod handler;
mod model;
mod protocol;
mod s3_wire;
mod signature;

mod codepipeline;
mod companions;
mod services;

mod github;
mod incoming;

mod metrics;
mod operator;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use crate::logging::Logging;

fn main() -> ExitCode {
    let settings = cli::Cli::parse().into_settings();
    let logging = Logging::start(settings.log_format, &settings.log_level);
    let ended =
        logging.and_then(|logging| actix_rt::System::new().block_on(startup::run(settings, &logging)));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            let _ = writeln!(std::io::stderr(), "penstock: {sentence}");
            ExitCode::FAILURE
        }
    }
}
