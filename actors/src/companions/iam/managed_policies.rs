//! Managed policies: the account's own, and those of AWS as far as they can be known here.
//!
//! AWS's own policies can be attached and listed, but their documents are AWS's and not carried along: of
//! such a policy only what its ARN says is answered.

use std::collections::BTreeMap;
use std::ops::Bound;

use penstock_engine::time::Timestamp;
use penstock_storage::keys::iam as keys;
use penstock_storage::{Batch, Direction, View};

use super::entity::Entity;
use super::groups::all_groups;
use super::identifiers::{is_aws_managed, policy_name, policy_path, unique_id};
use super::limits;
use super::paging::{Page, PageRequest};
use super::records::{PolicyRecord, PolicyVersionRecord, Tag};
use super::refusal::{Refusal, RefusalKind};
use super::roles::all_roles;
use super::service::Iam;
use super::tags;
use super::users::all_users;
use crate::companions::policy::document::{Document, Purpose};

/// What CreatePolicy is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewPolicy {
    /// The policy's name.
    pub name: String,
    /// `/` unless given.
    pub path: Option<String>,
    /// Version 1.
    pub document: String,
    /// Free text.
    pub description: Option<String>,
    /// At most 50.
    pub tags: Vec<Tag>,
}

/// A managed policy as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The last part of its ARN.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// With a slash at both ends.
    pub path: String,
    /// How many roles and users it is attached to.
    pub attachments: usize,
    /// How many roles and users it bounds.
    pub boundaries: usize,
    /// Absent for AWS's own, of which no more is known.
    pub own: Option<PolicyOrigin>,
}

/// What only the account's own policies have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyOrigin {
    /// `ANPA…`.
    pub id: String,
    /// The number of the version in force.
    pub default_version: u32,
    /// When it was created.
    pub created: Timestamp,
    /// When a version was last made or chosen.
    pub updated: Timestamp,
    /// Free text.
    pub description: Option<String>,
    /// In the order in which they came.
    pub tags: Vec<Tag>,
}

/// Which policies ListPolicies is to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyFilter {
    /// `All`, `AWS` or `Local`.
    pub scope: Option<String>,
    /// Only those in use.
    pub only_attached: Option<bool>,
    /// Only those whose path begins so.
    pub path_prefix: Option<String>,
    /// Only those that are used like that.
    pub usage: Option<PolicyUsage>,
}

/// What a policy is used as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyUsage {
    /// It gives permissions.
    PermissionsPolicy,
    /// It bounds them.
    PermissionsBoundary,
}

/// One kind of what policies are attached to.
pub const ROLE_ENTITY: &str = "Role";
/// Another.
pub const USER_ENTITY: &str = "User";
/// The third.
pub const GROUP_ENTITY: &str = "Group";

/// Who uses a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyUser {
    /// [`ROLE_ENTITY`], [`USER_ENTITY`] or [`GROUP_ENTITY`].
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Its unique id.
    pub id: String,
}

impl Iam {
    /// CreatePolicy.
    pub async fn create_policy(
        &self,
        account: &str,
        new: NewPolicy,
        now: Timestamp,
    ) -> Result<Policy, Refusal> {
        Document::parse(&new.document, Purpose::ManagedPermissions)?;
        limits::check_managed_policy(&new.document)?;
        tags::check_distinct(&new.tags)?;
        let path = new.path.unwrap_or_else(|| "/".to_owned());
        let arn = format!("arn:aws:iam::{account}:policy{path}{}", new.name);
        let record = PolicyRecord {
            name: new.name,
            path,
            id: unique_id("ANPA")?,
            created: now,
            updated: now,
            description: new.description,
            tags: new.tags,
            default_version: 1,
            next_version: 2,
        };
        let change = self.change(account).await;
        change.grows()?;
        change
            .look(|view| {
                let taken = |other: &PolicyRecord| other.name.eq_ignore_ascii_case(&record.name);
                if own_policies(view, account)?.iter().any(|(_, other)| taken(other)) {
                    return Err(Refusal::new(
                        RefusalKind::EntityAlreadyExists,
                        format!(
                            "A policy called {} already exists. Duplicate names are not allowed.",
                            record.name
                        ),
                    ));
                }
                Ok(())
            })
            .await?;
        let mut batch = Batch::new();
        batch.put(keys::policy(account, &arn), &record);
        let version = PolicyVersionRecord { document: new.document, created: now };
        batch.put(keys::policy_version(account, &arn, 1), &version);
        change.commit(batch).await;
        Ok(Usage::default().policy(&arn, Some(record)))
    }

