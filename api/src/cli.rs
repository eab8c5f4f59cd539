//! Flags and environment: everything a person can set.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use penstock_actors::git::mapping::Mapping;

/// Runs AWS CodePipeline pipelines on your own machine.
#[derive(Debug, Parser)]
#[command(
    name = "penstock",
    version,
    about,
    long_about = "Runs AWS CodePipeline pipelines on your own machine: one daemon that answers AWS's APIs on \
                  one port and really executes the pipelines.\n\nWithout a subcommand, penstock serves.",
    args_conflicts_with_subcommands = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until stopped (the default)
    Serve(Box<Settings>),
}

impl Cli {
    /// The daemon's settings, wherever on the line they stood.
    pub(crate) fn into_settings(self) -> Settings {
        match self.command {
            Some(Command::Serve(settings)) => *settings,
            None => self.settings,
        }
    }
}

/// What the daemon can be told.
#[derive(Clone, Debug, Args)]
pub(crate) struct Settings {
    /// Address and port to listen on. Anything but a loopback address lets other machines in: there is no
    /// password
    #[arg(long, env = "PENSTOCK_LISTEN", value_name = "ADDR:PORT", default_value = "127.0.0.1:4566")]
    pub(crate) listen: SocketAddr,

    /// A further address and port to listen on; may be repeated. On that of Docker's bridge (172.17.0.1:4566, say)
    /// builds in containers reach the daemon
    #[arg(long, env = "PENSTOCK_ALSO_LISTEN", value_name = "ADDR:PORT", value_delimiter = ',')]
    pub(crate) also_listen: Vec<SocketAddr>,

    /// Folder for everything that is kept [default: $XDG_DATA_HOME/penstock, or ~/.local/share/penstock]
    #[arg(long, env = "PENSTOCK_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// Keep everything in memory only; --data-dir is then not looked at
    #[arg(long, env = "PENSTOCK_EPHEMERAL", value_parser = FalseyValueParser::new())]
    pub(crate) ephemeral: bool,

    /// How many ended executions of each pipeline are kept
    #[arg(
        long,
        env = "PENSTOCK_KEEP_EXECUTIONS",
        value_name = "N",
        default_value_t = 10_000,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub(crate) keep_executions: u32,

    /// Leave the artifacts of executions that are no longer kept in their buckets
    #[arg(long, env = "PENSTOCK_KEEP_ARTIFACTS", value_parser = FalseyValueParser::new())]
    pub(crate) keep_artifacts: bool,

