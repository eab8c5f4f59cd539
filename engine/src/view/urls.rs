//! Where to look at what an action works on, works and found: by its type's templates, or as its provider said.

use std::collections::BTreeMap;

use crate::action::{ActionExecution, Worker};
use crate::action_type::urls::expand;
use crate::action_type::{Catalogue, Settings};
use crate::declaration::action::{ActionCategory, ActionDeclaration, ActionOwner};

fn settings<'a>(declared: &ActionDeclaration, catalogue: &'a Catalogue) -> Option<&'a Settings> {
    catalogue.find_ever(&declared.action_type_id)?.settings.as_ref()
}

/// The configuration as last resolved, else as declared.
fn configuration<'a>(
    declared: &'a ActionDeclaration,
    last: Option<&'a ActionExecution>,
) -> &'a BTreeMap<String, String> {
    last.and_then(|action| action.resolved_configuration.as_ref()).unwrap_or(&declared.configuration)
}

/// `entityUrl`: the console's page of the resource (the samples have one for S3 sources), or what an approver is
/// to look at.
pub(super) fn entity(
    declared: &ActionDeclaration,
    last: Option<&ActionExecution>,
    catalogue: &Catalogue,
) -> Option<String> {
    let id = &declared.action_type_id;
    let configuration = configuration(declared, last);
    if Worker::of(id) == Worker::Approver {
        return configuration.get("ExternalEntityLink").cloned();
    }
    if let Some(template) =
        settings(declared, catalogue).and_then(|settings| settings.entity_url_template.as_ref())
    {
        return expand(template, configuration, None);
    }
    let s3 = id.owner == ActionOwner::Aws && id.provider == "S3" && id.category == ActionCategory::Source;
    s3.then(|| "https://console.aws.amazon.com/s3/home?#".to_owned())
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
        expand(template, configuration(declared, last), None)
    })
}

/// `externalExecutionUrl`.
pub(super) fn execution(action: &ActionExecution, catalogue: &Catalogue) -> Option<String> {
    action.external.url.clone().or_else(|| {
        let template = settings(&action.declaration, catalogue)?.execution_url_template.as_ref()?;
        expand(template, configuration(&action.declaration, Some(action)), action.external.id.as_deref())
    })
}
