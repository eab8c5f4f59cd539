//! User names and passwords for one service, such as git wants for CodeCommit over HTTP (API reference:
//! `ServiceSpecificCredential`; user guide, "Use IAM with CodeCommit").

use penstock_engine::time::Timestamp;
use penstock_storage::View;

use super::identifiers::unique_id;
use super::limits;
use super::records::{KeyStatus, ServiceCredential, UserRecord};
use super::refusal::{Refusal, RefusalKind};
use super::service::Iam;
use super::users::{all_users, find_user};

/// The only service here that takes them.
pub const CODECOMMIT: &str = "codecommit.amazonaws.com";

impl Iam {
    /// CreateServiceSpecificCredential.
    pub async fn create_service_credential(
        &self,
        account: &str,
        user: &str,
        service: &str,
        now: Timestamp,
    ) -> Result<ServiceCredential, Refusal> {
        if service != CODECOMMIT {
            let text = format!("The service {service} does not support service-specific credentials here.");
            return Err(Refusal::new(RefusalKind::NotSupportedService, text));
        }
        let id = unique_id("ACCA")?;
        let mut made = None;
        let altered = self.alter_user(account, user, |view, user| {
            if user.service_credentials.len() >= limits::SERVICE_CREDENTIALS_PER_USER {
                return Err(Refusal::limit(format!(
                    "Cannot exceed quota for ServiceSpecificCredentialsPerUser: {}",
                    limits::SERVICE_CREDENTIALS_PER_USER
                )));
            }
            let user_name = free_name(view, account, &user.name)?;
            let status = KeyStatus::Active;
            let credential = ServiceCredential { id, user_name, status, created: now, generation: 0 };
            user.service_credentials.push(credential.clone());
            made = Some(credential);
            Ok(())
        });
        altered.await?;
        made.ok_or_else(|| no_credential(""))
    }

    /// UpdateServiceSpecificCredential.
    pub async fn update_service_credential(
        &self,
        account: &str,
        user: &str,
        id: &str,
        status: KeyStatus,
    ) -> Result<(), Refusal> {
        self.alter_credential(account, user, id, |credential| credential.status = status).await.map(drop)
    }

    /// ResetServiceSpecificCredential: with another password.
    pub async fn reset_service_credential(
        &self,
        account: &str,
        user: &str,
        id: &str,
    ) -> Result<ServiceCredential, Refusal> {
        self.alter_credential(account, user, id, |credential| {
            credential.generation = credential.generation.saturating_add(1);
            credential.status = KeyStatus::Active;
        })
        .await
    }

    /// DeleteServiceSpecificCredential.
    pub async fn delete_service_credential(
        &self,
        account: &str,
        user: &str,
        id: &str,
    ) -> Result<(), Refusal> {
        let altered = self.alter_user(account, user, |_, user| {
            let many = user.service_credentials.len();
            user.service_credentials.retain(|credential| credential.id != id);
            if user.service_credentials.len() == many { Err(no_credential(id)) } else { Ok(()) }
        });
        altered.await.map(drop)
    }

    /// ListServiceSpecificCredentials: of one user, or of all.
    pub async fn list_service_credentials(
        &self,
        account: &str,
        user: Option<&str>,
    ) -> Result<Vec<(String, ServiceCredential)>, Refusal> {
        self.look(|view| {
            let users = match user {
                Some(name) => vec![find_user(view, account, name)?],
                None => all_users(view, account)?,
            };
            Ok(users.into_iter().flat_map(each).collect())
        })
        .await
    }

    /// Whose a user name for CodeCommit is that may be used.
    pub(in crate::companions) async fn service_credential_named(
        &self,
        account: &str,
        user_name: &str,
    ) -> Result<Option<(UserRecord, ServiceCredential)>, Refusal> {
        let is_it = |credential: &ServiceCredential| {
            credential.user_name == user_name && credential.status == KeyStatus::Active
        };
        self.look(|view| {
            let users = all_users(view, account)?.into_iter();
            let mut found = users.filter_map(|user| {
                let credential = user.service_credentials.iter().find(|one| is_it(one)).cloned()?;
                Some((user, credential))
            });
            Ok(found.next())
        })
        .await
    }

    async fn alter_credential(
        &self,
        account: &str,
        user: &str,
        id: &str,
        alter: impl FnOnce(&mut ServiceCredential),
    ) -> Result<ServiceCredential, Refusal> {
        let mut altered = None;
        let changed = self.alter_user(account, user, |_, user| {
            let credential = user.service_credentials.iter_mut().find(|credential| credential.id == id);
            let credential = credential.ok_or_else(|| no_credential(id))?;
            alter(credential);
            altered = Some(credential.clone());
            Ok(())
        });
        changed.await?;
        altered.ok_or_else(|| no_credential(id))
    }
}

fn each(user: UserRecord) -> impl Iterator<Item = (String, ServiceCredential)> {
    let name = user.name;
    user.service_credentials.into_iter().map(move |credential| (name.clone(), credential))
}

/// `jo-at-111122223333`, and `jo+1-at-…` where that is taken.
fn free_name(view: &View<'_>, account: &str, user: &str) -> Result<String, Refusal> {
    let taken: Vec<String> =
        all_users(view, account)?.into_iter().flat_map(each).map(|(_, one)| one.user_name).collect();
    let named = |number: usize| match number {
        0 => format!("{user}-at-{account}"),
        _ => format!("{user}+{number}-at-{account}"),
    };
    // One of one more than there are is free.
    Ok((0..=taken.len()).map(named).find(|name| !taken.contains(name)).unwrap_or_default())
}

fn no_credential(id: &str) -> Refusal {
    let text = format!("The service-specific credential with id {id} cannot be found.");
    Refusal::new(RefusalKind::NoSuchEntity, text)
}
