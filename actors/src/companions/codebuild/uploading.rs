//! UPLOAD_ARTIFACTS: what a build leaves becomes its artifacts (user guide, sample-pipeline-multi-input-output).

use std::io;
use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::environment::access;
use super::naming;
use super::phases::Context;
use super::records::{BuildRecord, Launched, Output};
use super::service::Inner;
use crate::artifacts::packing::Packer;
use crate::artifacts::stored::Stored;
use crate::artifacts::transfer::{self, Headers, Target};
use crate::artifacts::zip::{Limits, Unpacked, unpack};
use crate::aws::s3::S3;
use crate::build::buildspec::Artifacts;
use crate::build::script::{ENVIRONMENT, environment};
use crate::build::selection::{Packed, Selection, SelectionError};
use crate::build::streams::PieceReader;

/// The environment in which a build ended.
pub(super) type Environment = Vec<(String, String)>;

impl Inner {
    /// The environment in which a build's last command ended.
    pub(super) async fn environment_of(
        &self,
        build: &BuildRecord,
        launched: &Launched,
    ) -> Result<Environment, Context> {
        let path = format!("{}/{ENVIRONMENT}", launched.control);
        let pieces =
            self.setup.runner.fetch(&build.id, &path).await.map_err(|error| client(error.to_string()))?;
        let Some(pieces) = pieces else { return Ok(Vec::new()) };
        let read = spawn_blocking(move || {
            let mut bytes = Vec::new();
            for entry in tar::Archive::new(PieceReader::new(pieces)).entries()? {
                io::Read::read_to_end(&mut entry?, &mut bytes)?;
            }
            Ok::<_, io::Error>(environment(&bytes))
        });
        let read = read.await.map_err(io::Error::other).flatten();
        read.map_err(|error| client(format!("the build's environment cannot be read: {error}")))
    }

    /// Packs and uploads every artifact; each line that it says goes to `say`.
    pub(super) async fn upload(
        self: &Arc<Self>,
        build: &BuildRecord,
        launched: &Launched,
        environment: &Environment,
        say: &mut (dyn FnMut(String) + Send),
    ) -> Result<(), Context> {
        let key = build.project.encryption_key.clone().filter(|key| !key.ends_with("alias/aws/s3"));
        for output in &build.outputs {
            let artifacts = meant(build, launched, output)?;
            let zip = self.packed(build, launched, artifacts, environment, say).await?;
            let s3 =
                self.clients(build).s3(&access(build)).await.map_err(|error| client(error.to_string()))?;
            let headers = Headers::of_artifact(&s3, key.clone());
            if !naming::is_folder(&build.project) {
                put(&s3, &zip, Target { bucket: &output.bucket, key: &output.key, headers: &headers })
                    .await?;
                continue;
            }
            let mut files = unpack(zip, Limits::default(), self.setup.spool.clone());
            while let Some(file) = files.recv().await {
                let Unpacked { path, content, .. } = file.map_err(|error| client(error.to_string()))?;
                let key = if output.key.is_empty() { path } else { format!("{}/{path}", output.key) };
                put(&s3, &content, Target { bucket: &output.bucket, key: &key, headers: &headers }).await?;
            }
        }
        Ok(())
    }

    async fn packed(
        self: &Arc<Self>,
        build: &BuildRecord,
        launched: &Launched,
        artifacts: &Artifacts,
        environment: &Environment,
        say: &mut (dyn FnMut(String) + Send),
    ) -> Result<Stored, Context> {
        let mut selection = Selection::new(artifacts, environment).map_err(refused)?;
        let directory = match selection.directory() {
            "" => launched.source.clone(),
            below => format!("{}/{below}", launched.source),
        };
        let base = artifacts.base_directory.as_deref().unwrap_or(".");
        for line in ["Expanding base directory path: ", "Assembling file list", "Expanding "] {
            say(if line.ends_with(' ') { format!("{line}{base}") } else { line.to_owned() });
        }
        let fetched = self.setup.runner.fetch(&build.id, &directory).await;
        let Some(first) = fetched.map_err(|error| client(error.to_string()))? else {
            return Err(refused(selection.no_base()));
        };
        let (spool, runtime) = (self.setup.spool.clone(), tokio::runtime::Handle::current());
        let (inner, id) = (Arc::clone(self), build.id.clone());
        let packing = spawn_blocking(move || {
            let mut packer = Packer::new(&spool)?;
            let mut first = Some(first);
            let packed = selection.pack(&mut packer, || {
                let pieces = match first.take() {
                    Some(first) => first,
                    None => runtime
                        .block_on(inner.setup.runner.fetch(&id, &directory))
                        .map_err(io::Error::other)?
                        .ok_or(io::ErrorKind::NotFound)?,
                };
                Ok(PieceReader::new(pieces))
            })?;
            Ok((packed, packer.finish()?))
        });
        let packed: Result<(Packed, Stored), SelectionError> =
            packing.await.map_err(io::Error::other).map_err(SelectionError::from).flatten();
        say(format!("Expanding file paths for base directory {base}"));
        say("Assembling file list".to_owned());
        for pattern in &artifacts.files {
            say(format!("Expanding {pattern}"));
        }
        let (packed, zip) = packed.map_err(refused)?;
        for path in packed.unused {
            say(format!("Skipping invalid file path {path}"));
        }
        say(format!("Found {} file(s)", packed.files));
        Ok(zip)
    }
}

async fn put(s3: &S3, content: &Stored, to: Target<'_>) -> Result<(), Context> {
    transfer::put(s3, content, to).await.map_err(|refusal| {
        let code = refusal.code().map(|code| format!("{code}: ")).unwrap_or_default();
        client(format!("Error in UPLOAD_ARTIFACTS phase: upload of {} failed: {code}{refusal}", to.key))
    })
}

/// One output: the primary artifact, whatever the output is called; several: those of their names.
fn meant<'a>(build: &BuildRecord, launched: &'a Launched, output: &Output) -> Result<&'a Artifacts, Context> {
    let (found, what) = if build.outputs.len() == 1 {
        (launched.artifacts.as_ref(), "no artifacts definition")
    } else {
        (launched.secondary.get(&output.name), "no secondary artifact of the name of the output artifact")
    };
    found.ok_or_else(|| client(format!("{what} found in the buildspec: {}", output.name)))
}

fn refused(error: SelectionError) -> Context {
    client(error.to_string())
}

fn client(message: String) -> Context {
    Context { code: "CLIENT_ERROR".to_owned(), message }
}
