//! Where the actions' own calls to AWS services go: into this daemon, or to an endpoint that the person set,
//! by our flags or as for every AWS SDK.
//!
//! The same variable that points clients at this daemon may be set in its own environment. An endpoint that
//! is this daemon counts as none: the call then stays within the process.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use http::Uri;

use crate::cli::{self, Settings};

/// The endpoints that are set; without one, the service within this daemon is called, if there is one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Endpoints {
    /// S3's.
    pub(crate) s3: Option<String>,
    /// STS's.
    pub(crate) sts: Option<String>,
    /// Lambda's; there is none within this daemon.
    pub(crate) lambda: Option<String>,
    /// CloudWatch's; neither.
    pub(crate) cloud_watch: Option<String>,
    /// SNS's.
    pub(crate) sns: Option<String>,
    /// SSM's.
    pub(crate) ssm: Option<String>,
    /// Secrets Manager's.
    pub(crate) secrets_manager: Option<String>,
    /// EventBridge's. Only its own setting counts: who moves the services that actions call has not asked for events.
    pub(crate) event_bridge: Option<String>,
    /// Every other service's.
    pub(crate) others: Option<String>,
}

impl Endpoints {
    /// From flags and environment; a sentence when a variable holds no URL. Flags go before variables, and
    /// among each of them a service's own before the general one, as in AWS's tools.
    pub(crate) fn of(settings: &Settings, variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let ignored = variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
            .is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
        let read = |name: &str| -> Result<Option<String>, String> {
            let value = variable(name).filter(|value| !ignored && !value.trim().is_empty());
            value.map(|value| cli::url(&value).map_err(|why| format!("{name}={value}: {why}"))).transpose()
        };
        let general = read("AWS_ENDPOINT_URL")?;
        let mut own = BTreeSet::new();
        let mut elsewhere = |url: String| {
            if is_own(&url, settings) {
                own.insert(url);
                return None;
            }
            Some(url)
        };
        let mut choose = |flag: &Option<String>, specific: Option<String>| {
            let flag = flag.clone().or_else(|| settings.endpoint_url.clone());
            flag.or(specific).or_else(|| general.clone()).and_then(&mut elsewhere)
        };
        let endpoints = Self {
            s3: choose(&settings.endpoint_url_s3, read("AWS_ENDPOINT_URL_S3")?),
            sts: choose(&settings.endpoint_url_sts, read("AWS_ENDPOINT_URL_STS")?),
            lambda: choose(&settings.endpoint_url_lambda, read("AWS_ENDPOINT_URL_LAMBDA")?),
            cloud_watch: choose(&settings.endpoint_url_cloudwatch, read("AWS_ENDPOINT_URL_CLOUDWATCH")?),
            others: choose(&None, None),
            sns: choose(&settings.endpoint_url_sns, read("AWS_ENDPOINT_URL_SNS")?),
            ssm: choose(&settings.endpoint_url_ssm, read("AWS_ENDPOINT_URL_SSM")?),
            secrets_manager: choose(
                &settings.endpoint_url_secrets_manager,
                read("AWS_ENDPOINT_URL_SECRETS_MANAGER")?,
            ),
            event_bridge: settings
                .endpoint_url_eventbridge
                .clone()
                .or(read("AWS_ENDPOINT_URL_EVENTBRIDGE")?)
                .and_then(&mut elsewhere),
        };
        for url in own {
            tracing::info!(
                url,
                "this endpoint is the daemon itself and counts as unset: calls stay within the process"
            );
        }
        Ok(endpoints)
    }
}

