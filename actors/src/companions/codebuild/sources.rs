//! A build's sources: fetched, unpacked with suspicion, and handed to the runner as one archive.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::cloning::Files;
use super::environment::access;
use super::naming;
use super::phases::Context;
use super::records::{BuildRecord, Input, Output, Project};
use super::refusal::Refusal;
use super::service::Inner;
use crate::artifacts::stored::{Spool, Stored};
use crate::artifacts::transfer::{self, DownloadError, Source};
use crate::artifacts::zip::{Limits, Unpacked, ZipError, unpack};
use crate::build::runner::Pieces;
use crate::build::script::Plan;
use crate::build::streams::PieceWriter;

/// The longest buildspec.
const LONGEST_BUILDSPEC: u64 = 1 << 20;

/// Where AWS puts a buildspec that is no file of the source, as its logs say.
const GIVEN: &str = "/codebuild/readonly/buildspec.yml";

/// A buildspec.
pub(super) struct Found {
    pub(super) text: String,
    /// Where it was, for the log.
    pub(super) place: String,
}

/// Where a build's directories are, below its root.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    root: String,
    number: u32,
}

impl Layout {
    /// The digits that AWS has in these paths follow from the build's id.
    pub(super) fn new(root: String, id: &str) -> Self {
        let number = id.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
        Self { root, number: number % 1_000_000_000 }
    }

    /// The primary source's directory.
    pub(super) fn source(&self) -> String {
        format!("{}/{}", self.root, self.source_below())
    }

    /// The control folder.
    pub(super) fn control(&self) -> String {
        format!("{}/codebuild/output/tmp", self.root)
    }

    fn source_below(&self) -> String {
        format!("codebuild/output/src{}/src", self.number)
    }

    fn secondary_below(&self, name: &str) -> String {
        format!("codebuild/output/src{}/secSrc/{name}", self.number)
    }

    /// The variables that say where sources are.
    pub(super) fn variables(&self, inputs: &[Input]) -> Vec<(String, String)> {
        let secondary = inputs.iter().skip(1).map(|input| {
            let name = format!("CODEBUILD_SRC_DIR_{}", input.name);
            (name, format!("{}/{}", self.root, self.secondary_below(&input.name)))
        });
        std::iter::once(("CODEBUILD_SRC_DIR".to_owned(), self.source())).chain(secondary).collect()
    }
}

/// The sources and artifacts of a project that is built by itself.
pub(super) fn of_project(
    project: &Project,
    id: &str,
    version: Option<&String>,
) -> Result<(Vec<Input>, Vec<Output>), Refusal> {
    let inputs = match project.source.kind.as_str() {
        "NO_SOURCE" => Vec::new(),
        "S3" => {
            let location = project.source.location.as_deref().unwrap_or_default();
            let (bucket, key) =
                location.trim_start_matches("arn:aws:s3:::").split_once('/').unwrap_or_default();
            if bucket.is_empty() || key.is_empty() {
                return Err(Refusal::invalid(
                    "Invalid project source: location must be of the form bucket/key",
                ));
            }
            vec![Input {
                name: "source".to_owned(),
                bucket: bucket.to_owned(),
                key: key.to_owned(),
                revision: version.cloned(),
            }]
        }
        other => {
            return Err(Refusal::invalid(format!(
                "Builds of projects with the source type {other} are not supported: use NO_SOURCE, S3 or a pipeline"
            )));
        }
    };
    let artifacts = &project.artifacts;
    let outputs = match artifacts.kind.as_str() {
        "S3" => {
            let key = naming::key(project, id, artifacts.name.as_deref().unwrap_or(&project.name));
            let bucket = artifacts.location.clone().unwrap_or_default();
            vec![Output { name: id.to_owned(), bucket, key }]
        }
        _ => Vec::new(),
    };
    Ok((inputs, outputs))
}

