//! What is kept of a repository besides its contents.

use std::collections::BTreeMap;

use penstock_engine::time::Timestamp;
use penstock_storage::Record;
use serde::{Deserialize, Serialize};

use crate::golden::form;

/// A repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RepositoryRecord {
    /// A UUID: tells it from a later one of the same name, and names its folder.
    pub id: String,
    /// The account that it belongs to.
    pub account: String,
    /// The Region.
    pub region: String,
    /// Its name.
    pub name: String,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The key that it was created with; nothing is encrypted with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
    /// When it was created.
    pub created: Timestamp,
    /// When it was last changed or pushed to.
    pub modified: Timestamp,
    /// By key.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

impl Record for RepositoryRecord {
    const VERSION: u8 = 1;
}

form!(repository_keeps_its_form: RepositoryRecord);

impl RepositoryRecord {
    /// Its ARN.
    pub fn arn(&self) -> String {
        format!("arn:aws:codecommit:{}:{}:{}", self.region, self.account, self.name)
    }
}