    /// The client token of every customer, with which the job workers of third-party actions name themselves
    #[arg(
        long,
        env = "PENSTOCK_THIRD_PARTY_CLIENT_TOKEN",
        value_name = "TOKEN",
        default_value = "DEFAULT_CLIENT_TOKEN"
    )]
    pub(crate) third_party_client_token: String,

    /// Whose calls are held against the policies that IAM has for them
    #[arg(
        long,
        env = "PENSTOCK_IAM_ENFORCEMENT",
        value_name = "WHOSE",
        value_enum,
        default_value_t = Enforcement::Actions
    )]
    pub(crate) iam_enforcement: Enforcement,

    /// A file that says how actions end, in place of whoever would do their work; read again when it changes. The
    /// same over HTTP: PUT /_penstock/action-outcomes
    #[arg(long, env = "PENSTOCK_ACTION_OUTCOMES", value_name = "FILE")]
    pub(crate) action_outcomes: Option<PathBuf>,

    /// Let anybody who reaches the daemon move its clock ahead, so that tests need not wait for deadlines:
    /// POST /_penstock/clock
    #[arg(long, env = "PENSTOCK_ALLOW_CLOCK", value_parser = FalseyValueParser::new())]
    pub(crate) allow_clock: bool,

    /// Seconds between looks at what is elsewhere: S3 sources that poll, in a store of another's, and repositories that are
    /// mapped to a URL. Of what is on this machine every change is known at once
    #[arg(
        long,
        env = "PENSTOCK_POLL_INTERVAL",
        value_name = "SECONDS",
        default_value_t = 60,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub(crate) poll_interval: u32,

    /// What the URLs of webhooks begin with, where others reach this daemon under another name than its address; that
    /// name must be allowed by --allow-host, too
    #[arg(long, env = "PENSTOCK_PUBLIC_URL", value_name = "URL", value_parser = url)]
    pub(crate) public_url: Option<String>,

    /// GitHub's API: from where connections' sources come that are not mapped, and where RegisterWebhookWithThirdParty registers
    /// webhooks
    #[arg(
        long,
        env = "PENSTOCK_GITHUB_API_URL",
        value_name = "URL",
        default_value = "https://api.github.com",
        value_parser = url
    )]
    pub(crate) github_api_url: String,

    /// What GitHub signs its events with (the secret of a webhook there) that are sent to /_penstock/github, for
    /// sources behind a connection. Without one, every event is believed
    #[arg(long, env = "PENSTOCK_GITHUB_WEBHOOK_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub(crate) github_webhook_secret: Option<String>,

    /// Lets source actions take a connection's repository from a git repository at hand, a path or a URL; may be
    /// repeated. What is committed there counts, nothing need be pushed
    #[arg(
        long,
        env = "PENSTOCK_MAP_REPOSITORY",
        value_name = "OWNER/NAME=PATH-OR-URL",
        value_delimiter = ',',
        value_parser = mapping
    )]
    pub(crate) map_repository: Vec<Mapping>,

    /// How log lines are written, to standard error
    #[arg(long, env = "PENSTOCK_LOG_FORMAT", value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,

    /// What is logged: error, warn, info, debug or trace, or module=level pairs with commas between them
    #[arg(long, env = "PENSTOCK_LOG_LEVEL", value_name = "LEVEL", default_value = "info")]
    pub(crate) log_level: String,

    /// The Region of requests that name none
    #[arg(
        long,
        env = "PENSTOCK_DEFAULT_REGION",
        value_name = "REGION",
        default_value = "us-east-1",
        value_parser = region
    )]
    pub(crate) default_region: String,

    /// A further host name to answer to, and bucket names before it; may be repeated. Requests that name
    /// any other host are refused, so that no web page can drive the daemon
    #[arg(long, env = "PENSTOCK_ALLOW_HOST", value_name = "NAME", value_delimiter = ',', value_parser = host_name)]
    pub(crate) allow_host: Vec<String>,

    /// What runs builds: a container engine, the host itself (then builds can do all that you can), or nothing
    #[arg(long, env = "PENSTOCK_BUILD_RUNNER", value_name = "RUNNER", value_enum, default_value_t = BuildRunner::Docker)]
    pub(crate) build_runner: BuildRunner,

    /// An image at hand that stands in for one that projects name, such as
    /// aws/codebuild/standard:7.0=my-build-image; may be repeated
    #[arg(
        long,
        env = "PENSTOCK_BUILD_IMAGE",
        value_name = "NAME=LOCAL-NAME",
        value_delimiter = ',',
        value_parser = build_image
    )]
    pub(crate) build_image: Vec<(String, String)>,

    /// What builds are given as AWS_ENDPOINT_URL [default: an address that this daemon listens on and they reach]
    #[arg(long, env = "PENSTOCK_BUILD_ENDPOINT_URL", value_name = "URL", value_parser = url)]
    pub(crate) build_endpoint_url: Option<String>,

    /// Where actions call AWS services instead of the ones in this daemon [env: AWS_ENDPOINT_URL]
    #[arg(long, value_name = "URL", value_parser = url)]
    pub(crate) endpoint_url: Option<String>,

    /// The same for S3 alone [env: AWS_ENDPOINT_URL_S3]
    #[arg(long, value_name = "URL", value_parser = url)]
    pub(crate) endpoint_url_s3: Option<String>,

    /// The same for STS alone [env: AWS_ENDPOINT_URL_STS]
    #[arg(long, value_name = "URL", value_parser = url)]
    pub(crate) endpoint_url_sts: Option<String>,

    /// Where Lambda is, which this daemon does not have [env: AWS_ENDPOINT_URL_LAMBDA]
    #[arg(long, value_name = "URL", value_parser = url)]
    pub(crate) endpoint_url_lambda: Option<String>,

    /// Where CloudWatch is, which this daemon does not have [env: AWS_ENDPOINT_URL_CLOUDWATCH]
    #[arg(long, value_name = "URL", value_parser = url)]
    pub(crate) endpoint_url_cloudwatch: Option<String>,
    /// The same for SNS alone, which the daemon does not have: who is asked for approval is notified there
    /// [env: AWS_ENDPOINT_URL_SNS]
    #[arg(long, value_name = "URL", value_parser = url)]
    pub(crate) endpoint_url_sns: Option<String>,

    /// The same for SSM alone, whose parameters builds read [env: AWS_ENDPOINT_URL_SSM]
    #[arg(long, value_name = "URL", value_parser = url)]
    pub(crate) endpoint_url_ssm: Option<String>,

    /// The same for Secrets Manager alone, whose secrets builds read [env: AWS_ENDPOINT_URL_SECRETS_MANAGER]
    #[arg(long, value_name = "URL", value_parser = url)]
    pub(crate) endpoint_url_secrets_manager: Option<String>,

    /// Seconds that an endpoint elsewhere may say nothing, before an action that called it takes that for its answer
    #[arg(
        long,
        env = "PENSTOCK_ENDPOINT_TIMEOUT",
        value_name = "SECONDS",
        default_value_t = 60,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub(crate) endpoint_timeout: u32,

    /// Send state changes to the default event bus of the EventBridge at this URL; nothing else is asked of it
    /// [env: AWS_ENDPOINT_URL_EVENTBRIDGE]
    #[arg(long, value_name = "URL", value_parser = url)]
    pub(crate) endpoint_url_eventbridge: Option<String>,

    /// Send state changes to this URL, each as a POST of its EventBridge event
    #[arg(long, env = "PENSTOCK_EVENTS_TO", value_name = "URL", value_parser = url)]
    pub(crate) events_to: Option<String>,
}

