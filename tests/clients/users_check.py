"""Users with keys of their own are held against their policies. Usage: users_check.py ENDPOINT STATE.

With STATE `new`, makes the user and prints its key; with a key's id and secret, checks that they still are the user.
"""

import json
import sys

import calls

KEY = sys.argv[2:]
ACCOUNT = "000000000000"
WHO = f"arn:aws:iam::{ACCOUNT}:user/team/jo"


def client(service, key=("test", "test"), token=None):
    return calls.client(service, key=key[0], secret=key[1], token=token)


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def refused(code, text, call, **arguments):
    calls.refused(code, call, text, status=None, **arguments)


def denied(code, action, resource, call, **arguments):
    text = f"User: {WHO} is not authorized to perform: {action} on resource: {resource} because no identity-based policy"
    refused(code, text, call, **arguments)


iam, s3 = client("iam"), client("s3")
if KEY == ["new"]:
    made = iam.create_user(UserName="jo", Path="/team/", Tags=[{"Key": "team", "Value": "a"}])["User"]
    assert made["Arn"] == WHO and made["UserId"].startswith("AIDA"), made
    refused("EntityAlreadyExists", "User with name jo already exists.", iam.create_user, UserName="jo")
    refused("ValidationError", "userName is invalid", iam.create_user, UserName="j o")
    refused("NoSuchEntity", "The user with name al cannot be found.", iam.get_user, UserName="al")
    assert iam.get_user(UserName="jo")["User"]["Tags"] == [{"Key": "team", "Value": "a"}]
    assert [user["UserName"] for user in iam.list_users(PathPrefix="/team/")["Users"]] == ["jo"]
    allow = {
        "Effect": "Allow",
        "Action": ["codepipeline:ListPipelines", "s3:GetObject", "iam:GetUser", "iam:ListAccessKeys"],
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:username": "jo", "aws:PrincipalTag/team": "a"}},
    }
    iam.put_user_policy(UserName="jo", PolicyName="p", PolicyDocument=document(allow))
    assert iam.list_user_policies(UserName="jo")["PolicyNames"] == ["p"]
    got = iam.get_user_policy(UserName="jo", PolicyName="p")
    assert (got["UserName"], got["PolicyDocument"]["Statement"]) == ("jo", [allow]), got
    refused("MalformedPolicyDocument", "", iam.put_user_policy, UserName="jo", PolicyName="q", PolicyDocument="{")
    refused("ValidationError", "Must specify userName", iam.create_access_key)
    new = iam.create_access_key(UserName="jo")["AccessKey"]
    assert new["AccessKeyId"].startswith("AKIA") and len(new["SecretAccessKey"]) == 40 and new["Status"] == "Active"
    KEY = [new["AccessKeyId"], new["SecretAccessKey"]]
    s3.create_bucket(Bucket="own")
    s3.put_object(Bucket="own", Key="key", Body=b"content")

identity = client("sts", KEY).get_caller_identity()
assert (identity["Arn"], identity["Account"]) == (WHO, ACCOUNT) and identity["UserId"].startswith("AIDA"), identity
assert client("iam", KEY).get_user()["User"]["Arn"] == WHO
shown = client("iam", KEY).list_access_keys()["AccessKeyMetadata"]
assert [(key["AccessKeyId"], key["Status"], key["UserName"]) for key in shown] == [(KEY[0], "Active", "jo")], shown
own = client("s3", KEY)
assert own.get_object(Bucket="own", Key="key")["Body"].read() == b"content"
denied("AccessDenied", "s3:PutObject", '"arn:aws:s3:::own/key"', own.put_object, Bucket="own", Key="key", Body=b"")
pipelines = client("codepipeline", KEY)
assert pipelines.list_pipelines()["pipelines"] == []
arn = f"arn:aws:codepipeline:us-east-1:{ACCOUNT}:web"
denied("AccessDeniedException", "codepipeline:GetPipeline", arn, pipelines.get_pipeline, name="web")
denied("AccessDenied", "iam:DeleteUser", WHO, client("iam", KEY).delete_user, UserName="jo")
# A session of the user may do what the user may.
session = client("sts", KEY).get_session_token()["Credentials"]
again = client("codepipeline", [session["AccessKeyId"], session["SecretAccessKey"]], session["SessionToken"])
assert again.list_pipelines()["pipelines"] == []
denied("AccessDeniedException", "codepipeline:GetPipeline", arn, again.get_pipeline, name="web")
if sys.argv[2] == "new":
    print(*KEY)
    sys.exit()

# What is attached counts as well, and what bounds it.
full = "arn:aws:iam::aws:policy/AdministratorAccess"
iam.attach_user_policy(UserName="jo", PolicyArn=full)
assert iam.list_attached_user_policies(UserName="jo")["AttachedPolicies"][0]["PolicyArn"] == full
assert iam.list_entities_for_policy(PolicyArn=full)["PolicyUsers"][0]["UserName"] == "jo"
refused("PipelineNotFoundException", "web", pipelines.get_pipeline, name="web")
iam.put_user_permissions_boundary(UserName="jo", PermissionsBoundary="arn:aws:iam::aws:policy/AmazonS3FullAccess")
bounded = "because no permissions boundary allows the codepipeline:GetPipeline action"
refused("AccessDeniedException", bounded, pipelines.get_pipeline, name="web")
iam.delete_user_permissions_boundary(UserName="jo")
iam.detach_user_policy(UserName="jo", PolicyArn=full)

# A key that is inactive or gone is nobody's, and does not become the account's own.
iam.update_access_key(UserName="jo", AccessKeyId=KEY[0], Status="Inactive")
refused("UnrecognizedClientException", "security token", pipelines.list_pipelines)
refused("InvalidClientTokenId", "security token", client("sts", KEY).get_caller_identity)
iam.update_access_key(UserName="jo", AccessKeyId=KEY[0], Status="Active")
assert pipelines.list_pipelines()["pipelines"] == []
refused("DeleteConflict", "must delete policies first", iam.delete_user, UserName="jo")
iam.delete_user_policy(UserName="jo", PolicyName="p")
refused("DeleteConflict", "must delete access keys first", iam.delete_user, UserName="jo")
iam.delete_access_key(UserName="jo", AccessKeyId=KEY[0])
refused("UnrecognizedClientException", "security token", pipelines.list_pipelines)
iam.delete_user(UserName="jo")
refused("NoSuchEntity", "jo", iam.get_user, UserName="jo")
print("gone")