/// Whether the URL leads back to this daemon. It speaks plain HTTP only.
fn is_own(url: &str, settings: &Settings) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let port = uri.port_u16().unwrap_or(80);
    let on_this_port = || settings.addresses().filter(|own| own.port() == port);
    if uri.scheme_str() != Some("http") || on_this_port().next().is_none() {
        return false;
    }
    let host = uri.host().unwrap_or_default().to_ascii_lowercase();
    match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        Ok(address) => {
            let is_here = |own: SocketAddr| own.ip() == address;
            address.is_loopback() || address.is_unspecified() || on_this_port().any(is_here)
        }
        Err(_) => {
            let mut names =
                std::iter::once("localhost").chain(settings.allow_host.iter().map(String::as_str));
            names.any(|name| {
                let rest = host.strip_suffix(&name.to_ascii_lowercase());
                rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            })
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use clap::Parser;

    use super::*;

    fn of(flags: &[&str], variables: &[(&str, &str)]) -> Result<Endpoints, String> {
        let settings = cli::Cli::try_parse_from([&["penstock"], flags].concat()).unwrap().into_settings();
        let find = |name: &str| variables.iter().find(|(known, _)| *known == name);
        Endpoints::of(&settings, |name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    fn set(url: &str) -> Option<String> {
        Some(url.to_owned())
    }

    fn everywhere(url: &str) -> Endpoints {
        Endpoints {
            s3: set(url),
            sts: set(url),
            lambda: set(url),
            cloud_watch: set(url),
            sns: set(url),
            ssm: set(url),
            secrets_manager: set(url),
            event_bridge: None,
            others: set(url),
        }
    }

    #[test]
    fn nothing_set_means_the_services_in_the_daemon() {
        assert_eq!(of(&[], &[]).unwrap(), Endpoints::default());
        assert_eq!(
            of(&[], &[("AWS_ENDPOINT_URL", ""), ("AWS_ENDPOINT_URL_S3", " ")]).unwrap(),
            Endpoints::default()
        );
    }

    #[test]
    fn a_services_own_variable_goes_before_the_general_one() {
        let found =
            of(&[], &[("AWS_ENDPOINT_URL", "http://a:1"), ("AWS_ENDPOINT_URL_S3", "http://b:2")]).unwrap();
        assert_eq!(found, Endpoints { s3: set("http://b:2"), ..everywhere("http://a:1") });
    }

    #[test]
    fn flags_go_before_variables() {
        let variables = [("AWS_ENDPOINT_URL", "http://a:1"), ("AWS_ENDPOINT_URL_S3", "http://b:2")];
        let found =
            of(&["--endpoint-url", "http://c:3", "--endpoint-url-sts", "http://d:4"], &variables).unwrap();
        assert_eq!(found, Endpoints { sts: set("http://d:4"), ..everywhere("http://c:3") });
    }

    #[test]
    fn variables_can_be_ignored_and_flags_cannot() {
        let variables = [("AWS_ENDPOINT_URL", "http://a:1"), ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "True")];
        let found = of(&["--endpoint-url-s3", "http://c:3"], &variables).unwrap();
        assert_eq!(found, Endpoints { s3: set("http://c:3"), ..Endpoints::default() });
    }

    #[test]
    fn the_daemons_own_address_counts_as_none() {
        for own in [
            "http://localhost:4566",
            "http://127.0.0.1:4566/",
            "http://[::1]:4566",
            "http://LOCALHOST:4566",
            "http://s3.localhost:4566",
            "http://penstock:4566",
            "http://0.0.0.0:4566",
        ] {
            let found = of(&["--allow-host", "penstock"], &[("AWS_ENDPOINT_URL", own)]).unwrap();
            assert_eq!(found, Endpoints::default(), "{own}");
        }
        for other in [
            "http://localhost:4567",
            "https://localhost:4566",
            "http://localhost",
            "http://moto:4566",
            "http://notlocalhost:4566",
            "http://10.0.0.7:4566",
        ] {
            let found = of(&["--listen", "0.0.0.0:4566"], &[("AWS_ENDPOINT_URL", other)]).unwrap();
            assert_eq!(found.s3.as_deref(), Some(other));
        }
        let found = of(&["--listen", "10.0.0.7:80"], &[("AWS_ENDPOINT_URL", "http://10.0.0.7")]).unwrap();
        assert_eq!(found, Endpoints::default());
        let also = ["--also-listen", "172.17.0.1:80"];
        assert_eq!(of(&also, &[("AWS_ENDPOINT_URL", "http://172.17.0.1")]).unwrap(), Endpoints::default());
        assert!(of(&also, &[("AWS_ENDPOINT_URL", "http://172.17.0.1:4566")]).unwrap().s3.is_some());
    }

    #[test]
    fn a_variable_that_is_no_url_is_named() {
        let why = of(&[], &[("AWS_ENDPOINT_URL_STS", "moto:5000/x y")]).unwrap_err();
        assert!(why.starts_with("AWS_ENDPOINT_URL_STS=moto:5000/x y: "), "{why}");
    }
}
