//! The names this daemon answers to, so that a web page in somebody's browser cannot drive it.
//!
//! A browser sends the name that the page used. A page elsewhere can make its own name lead to 127.0.0.1, but
//! it cannot make the browser say `localhost`; an address written as numbers cannot be led astray at all.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use http::header::{HOST, ORIGIN};
use s3s::S3Result;
use s3s::host::{S3Host, VirtualHost};

/// The names, and the domains whose subdomains are buckets.
#[derive(Clone, Debug)]
pub(crate) struct Hosts {
    addresses: Vec<IpAddr>,
    /// `localhost` and what the person allowed; lower case. Subdomains are buckets.
    domains: Vec<String>,
}

impl Hosts {
    /// Loopback's names, the addresses listened on and what the person allowed.
    pub(crate) fn new(listen: impl Iterator<Item = SocketAddr>, allowed: &[String]) -> Self {
        let allowed = allowed.iter().map(|name| name.trim().trim_end_matches('.').to_ascii_lowercase());
        let domains =
            std::iter::once("localhost".to_owned()).chain(allowed).filter(|name| !name.is_empty()).collect();
        Self { addresses: listen.map(|address| address.ip()).collect(), domains }
    }

    /// Whether a request that names this host (with or without a port) is meant for us.
    pub(crate) fn admits(&self, host: &str) -> bool {
        let name = without_port(host).to_ascii_lowercase();
        if let Ok(address) = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            // Listening on every address, the daemon cannot tell which of them are its own.
            return address.is_loopback()
                || self.addresses.iter().any(|own| *own == address || own.is_unspecified());
        }
        self.split(&name).is_some()
    }

    /// Whether the request's own words allow it: the host it names and, from a browser, the page's origin.
    pub(crate) fn admit(&self, headers: &HeaderMap) -> Result<(), &'static str> {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        if !host.is_some_and(|host| self.admits(host)) {
            return Err("The Host header names no host of this endpoint; --allow-host NAME adds one.");
        }
        let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
        let page = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
        match page {
            Some(page) if self.admits(page) => Ok(()),
            _ => Err("Requests of web pages from elsewhere are not accepted."),
        }
    }

    /// The bucket that a host name contains.
    pub(crate) fn bucket(&self, host: &str) -> Option<String> {
        self.split(&without_port(host).to_ascii_lowercase())?.bucket
    }

    /// Takes a name apart, when it lies in one of our domains: the longest domain wins.
    fn split(&self, name: &str) -> Option<Place> {
        let domain = self
            .domains
            .iter()
            .filter(|domain| {
                name.strip_suffix(domain.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            })
            .max_by_key(|domain| domain.len())?;
        let prefix = name.strip_suffix(domain.as_str())?.trim_end_matches('.');
        Some(Place::of_prefix(prefix))
    }
}

/// What stands before the domain.
struct Place {
    bucket: Option<String>,
    region: Option<String>,
}

impl Place {
    /// `<bucket>`, `<bucket>.s3`, `<bucket>.s3.<region>`, `s3`, `s3.<region>` or nothing.
    fn of_prefix(prefix: &str) -> Self {
        let (prefix, region) = match prefix.rsplit_once('.') {
            Some((rest, last)) if is_region(last) && (rest == "s3" || rest.ends_with(".s3")) => {
                (rest, Some(last.to_owned()))
            }
            _ => (prefix, None),
        };
        let bucket = if prefix == "s3" { "" } else { prefix.strip_suffix(".s3").unwrap_or(prefix) };
        Self { bucket: Some(bucket.to_owned()).filter(|bucket| !bucket.is_empty()), region }
    }
}

