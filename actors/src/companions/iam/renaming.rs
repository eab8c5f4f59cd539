//! A user with another name or path, and what moves along: policies and keys are kept under the name.

use penstock_storage::keys::iam as keys;
use penstock_storage::{Batch, View};

use super::entity::Entity;
use super::held_policies::{attached_to, inline_policies};
use super::records::{AttachmentRecord, InlinePolicyRecord, KeyHolderRecord};
use super::refusal::Refusal;
use super::service::Iam;
use super::users::{find_user, require_free, user_key, user_segment};

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
                if user_segment(&new_name) != user_segment(name) {
                    require_free(view, account, &new_name)?;
                    move_policies(view, account, Entity::User(name), Entity::User(&new_name), &mut batch)?;
                    batch.delete(user_key(account, name));
                }
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

/// Puts the policies of one under the name of another.
pub(super) fn move_policies(
    view: &View<'_>,
    account: &str,
    from: Entity<'_>,
    to: Entity<'_>,
    batch: &mut Batch,
) -> Result<(), Refusal> {
    let (old, new) = (from.segment(), to.segment());
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
