//! Where each service is: in this process, or at a URL.

use std::fmt;

use http::Uri;

/// The services that are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "AWS's names")]
pub enum Service {
    S3,
    Sts,
    Lambda,
    CloudWatch,
    Sns,
    Ssm,
    SecretsManager,
}

impl Service {
    /// The name by which AWS's error texts call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::S3 => "Amazon S3",
            Self::Sts => "AWSSecurityTokenService",
            Self::Lambda => "AWSLambda",
            Self::CloudWatch => "AmazonCloudWatch",
            Self::Sns => "AmazonSNS",
            Self::Ssm => "AWSSimpleSystemsManagement",
            Self::SecretsManager => "AWSSecretsManager",
        }
    }

    /// Its name in signatures.
    pub(super) fn signing_name(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Sts => "sts",
            Self::Lambda => "lambda",
            Self::CloudWatch => "monitoring",
            Self::Sns => "sns",
            Self::Ssm => "ssm",
            Self::SecretsManager => "secretsmanager",
        }
    }

    /// The environment variable that moves this service alone.
    pub fn variable(self) -> &'static str {
        match self {
            Self::S3 => "AWS_ENDPOINT_URL_S3",
            Self::Sts => "AWS_ENDPOINT_URL_STS",
            Self::Lambda => "AWS_ENDPOINT_URL_LAMBDA",
            Self::CloudWatch => "AWS_ENDPOINT_URL_CLOUDWATCH",
            Self::Sns => "AWS_ENDPOINT_URL_SNS",
            Self::Ssm => "AWS_ENDPOINT_URL_SSM",
            Self::SecretsManager => "AWS_ENDPOINT_URL_SECRETS_MANAGER",
        }
    }
}

/// The endpoints that were configured, as the AWS SDKs read them from the environment.
#[derive(Clone, Debug, Default)]
pub struct Endpoints {
    /// `AWS_ENDPOINT_URL`.
    pub all: Option<String>,
    /// `AWS_ENDPOINT_URL_S3`.
    pub s3: Option<String>,
    /// `AWS_ENDPOINT_URL_STS`.
    pub sts: Option<String>,
    /// `AWS_ENDPOINT_URL_LAMBDA`.
    pub lambda: Option<String>,
    /// `AWS_ENDPOINT_URL_CLOUDWATCH`.
    pub cloud_watch: Option<String>,
    /// `AWS_ENDPOINT_URL_SNS`.
    pub sns: Option<String>,
    /// `AWS_ENDPOINT_URL_SSM`.
    pub ssm: Option<String>,
    /// `AWS_ENDPOINT_URL_SECRETS_MANAGER`.
    pub secrets_manager: Option<String>,
}

impl Endpoints {
    /// Where a service is: its own URL before the one for all, and without either the daemon's own; but of Lambda,
    /// CloudWatch and SNS the daemon has none.
    pub fn of(&self, service: Service) -> Result<Endpoint, SetupError> {
        let own = match service {
            Service::S3 => &self.s3,
            Service::Sts => &self.sts,
            Service::Lambda => &self.lambda,
            Service::CloudWatch => &self.cloud_watch,
            Service::Sns => &self.sns,
            Service::Ssm => &self.ssm,
            Service::SecretsManager => &self.secrets_manager,
        };
        match (own, &self.all) {
            (Some(url), _) => Endpoint::external(service.variable(), url),
            (None, Some(url)) => Endpoint::external("AWS_ENDPOINT_URL", url),
            (None, None) => Ok(Endpoint::Embedded),
        }
    }
}

/// Where one service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// In this process.
    Embedded,
    /// At that URL, without a trailing slash.
    External(String),
}

impl Endpoint {
    fn external(variable: &'static str, url: &str) -> Result<Self, SetupError> {
        let parsed: Option<Uri> = url.parse().ok();
        match parsed {
            Some(uri) if matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some() => {
                Ok(Self::External(url.trim_end_matches('/').to_owned()))
            }
            _ => Err(SetupError::NotAnEndpoint { variable, url: url.to_owned() }),
        }
    }

    /// The URL by which requests are addressed. In process nobody listens there: the name only has to be
    /// one that the daemon's own dispatch takes for itself.
    pub fn url(&self) -> &str {
        match self {
            Self::Embedded => "http://localhost",
            Self::External(url) => url,
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded => f.write_str("the daemon itself"),
            Self::External(url) => f.write_str(url),
        }
    }
}

/// Why the clients cannot be set up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// Not a URL that can be called.
    #[error("{variable} is '{url}', which is no URL of the form http://host:port or https://host")]
    NotAnEndpoint {
        /// Which setting.
        variable: &'static str,
        /// Its value.
        url: String,
    },
    /// An endpoint outside, but nothing to sign requests with.
    #[error(
        "an external AWS endpoint is set, but no credentials for it: set AWS_ACCESS_KEY_ID and \
         AWS_SECRET_ACCESS_KEY"
    )]
    NoCredentials,
    /// No TLS, no trusted roots, or the like.
    #[error("cannot make calls over the network: {0}")]
    Network(String),
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_services_own_endpoint_comes_before_the_one_for_all_and_the_daemon_serves_the_rest() {
        let external = |url: &str| Ok(Endpoint::External(url.to_owned()));
        let mut endpoints = Endpoints::default();
        assert_eq!(endpoints.of(Service::S3), Ok(Endpoint::Embedded));
        endpoints.s3 = Some("http://minio:9000/".to_owned());
        assert_eq!(endpoints.of(Service::S3), external("http://minio:9000"));
        assert_eq!(endpoints.of(Service::Sts), Ok(Endpoint::Embedded));
        endpoints.all = Some("https://all.example".to_owned());
        assert_eq!(endpoints.of(Service::S3), external("http://minio:9000"));
        assert_eq!(endpoints.of(Service::Sts), external("https://all.example"));
    }

    #[test]
    fn what_is_no_url_is_refused_with_the_name_of_its_setting() {
        for url in ["", "localhost:9000", "minio", "ftp://x", "http://", "/path"] {
            let endpoints = Endpoints { sts: Some(url.to_owned()), ..Endpoints::default() };
            let error = endpoints.of(Service::Sts).unwrap_err();
            assert!(error.to_string().starts_with("AWS_ENDPOINT_URL_STS is '"), "{url}: {error}");
        }
    }
}