impl Settings {
    /// Every address to listen on; the first is the daemon's own, where it is one address that counts.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        std::iter::once(self.listen).chain(self.also_listen.iter().copied())
    }

    /// The same, to be told which port it is where any would do.
    pub(crate) fn addresses_mut(&mut self) -> impl Iterator<Item = &mut SocketAddr> {
        std::iter::once(&mut self.listen).chain(&mut self.also_listen)
    }
}

/// Whose calls are held against policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Enforcement {
    /// Nobody's: every call is permitted
    Off,
    /// Those of pipelines' actions and their job workers, under the roles that CodePipeline assumed
    Actions,
    /// Those of every session of a role and of every user, who must have signed with their secrets; keys that were not issued
    /// here are an account's own and may do everything
    All,
}

/// What runs builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BuildRunner {
    /// Docker or Podman: each build in a container of its own
    Docker,
    /// This machine, without a container
    Host,
    /// Nothing: actions that need a build fail
    None,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

fn region(text: &str) -> Result<String, String> {
    let is_fit = (2..=32).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if is_fit { Ok(text.to_owned()) } else { Err("a Region looks like us-east-1".to_owned()) }
}

fn mapping(text: &str) -> Result<Mapping, String> {
    let folder = std::env::current_dir().map_err(|error| format!("there is no current folder: {error}"))?;
    Mapping::parse(text, &folder)
}

fn build_image(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, local)) if !name.trim().is_empty() && !local.trim().is_empty() => {
            Ok((name.trim().to_owned(), local.trim().to_owned()))
        }
        _ => Err("looks like aws/codebuild/standard:7.0=my-build-image".to_owned()),
    }
}

fn host_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    let is_fit = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    if is_fit { Ok(name.to_owned()) } else { Err("a host name, without scheme, port or path".to_owned()) }
}

/// Whether that can be an endpoint.
pub(crate) fn url(text: &str) -> Result<String, String> {
    let uri: http::Uri = text.trim().parse().map_err(|_| "not a URL".to_owned())?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http" | "https"), Some(host)) if !host.is_empty() => Ok(text.trim().to_owned()),
        _ => Err("an endpoint looks like http://localhost:4566".to_owned()),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn settings(line: &[&str]) -> Settings {
        Cli::try_parse_from([&["penstock"], line].concat()).unwrap().into_settings()
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn penstock_alone_serves_with_the_defaults() {
        let settings = settings(&[]);
        assert_eq!(settings.listen.to_string(), "127.0.0.1:4566");
        assert_eq!(settings.keep_executions, 10_000);
        assert_eq!(settings.default_region, "us-east-1");
        assert!(!settings.ephemeral && !settings.keep_artifacts && !settings.allow_clock);
        assert_eq!(settings.iam_enforcement, Enforcement::Actions);
    }

    #[test]
    fn flags_may_stand_with_and_without_the_subcommand() {
        assert_eq!(settings(&["--listen", "0.0.0.0:80"]).listen.port(), 80);
        assert_eq!(settings(&["serve", "--listen", "0.0.0.0:80"]).listen.port(), 80);
        assert!(Cli::try_parse_from(["penstock", "--ephemeral", "serve"]).is_err());
    }

    #[test]
    fn addresses_may_be_repeated_or_listed_and_the_first_is_the_daemons() {
        let settings = settings(&["--also-listen", "10.0.0.7:80,[::1]:80", "--also-listen", "10.0.0.8:81"]);
        let addresses: Vec<String> = settings.addresses().map(|address| address.to_string()).collect();
        assert_eq!(addresses, ["127.0.0.1:4566", "10.0.0.7:80", "[::1]:80", "10.0.0.8:81"]);
    }

    #[test]
    fn host_names_may_be_repeated_or_listed() {
        let settings =
            settings(&["--allow-host", "penstock,ci", "--allow-host", "localhost.localstack.cloud"]);
        assert_eq!(settings.allow_host, ["penstock", "ci", "localhost.localstack.cloud"]);
    }

    #[test]
    fn values_that_make_no_sense_are_refused() {
        for line in [
            ["--listen", "4566"],
            ["--also-listen", "docker0:4566"],
            ["--build-endpoint-url", "172.17.0.1:4566"],
            ["--keep-executions", "0"],
            ["--default-region", "Virginia!"],
            ["--allow-host", "http://penstock:4566"],
            ["--endpoint-url", "localhost:4566"],
            ["--endpoint-url-s3", "ftp://x"],
            ["--events-to", "localhost"],
            ["--log-format", "xml"],
            ["--iam-enforcement", "some"],
            ["--map-repository", "owner/name"],
            ["--map-repository", "owner/name=ext::sh"],
            ["--build-runner", "kvm"],
            ["--build-image", "aws/codebuild/standard:7.0"],
        ] {
            assert!(Cli::try_parse_from(["penstock", line[0], line[1]]).is_err(), "{line:?}");
        }
    }
}
