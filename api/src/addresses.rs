//! Where this daemon is reached: from its own machine, by others, and from within builds.

use std::net::{IpAddr, SocketAddr};

use crate::cli::{BuildRunner, Settings};

/// Where a daemon that listens there is reached from this machine.
pub(crate) fn reached_at(listen: SocketAddr) -> SocketAddr {
    if listen.ip().is_unspecified() { SocketAddr::from(([127, 0, 0, 1], listen.port())) } else { listen }
}

/// What the URLs begin with that the daemon gives away.
pub(crate) fn own_url(settings: &Settings) -> String {
    let listens = || format!("http://{}", reached_at(settings.listen));
    settings.public_url.as_deref().map_or_else(listens, |url| url.trim_end_matches('/').to_owned())
}

/// Where builds reach the daemon, as the person says, else as far as it is known here: a container has a loopback of its
/// own, and which of all addresses lead out of it nobody knows.
pub(crate) fn endpoint_for_builds(settings: &Settings) -> Option<String> {
    let leads_out_of_containers = |ip: IpAddr| !ip.is_loopback() && !ip.is_unspecified();
    let address = match settings.build_runner {
        BuildRunner::Host => Some(reached_at(settings.listen)),
        BuildRunner::Docker => settings.addresses().find(|address| leads_out_of_containers(address.ip())),
        BuildRunner::None => None,
    };
    settings.build_endpoint_url.clone().or_else(|| address.map(|address| format!("http://{address}")))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    fn for_builds(line: &[&str]) -> Option<String> {
        let settings = Cli::try_parse_from([&["penstock"], line].concat()).unwrap().into_settings();
        endpoint_for_builds(&settings)
    }

    #[test]
    fn builds_on_the_host_reach_what_the_host_reaches() {
        assert_eq!(for_builds(&["--build-runner", "host"]).unwrap(), "http://127.0.0.1:4566");
        let everywhere = ["--build-runner", "host", "--listen", "0.0.0.0:80"];
        assert_eq!(for_builds(&everywhere).unwrap(), "http://127.0.0.1:80");
    }

    #[test]
    fn builds_in_containers_are_given_an_address_that_leads_out_of_them() {
        assert_eq!(for_builds(&[]), None);
        assert_eq!(for_builds(&["--listen", "0.0.0.0:4566"]), None);
        assert_eq!(for_builds(&["--listen", "172.17.0.1:4566"]).unwrap(), "http://172.17.0.1:4566");
        assert_eq!(for_builds(&["--also-listen", "172.17.0.1:80"]).unwrap(), "http://172.17.0.1:80");
    }

    #[test]
    fn what_the_person_says_counts() {
        let said = ["--listen", "172.17.0.1:80", "--build-endpoint-url", "http://penstock:4566"];
        assert_eq!(for_builds(&said).unwrap(), "http://penstock:4566");
    }
}
