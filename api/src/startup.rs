//! Bind, open the data, recover, serve; and the reverse on the way out.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_rt::signal::unix::{SignalKind, signal};
use penstock_storage::{OpenOptions, Store};
use tempfile::TempDir;

use crate::addresses::reached_at;
use crate::cli::Settings;
use crate::endpoints::Endpoints;
use crate::ephemeral;
use crate::hosts::Hosts;
use crate::logging::Logging;
use crate::server;
use crate::services::Services;

/// How long stopping may take. What is not done then is what a crash would leave: the next start recovers it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Serves until stopped. An error is one sentence for the person at the terminal.
pub(crate) async fn run(mut settings: Settings, logging: &Logging) -> Result<(), String> {
    // Before anything else, so that a second daemon touches nothing.
    let own = bind(settings.listen, "--listen");
    let further = settings.also_listen.iter().map(|address| bind(*address, "--also-listen"));
    let listeners = std::iter::once(own).chain(further).collect::<Result<Vec<_>, _>>()?;
    for (address, listener) in settings.addresses_mut().zip(&listeners) {
        *address = listener.local_addr().map_err(|error| format!("the port is lost: {error}"))?;
    }
    let endpoints = Endpoints::of(&settings, |name| std::env::var(name).ok())?;
    let Opened { store, place, spool, _temporary } = open(&settings)?;
    let hosts = Hosts::new(settings.addresses(), &settings.allow_host);
    let services = Services::start(store.clone(), spool, hosts, &settings, &endpoints).await?;
    let server =
        server::serve(Arc::clone(&services), listeners).map_err(|error| format!("cannot serve: {error}"))?;
    welcome(&settings, &place);
    actix_rt::spawn(ephemeral::sweep());
    let handle = server.handle();
    let mut serving = actix_rt::spawn(server);
    tokio::select! {
        ended = &mut serving => return Err(format!("the server ended by itself: {ended:?}")),
        () = asked_to_stop() => {}
    }
    leave_at_last();
    logging.leave();
    let _ = services.stopping.send(true);
    if settings.ephemeral {
        // Nobody comes who could go on with them.
        services.codebuild.end_all().await;
    }
    handle.stop(true).await;
    store.barrier().await;
    tracing::info!("stopped");
    Ok(())
}

fn bind(address: SocketAddr, flag: &str) -> Result<TcpListener, String> {
    TcpListener::bind(address).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "{address} is in use by another program: stop that one, or choose another port with {flag} {}:{}",
            bracketed(address),
            address.port().checked_add(1).unwrap_or(4566)
        ),
        _ => format!("cannot listen on {address}: {error}"),
    })
}

fn bracketed(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    }
}

/// What the daemon's data is kept in.
struct Opened {
    store: Store,
    /// In words where it is.
    place: String,
    /// Where files lie: artifacts on their way, logs, builds on the host.
    spool: PathBuf,
    /// Removed with everything in it when the daemon stops.
    _temporary: Option<TempDir>,
}

fn open(settings: &Settings) -> Result<Opened, String> {
    if settings.ephemeral {
        let temporary =
            ephemeral::folder().map_err(|error| format!("there is no place for temporary files: {error}"))?;
        return Ok(Opened {
            store: Store::in_memory(),
            place: "in memory only, gone when penstock stops".to_owned(),
            spool: temporary.path().to_owned(),
            _temporary: Some(temporary),
        });
    }
    let folder = match &settings.data_dir {
        Some(folder) => folder.clone(),
        None => default_folder(|name| std::env::var_os(name).map(PathBuf::from))?,
    };
    let store = Store::open(&folder, OpenOptions::default()).map_err(|error| error.to_string())?;
    Ok(Opened { store, place: folder.display().to_string(), spool: folder, _temporary: None })
}

/// As the XDG base directory specification has it: a relative path counts as unset.
fn default_folder(variable: impl Fn(&str) -> Option<PathBuf>) -> Result<PathBuf, String> {
    let absolute = |name: &str| variable(name).filter(|path| path.is_absolute());
    absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
        .map(|data| data.join("penstock"))
        .ok_or_else(|| {
            "no home folder to keep data in: say where with --data-dir, or use --ephemeral".to_owned()
        })
}

