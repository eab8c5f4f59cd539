//! ListMultipartUploads and ListParts.

use std::ops::Bound;

use penstock_storage::keys::s3 as keys;
use penstock_storage::{Direction, StoreError, View};

use super::records::{PartRecord, UploadRecord};
use super::refusal::Refusal;
use super::service::{Requester, S3};

/// Which uploads to list.
#[derive(Clone, Debug, Default)]
pub struct ListUploads {
    /// Only keys that begin so.
    pub prefix: String,
    /// Keys are rolled up to their first delimiter behind the prefix.
    pub delimiter: Option<String>,
    /// Only what comes after this key.
    pub after: Option<String>,
    /// With `after`: also that key's uploads that come after this one.
    pub after_upload: Option<String>,
    /// The length of the page.
    pub max_uploads: usize,
}

/// Some uploads.
#[derive(Clone, Debug, Default)]
pub struct UploadsPage {
    /// By key, then by id.
    pub uploads: Vec<UploadRecord>,
    /// Keys rolled up.
    pub common_prefixes: Vec<String>,
    /// Key and upload id of the last one, if there are more.
    pub next: Option<(String, String)>,
}

/// Some parts.
#[derive(Clone, Debug)]
pub struct PartsPage {
    /// Their upload.
    pub upload: UploadRecord,
    /// By number.
    pub parts: Vec<PartRecord>,
    /// The last one's number, if there are more.
    pub next: Option<u32>,
}

impl S3 {
    /// ListMultipartUploads.
    pub async fn list_uploads(
        &self,
        requester: &Requester,
        bucket: &str,
        request: ListUploads,
    ) -> Result<UploadsPage, Refusal> {
        let _held = self.shared(requester, bucket).await?;
        Ok(self.store.read(|view| walk(view, bucket, &request)).await?)
    }

    /// ListParts.
    pub async fn list_parts(
        &self,
        requester: &Requester,
        bucket: &str,
        key: &str,
        upload: &str,
        after: u32,
        max_parts: usize,
    ) -> Result<PartsPage, Refusal> {
        let _held = self.shared(requester, bucket).await?;
        let record = self.upload(bucket, key, upload).await?;
        let mut parts: Vec<PartRecord> = self
            .store
            .read(|view| {
                let from = keys::part(upload, after);
                view.scan(&keys::parts(upload), Bound::Excluded(&from), Direction::Forward)
                    .take(max_parts.saturating_add(1))
                    .map(|entry| Ok(entry?.1))
                    .collect()
            })
            .await?;
        let more = parts.len() > max_parts;
        parts.truncate(max_parts);
        let next = parts.last().map(|part| part.piece.number).filter(|_| more);
        Ok(PartsPage { upload: record, parts, next })
    }
}

fn walk(view: &View<'_>, bucket: &str, request: &ListUploads) -> Result<UploadsPage, StoreError> {
    let mut page = UploadsPage::default();
    let mut last = None;
    let area = keys::uploads(bucket, &request.prefix);
    for entry in view.scan::<UploadRecord>(&area, Bound::Unbounded, Direction::Forward) {
        let (_, upload) = entry?;
        if is_before(&upload, request) {
            continue;
        }
        let common = common_prefix(&upload.key, request);
        if common.is_some() && (page.common_prefixes.last() == common.as_ref() || common == request.after) {
            continue;
        }
        if page.uploads.len() + page.common_prefixes.len() >= request.max_uploads {
            page.next = last;
            return Ok(page);
        }
        match common {
            Some(common) => {
                last = Some((common.clone(), String::new()));
                page.common_prefixes.push(common);
            }
            None => {
                last = Some((upload.key.clone(), upload.upload.clone()));
                page.uploads.push(upload);
            }
        }
    }
    Ok(page)
}

fn is_before(upload: &UploadRecord, request: &ListUploads) -> bool {
    let Some(after) = &request.after else { return false };
    match &request.after_upload {
        Some(id) if !id.is_empty() && upload.key == *after => upload.upload <= *id,
        _ => upload.key <= *after,
    }
}

fn common_prefix(key: &str, request: &ListUploads) -> Option<String> {
    let delimiter = request.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty())?;
    let rest = key.strip_prefix(request.prefix.as_str())?;
    let end = request.prefix.len() + rest.find(delimiter)? + delimiter.len();
    key.get(..end).map(str::to_owned)
}
