"""Groups, users with other names, and wrong secrets. Usage: groups_check.py ENDPOINT, which holds all callers to policies."""

import json

import botocore.session

import calls

ACCOUNT = "000000000000"
HOME = f"arn:aws:iam::{ACCOUNT}"


def client(service, key=("test", "test"), token=None, **config):
    return calls.client(service, key=key[0], secret=key[1], token=token, **config)


def document(action, effect="Allow"):
    statement = {"Effect": effect, "Action": action, "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def refused(code, text, call, **arguments):
    calls.refused(code, call, text, status=None, **arguments)


iam, s3 = client("iam"), client("s3")

# A group's policies are its members'.
made = iam.create_group(GroupName="builders", Path="/team/")["Group"]
assert made["Arn"] == f"{HOME}:group/team/builders" and made["GroupId"].startswith("AGPA"), made
refused("EntityAlreadyExists", "Group with name Builders already exists.", iam.create_group, GroupName="Builders")
refused("ValidationError", "groupName is invalid", iam.create_group, GroupName="a b")
refused("NoSuchEntity", "The group with name nobody cannot be found.", iam.get_group, GroupName="nobody")
iam.create_user(UserName="jo")
key = iam.create_access_key(UserName="jo")["AccessKey"]
KEY = [key["AccessKeyId"], key["SecretAccessKey"]]
pipelines = client("codepipeline", KEY)
absent = "because no identity-based policy allows the codepipeline:ListPipelines action"
refused("AccessDeniedException", absent, pipelines.list_pipelines)
iam.put_group_policy(GroupName="builders", PolicyName="p", PolicyDocument=document("codepipeline:List*"))
refused("AccessDeniedException", absent, pipelines.list_pipelines)
refused("NoSuchEntity", "The user with name al cannot be found.", iam.add_user_to_group, GroupName="builders", UserName="al")
iam.add_user_to_group(GroupName="builders", UserName="jo")
iam.add_user_to_group(GroupName="builders", UserName="jo")
assert pipelines.list_pipelines()["pipelines"] == []
full = "arn:aws:iam::aws:policy/AdministratorAccess"
iam.attach_group_policy(GroupName="builders", PolicyArn=full)
assert [one["PolicyArn"] for one in iam.list_attached_group_policies(GroupName="builders")["AttachedPolicies"]] == [full]
assert [one["GroupName"] for one in iam.list_entities_for_policy(PolicyArn=full)["PolicyGroups"]] == ["builders"]
refused("PipelineNotFoundException", "web", pipelines.get_pipeline, name="web")
iam.put_group_policy(GroupName="builders", PolicyName="q", PolicyDocument=document("codepipeline:Get*", "Deny"))
refused("AccessDeniedException", "with an explicit deny", pipelines.get_pipeline, name="web")
assert iam.list_group_policies(GroupName="builders")["PolicyNames"] == ["p", "q"]
iam.delete_group_policy(GroupName="builders", PolicyName="q")
iam.detach_group_policy(GroupName="builders", PolicyArn=full)
got = iam.get_group_policy(GroupName="builders", PolicyName="p")
assert (got["GroupName"], got["PolicyName"]) == ("builders", "p"), got

# What is called otherwise stays what it is.
iam.update_group(GroupName="builders", NewGroupName="makers", NewPath="/")
assert iam.list_groups(PathPrefix="/team/")["Groups"] == []
found = iam.get_group(GroupName="makers")
assert found["Group"]["GroupId"] == made["GroupId"] and [user["UserName"] for user in found["Users"]] == ["jo"], found
assert pipelines.list_pipelines()["pipelines"] == []
iam.put_user_policy(UserName="jo", PolicyName="own", PolicyDocument=document(["s3:PutObject", "s3:GetObject"]))
iam.create_user(UserName="al")
refused("EntityAlreadyExists", "User with name al already exists.", iam.update_user, UserName="jo", NewUserName="al")
refused("ValidationError", "newPath is invalid", iam.update_user, UserName="jo", NewPath="x")
iam.update_user(UserName="jo", NewUserName="kim", NewPath="/team/")
refused("NoSuchEntity", "jo", iam.get_user, UserName="jo")
assert client("sts", KEY).get_caller_identity()["Arn"] == f"{HOME}:user/team/kim"
assert pipelines.list_pipelines()["pipelines"] == []
assert iam.list_user_policies(UserName="kim")["PolicyNames"] == ["own"]
assert [group["GroupName"] for group in iam.list_groups_for_user(UserName="kim")["Groups"]] == ["makers"]
assert [each["UserName"] for each in iam.list_access_keys(UserName="kim")["AccessKeyMetadata"]] == ["kim"]

# Whoever has the key's id alone is not let in, with any of the protocols.
WRONG = [KEY[0], "x" * 40]
s3.create_bucket(Bucket="own")
own = client("s3", KEY)
own.put_object(Bucket="own", Key="a b/ü+%2F", Body=b"content", Metadata={"spaced": "a  b"})
assert own.get_object(Bucket="own", Key="a b/ü+%2F")["Body"].read() == b"content"
mismatch = "The request signature we calculated does not match the signature you provided."
refused("InvalidSignatureException", mismatch, client("codepipeline", WRONG).list_pipelines)
refused("SignatureDoesNotMatch", mismatch, client("sts", WRONG).get_caller_identity)
refused("SignatureDoesNotMatch", mismatch, client("iam", WRONG).get_user)
stranger = client("s3", WRONG)
refused("SignatureDoesNotMatch", mismatch, stranger.get_object, Bucket="own", Key="a b/ü+%2F")
session = client("sts", KEY).get_session_token()["Credentials"]
secrets = [session["AccessKeyId"], session["SecretAccessKey"]]
assert client("codepipeline", secrets, session["SessionToken"]).list_pipelines()["pipelines"] == []
secrets[1] = KEY[1]
refused("InvalidSignatureException", mismatch, client("codepipeline", secrets, session["SessionToken"]).list_pipelines)


def fetched(secret):
    """An address presigned with that secret."""
    presigner = client("s3", [KEY[0], secret], signature_version="s3v4")
    url = presigner.generate_presigned_url("get_object", Params={"Bucket": "own", "Key": "a b/ü+%2F"})
    answer = botocore.httpsession.URLLib3Session().send(botocore.awsrequest.AWSRequest("GET", url).prepare())
    return answer.status_code, answer.content


assert fetched(KEY[1]) == (200, b"content")
status, body = fetched("x" * 40)
assert status == 403 and b"SignatureDoesNotMatch" in body, body
# Keys that were not issued here have no secret that could be wrong.
assert client("codepipeline", ["test", "anything"]).list_pipelines()["pipelines"] == []

# Nothing goes while something hangs on it.
refused("DeleteConflict", "must remove users from group first", iam.delete_group, GroupName="makers")
refused("DeleteConflict", "must delete policies first", iam.delete_user, UserName="kim")
iam.delete_user_policy(UserName="kim", PolicyName="own")
refused("DeleteConflict", "must remove users from group first", iam.delete_user, UserName="kim")
iam.remove_user_from_group(GroupName="makers", UserName="kim")
refused("AccessDeniedException", absent, pipelines.list_pipelines)
refused("DeleteConflict", "must delete policies first", iam.delete_group, GroupName="makers")
iam.delete_group_policy(GroupName="makers", PolicyName="p")
iam.delete_group(GroupName="makers")
iam.delete_access_key(UserName="kim", AccessKeyId=KEY[0])

# A user name and password for CodeCommit.
refused("NotSupportedService", "cassandra", iam.create_service_specific_credential, UserName="kim",
        ServiceName="cassandra.amazonaws.com")
first = iam.create_service_specific_credential(UserName="kim", ServiceName="codecommit.amazonaws.com")
first = first["ServiceSpecificCredential"]
assert first["ServiceUserName"] == f"kim-at-{ACCOUNT}" and len(first["ServicePassword"]) == 44, first
second = iam.create_service_specific_credential(UserName="kim", ServiceName="codecommit.amazonaws.com")
assert second["ServiceSpecificCredential"]["ServiceUserName"] == f"kim+1-at-{ACCOUNT}", second
refused("LimitExceeded", "ServiceSpecificCredentialsPerUser", iam.create_service_specific_credential, UserName="kim",
        ServiceName="codecommit.amazonaws.com")
listed = iam.list_service_specific_credentials(UserName="kim")["ServiceSpecificCredentials"]
assert len(listed) == 2 and "ServicePassword" not in listed[0], listed
one = {"UserName": "kim", "ServiceSpecificCredentialId": first["ServiceSpecificCredentialId"]}
again = iam.reset_service_specific_credential(**one)["ServiceSpecificCredential"]
assert again["ServicePassword"] != first["ServicePassword"], "a reset makes another password"
iam.update_service_specific_credential(**one, Status="Inactive")
refused("DeleteConflict", "must delete service-specific credentials first", iam.delete_user, UserName="kim")
for each in listed:
    iam.delete_service_specific_credential(UserName="kim", ServiceSpecificCredentialId=each["ServiceSpecificCredentialId"])
refused("NoSuchEntity", "cannot be found", iam.delete_service_specific_credential, **one)
iam.delete_user(UserName="kim")
print("grouped")
