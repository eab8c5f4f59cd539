"""Files of CodeCommit repositories through boto3, without git. Usage: codecommit_files_check.py ENDPOINT"""

from calls import client, refused

c = client("codecommit")
ODD = "odd/\u00fc \"q\""


def head(name="web", branch="main"):
    return c.get_branch(repositoryName=name, branchName=branch)["branch"]["commitId"]


def put(path, content, **more):
    return c.put_file(repositoryName="web", branchName="main", filePath=path, fileContent=content, **more)


def commit(**more):
    return c.create_commit(repositoryName="web", branchName="main", parentCommitId=head(), **more)


c.create_repository(repositoryName="web")
refused("CommitDoesNotExistException", c.get_file, repositoryName="web", filePath="a")
made = put("/src/a b.txt", b"\x00\xff\n", name="Ann <x>", email="ann@example.com", commitMessage="One")
first = made["commitId"]
assert head() == first and len(made["blobId"]) == len(made["treeId"]) == 40, made
assert c.get_repository(repositoryName="web")["repositoryMetadata"]["defaultBranch"] == "main"
found = c.get_commit(repositoryName="web", commitId=first)["commit"]
assert (found["author"]["name"], found["author"]["email"], found["message"]) == ("Ann x", "ann@example.com", "One"), found
assert found["treeId"] == made["treeId"] and found["parents"] == [], found
got = c.get_file(repositoryName="web", filePath="src/a b.txt")
assert got["fileContent"] == b"\x00\xff\n" and got["fileSize"] == 3 and got["fileMode"] == "NORMAL", got
assert got["blobId"] == made["blobId"] and got["commitId"] == first and got["filePath"] == "src/a b.txt", got

refused("ParentCommitIdRequiredException", put, path="b", content=b"")
refused("InvalidParentCommitIdException", put, path="b", content=b"", parentCommitId="main")
refused("ParentCommitDoesNotExistException", put, path="b", content=b"", parentCommitId="0" * 40)
refused("SameFileContentException", put, path="src/a b.txt", content=b"\x00\xff\n", parentCommitId=first)
refused("InvalidPathException", put, path="../b", content=b"", parentCommitId=first)
refused("DirectoryNameConflictsWithFileNameException", put, path="src/a b.txt/c", content=b"", parentCommitId=first)
refused("FileNameConflictsWithDirectoryNameException", put, path="src", content=b"", parentCommitId=first)
refused("BranchDoesNotExistException", c.put_file, repositoryName="web", branchName="x", filePath="b", fileContent=b"",
        parentCommitId=first)
refused("RepositoryDoesNotExistException", c.put_file, repositoryName="nobody", branchName="x", filePath="b",
        fileContent=b"")
assert head() == first, "what was refused changed nothing"

second = commit(
    authorName="Bob", commitMessage="Two",
    putFiles=[
        {"filePath": "run.sh", "fileMode": "EXECUTABLE", "fileContent": b"#!/bin/sh\n"},
        {"filePath": "link", "fileMode": "SYMLINK", "fileContent": b"run.sh"},
        {"filePath": ODD, "fileContent": b"x"},
        {"filePath": "moved", "sourceFile": {"filePath": "src/a b.txt", "isMove": True}},
    ],
    keepEmptyFolders=True,
)
assert [file["absolutePath"] for file in second["filesAdded"]] == [
    "link", "moved", ODD, "run.sh", "src/.gitkeep"], second
assert [file["absolutePath"] for file in second["filesDeleted"]] == ["src/a b.txt"], second
assert second["filesUpdated"] == [], second
assert c.get_commit(repositoryName="web", commitId=head())["commit"]["parents"] == [first]
refused("ParentCommitIdOutdatedException", put, path="b", content=b"", parentCommitId=first)
root = c.get_folder(repositoryName="web", folderPath="/")
assert [file["relativePath"] for file in root["files"]] == ["moved", "run.sh"], root
assert [file["fileMode"] for file in root["files"]] == ["NORMAL", "EXECUTABLE"], root
assert [link["absolutePath"] for link in root["symbolicLinks"]] == ["link"], root
assert [folder["absolutePath"] for folder in root["subFolders"]] == ["odd", "src"] and root["subModules"] == [], root
odd = c.get_folder(repositoryName="web", folderPath="odd", commitSpecifier="main")
assert odd["files"][0]["absolutePath"] == ODD and odd["treeId"] == root["subFolders"][0]["treeId"], odd
assert c.get_folder(repositoryName="web", folderPath="src", commitSpecifier=first)["files"][0]["relativePath"] == "a b.txt"
refused("FolderDoesNotExistException", c.get_folder, repositoryName="web", folderPath="run.sh")
refused("FolderDoesNotExistException", c.get_folder, repositoryName="web", folderPath="none")
refused("FileDoesNotExistException", c.get_file, repositoryName="web", filePath="odd")
refused("CommitDoesNotExistException", c.get_file, repositoryName="web", filePath="run.sh", commitSpecifier="none")

modes = commit(setFileModes=[{"filePath": "moved", "fileMode": "EXECUTABLE"}])
assert modes["filesUpdated"][0]["fileMode"] == "EXECUTABLE" and modes["filesAdded"] == [], modes
refused("NoChangeException", commit, setFileModes=[{"filePath": "moved", "fileMode": "EXECUTABLE"}])
refused("FileEntryRequiredException", commit)
refused("SamePathRequestException", commit, deleteFiles=[{"filePath": "moved"}, {"filePath": "moved"}])

gone = c.delete_file(repositoryName="web", branchName="main", filePath=ODD, parentCommitId=head())
assert gone["filePath"] == ODD and gone["blobId"] == odd["files"][0]["blobId"], gone
refused("FolderDoesNotExistException", c.get_folder, repositoryName="web", folderPath="odd")
refused("FileDoesNotExistException", c.delete_file, repositoryName="web", branchName="main", filePath="none",
        parentCommitId=head())
largest = b"x" * (6 << 20)
put("large", largest, parentCommitId=head())
assert c.get_file(repositoryName="web", filePath="large")["fileContent"] == largest

keys = c.update_repository_encryption_key(repositoryName="web", kmsKeyId="k1")
assert keys["kmsKeyId"] == "k1" and "originalKmsKeyId" not in keys, keys
c.create_repository(repositoryName="taken")
refused("RepositoryNameExistsException", c.update_repository_name, oldName="web", newName="taken")
refused("RepositoryDoesNotExistException", c.update_repository_name, oldName="nobody", newName="x")
refused("InvalidRepositoryNameException", c.update_repository_name, oldName="web", newName="x.git")
was = head()
c.update_repository_name(oldName="web", newName="site")
assert head("site") == was
refused("RepositoryDoesNotExistException", c.get_repository, repositoryName="web")
print("ok")