    /// GetPolicy.
    pub async fn policy(&self, account: &str, arn: &str) -> Result<Policy, Refusal> {
        self.look(|view| {
            require_policy_arn(arn)?;
            let own = if is_aws_managed(arn) { None } else { Some(find_policy(view, account, arn)?) };
            Ok(Usage::of(view, account)?.policy(arn, own))
        })
        .await
    }

    /// ListPolicies. Of AWS's own, those in use are known.
    pub async fn list_policies(
        &self,
        account: &str,
        filter: &PolicyFilter,
        page: &PageRequest,
    ) -> Result<Page<Policy>, Refusal> {
        self.look(|view| {
            let usage = Usage::of(view, account)?;
            let mut policies: Vec<Policy> = own_policies(view, account)?
                .into_iter()
                .map(|(arn, record)| usage.policy(&arn, Some(record)))
                .collect();
            policies.extend(usage.aws_managed().map(|arn| usage.policy(arn, None)));
            policies.retain(|policy| filter.admits(policy));
            page.cut(policies, |policy| policy.arn.clone())
        })
        .await
    }

    /// DeletePolicy: refused as long as it is in use or has more than one version.
    pub async fn delete_policy(&self, account: &str, arn: &str) -> Result<(), Refusal> {
        let conflict = |message: &str| Err(Refusal::new(RefusalKind::DeleteConflict, message));
        let change = self.change(account).await;
        let record = change
            .look(|view| {
                require_own_policy_arn(arn)?;
                let record = find_policy(view, account, arn)?;
                let policy = Usage::of(view, account)?.policy(arn, None);
                if policy.attachments + policy.boundaries > 0 {
                    return conflict("Cannot delete a policy attached to entities.");
                }
                let prefix = keys::policy_versions(account, arn);
                if view.scan_keys(&prefix, Bound::Unbounded, Direction::Forward).count() > 1 {
                    return conflict(
                        "This policy has more than one version. Before you delete a policy, you must delete \
                         the policy's versions. The default version is deleted with the policy.",
                    );
                }
                Ok(record)
            })
            .await?;
        let mut batch = Batch::new();
        batch.delete(keys::policy(account, arn));
        batch.delete(keys::policy_version(account, arn, record.default_version));
        change.commit(batch).await;
        Ok(())
    }

    /// ListEntitiesForPolicy: the roles, users and groups that use it, and those of one kind alone where that is asked for.
    pub async fn entities_with_policy(
        &self,
        account: &str,
        arn: &str,
        path_prefix: Option<&str>,
        usage: Option<PolicyUsage>,
        kind: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<PolicyUser>, Refusal> {
        self.look(|view| {
            require_policy_arn(arn)?;
            if !is_aws_managed(arn) {
                find_policy(view, account, arn)?;
            }
            let uses = |on: Entity<'_>, boundary: Option<&str>, path: &str| {
                let attached = view.contains(&keys::attached(account, &on.segment(), arn))?;
                let bounded = boundary == Some(arn);
                let used = match usage {
                    None => attached || bounded,
                    Some(PolicyUsage::PermissionsPolicy) => attached,
                    Some(PolicyUsage::PermissionsBoundary) => bounded,
                };
                Ok::<_, Refusal>(used && path_prefix.is_none_or(|prefix| path.starts_with(prefix)))
            };
            let mut found = Vec::new();
            for role in all_roles(view, account)? {
                if uses(Entity::Role(&role.name), role.boundary.as_deref(), &role.path)? {
                    found.push(PolicyUser { kind: ROLE_ENTITY, name: role.name, id: role.id });
                }
            }
            for user in all_users(view, account)? {
                if uses(Entity::User(&user.name), user.boundary.as_deref(), &user.path)? {
                    found.push(PolicyUser { kind: USER_ENTITY, name: user.name, id: user.id });
                }
            }
            for group in all_groups(view, account)? {
                if uses(Entity::Group(&group.name), None, &group.path)? {
                    found.push(PolicyUser { kind: GROUP_ENTITY, name: group.name, id: group.id });
                }
            }
            found.retain(|user| kind.is_none_or(|kind| kind == user.kind));
            page.cut(found, |user| format!("{} {}", user.kind, user.name.to_ascii_lowercase()))
        })
        .await
    }
}

