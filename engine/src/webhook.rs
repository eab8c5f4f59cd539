//! Webhooks of V1: what one is, what AWS refuses, and which calls it takes (API reference: `WebhookDefinition`).

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::declaration::pipeline::PipelineDeclaration;
use crate::json_path::JsonPath;
use crate::rejection::{Rejection, RejectionKind};
use crate::source::source_action;
use crate::validation::secrets::MASK;

/// API reference: `WebhookDefinition`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct WebhookDefinition {
    pub name: String,
    pub target_pipeline: String,
    pub target_action: String,
    pub filters: Vec<WebhookFilterRule>,
    pub authentication: WebhookAuthentication,
    pub authentication_configuration: WebhookAuthConfiguration,
}

/// The secret is nobody's to read.
impl std::fmt::Debug for WebhookDefinition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WebhookDefinition({} of {})", self.name, self.target_pipeline)
    }
}

/// API reference: `WebhookFilterRule`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct WebhookFilterRule {
    pub json_path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_equals: Option<String>,
}

/// API reference: `WebhookAuthenticationType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "each is AWS's value of the same name")]
pub enum WebhookAuthentication {
    GithubHmac,
    Ip,
    Unauthenticated,
}

/// API reference: `WebhookAuthConfiguration`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each member is AWS's of the same name")]
pub struct WebhookAuthConfiguration {
    #[serde(rename = "AllowedIPRange", default, skip_serializing_if = "Option::is_none")]
    pub allowed_ip_range: Option<String>,
    #[serde(rename = "SecretToken", default, skip_serializing_if = "Option::is_none")]
    pub secret_token: Option<String>,
}

impl WebhookDefinition {
    /// What is refused before anything is looked up. The texts are inferred.
    pub fn check(&self) -> Result<(), Rejection> {
        for filter in &self.filters {
            if JsonPath::parse(&filter.json_path).is_none() {
                let text =
                    format!("The JSON path '{}' of the webhook's filter is not valid.", filter.json_path);
                return Err(Rejection::new(RejectionKind::InvalidWebhookFilterPattern, text));
            }
        }
        let WebhookAuthConfiguration { allowed_ip_range, secret_token } = &self.authentication_configuration;
        let why = match (self.authentication, allowed_ip_range, secret_token) {
            (WebhookAuthentication::GithubHmac, None, Some(_))
            | (WebhookAuthentication::Unauthenticated, None, None) => return Ok(()),
            (WebhookAuthentication::Ip, Some(range), None) if Cidr::parse(range).is_some() => return Ok(()),
            (WebhookAuthentication::GithubHmac, ..) => "GITHUB_HMAC needs a SecretToken and nothing else",
            (WebhookAuthentication::Ip, Some(_), None) => "AllowedIPRange is not a valid CIDR range",
            (WebhookAuthentication::Ip, ..) => "IP needs an AllowedIPRange and nothing else",
            (WebhookAuthentication::Unauthenticated, ..) => "UNAUTHENTICATED takes no properties",
        };
        let text = format!("The authentication configuration of the webhook is not valid: {why}.");
        Err(Rejection::new(RejectionKind::InvalidWebhookAuthenticationParameters, text))
    }

    /// The target must be an action of the pipeline's first stage; the text was seen, its error is inferred.
    pub fn check_target(&self, declaration: &PipelineDeclaration) -> Result<(), Rejection> {
        if source_action(declaration, &self.target_action).is_some() {
            return Ok(());
        }
        let text = format!(
            "Action with name {} was not found in the first stage of the pipeline",
            self.target_action
        );
        Err(Rejection::new(RejectionKind::Validation, text))
    }

    /// As it is shown: the secret is masked, as the service does since August 2024.
    #[must_use]
    pub fn shown(&self) -> Self {
        let mut shown = self.clone();
        if shown.authentication_configuration.secret_token.is_some() {
            shown.authentication_configuration.secret_token = Some(MASK.to_owned());
        }
        shown
    }

    /// Whether all filters take this body. `{Key}` in a filter stands for that value of the target action's
    /// configuration.
    pub fn takes(&self, body: &Value, configuration: &BTreeMap<String, String>) -> bool {
        self.filters.iter().all(|filter| {
            let found = JsonPath::parse(&filter.json_path).map(|path| path.select(body)).unwrap_or_default();
            match &filter.match_equals {
                // That it is enough that there is something is inferred.
                None => !found.is_empty(),
                Some(wanted) => {
                    let wanted = filled_in(wanted, configuration);
                    found.iter().any(|value| text_of(value) == wanted)
                }
            }
        })
    }
}

fn filled_in(wanted: &str, configuration: &BTreeMap<String, String>) -> String {
    configuration
        .iter()
        .fold(wanted.to_owned(), |text, (key, value)| text.replace(&format!("{{{key}}}"), value))
}

/// Filters compare texts; other values count as JSON writes them.
fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A range of addresses such as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    network: IpAddr,
    bits: u8,
}