impl Inner {
    /// Fetches the zips, and clones what is to be cloned.
    pub(super) async fn fetch(&self, build: &BuildRecord) -> Result<Vec<(Input, Files)>, Context> {
        if build.inputs.is_empty() {
            return Ok(Vec::new());
        }
        let access = access(build);
        let s3 = self.clients(build).s3(&access).await.map_err(|error| client(error.to_string()))?;
        let mut fetched = Vec::new();
        let is_of_pipeline = build.project.source.kind == "CODEPIPELINE";
        for (index, input) in build.inputs.iter().enumerate() {
            let version = input.revision.as_deref().filter(|_| !is_of_pipeline);
            let from = Source { bucket: &input.bucket, key: &input.key, version };
            let which = match index {
                0 => "primary source".to_owned(),
                _ => format!("secondary source {}", input.name),
            };
            let stored = transfer::download(&s3, from, &self.setup.spool).await.map_err(|error| {
                let cause = match &error {
                    DownloadError::Aws(refusal) => match refusal.code() {
                        Some(code) => format!("{code}: {refusal}"),
                        None => refusal.to_string(),
                    },
                    DownloadError::Disk(error) => error.to_string(),
                };
                client(format!(
                    "error while downloading key {}, error: {cause} for {which} and source version \
                     arn:aws:s3:::{}/{}",
                    input.key, input.bucket, input.key
                ))
            })?;
            fetched.push((input.clone(), self.files(build, input, stored).await?));
        }
        Ok(fetched)
    }

    /// The buildspec's text: given in the project or the order, or a file of the primary source.
    pub(super) async fn buildspec(
        &self,
        build: &BuildRecord,
        sources: &[(Input, Files)],
        layout: &Layout,
    ) -> Result<Found, Context> {
        let inline = |text| Found { text, place: GIVEN.to_owned() };
        let given = build.project.source.buildspec.as_deref().filter(|text| !text.trim().is_empty());
        let path = match given {
            Some(text) if text.contains('\n') || text.contains(": ") || text.starts_with('{') => {
                return Ok(inline(text.to_owned()));
            }
            Some(arn) if arn.starts_with("arn:") => {
                let place = arn.splitn(6, ':').nth(5).and_then(|place| place.split_once('/'));
                let (bucket, key) =
                    place.ok_or_else(|| yaml(format!("{arn} does not name an object in S3")))?;
                let s3 = self
                    .clients(build)
                    .s3(&access(build))
                    .await
                    .map_err(|error| client(error.to_string()))?;
                let from = Source { bucket, key, version: None };
                let stored = transfer::download(&s3, from, &self.setup.spool).await;
                let stored =
                    stored.map_err(|error| client(format!("error while downloading {arn}: {error}")))?;
                return text_of(&stored).map(inline);
            }
            Some(path) => path.trim_start_matches("./"),
            None => "buildspec.yml",
        };
        let place = format!("{}/{path}", layout.source());
        let missing = || yaml(format!("stat {place}: no such file or directory"));
        let found = |text| Found { text, place: place.clone() };
        let (_, primary) = sources.first().ok_or_else(missing)?;
        let primary = match primary {
            Files::Zip(zip) => zip,
            Files::Clone(clone) => {
                return text_of_file(&clone.folder(), path).ok_or_else(missing)?.map(found);
            }
        };
        let mut files = unpack(primary.clone(), Limits::default(), self.setup.spool.clone());
        while let Some(file) = files.recv().await {
            let Unpacked { path: unpacked, content, .. } =
                file.map_err(|error| of_zip("the primary source", &error))?;
            if unpacked == path {
                return text_of(&content).map(|text| Found { text, place });
            }
        }
        Err(missing())
    }
}

