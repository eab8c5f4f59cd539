//! Branches and commits, read from the repositories themselves.

use crate::git::commit::Commit;
use crate::git::names::{ObjectId, is_ref_name};

use super::records::RepositoryRecord;
use super::refusal::Refusal;
use super::service::CodeCommit;
use crate::companions::place::Place;

impl CodeCommit {
    /// GetBranch: its newest commit.
    pub async fn branch(&self, place: Place<'_>, name: &str, branch: &str) -> Result<ObjectId, Refusal> {
        let record = self.get(place, name).await?;
        check_branch(branch)?;
        let found = self.contents(&record)?.branch(branch).await?;
        found.ok_or_else(|| Refusal::no_branch(branch))
    }

    /// ListBranches.
    pub async fn list_branches(&self, place: Place<'_>, name: &str) -> Result<Vec<String>, Refusal> {
        let record = self.get(place, name).await?;
        self.branches_of(&record).await
    }

    async fn branches_of(&self, record: &RepositoryRecord) -> Result<Vec<String>, Refusal> {
        let refs = self.contents(record)?.refs().await?;
        Ok(refs.keys().filter_map(|name| name.strip_prefix("refs/heads/").map(str::to_owned)).collect())
    }

    /// GetCommit.
    pub async fn commit(&self, place: Place<'_>, name: &str, id: &str) -> Result<Commit, Refusal> {
        let record = self.get(place, name).await?;
        let id = whole(id)?;
        let found = self.contents(&record)?.commit(&id).await?;
        found.ok_or_else(|| Refusal::new("CommitIdDoesNotExistException", format!("{id} does not exist")))
    }

    /// CreateBranch.
    pub async fn create_branch(
        &self,
        place: Place<'_>,
        name: &str,
        branch: &str,
        commit: &str,
    ) -> Result<RepositoryRecord, Refusal> {
        let record = self.get(place, name).await?;
        check_branch(branch)?;
        let id = whole(commit)?;
        let contents = self.contents(&record)?;
        if contents.commit(&id).await?.is_none() {
            return Err(Refusal::new("CommitDoesNotExistException", format!("Commit {id} does not exist")));
        }
        if contents.branch(branch).await?.is_some() {
            let text = format!("Branch {branch} already exists");
            return Err(Refusal::new("BranchNameExistsException", text));
        }
        contents.set_branch(branch, Some(&id)).await?;
        Ok(record)
    }

    /// DeleteBranch: the commit that it pointed to, if there was such a branch.
    pub async fn delete_branch(
        &self,
        place: Place<'_>,
        name: &str,
        branch: &str,
    ) -> Result<Option<ObjectId>, Refusal> {
        let record = self.get(place, name).await?;
        check_branch(branch)?;
        let contents = self.contents(&record)?;
        if contents.default_branch().await?.as_deref() == Some(branch) {
            let text = "The default branch for a repository cannot be deleted";
            return Err(Refusal::new("DefaultBranchCannotBeDeletedException", text));
        }
        let found = contents.branch(branch).await?;
        if found.is_some() {
            contents.set_branch(branch, None).await?;
        }
        Ok(found)
    }

    /// The default branch, once there is one.
    pub async fn default_branch(&self, record: &RepositoryRecord) -> Result<Option<String>, Refusal> {
        Ok(self.contents(record)?.default_branch().await?)
    }

    /// UpdateDefaultBranch.
    pub async fn set_default_branch(
        &self,
        place: Place<'_>,
        name: &str,
        branch: &str,
    ) -> Result<(), Refusal> {
        self.branch(place, name, branch).await?;
        let record = self.get(place, name).await?;
        Ok(self.contents(&record)?.set_default_branch(branch).await?)
    }

    /// The first branch that was pushed becomes the default one, as at AWS.
    pub(crate) async fn see_to_default_branch(&self, record: &RepositoryRecord) -> Result<(), Refusal> {
        let contents = self.contents(record)?;
        if contents.default_branch().await?.is_some() {
            return Ok(());
        }
        let branches = self.branches_of(record).await?;
        let usual =
            ["main", "master"].into_iter().find(|usual| branches.iter().any(|branch| branch == usual));
        match usual.or(branches.first().map(String::as_str)) {
            Some(branch) => Ok(contents.set_default_branch(branch).await?),
            None => Ok(()),
        }
    }
}

pub(super) fn check_branch(name: &str) -> Result<(), Refusal> {
    if is_ref_name(name) {
        return Ok(());
    }
    Err(Refusal::new("InvalidBranchNameException", "The specified branch name is not valid."))
}

fn whole(id: &str) -> Result<ObjectId, Refusal> {
    ObjectId::parse(id)
        .ok_or_else(|| Refusal::new("InvalidCommitIdException", "The specified commit ID is not valid."))
}
