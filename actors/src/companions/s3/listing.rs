//! ListObjects, ListObjectsV2 and ListObjectVersions: one walk over the versions in key order.

use std::ops::Bound;

use penstock_storage::keys::s3 as keys;
use penstock_storage::{Direction, Key, Prefix, StoreError, View};

use super::records::VersionRecord;
use super::refusal::Refusal;
use super::service::{Requester, S3};
use super::versions;

/// The longest page.
pub const LONGEST_PAGE: usize = 1000;

/// Old versions of one key that are stepped over one by one before the walk jumps behind them all.
const STEPS: usize = 4;

/// Which part of a bucket to list.
#[derive(Clone, Debug, Default)]
pub struct ListRequest {
    /// Only keys that begin so.
    pub prefix: String,
    /// Keys are rolled up to their first delimiter behind the prefix.
    pub delimiter: Option<String>,
    /// Only what comes after this key, or after the common prefix that it is.
    pub after: Option<String>,
    /// With `after`: only that key's versions that come after this one, and the keys behind it.
    pub after_version: Option<String>,
    /// The length of the page.
    pub max_keys: usize,
}

/// A part of a bucket.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Versions, each with whether it is its key's newest.
    pub versions: Vec<(VersionRecord, bool)>,
    /// Keys rolled up.
    pub common_prefixes: Vec<String>,
    /// Where the next page begins, if there is one.
    pub next: Option<Next>,
}

/// The last thing on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    /// Its key or common prefix.
    pub key: String,
    /// Its version, when versions are listed and it is one.
    pub version: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    /// Each key's newest version, unless that is a delete marker.
    Objects,
    /// Everything.
    Versions,
}

impl S3 {
    /// ListObjects and ListObjectsV2.
    pub async fn list_objects(
        &self,
        requester: &Requester,
        bucket: &str,
        request: ListRequest,
    ) -> Result<Page, Refusal> {
        let _held = self.shared(requester, bucket).await?;
        Ok(self.store.read(|view| Walk::new(bucket, &request, What::Objects).page(view)).await?)
    }

    /// ListObjectVersions.
    pub async fn list_versions(
        &self,
        requester: &Requester,
        bucket: &str,
        request: ListRequest,
    ) -> Result<Page, Refusal> {
        if request.after_version.is_some() && request.after.as_ref().is_none_or(String::is_empty) {
            return Err(Refusal::invalid_argument(
                "A version-id marker cannot be specified without a key marker.",
                "version-id-marker",
                request.after_version.as_deref().unwrap_or_default(),
            ));
        }
        versions::check_version_id(request.after_version.as_deref())?;
        let _held = self.shared(requester, bucket).await?;
        Ok(self.store.read(|view| Walk::new(bucket, &request, What::Versions).page(view)).await?)
    }
}

struct Walk<'a> {
    bucket: &'a str,
    request: &'a ListRequest,
    what: What,
    area: Prefix,
    page: Page,
    /// The key that the walk is at, and how many of its versions were passed.
    at: Option<(String, usize)>,
}

/// Where the walk goes on.
enum Step {
    On,
    /// Behind everything under that prefix.
    Behind(Prefix),
    /// The page is full, and there is more.
    Full,
}

impl<'a> Walk<'a> {
    fn new(bucket: &'a str, request: &'a ListRequest, what: What) -> Self {
        let area = keys::objects(bucket, &request.prefix);
        Self { bucket, request, what, area, page: Page::default(), at: None }
    }

    fn page(mut self, view: &View<'_>) -> Result<Page, StoreError> {
        let mut from = self.start(view)?;
        if self.request.max_keys == 0 {
            return Ok(self.page);
        }
        'walk: loop {
            let bound = match &from {
                Some(key) => Bound::Included(key),
                None => Bound::Unbounded,
            };
            for entry in view.scan::<VersionRecord>(&self.area, bound, Direction::Forward) {
                match self.step(entry?.1) {
                    Step::On => {}
                    Step::Behind(prefix) => {
                        from = Some(prefix.past());
                        continue 'walk;
                    }
                    Step::Full => return Ok(self.page),
                }
            }
            self.page.next = None;
            return Ok(self.page);
        }
    }

    /// The first record to look at; `None` is the area's beginning.
    fn start(&mut self, view: &View<'_>) -> Result<Option<Key>, StoreError> {
        let Some(after) = self.request.after.as_deref().filter(|after| !after.is_empty()) else {
            return Ok(None);
        };
        if self.common_prefix(after).is_some_and(|common| common == after) {
            return Ok(Some(keys::objects(self.bucket, after).past()));
        }
        if let Some(id) = self.request.after_version.as_deref().filter(|id| !id.is_empty())
            && let Some(version) = versions::by_id(view, self.bucket, after, id)?
        {
            // Its key's newest version is behind us.
            self.at = Some((after.to_owned(), 1));
            let behind = version.sequence.saturating_sub(1);
            return Ok(Some(keys::object(self.bucket, after, behind)));
        }
        Ok(Some(keys::versions(self.bucket, after).past()))
    }

    fn step(&mut self, version: VersionRecord) -> Step {
        let passed = match &self.at {
            Some((key, passed)) if *key == version.key => *passed,
            _ => 0,
        };
        let is_newest = passed == 0;
        if is_newest {
            self.at = Some((version.key.clone(), 1));
        } else if let Some((_, passed)) = &mut self.at {
            *passed += 1;
        }
        if self.what == What::Objects {
            if !is_newest {
                let tired = passed >= STEPS;
                return if tired {
                    Step::Behind(keys::versions(self.bucket, &version.key))
                } else {
                    Step::On
                };
            }
            if version.object().is_none() {
                return Step::On;
            }
        }
        let full = self.page.versions.len() + self.page.common_prefixes.len() >= self.request.max_keys;
        if full {
            return Step::Full;
        }
        if let Some(common) = self.common_prefix(&version.key).map(str::to_owned) {
            let behind = Step::Behind(keys::objects(self.bucket, &common));
            self.page.next = Some(Next { key: common.clone(), version: None });
            self.page.common_prefixes.push(common);
            return behind;
        }
        let shown = (self.what == What::Versions).then(|| version.version.clone());
        self.page.next = Some(Next { key: version.key.clone(), version: shown });
        self.page.versions.push((version, is_newest));
        Step::On
    }

    /// What the key is rolled up to.
    fn common_prefix<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.request.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty())?;
        let rest = key.strip_prefix(self.request.prefix.as_str())?;
        let end = self.request.prefix.len() + rest.find(delimiter)? + delimiter.len();
        key.get(..end)
    }
}