/// The text of a file below a folder, if there is one that is no link to elsewhere.
fn text_of_file(folder: &Path, path: &str) -> Option<Result<String, Context>> {
    let folder = folder.canonicalize().ok()?;
    let file = folder.join(path).canonicalize().ok().filter(|file| file.starts_with(&folder))?;
    if !file.is_file() {
        return None;
    }
    let read = File::open(file).and_then(|file| {
        let mut bytes = Vec::new();
        file.take(LONGEST_BUILDSPEC + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    });
    let stored = |bytes: Vec<u8>| Stored::Memory(bytes.into());
    Some(match read {
        Ok(bytes) => text_of(&stored(bytes)),
        Err(error) => Err(client(format!("the buildspec cannot be read: {error}"))),
    })
}

fn text_of(stored: &Stored) -> Result<String, Context> {
    if stored.length() > LONGEST_BUILDSPEC {
        return Err(yaml("the buildspec is longer than 1 MiB".to_owned()));
    }
    let mut bytes = vec![0; usize::try_from(stored.length()).unwrap_or_default()];
    stored
        .read_exact_at(&mut bytes, 0)
        .map_err(|error| client(format!("the buildspec cannot be read: {error}")))?;
    String::from_utf8(bytes).map_err(|_| yaml("yaml: control characters are not allowed".to_owned()))
}

/// All that a build begins with, as one archive below its root; and what went wrong with it, when it is complete.
pub(super) fn archive(
    layout: Layout,
    plan: &Plan,
    sources: Vec<(Input, Files)>,
    spool: Spool,
) -> (Pieces, tokio::task::JoinHandle<Result<(), Context>>) {
    let (sender, pieces) = mpsc::channel(8);
    let files = plan.files();
    let packing = spawn_blocking(move || {
        let mut builder = tar::Builder::new(PieceWriter::new(sender.clone()));
        builder.follow_symlinks(false);
        let packed = pack(&mut builder, &layout, files, sources, &spool);
        let ended = packed.and_then(|()| builder.finish().map_err(|error| client(error.to_string())));
        if ended.is_err() {
            // The receiver must not take it for complete.
            let _ = sender.blocking_send(Err(io::Error::other("the sources are not complete")));
        }
        ended
    });
    (pieces, packing)
}

fn pack(
    builder: &mut tar::Builder<PieceWriter>,
    layout: &Layout,
    files: Vec<(String, String)>,
    sources: Vec<(Input, Files)>,
    spool: &Spool,
) -> Result<(), Context> {
    let io = |error: io::Error| client(format!("the sources cannot be put together: {error}"));
    let mut folders = vec![layout.source_below(), "codebuild/output/tmp".to_owned()];
    folders.extend(sources.iter().skip(1).map(|(input, _)| layout.secondary_below(&input.name)));
    for folder in folders {
        let mut header = header(0o755, 0);
        header.set_entry_type(tar::EntryType::Directory);
        builder.append_data(&mut header, format!("{folder}/"), io::empty()).map_err(io)?;
    }
    for (name, text) in files {
        let mut header = header(0o644, text.len() as u64);
        builder
            .append_data(&mut header, format!("codebuild/output/tmp/{name}"), text.as_bytes())
            .map_err(io)?;
    }
    for (index, (input, archive)) in sources.into_iter().enumerate() {
        let folder = if index == 0 { layout.source_below() } else { layout.secondary_below(&input.name) };
        let archive = match archive {
            Files::Zip(zip) => zip,
            Files::Clone(clone) => {
                // As of the user who runs the build: git reads no repository of somebody else.
                builder.mode(tar::HeaderMode::Deterministic);
                builder.append_dir_all(&folder, clone.folder()).map_err(io)?;
                continue;
            }
        };
        let mut files = unpack(archive, Limits::default(), spool.clone());
        while let Some(file) = files.blocking_recv() {
            let Unpacked { path, content, executable } =
                file.map_err(|error| of_zip(&format!("the artifact {}", input.name), &error))?;
            let mut header = header(if executable { 0o755 } else { 0o644 }, content.length());
            let content = Content { content: Arc::new(content), at: 0 };
            builder.append_data(&mut header, format!("{folder}/{path}"), content).map_err(io)?;
        }
    }
    Ok(())
}

fn header(mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(crate::companions::wall_clock::now().0 / 1000);
    header.set_uid(0);
    header.set_gid(0);
    header
}

/// Reads stored bytes from their beginning.
struct Content {
    content: Arc<Stored>,
    at: u64,
}

impl Read for Content {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.content.length() - self.at).unwrap_or(usize::MAX);
        let length = left.min(into.len());
        self.content.read_exact_at(into.get_mut(..length).unwrap_or_default(), self.at)?;
        self.at += length as u64;
        Ok(length)
    }
}

fn of_zip(what: &str, error: &ZipError) -> Context {
    client(format!("{what} cannot be unpacked: {error}"))
}

fn client(message: String) -> Context {
    Context { code: "CLIENT_ERROR".to_owned(), message }
}

fn yaml(message: String) -> Context {
    Context { code: "YAML_FILE_ERROR".to_owned(), message }
}