impl PolicyFilter {
    fn admits(&self, policy: &Policy) -> bool {
        let scope = match self.scope.as_deref() {
            Some("AWS") => policy.own.is_none(),
            Some("Local") => policy.own.is_some(),
            _ => true,
        };
        let used = match self.usage {
            None => policy.attachments + policy.boundaries,
            Some(PolicyUsage::PermissionsPolicy) => policy.attachments,
            Some(PolicyUsage::PermissionsBoundary) => policy.boundaries,
        };
        let wants_use = self.only_attached == Some(true) || self.usage.is_some();
        scope
            && (!wants_use || used > 0)
            && self.path_prefix.as_deref().is_none_or(|prefix| policy.path.starts_with(prefix))
    }
}

/// Who uses which policy, by ARN.
#[derive(Default)]
struct Usage {
    attached: BTreeMap<String, usize>,
    bounding: BTreeMap<String, usize>,
}

impl Usage {
    fn of(view: &View<'_>, account: &str) -> Result<Self, Refusal> {
        let mut usage = Self::default();
        for key in view.scan_keys(&keys::all_attached(account), Bound::Unbounded, Direction::Forward) {
            if let Some((_, arn)) = keys::parse_attached(&key?) {
                *usage.attached.entry(arn).or_default() += 1;
            }
        }
        let roles = all_roles(view, account)?.into_iter().filter_map(|role| role.boundary);
        let users = all_users(view, account)?.into_iter().filter_map(|user| user.boundary);
        for boundary in roles.chain(users) {
            *usage.bounding.entry(boundary).or_default() += 1;
        }
        Ok(usage)
    }

    fn aws_managed(&self) -> impl Iterator<Item = &str> {
        let bounding = self.bounding.keys().filter(|arn| !self.attached.contains_key(*arn));
        self.attached.keys().chain(bounding).map(String::as_str).filter(|arn| is_aws_managed(arn))
    }

    fn policy(&self, arn: &str, own: Option<PolicyRecord>) -> Policy {
        Policy {
            name: policy_name(arn).unwrap_or_default().to_owned(),
            arn: arn.to_owned(),
            path: policy_path(arn),
            attachments: self.attached.get(arn).copied().unwrap_or_default(),
            boundaries: self.bounding.get(arn).copied().unwrap_or_default(),
            own: own.map(|record| PolicyOrigin {
                id: record.id,
                default_version: record.default_version,
                created: record.created,
                updated: record.updated,
                description: record.description,
                tags: record.tags,
            }),
        }
    }
}

pub(super) fn find_policy(view: &View<'_>, account: &str, arn: &str) -> Result<PolicyRecord, Refusal> {
    view.get(&keys::policy(account, arn))?.ok_or_else(|| Refusal::no_policy(arn))
}

fn own_policies(view: &View<'_>, account: &str) -> Result<Vec<(String, PolicyRecord)>, Refusal> {
    let mut policies = Vec::new();
    for entry in view.scan::<PolicyRecord>(&keys::policies(account), Bound::Unbounded, Direction::Forward) {
        let (key, record) = entry?;
        if let Some(arn) = keys::parse_policy(&key) {
            policies.push((arn, record));
        }
    }
    Ok(policies)
}

/// Refuses what has not the form of a managed policy's ARN.
pub(super) fn require_policy_arn(arn: &str) -> Result<(), Refusal> {
    match policy_name(arn) {
        Some(_) => Ok(()),
        None => Err(Refusal::new(RefusalKind::InvalidInput, format!("ARN {arn} is not valid."))),
    }
}

/// The same for calls that change a policy, which nobody can do to AWS's own.
pub(super) fn require_own_policy_arn(arn: &str) -> Result<(), Refusal> {
    require_policy_arn(arn)?;
    if is_aws_managed(arn) {
        return Err(Refusal::new(
            RefusalKind::AccessDenied,
            format!("Policy {arn} is managed by AWS and cannot be changed."),
        ));
    }
    Ok(())
}

/// Refuses a policy that is not there to be attached.
pub(super) fn require_attachable(
    view: &View<'_>,
    account: &str,
    arn: &str,
    called: &str,
) -> Result<(), Refusal> {
    if is_aws_managed(arn) || view.contains(&keys::policy(account, arn))? {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalKind::NoSuchEntity,
        format!("{called} {arn} does not exist or is not attachable."),
    ))
}
