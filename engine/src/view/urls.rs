//! Where to look at what an action works on, works and found: by its type's templates, or as its provider said.

use crate::action::{ActionExecution, Worker};
use crate::action_type::urls::{Known, expand};
use crate::action_type::{Catalogue, Settings};
use crate::declaration::action::ActionDeclaration;

fn settings<'a>(declared: &ActionDeclaration, catalogue: &'a Catalogue) -> Option<&'a Settings> {
    catalogue.find_ever(&declared.action_type_id)?.settings.as_ref()
}

/// The configuration as last resolved, else as declared; what was found and what works on it, if anything.
fn known<'a>(declared: &'a ActionDeclaration, last: Option<&'a ActionExecution>) -> Known<'a> {
    let resolved = last.and_then(|action| action.resolved_configuration.as_ref());
    Known {
        configuration: resolved.unwrap_or(&declared.configuration),
        external_id: last.and_then(|action| action.external.id.as_deref()),
        revision_id: last.and_then(|action| Some(action.revision.as_ref()?.revision_id.as_str())),
    }
}

/// Leads to the Region's page, where the service adds the Region to its own types' templates (seen in people's
/// GetPipelineState answers of connections, CodeCommit, CodeBuild and CloudFormation).
fn in_region(url: String, region: &str) -> String {
    const CONSOLE: &str = "https://console.aws.amazon.com/";
    let Some(page) = url.strip_prefix(CONSOLE) else { return url };
    let service = page.split('/').next().unwrap_or_default();
    match service {
        "codebuild" | "cloudformation" | "lambda" => {
            url.replacen("home?#", &format!("home?region={region}#"), 1)
        }
        "codecommit" | "codedeploy" | "codesuite" => {
            format!("https://{region}.console.aws.amazon.com/{page}")
        }
        _ => url,
    }
}

/// `entityUrl`: the page of the resource, or what an approver is to look at.
pub(super) fn entity(
    region: &str,
    declared: &ActionDeclaration,
    last: Option<&ActionExecution>,
    catalogue: &Catalogue,
) -> Option<String> {
    let known = known(declared, last);
    if Worker::of(&declared.action_type_id) == Worker::Approver {
        return known.configuration.get("ExternalEntityLink").cloned();
    }
    let url = expand(settings(declared, catalogue)?.entity_url_template.as_ref()?, known)?;
    Some(in_region(url, declared.region.as_deref().unwrap_or(region)))
}

/// `revisionUrl`.
pub(super) fn revision(
    declared: &ActionDeclaration,
    last: Option<&ActionExecution>,
    catalogue: &Catalogue,
) -> Option<String> {
    let said = last.and_then(|action| action.revision.as_ref()?.url.clone());
    said.or_else(|| {
        let template = settings(declared, catalogue)?.revision_url_template.as_ref()?;
        expand(template, known(declared, last))
    })
}

/// `externalExecutionUrl`.
pub(super) fn execution(action: &ActionExecution, catalogue: &Catalogue) -> Option<String> {
    action.external.url.clone().or_else(|| {
        let template = settings(&action.declaration, catalogue)?.execution_url_template.as_ref()?;
        Some(in_region(expand(template, known(&action.declaration, Some(action)))?, &action.region))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_the_console_are_of_the_region() {
        for (url, of_region) in [
            (
                "console.aws.amazon.com/codebuild/home?#/p",
                "console.aws.amazon.com/codebuild/home?region=eu-1#/p",
            ),
            ("console.aws.amazon.com/codecommit/home#/r", "eu-1.console.aws.amazon.com/codecommit/home#/r"),
            ("console.aws.amazon.com/s3/home?#", "console.aws.amazon.com/s3/home?#"),
            ("ci.example.com/codebuild/home?#", "ci.example.com/codebuild/home?#"),
        ] {
            assert_eq!(in_region(format!("https://{url}"), "eu-1"), format!("https://{of_region}"));
        }
    }
}
