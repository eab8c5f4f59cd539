//! Where the artifact of a build without a pipeline goes (API reference: `ProjectArtifacts`).

use super::phases::Context;
use super::records::{BuildRecord, Launched, Project};
use super::uploading::Environment;
use crate::build::selection::expand;

/// The key of a zip, or what the keys of the files begin with: path, build id and name, as far as there are such.
pub(super) fn key(project: &Project, id: &str, name: &str) -> String {
    let artifacts = &project.artifacts;
    let path = artifacts.path.as_deref().unwrap_or_default();
    let namespace = if artifacts.namespace_type.as_deref() == Some("BUILD_ID") { id } else { "" };
    let parts = [path, namespace, name].map(|part| part.trim_matches('/'));
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    // A zip has to have some name.
    if parts.is_empty() && !is_folder(project) { project.name.clone() } else { parts.join("/") }
}

/// Whether the files are stored one by one; so they are where nobody asks for a zip.
pub(super) fn is_folder(project: &Project) -> bool {
    project.artifacts.kind == "S3" && project.artifacts.packaging.as_deref() != Some("ZIP")
}

/// The key that follows from the name in the buildspec, where that counts.
pub(super) fn overridden(
    build: &BuildRecord,
    launched: &Launched,
    environment: &Environment,
) -> Result<Option<String>, Context> {
    let artifacts = &build.project.artifacts;
    let named = launched.artifacts.as_ref().and_then(|artifacts| artifacts.name.as_ref());
    let Some(name) = named.filter(|_| artifacts.kind == "S3" && artifacts.override_artifact_name) else {
        return Ok(None);
    };
    if name.contains("$(") || name.contains('`') {
        return Err(Context {
            code: "CLIENT_ERROR".to_owned(),
            message: format!(
                "the artifact's name {name} has a command in it, which is not run here: export a variable and name that"
            ),
        });
    }
    Ok(Some(key(&build.project, &build.id, &expand(name, environment))))
}

#[cfg(test)]
mod tests {
    use super::super::records::ProjectArtifacts;
    use super::*;

    #[test]
    fn keys_are_made_of_what_there_is() {
        let text = |text: &str| Some(text.to_owned());
        let key = |path: &str, namespace: &str, packaging: &str, name: &str| {
            let artifacts = ProjectArtifacts {
                kind: "S3".to_owned(),
                path: text(path),
                namespace_type: text(namespace),
                packaging: text(packaging),
                ..ProjectArtifacts::default()
            };
            super::key(&Project { name: "web".to_owned(), artifacts, ..Project::default() }, "1-2", name)
        };
        assert_eq!(key("MyArtifacts", "NONE", "ZIP", "MyArtifact.zip"), "MyArtifacts/MyArtifact.zip");
        assert_eq!(key("/MyArtifacts/", "BUILD_ID", "ZIP", "a.zip"), "MyArtifacts/1-2/a.zip");
        assert_eq!(key("MyArtifacts", "BUILD_ID", "NONE", "/"), "MyArtifacts/1-2");
        assert_eq!(key("", "NONE", "NONE", "/"), "");
        assert_eq!(key("", "NONE", "ZIP", "/"), "web");
    }
}
