//! Where every record lies: the whole key layout as one table, one function per family.
//!
//! Keys are readable text, segments end with `/`, and what is read together lies together. Numbers are
//! hexadecimal of fixed width, so that they sort as numbers; *descending* ones are
//! `hex(u64::MAX - n)`, so that the newest comes first.
//!
//! | family | key | made by |
//! |---|---|---|
//! | a pipeline's name | `name/account/region/name` | [`codepipeline::name`] |
//! | a pipeline's head | `head/inc` | [`codepipeline::head`] |
//! | a version of its declaration | `version/inc/n` | [`codepipeline::version`] |
//! | an execution | `execution/inc/desc(n)` | [`codepipeline::execution`] |
//! | an execution by its id | `execution-id/id` | [`codepipeline::execution_id`] |
//! | an execution by its client's token | `token/inc/token` | [`codepipeline::token`] |
//! | who succeeded in a stage | `succeeded/inc/version/stage/desc(n)` | [`codepipeline::succeeded`] |
//! | a pipeline with unfinished executions | `live/inc` | [`codepipeline::live`] |
//! | a pipeline's tags | `tags/inc` | [`codepipeline::tags`] |
//! | a stage execution | `stage/inc/n/stage/attempt` | [`codepipeline::stage`] |
//! | an action (or rule) execution | `action/inc/desc(start ms)/id` | [`codepipeline::action`] |
//! | that it is a rule execution | `rule/inc/desc(start ms)/id` | [`codepipeline::rule`] |
//! | an action (or rule) execution by its execution | `action-of/inc/n/desc(start ms)/id` | [`codepipeline::action_of`] |
//! | an artifact of an execution | `context/inc/n/artifact/name` | [`codepipeline::artifact`] |
//! | a namespace of an execution | `context/inc/n/namespace/name` | [`codepipeline::namespace`] |
//! | an action's latest execution | `state/inc/stage/action` | [`codepipeline::state`] |
//! | a job id or approval token | `work/id` | [`codepipeline::work`] |
//! | a custom action type | `action-type/account/region/owner/category/provider/version` | [`codepipeline::action_type`] |
//! | an action type with an executor | `declared-type/account/region/owner/category/provider/version` | [`codepipeline::declared_type`] |
//! | a webhook | `webhook/account/region/name` | [`codepipeline::webhook`] |
//! | a webhook by its URL's end | `webhook-id/id` | [`codepipeline::webhook_id`] |
//! | outside work to cancel | `cleanup/id` | [`codepipeline::cleanup`] |
//! | a deleted pipeline to remove | `trash/inc` | [`codepipeline::trash`] |
//! | an old execution to remove | `trash/inc/n` | [`codepipeline::trash_execution`] |
//! | an event | `event/seq` | [`codepipeline::event`] |
//! | the last event's number | `event-last` | the committer |
//! | the action outcomes that were put | `action-outcomes` | [`daemon::action_outcomes`] |
//! | how far the clock was moved | `clock-ahead` | [`daemon::clock_ahead`] |
//! | how far events were delivered | `events-delivered/destination` | [`daemon::events_delivered`] |
//! | that this is a record database | `format` | the disk |
//! | a bucket | `s3-bucket/name` | [`s3::bucket`] |
//! | a version of an object | `s3-object/bucket/key NUL desc(seq)` | [`s3::object`] |
//! | a version's bytes or their blobs | `s3-content/seq` | [`s3::content`] |
//! | a multipart upload | `s3-upload/bucket/key NUL id` | [`s3::upload`] |
//! | a part of it | `s3-part/upload id/number` | [`s3::part`] |
//! | a blob that no record names | `s3-loose/blob` | [`s3::loose`] |
//! | what no version's sequence has reached | `s3-sequence` | [`s3::sequence`] |
//! | a role | `iam-role/account/name` | [`iam::role`] |
//! | a user | `iam-user/account/name` | [`iam::user`] |
//! | a group | `iam-group/account/name` | [`iam::group`] |
//! | whose an access key is | `iam-access-key/id` | [`iam::access_key`] |
//! | a role's inline policy | `iam-role-policy/account/role/policy` | [`iam::role_policy`] |
//! | a policy attached to a role | `iam-attached/account/role/arn` | [`iam::attached`] |
//! | a managed policy | `iam-policy/account/arn` | [`iam::policy`] |
//! | a version of it | `iam-policy-version/account/arn/n` | [`iam::policy_version`] |
//! | a rule for events, with its targets | `event-rule/account/region/name` | [`events::rule`] |
//! | an event that rules have not seen yet | `event-due/n/id` | [`events::due`] |
//! | a connection | `connection/account/region/id` | [`connections::connection`] |
//! | the refs of a watched git repository | `git-watched/repository` | [`git::watched`] |
//! | a CodeCommit repository | `codecommit/account/region/name` | [`codecommit::repository`] |
//! | its branches that were told of | `codecommit-told/id` | [`codecommit::told`] |
//! | a build project | `build-project/account/region/name` | [`builds::project`] |
//! | a build | `build/account/region/project/id` | [`builds::build`] |
//! | a build that has not ended | `build-unfinished/id` | [`builds::unfinished_build`] |
//! | a log group | `log-group/account/region/name` | [`builds::log_group`] |
//! | a log stream | `log-stream/account/region/group/name` | [`builds::log_stream`] |
//! | a parameter | `parameter/account/region/name` | [`builds::parameter`] |
//! | a secret | `managed-secret/account/region/name` | [`builds::secret`] |
//! | what the daemon signs with | `secret/name` | [`iam::secret`] |
//!
//! `inc` is a pipeline's incarnation, `n` an execution's start number within it. Segments that people
//! name are escaped as in a URL (so none contains `/`); S3's object keys are not, since a bucket lists
//! in their byte order: see [`s3`].

