//! Sources that are no zips but say where a build clones a repository from (`CODEBUILD_CLONE_REF`).

use serde::Deserialize;

use super::environment::access;
use super::phases::Context;
use super::records::{BuildRecord, Input};
use super::service::Inner;
use crate::artifacts::stored::Stored;
use crate::companions::place::Place as Owner;
use crate::git::clone::Clone;
use crate::git::mapping::{Mapping, Place};
use crate::git::names::ObjectId;

/// No reference is longer.
const LONGEST: u64 = 16 * 1024;

/// What a source is.
pub(super) enum Files {
    /// An archive.
    Zip(Stored),
    /// A clone.
    Clone(Clone),
}

/// The artifact of a source action with `OutputArtifactFormat` `CODEBUILD_CLONE_REF`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Reference {
    full_repository_name: String,
    clone_url: String,
    commit_id: String,
    #[serde(default)]
    branch_name: String,
    /// Of a source behind a connection.
    connection_arn: Option<String>,
}

impl Inner {
    /// The files of a source: those of the zip, or of the repository that it names.
    pub(super) async fn files(
        &self,
        build: &BuildRecord,
        input: &Input,
        stored: Stored,
    ) -> Result<Files, Context> {
        let failed = |message: String| Context {
            code: "CLIENT_ERROR".to_owned(),
            message: format!("the repository of the artifact {} cannot be cloned: {message}", input.name),
        };
        let Some(reference) = read(&stored) else { return Ok(Files::Zip(stored)) };
        let commit = ObjectId::parse(&reference.commit_id)
            .ok_or_else(|| failed(format!("'{}' is not the id of a commit", reference.commit_id)))?;
        self.may_clone(build, &reference).await.map_err(failed)?;
        let place = self.place_of(build, &reference).await.map_err(failed)?;
        let clone = Clone::of(&place, commit, &self.setup.spool).await;
        clone.map(Files::Clone).map_err(|error| failed(error.to_string()))
    }

    /// A build clones under its service role (user guide, "Add CodeBuild GitClone permissions").
    async fn may_clone(&self, build: &BuildRecord, reference: &Reference) -> Result<(), String> {
        let Reference { full_repository_name: name, branch_name: branch, connection_arn, .. } = reference;
        let session =
            self.setup.clients.permits(&access(build)).await.map_err(|refusal| refusal.to_string())?;
        let permitted = match connection_arn {
            Some(connection) => session.may_use_connection(connection, name, branch).await,
            None => {
                let arn = format!("arn:aws:codecommit:{}:{}:{name}", build.region, build.account);
                session.may("codecommit:GitPull", &arn).await
            }
        };
        permitted.map_err(|refusal| {
            let commit = &reference.commit_id;
            format!("authorization failed for primary source and source version {commit}: {refusal}")
        })
    }

    /// Where the repository is. A folder of this machine only if it is mapped or one of CodeCommit's: what stands in an
    /// artifact may be anybody's.
    async fn place_of(&self, build: &BuildRecord, reference: &Reference) -> Result<Place, String> {
        let name = &reference.full_repository_name;
        let codecommit = &self.setup.codecommit;
        if reference.clone_url == codecommit.clone_url(name) {
            let owner = Owner { account: &build.account, region: &build.region };
            let found = codecommit.get(owner, name).await.map_err(|refusal| refusal.to_string())?;
            return Ok(Place::Folder(codecommit.folder(&found)));
        }
        if let Some(place) = self.setup.mappings.place(name) {
            return Ok(place.clone());
        }
        match Mapping::parse(&format!("owner/name={}", reference.clone_url), std::path::Path::new("/")) {
            Ok(Mapping { place: place @ Place::Url(_), .. }) => Ok(place),
            Ok(_) => Err(format!("{name} is not mapped any more: start the daemon with --map-repository")),
            Err(why) => Err(why),
        }
    }
}

fn read(stored: &Stored) -> Option<Reference> {
    let length = Some(stored.length()).filter(|length| *length <= LONGEST)?;
    let mut bytes = vec![0; usize::try_from(length).ok()?];
    stored.read_exact_at(&mut bytes, 0).ok()?;
    serde_json::from_slice(&bytes).ok()
}