/// What a person needs to know next. Nobody may be reading: that is no error.
fn welcome(settings: &Settings, place: &str) {
    let _ = io::stdout().write_all(greeting(settings, place).as_bytes());
    let _ = io::stdout().flush();
    let listen: Vec<_> = settings.addresses().map(|address| address.to_string()).collect();
    tracing::info!(listen = listen.join(","), data = place, version = env!("CARGO_PKG_VERSION"), "serving");
}

fn greeting(settings: &Settings, place: &str) -> String {
    let reach = reached_at(settings.listen);
    let region = &settings.default_region;
    let mut text = String::new();
    let addresses: Vec<_> = settings.addresses().map(|address| format!("http://{address}")).collect();
    let _ =
        writeln!(text, "Penstock {} is listening on {}", env!("CARGO_PKG_VERSION"), addresses.join(" and "));
    let _ = writeln!(text, "Data: {place}\n\nIn the terminal where you use AWS:\n");
    let _ = writeln!(
        text,
        "  export AWS_ENDPOINT_URL=http://{reach} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test \
         AWS_DEFAULT_REGION={region}"
    );
    let _ = writeln!(text, "  aws codepipeline list-pipelines\n");
    text
}

/// Ctrl-C or SIGTERM. Where signals cannot be had, only a kill stops the daemon; that is safe too.
async fn asked_to_stop() {
    let signals = signal(SignalKind::interrupt()).and_then(|one| Ok((one, signal(SignalKind::terminate())?)));
    let (mut interrupt, mut terminate) = match signals {
        Ok(signals) => signals,
        Err(error) => {
            tracing::warn!(%error, "signals cannot be heard");
            return std::future::pending().await;
        }
    };
    tokio::select! {
        _ = interrupt.recv() => tracing::info!("stopping: interrupted"),
        _ = terminate.recv() => tracing::info!("stopping: asked to"),
    }
}

/// Ends the process when stopping takes too long, whatever is still in the way.
fn leave_at_last() {
    std::thread::spawn(|| {
        std::thread::sleep(PATIENCE);
        tracing::info!("stopped without waiting for what was still under way");
        std::process::exit(0);
    });
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    fn greet(line: &[&str]) -> String {
        let settings = Cli::try_parse_from([&["penstock"], line].concat()).unwrap().into_settings();
        greeting(&settings, "/data")
    }

    #[test]
    fn a_taken_port_is_one_sentence_that_says_what_to_do() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let sentence = bind(address, "--listen").unwrap_err();
        assert!(sentence.starts_with(&format!("{address} is in use by another program")), "{sentence}");
        assert!(sentence.contains("--listen 127.0.0.1:"), "{sentence}");
        assert!(!sentence.contains('\n'));
    }

    #[test]
    fn the_greeting_can_be_pasted() {
        let text = greet(&["--default-region", "eu-west-1"]);
        assert!(text.contains(
            "export AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test \
             AWS_DEFAULT_REGION=eu-west-1\n"
        ));
        assert!(text.contains("  aws codepipeline list-pipelines\n"));
        assert!(text.contains("Data: /data\n"));
        let text = greet(&["--listen", "0.0.0.0:80"]);
        assert!(text.contains("listening on http://0.0.0.0:80\n"), "{text}");
        assert!(text.contains("AWS_ENDPOINT_URL=http://127.0.0.1:80 "), "{text}");
        let text = greet(&["--also-listen", "172.17.0.1:4566"]);
        assert!(text.contains("listening on http://127.0.0.1:4566 and http://172.17.0.1:4566\n"), "{text}");
        assert!(greet(&["--listen", "[::1]:4566"]).contains("AWS_ENDPOINT_URL=http://[::1]:4566 "));
    }

    #[test]
    fn data_lies_where_the_desktop_keeps_data() {
        let folder = |xdg: Option<&str>, home: Option<&str>| {
            default_folder(|name| {
                let value = if name == "HOME" { home } else { xdg };
                value.map(PathBuf::from)
            })
        };
        assert_eq!(folder(Some("/xdg"), Some("/home/u")).unwrap(), PathBuf::from("/xdg/penstock"));
        assert_eq!(folder(None, Some("/home/u")).unwrap(), PathBuf::from("/home/u/.local/share/penstock"));
        assert_eq!(
            folder(Some("relative"), Some("/home/u")).unwrap(),
            PathBuf::from("/home/u/.local/share/penstock")
        );
        assert!(folder(None, None).unwrap_err().contains("--data-dir"));
    }
}