pub mod builds;
pub mod codecommit;
pub mod codepipeline;
pub mod connections;
pub mod daemon;
pub mod events;
pub mod git;
pub mod iam;
mod layout;
pub mod s3;
#[cfg(test)]
mod tests;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Where one record lies. Made by this module's functions only.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Vec<u8>);

/// What a scan runs over: all keys that begin alike.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Prefix(Vec<u8>);

/// In every database on disk: one without has lost its records.
pub(crate) fn format() -> Key {
    layout::Layout::family("format").key()
}

impl Key {
    pub(crate) fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// This key as opaque URL-safe text, for pagination: *go on after this one*.
    /// [`Prefix::key_from_token`] reads it.
    pub fn to_token(&self) -> String {
        URL_SAFE_NO_PAD.encode([self.0.as_slice(), &checksum(&self.0)].concat())
    }
}

impl Prefix {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether a scan of this prefix can come across that key.
    pub fn contains(&self, key: &Key) -> bool {
        key.0.starts_with(&self.0)
    }

    /// The key of a token that a client brought back: `None` unless it is a whole one and belongs under this
    /// prefix, so that nobody pages into another's records.
    pub fn key_from_token(&self, token: &str) -> Option<Key> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (key, sum) = bytes.split_last_chunk::<4>()?;
        let is_whole = checksum(key) == *sum;
        let key = Key(key.to_vec());
        (is_whole && self.contains(&key) && key.0.len() > self.0.len()).then_some(key)
    }

    /// The place right behind everything under this prefix: scan from here to skip all of it. No record
    /// lies at the key itself.
    pub fn past(&self) -> Key {
        let mut end = self.0.clone();
        while end.pop_if(|last| *last == u8::MAX).is_some() {}
        match end.last_mut() {
            Some(last) => *last += 1,
            // Every prefix begins with its family's name, so this is never reached; were it, then this is
            // still behind every key there is.
            None => end = vec![u8::MAX; 8],
        }
        Key(end)
    }
}

/// FNV-1a: tells a token that was cut short or made up from one that was given. It keeps no secret.
fn checksum(bytes: &[u8]) -> [u8; 4] {
    let step = |sum: u32, byte: &u8| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    bytes.iter().fold(0x811c_9dc5, step).to_be_bytes()
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({})", self.0.escape_ascii())
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl std::fmt::Debug for Prefix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Prefix({})", self.0.escape_ascii())
    }
}
