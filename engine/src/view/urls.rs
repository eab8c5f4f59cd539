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

/// `entityUrl`: the page of the resource, or what an approver is to look at.
pub(super) fn entity(
    declared: &ActionDeclaration,
    last: Option<&ActionExecution>,
    catalogue: &Catalogue,
) -> Option<String> {
    let known = known(declared, last);
    if Worker::of(&declared.action_type_id) == Worker::Approver {
        return known.configuration.get("ExternalEntityLink").cloned();
    }
    expand(settings(declared, catalogue)?.entity_url_template.as_ref()?, known)
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
        expand(template, known(&action.declaration, Some(action)))
    })
}