impl Cidr {
    /// The range in that notation.
    pub fn parse(text: &str) -> Option<Self> {
        let (network, bits) = text.split_once('/')?;
        let network: IpAddr = network.parse().ok()?;
        let most = if network.is_ipv4() { 32 } else { 128 };
        let bits: u8 = bits.parse().ok()?;
        (bits <= most).then_some(Self { network, bits })
    }

    /// Whether the address lies within.
    pub fn contains(self, address: IpAddr) -> bool {
        match (self.network, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or_default();
                network.to_bits() & mask == address.to_bits() & mask
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or_default();
                network.to_bits() & mask == address.to_bits() & mask
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    fn webhook(authentication: &str, configuration: Value, filters: Value) -> WebhookDefinition {
        serde_json::from_value(json!({
            "name": "w", "targetPipeline": "p", "targetAction": "S", "filters": filters,
            "authentication": authentication, "authenticationConfiguration": configuration,
        }))
        .unwrap()
    }

    #[test]
    fn each_authentication_takes_its_own_property_and_no_other() {
        let (secret, range) = (json!({"SecretToken": "s"}), json!({"AllowedIPRange": "10.0.0.0/8"}));
        let both = json!({"SecretToken": "s", "AllowedIPRange": "10.0.0.0/8"});
        for (authentication, good, bad) in [
            ("GITHUB_HMAC", &secret, [&range, &both, &json!({})]),
            ("IP", &range, [&secret, &both, &json!({})]),
            ("UNAUTHENTICATED", &json!({}), [&secret, &range, &both]),
        ] {
            webhook(authentication, good.clone(), json!([])).check().unwrap();
            for bad in bad {
                let refused = webhook(authentication, bad.clone(), json!([])).check().unwrap_err();
                assert_eq!(refused.kind, RejectionKind::InvalidWebhookAuthenticationParameters, "{bad}");
            }
        }
        for range in ["10.0.0.0", "10.0.0.0/33", "::/129", "10.0.0/8", "x/8", "10.0.0.0/-1"] {
            webhook("IP", json!({"AllowedIPRange": range}), json!([])).check().unwrap_err();
        }
    }

    #[test]
    fn an_address_lies_in_its_range() {
        let within =
            |range: &str, address: &str| Cidr::parse(range).unwrap().contains(address.parse().unwrap());
        assert!(within("10.0.0.0/8", "10.255.0.1") && !within("10.0.0.0/8", "11.0.0.1"));
        assert!(within("0.0.0.0/0", "1.2.3.4") && within("1.2.3.4/32", "1.2.3.4"));
        assert!(!within("1.2.3.4/32", "1.2.3.5") && !within("0.0.0.0/0", "::1"));
        assert!(within("2001:db8::/32", "2001:db8::1") && !within("2001:db8::/32", "2001:db9::1"));
        assert!(within("127.0.0.0/8", "::ffff:127.0.0.1"));
    }

    #[test]
    fn all_filters_must_hold_and_braces_stand_for_the_actions_configuration() {
        let configuration = BTreeMap::from([("Branch".to_owned(), "main".to_owned())]);
        let body = json!({"ref": "refs/heads/main", "commits": [{"id": 1}, {"id": 2}], "forced": false});
        for (filters, takes) in [
            (json!([]), true),
            (json!([{"jsonPath": "$.ref", "matchEquals": "refs/heads/{Branch}"}]), true),
            (json!([{"jsonPath": "$.ref", "matchEquals": "refs/heads/{Other}"}]), false),
            (json!([{"jsonPath": "$.ref"}, {"jsonPath": "$.forced", "matchEquals": "false"}]), true),
            (json!([{"jsonPath": "$.ref"}, {"jsonPath": "$.missing"}]), false),
            (json!([{"jsonPath": "$.commits[*].id", "matchEquals": "2"}]), true),
            (json!([{"jsonPath": "$.commits[*].id", "matchEquals": "3"}]), false),
        ] {
            let webhook = webhook("UNAUTHENTICATED", json!({}), filters.clone());
            assert_eq!(webhook.takes(&body, &configuration), takes, "{filters}");
        }
    }

    #[test]
    fn a_path_that_cannot_be_read_is_refused() {
        for path in ["ref", "", "$.", "$[", "$['a", "$.a[x]", "$..", "$.a[?(@.b)]"] {
            let refused =
                webhook("UNAUTHENTICATED", json!({}), json!([{"jsonPath": path}])).check().unwrap_err();
            assert_eq!(refused.kind, RejectionKind::InvalidWebhookFilterPattern, "{path}");
        }
    }

    #[test]
    fn the_secret_is_shown_to_nobody() {
        let webhook = webhook("GITHUB_HMAC", json!({"SecretToken": "hush"}), json!([]));
        assert!(!format!("{webhook:?}").contains("hush"));
        let shown = serde_json::to_value(webhook.shown()).unwrap();
        assert_eq!(shown["authenticationConfiguration"], json!({"SecretToken": "****"}));
    }
}
