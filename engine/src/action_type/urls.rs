//! URL templates of action types: `https://builds/{Config:Project}/{ExternalExecutionId}`.

use std::collections::BTreeMap;

/// What a template refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// `{Config:name}`: a configuration property's value.
    Configuration(String),
    /// `{ExternalExecutionId}`: the work's id at the provider.
    ExternalExecutionId,
    /// `{RevisionId}`: what a source action found (API reference, sample of `ListActionTypes`).
    RevisionId,
}

/// What references stand for, as far as it is known.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The action's configuration.
    pub configuration: &'a BTreeMap<String, String>,
    /// For `{ExternalExecutionId}`.
    pub external_id: Option<&'a str>,
    /// For `{RevisionId}`.
    pub revision_id: Option<&'a str>,
}

/// A template in its parts; what looks like no reference is text.
enum Part<'a> {
    Text(&'a str),
    Reference(Reference),
}

fn parts(template: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((before, from)) = rest.split_once('{') {
        let Some((inside, after)) = from.split_once('}') else { break };
        let reference = match inside.strip_prefix("Config:") {
            Some(name) => Some(Reference::Configuration(name.to_owned())),
            None if inside == "ExternalExecutionId" => Some(Reference::ExternalExecutionId),
            None => (inside == "RevisionId").then_some(Reference::RevisionId),
        };
        parts.push(Part::Text(before));
        match reference {
            Some(reference) => {
                parts.push(Part::Reference(reference));
                rest = after;
            }
            None => {
                parts.push(Part::Text("{"));
                rest = from;
            }
        }
    }
    parts.push(Part::Text(rest));
    parts
}

/// Everything that a template refers to.
pub fn references(template: &str) -> impl Iterator<Item = Reference> {
    parts(template).into_iter().filter_map(|part| match part {
        Part::Reference(reference) => Some(reference),
        Part::Text(_) => None,
    })
}

/// The URL, when everything that it refers to is known.
pub fn expand(template: &str, known: Known<'_>) -> Option<String> {
    let mut url = String::with_capacity(template.len());
    for part in parts(template) {
        url.push_str(match &part {
            Part::Text(text) => text,
            Part::Reference(Reference::Configuration(name)) => known.configuration.get(name)?,
            Part::Reference(Reference::ExternalExecutionId) => known.external_id?,
            Part::Reference(Reference::RevisionId) => known.revision_id?,
        });
    }
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(template: &str, external_id: Option<&str>) -> Option<String> {
        let configuration = &BTreeMap::from([("Project".into(), "web {Config:x}".into())]);
        expand(template, Known { configuration, external_id, revision_id: Some("abc") })
    }

    #[test]
    fn references_are_replaced_once_and_all_else_stays() {
        assert_eq!(
            url("https://b/{Config:Project}/{ExternalExecutionId}?{x}&{", Some("7")).as_deref(),
            Some("https://b/web {Config:x}/7?{x}&{")
        );
        assert_eq!(url("", None).as_deref(), Some(""));
        assert_eq!(url("{{Config:Project}}", None).as_deref(), Some("{web {Config:x}}"));
        assert_eq!(url("https://g/commit/{RevisionId}", None).as_deref(), Some("https://g/commit/abc"));
    }

    #[test]
    fn a_url_that_refers_to_something_unknown_is_none() {
        assert_eq!(url("https://b/{Config:Other}", Some("7")), None);
        assert_eq!(url("https://b/{ExternalExecutionId}", None), None);
    }
}
