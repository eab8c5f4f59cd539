//! Users and groups with another name, and what moves along: policies and keys are kept under the name.

use penstock_storage::keys::iam as keys;
use penstock_storage::{Batch, View};

use super::entity::Entity;
use super::held_policies::{attached_to, inline_policies};
use super::records::{AttachmentRecord, InlinePolicyRecord, KeyHolderRecord};
use super::refusal::Refusal;
use super::service::Iam;
use super::users::{find_user, user_key};

impl Iam {
    /// UpdateUser. What the user has stays the user's: keys, groups, policies, the unique id.
    pub async fn update_user(
        &self,
        account: &str,
        name: &str,
        new_path: Option<String>,
        new_name: Option<String>,
    ) -> Result<(), Refusal> {
        let change = self.change(account).await;
        change.grows()?;
        let batch = change.look(|view| {
            let mut user = find_user(view, account, name)?;
            let mut batch = Batch::new();
            user.path = new_path.unwrap_or(user.path);
            if let Some(new_name) = new_name.filter(|new_name| *new_name != name) {
                make_room(view, account, Entity::User(name), Entity::User(&new_name), &mut batch)?;
                for key in &user.keys {
                    let holder = KeyHolderRecord { account: account.to_owned(), user: new_name.clone() };
                    batch.put(keys::access_key(&key.id), &holder);
                }
                user.name = new_name;
            }
            batch.put(user_key(account, &user.name), &user);
            Ok(batch)
        });
        let batch = batch.await?;
        change.commit(batch).await;
        Ok(())
    }
}

/// Takes what is kept under a name to another one, which must be free; the record is the caller's to put there.
pub(super) fn make_room(
    view: &View<'_>,
    account: &str,
    from: Entity<'_>,
    to: Entity<'_>,
    batch: &mut Batch,
) -> Result<(), Refusal> {
    let (old, new) = (from.segment(), to.segment());
    if old == new {
        // Other letters of the same name.
        return Ok(());
    }
    to.require_free(view, account)?;
    batch.delete(from.key(account));
    for (name, document) in inline_policies(view, account, from)? {
        batch.delete(keys::role_policy(account, &old, &name));
        batch.put(keys::role_policy(account, &new, &name), &InlinePolicyRecord { document });
    }
    for policy in attached_to(view, account, from)? {
        let key = keys::attached(account, &old, &policy.arn);
        if let Some(record) = view.get::<AttachmentRecord>(&key)? {
            batch.delete(key);
            batch.put(keys::attached(account, &new, &policy.arn), &record);
        }
    }
    Ok(())
}