/// Such as `eu-west-1` or `us-gov-east-1`.
fn is_region(label: &str) -> bool {
    let Some((words, number)) = label.rsplit_once('-') else { return false };
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    words.contains('-')
        && words.split('-').all(is_word)
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// An IPv6 address stands in brackets, so that a colon after them is the port's.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

impl S3Host for Hosts {
    /// Every name that is no bucket's is an endpoint, and the bucket is then the path's first part.
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let place = self.split(&without_port(host).to_ascii_lowercase());
        let mut found = VirtualHost::new(host);
        if let Some(Place { bucket, region }) = place {
            if let Some(bucket) = bucket {
                found = found.with_bucket(bucket);
            }
            if let Some(region) = region {
                found = found.with_region(region);
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn hosts(listen: &str, allowed: &[&str]) -> Hosts {
        let allowed: Vec<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
        Hosts::new(listen.split(',').map(|address| address.parse().unwrap()), &allowed)
    }

    #[test]
    fn loopback_names_and_bucket_subdomains_are_ours_with_any_port() {
        let hosts = hosts("127.0.0.1:4566", &[]);
        for host in [
            "localhost",
            "localhost:4566",
            "LOCALHOST:1",
            "127.0.0.1:4566",
            "127.0.0.1",
            "[::1]:4566",
            "[::1]",
            "127.0.0.2:80",
            "bucket.localhost:4566",
            "my.bucket.s3.us-east-1.localhost",
        ] {
            assert!(hosts.admits(host), "{host}");
        }
    }

    #[test]
    fn names_of_others_are_refused() {
        let hosts = hosts("127.0.0.1:4566", &[]);
        for host in [
            "",
            "evil.example",
            "evil.example:4566",
            "localhost.evil.example",
            "notlocalhost",
            "s3.localhost.localstack.cloud:4566",
            "192.168.1.5:4566",
            "127.0.0.1.evil.example",
            "localhost:x",
            ":4566",
        ] {
            assert!(!hosts.admits(host), "{host}");
        }
    }

    #[test]
    fn allowed_names_bring_their_bucket_subdomains() {
        let hosts = hosts("0.0.0.0:4566", &["penstock", "Localhost.LocalStack.cloud."]);
        for host in [
            "penstock:4566",
            "artifacts.penstock:4566",
            "s3.localhost.localstack.cloud:4566",
            "10.1.2.3:4566",
        ] {
            assert!(hosts.admits(host), "{host}");
        }
        assert!(!hosts.admits("penstock.example"));
    }

    #[test]
    fn addresses_listened_on_are_admitted_and_no_others() {
        let hosts = hosts("192.168.1.5:4566", &[]);
        assert!(hosts.admits("192.168.1.5:4566"));
        assert!(!hosts.admits("192.168.1.6:4566"));
        let hosts = self::hosts("127.0.0.1:4566,172.17.0.1:4566", &[]);
        assert!(hosts.admits("172.17.0.1:4566"));
        assert!(!hosts.admits("172.17.0.2:4566"));
    }

    #[test]
    fn a_page_from_elsewhere_is_refused_and_one_of_ours_is_not() {
        let hosts = hosts("127.0.0.1:4566", &[]);
        let with = |origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, "localhost:4566".parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(ORIGIN, origin.parse().unwrap());
            }
            hosts.admit(&headers).is_ok()
        };
        assert!(with(None));
        assert!(with(Some("http://localhost:4566")));
        assert!(with(Some("http://127.0.0.1:4566")));
        for origin in ["https://evil.example", "null", "http://localhost.evil.example", "", "file://"] {
            assert!(!with(Some(origin)), "{origin}");
        }
    }

    #[test]
    fn a_request_without_host_is_refused() {
        assert!(hosts("127.0.0.1:4566", &[]).admit(&HeaderMap::new()).is_err());
    }

    #[test]
    fn a_host_may_contain_bucket_and_region() {
        let hosts = hosts("127.0.0.1:4566", &["penstock.test"]);
        let of = |host: &'static str| {
            let found = hosts.parse_host_header(host).unwrap();
            (found.bucket().map(str::to_owned), found.region().map(str::to_owned))
        };
        let bucket = |name: &str| Some(name.to_owned());
        assert_eq!(of("localhost:4566"), (None, None));
        assert_eq!(of("s3.localhost:4566"), (None, None));
        assert_eq!(of("s3.eu-west-1.localhost"), (None, bucket("eu-west-1")));
        assert_eq!(of("artifacts.localhost:4566"), (bucket("artifacts"), None));
        assert_eq!(of("artifacts.s3.localhost"), (bucket("artifacts"), None));
        assert_eq!(
            of("my.artifacts.s3.us-east-1.penstock.test"),
            (bucket("my.artifacts"), bucket("us-east-1"))
        );
        assert_eq!(of("a.b.c.penstock.test"), (bucket("a.b.c"), None));
        assert_eq!(of("127.0.0.1:4566"), (None, None));
        assert_eq!(of("other.example"), (None, None));
        assert_eq!(hosts.bucket("artifacts.localhost:4566").as_deref(), Some("artifacts"));
    }
}
