//! Operations on files: read from a commit, and changed by commits that are made here.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use penstock_actors::companions::codecommit::edits::{Edits, Put, relative};
use penstock_actors::companions::codecommit::files::{Committed, NewCommit};
use penstock_actors::companions::codecommit::refusal::Refusal;
use penstock_actors::companions::wall_clock;
use penstock_actors::git::tree::{Entry, Kind};
use serde::Deserialize;
use serde_json::{Value, json};

use super::place;
use crate::caller::Caller;
use crate::error::AwsError;
use crate::handler::{Answer, decode};
use crate::services::Services;

/// `FileModeTypeEnum`.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Mode {
    Executable,
    Normal,
    Symlink,
}

impl From<Mode> for Kind {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Executable => Self::Program,
            Mode::Normal => Self::File,
            Mode::Symlink => Self::Link,
        }
    }
}

fn shown_mode(kind: Kind) -> &'static str {
    match kind {
        Kind::Program => "EXECUTABLE",
        Kind::Link => "SYMLINK",
        Kind::File | Kind::Folder | Kind::Submodule => "NORMAL",
    }
}

/// What the three operations that commit take, each its part.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Commit {
    repository_name: String,
    branch_name: String,
    parent_commit_id: Option<String>,
    name: Option<String>,
    author_name: Option<String>,
    #[serde(default)]
    email: String,
    commit_message: Option<String>,
    #[serde(default)]
    keep_empty_folders: bool,

    #[serde(default)]
    file_path: String,
    file_content: Option<String>,
    file_mode: Option<Mode>,

    #[serde(default)]
    put_files: Vec<PutEntry>,
    #[serde(default)]
    delete_files: Vec<DeleteEntry>,
    #[serde(default)]
    set_file_modes: Vec<ModeEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PutEntry {
    file_path: String,
    file_mode: Option<Mode>,
    file_content: Option<String>,
    source_file: Option<Source>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    file_path: String,
    #[serde(default)]
    is_move: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeleteEntry {
    file_path: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ModeEntry {
    file_path: String,
    file_mode: Mode,
}

fn bytes(base64: &str) -> Result<Vec<u8>, AwsError> {
    STANDARD.decode(base64).map_err(|_| AwsError::serialization("Invalid base64 in the content of a file"))
}

impl PutEntry {
    fn read(self) -> Result<Put, AwsError> {
        Ok(Put {
            path: relative(&self.file_path),
            kind: self.file_mode.map(Kind::from),
            content: self.file_content.as_deref().map(bytes).transpose()?,
            source: self.source_file.map(|source| (relative(&source.file_path), source.is_move)),
        })
    }
}

impl Commit {
    /// Makes the commit, and tells who follows the branch. The author that AWS takes from the caller's identity is the
    /// account here.
    async fn make(
        self,
        services: &Services,
        caller: &Caller,
        message: &str,
        edits: Edits,
    ) -> Result<Option<Committed>, AwsError> {
        let new = NewCommit {
            branch: self.branch_name,
            parent: self.parent_commit_id,
            name: self.name.or(self.author_name).unwrap_or_else(|| caller.account.clone()),
            email: self.email,
            message: self.commit_message.unwrap_or_else(|| message.to_owned()),
            edits: Edits { keep_empty_folders: self.keep_empty_folders, ..edits },
        };
        let (codecommit, now) = (&services.codecommit, wall_clock::now());
        let made = codecommit.make_commit(place(caller), &self.repository_name, &new, now).await?;
        if let Some(made) = &made {
            services.pipelines()?.pushed(codecommit, &made.repository).await;
        }
        Ok(made)
    }
}

pub(super) async fn put_file(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Commit = decode(input)?;
    let path = relative(&input.file_path);
    let content = bytes(input.file_content.as_deref().unwrap_or_default())?;
    let put = Put {
        path: path.clone(),
        kind: input.file_mode.map(Kind::from),
        content: Some(content),
        source: None,
    };
    let message = format!("Edited {path}");
    let made = input.make(services, caller, &message, Edits { puts: vec![put], ..Edits::default() }).await?;
    let made = made.ok_or_else(|| {
        let text = "The file was not added or updated because the content of the file is exactly the same as the content \
                    of that file in the repository and branch that you specified.";
        Refusal::new("SameFileContentException", text)
    })?;
    let blob = made.after.get(&path).map(|entry| entry.id.as_str());
    Ok(Some(json!({ "commitId": made.commit.as_str(), "treeId": made.tree, "blobId": blob })))
}

pub(super) async fn delete_file(services: &Services, caller: &Caller, input: Value) -> Answer {
    let input: Commit = decode(input)?;
    let path = relative(&input.file_path);
    let edits = Edits { deletions: vec![path.clone()], ..Edits::default() };
    let made =
        input.make(services, caller, &format!("Deleted {path}"), edits).await?.ok_or_else(no_change)?;
    let blob = made.before.get(&path).map(|entry| entry.id.as_str());
    Ok(Some(
        json!({ "commitId": made.commit.as_str(), "treeId": made.tree, "blobId": blob, "filePath": path }),
    ))
}

pub(super) async fn create_commit(services: &Services, caller: &Caller, input: Value) -> Answer {
    let mut input: Commit = decode(input)?;
    let puts = std::mem::take(&mut input.put_files).into_iter().map(PutEntry::read);
    let deletions = std::mem::take(&mut input.delete_files);
    let modes = std::mem::take(&mut input.set_file_modes);
    let edits = Edits {
        puts: puts.collect::<Result<_, _>>()?,
        deletions: deletions.iter().map(|entry| relative(&entry.file_path)).collect(),
        modes: modes.iter().map(|entry| (relative(&entry.file_path), entry.file_mode.into())).collect(),
        keep_empty_folders: false,
    };
    let made = input.make(services, caller, "", edits).await?.ok_or_else(no_change)?;
    let Committed { commit, tree, before, after, .. } = made;
    let added = after.iter().filter(|(path, _)| !before.contains_key(*path));
    let updated = after.iter().filter(|(path, entry)| before.get(*path).is_some_and(|was| was != *entry));
    let deleted = before.iter().filter(|(path, _)| !after.contains_key(*path));
    Ok(Some(json!({
        "commitId": commit.as_str(),
        "treeId": tree,
        "filesAdded": added.map(metadata).collect::<Value>(),
        "filesUpdated": updated.map(metadata).collect::<Value>(),
        "filesDeleted": deleted.map(metadata).collect::<Value>(),
    })))
}

fn metadata((path, entry): (&String, &Entry)) -> Value {
    json!({ "absolutePath": path, "blobId": entry.id.as_str(), "fileMode": shown_mode(entry.kind) })
}

fn no_change() -> Refusal {
    let text = "The commit cannot be created because no changes will be made to the repository as a result of this commit.";
    Refusal::new("NoChangeException", text)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Get {
    repository_name: String,
    commit_specifier: Option<String>,
    #[serde(default)]
    file_path: String,
    #[serde(default)]
    folder_path: String,
}

pub(super) async fn get_file(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Get { repository_name, commit_specifier, file_path, .. } = decode(input)?;
    let codecommit = &services.codecommit;
    let found = codecommit.file(place(caller), &repository_name, commit_specifier.as_deref(), &file_path);
    let found = found.await?;
    Ok(Some(json!({
        "commitId": found.commit.as_str(),
        "blobId": found.entry.id.as_str(),
        "filePath": found.path,
        "fileMode": shown_mode(found.entry.kind),
        "fileSize": found.content.len(),
        "fileContent": STANDARD.encode(&found.content),
    })))
}

pub(super) async fn get_folder(services: &Services, caller: &Caller, input: Value) -> Answer {
    let Get { repository_name, commit_specifier, folder_path, .. } = decode(input)?;
    let codecommit = &services.codecommit;
    let found =
        codecommit.folder_of(place(caller), &repository_name, commit_specifier.as_deref(), &folder_path);
    let found = found.await?;
    let mut answer = json!({
        "commitId": found.commit.as_str(),
        "folderPath": found.path,
        "treeId": found.tree.as_str(),
        "subFolders": [], "files": [], "symbolicLinks": [], "subModules": [],
    });
    for (name, entry) in &found.entries {
        let absolute = if found.path.is_empty() { name.clone() } else { format!("{}/{name}", found.path) };
        let mut shown = json!({ "absolutePath": absolute, "relativePath": name });
        let (list, id) = match entry.kind {
            Kind::Folder => ("subFolders", "treeId"),
            Kind::Submodule => ("subModules", "commitId"),
            Kind::Link => ("symbolicLinks", "blobId"),
            Kind::File | Kind::Program => ("files", "blobId"),
        };
        shown[id] = entry.id.as_str().into();
        if id == "blobId" {
            shown["fileMode"] = shown_mode(entry.kind).into();
        }
        if let Some(list) = answer[list].as_array_mut() {
            list.push(shown);
        }
    }
    Ok(Some(answer))
}
