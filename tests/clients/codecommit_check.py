"""CodeCommit through boto3. Usage: codecommit_check.py ENDPOINT before | after COMMIT"""

import sys

from calls import client, refused

c = client("codecommit")
ARN = "arn:aws:codecommit:us-east-1:000000000000:web"


def before():
    made = c.create_repository(
        repositoryName="web", repositoryDescription="the site", tags={"team": "web"}
    )["repositoryMetadata"]
    assert made["Arn"] == ARN, made
    assert made["cloneUrlHttp"].endswith("/v1/repos/web"), made
    assert made["repositoryDescription"] == "the site" and "defaultBranch" not in made, made
    assert c.get_repository(repositoryName="web")["repositoryMetadata"] == made
    assert c.list_branches(repositoryName="web")["branches"] == []
    refused("RepositoryNameExistsException", c.create_repository, repositoryName="web")
    refused("InvalidRepositoryNameException", c.create_repository, repositoryName="web.git")
    refused("ValidationException", c.create_repository, repositoryName="a/b")
    refused("RepositoryDoesNotExistException", c.get_repository, repositoryName="nobody")
    refused("RepositoryDoesNotExistException", client("codecommit", "eu-west-1").get_repository, repositoryName="web")
    refused("BranchDoesNotExistException", c.get_branch, repositoryName="web", branchName="main")
    refused("UnknownOperationException", c.get_differences, repositoryName="web", afterCommitSpecifier="main")
    c.create_repository(repositoryName="other")
    names = [found["repositoryName"] for found in c.list_repositories()["repositories"]]
    assert names == ["other", "web"], names
    names = [found["repositoryName"] for found in c.list_repositories(order="descending", sortBy="repositoryName")["repositories"]]
    assert names == ["web", "other"], names
    got = c.batch_get_repositories(repositoryNames=["web", "nobody"])
    assert [found["repositoryName"] for found in got["repositories"]] == ["web"], got
    assert got["repositoriesNotFound"] == ["nobody"], got
    assert c.delete_repository(repositoryName="other")["repositoryId"]
    assert "repositoryId" not in c.delete_repository(repositoryName="other")


def after(commit):
    found = c.get_repository(repositoryName="web")["repositoryMetadata"]
    assert found["defaultBranch"] == "main" and found["lastModifiedDate"] > found["creationDate"], found
    assert c.get_branch(repositoryName="web", branchName="main")["branch"] == {
        "branchName": "main",
        "commitId": commit,
    }
    found = c.get_commit(repositoryName="web", commitId=commit)["commit"]
    assert found["message"] == "First\n\nbody" and found["parents"] == [], found
    assert found["author"] == {"name": "Ann Author", "email": "ann@example.com", "date": "1767323045 +0000"}, found
    assert found["committer"]["name"] == "Carl Committer", found
    refused("CommitIdDoesNotExistException", c.get_commit, repositoryName="web", commitId="0" * 40)
    refused("InvalidCommitIdException", c.get_commit, repositoryName="web", commitId="main")

    c.create_branch(repositoryName="web", branchName="release/1", commitId=commit)
    assert c.list_branches(repositoryName="web")["branches"] == ["main", "release/1"]
    refused("BranchNameExistsException", c.create_branch, repositoryName="web", branchName="main", commitId=commit)
    refused("CommitDoesNotExistException", c.create_branch, repositoryName="web", branchName="x", commitId="0" * 40)
    refused("InvalidBranchNameException", c.create_branch, repositoryName="web", branchName="-x", commitId=commit)
    refused("DefaultBranchCannotBeDeletedException", c.delete_branch, repositoryName="web", branchName="main")
    c.update_default_branch(repositoryName="web", defaultBranchName="release/1")
    gone = c.delete_branch(repositoryName="web", branchName="main")["deletedBranch"]
    assert gone == {"branchName": "main", "commitId": commit}, gone
    assert "deletedBranch" not in c.delete_branch(repositoryName="web", branchName="main")

    c.update_repository_description(repositoryName="web", repositoryDescription="other")
    assert c.get_repository(repositoryName="web")["repositoryMetadata"]["repositoryDescription"] == "other"
    c.tag_resource(resourceArn=ARN, tags={"a": "b"})
    c.untag_resource(resourceArn=ARN, tagKeys=["team"])
    assert c.list_tags_for_resource(resourceArn=ARN)["tags"] == {"a": "b"}
    refused("InvalidResourceArnException", c.list_tags_for_resource, resourceArn="arn:aws:s3:::web")


before() if sys.argv[2] == "before" else after(sys.argv[3])
print("ok")
