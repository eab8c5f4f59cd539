"""IAM and STS as boto3 sees them. Usage: iam_check.py ENDPOINT"""

import json
import urllib.error
import urllib.parse
import urllib.request
import uuid
from datetime import datetime, timedelta, timezone

from botocore.exceptions import ClientError

import calls
from calls import ENDPOINT

# An account of its own for every run, so that the check can be repeated on the same data.
ACCOUNT = str(uuid.uuid4().int)[:12]

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root", "Service": "codepipeline.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
ALLOW = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}


def client(service, key=ACCOUNT, secret="test", token=None):
    return calls.client(service, key=key, secret=secret, token=token)


iam, sts = client("iam"), client("sts")


def refused(code, status, call, message=None, **arguments):
    said = calls.refused(code, call, status=status, **arguments)
    assert message is None or said == message, said
    return said


def roles():
    created = iam.create_role(
        RoleName="web",
        Path="/ci/",
        AssumeRolePolicyDocument=json.dumps(TRUST, indent=2),
        Description="for <pipelines> & \u00e9",
        MaxSessionDuration=7200,
        Tags=[{"Key": "team", "Value": "a b"}, {"Key": "empty", "Value": ""}],
    )["Role"]
    assert created["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/ci/web"
    assert created["RoleId"].startswith("AROA") and len(created["RoleId"]) == 21
    assert abs(created["CreateDate"] - datetime.now(timezone.utc)) < timedelta(minutes=1)
    role = iam.get_role(RoleName="web")["Role"]
    assert role["AssumeRolePolicyDocument"] == TRUST
    assert role["Description"] == "for <pipelines> & \u00e9"
    assert role["MaxSessionDuration"] == 7200 and role["Path"] == "/ci/" and role["RoleLastUsed"] == {}
    assert {tag["Key"]: tag["Value"] for tag in role["Tags"]} == {"team": "a b", "empty": ""}

    iam.update_role(RoleName="web", Description="new")
    iam.update_role(RoleName="web", MaxSessionDuration=3600)
    assert iam.update_role_description(RoleName="web", Description="newer")["Role"]["Description"] == "newer"
    role = iam.get_role(RoleName="web")["Role"]
    assert (role["Description"], role["MaxSessionDuration"]) == ("newer", 3600)
    other = {**TRUST, "Statement": TRUST["Statement"] * 2}
    iam.update_assume_role_policy(RoleName="web", PolicyDocument=json.dumps(other))
    assert iam.get_role(RoleName="web")["Role"]["AssumeRolePolicyDocument"] == other
    iam.update_assume_role_policy(RoleName="web", PolicyDocument=json.dumps(TRUST))

    iam.tag_role(RoleName="web", Tags=[{"Key": "TEAM", "Value": "b"}])
    iam.untag_role(RoleName="web", TagKeys=["empty", "never-there"])
    assert iam.list_role_tags(RoleName="web")["Tags"] == [{"Key": "TEAM", "Value": "b"}]
    assert iam.list_instance_profiles_for_role(RoleName="web")["InstanceProfiles"] == []

    for n in range(5):
        iam.create_role(RoleName=f"many-{n}", AssumeRolePolicyDocument=json.dumps(TRUST))
    pages = list(iam.get_paginator("list_roles").paginate(PaginationConfig={"PageSize": 2}))
    names = [role["RoleName"] for page in pages for role in page["Roles"]]
    assert names == [f"many-{n}" for n in range(5)] + ["web"] and len(pages) == 3, names
    assert [role["RoleName"] for role in iam.list_roles(PathPrefix="/ci/")["Roles"]] == ["web"]
    for n in range(5):
        iam.delete_role(RoleName=f"many-{n}")


def role_policies():
    iam.put_role_policy(RoleName="web", PolicyName="inline", PolicyDocument=json.dumps(ALLOW))
    assert iam.get_role_policy(RoleName="web", PolicyName="inline")["PolicyDocument"] == ALLOW
    assert iam.list_role_policies(RoleName="web")["PolicyNames"] == ["inline"]
    managed = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    iam.attach_role_policy(RoleName="web", PolicyArn=managed)
    iam.attach_role_policy(RoleName="web", PolicyArn=managed)
    attached = iam.list_attached_role_policies(RoleName="web")["AttachedPolicies"]
    assert attached == [{"PolicyName": "AWSLambdaBasicExecutionRole", "PolicyArn": managed}]
    refused("DeleteConflict", 409, iam.delete_role, RoleName="web")
    iam.detach_role_policy(RoleName="web", PolicyArn=managed)
    refused("DeleteConflict", 409, iam.delete_role, RoleName="web")
    iam.delete_role_policy(RoleName="web", PolicyName="inline")
    refused(
        "NoSuchEntity",
        404,
        iam.get_role_policy,
        "The role policy with name inline cannot be found.",
        RoleName="web",
        PolicyName="inline",
    )


def managed_policies():
    made = iam.create_policy(
        PolicyName="deploy", PolicyDocument=json.dumps(ALLOW), Description="d", Tags=[{"Key": "k", "Value": "v"}]
    )["Policy"]
    arn = made["Arn"]
    assert arn == f"arn:aws:iam::{ACCOUNT}:policy/deploy" and made["PolicyId"].startswith("ANPA")
    got = iam.get_policy(PolicyArn=arn)["Policy"]
    assert (got["DefaultVersionId"], got["AttachmentCount"], got["IsAttachable"]) == ("v1", 0, True)
    assert got["Tags"] == [{"Key": "k", "Value": "v"}] and got["Description"] == "d"
    assert iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"] == ALLOW
    made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(ALLOW), SetAsDefault=True)
    assert made["PolicyVersion"]["VersionId"] == "v2" and made["PolicyVersion"]["IsDefaultVersion"]
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [(one["VersionId"], one["IsDefaultVersion"]) for one in versions] == [("v2", True), ("v1", False)]
    refused("DeleteConflict", 409, iam.delete_policy_version, PolicyArn=arn, VersionId="v2")
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    iam.attach_role_policy(RoleName="web", PolicyArn=arn)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    users = iam.list_entities_for_policy(PolicyArn=arn)
    assert [role["RoleName"] for role in users["PolicyRoles"]] == ["web"] and users["PolicyUsers"] == []
    assert [one["Arn"] for one in iam.list_policies(Scope="Local", OnlyAttached=True)["Policies"]] == [arn]
    iam.tag_policy(PolicyArn=arn, Tags=[{"Key": "x", "Value": "y"}])
    iam.untag_policy(PolicyArn=arn, TagKeys=["k"])
    assert iam.list_policy_tags(PolicyArn=arn)["Tags"] == [{"Key": "x", "Value": "y"}]
    refused("DeleteConflict", 409, iam.delete_policy, PolicyArn=arn)
    iam.detach_role_policy(RoleName="web", PolicyArn=arn)
    refused("DeleteConflict", 409, iam.delete_policy, PolicyArn=arn)
    iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    iam.put_role_permissions_boundary(RoleName="web", PermissionsBoundary=arn)
    boundary = iam.get_role(RoleName="web")["Role"]["PermissionsBoundary"]
    assert boundary == {"PermissionsBoundaryType": "PermissionsBoundaryPolicy", "PermissionsBoundaryArn": arn}
    iam.delete_role_permissions_boundary(RoleName="web")
    iam.delete_policy(PolicyArn=arn)
    refused("NoSuchEntity", 404, iam.get_policy, f"Policy {arn} was not found.", PolicyArn=arn)


def sessions():
    me = sts.get_caller_identity()
    assert (me["Account"], me["UserId"], me["Arn"]) == (ACCOUNT, ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root")
    arn = f"arn:aws:iam::{ACCOUNT}:role/ci/web"
    assumed = sts.assume_role(RoleArn=arn, RoleSessionName="me@here", DurationSeconds=900)
    keys = assumed["Credentials"]
    assert keys["AccessKeyId"].startswith("ASIA") and len(keys["AccessKeyId"]) == 20
    assert len(keys["SecretAccessKey"]) == 40
    left = keys["Expiration"] - datetime.now(timezone.utc)
    assert timedelta(minutes=14) < left <= timedelta(minutes=15), left
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/web/me@here"
    assert assumed["AssumedRoleUser"]["Arn"] == session
    as_role = client("sts", keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    identity = as_role.get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == (ACCOUNT, session)
    assert identity["UserId"] == assumed["AssumedRoleUser"]["AssumedRoleId"]
    # The session belongs to the account of its role, whatever its key looks like.
    role_client = client("iam", keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    assert role_client.get_role(RoleName="web")["Role"]["RoleName"] == "web"

    for token in ("nonsense", keys["SessionToken"][:-4] + "AAAA"):
        broken = client("sts", keys["AccessKeyId"], keys["SecretAccessKey"], token)
        try:
            broken.get_caller_identity()
            raise AssertionError("a broken token was accepted")
        except ClientError as error:
            assert 400 <= error.response["ResponseMetadata"]["HTTPStatusCode"] < 500, error

    foreign = client("sts", "999999999999")
    for role in (arn, f"arn:aws:iam::{ACCOUNT}:role/none"):
        refused(
            "AccessDenied",
            403,
            foreign.assume_role,
            f"User: arn:aws:iam::999999999999:root is not authorized to perform: sts:AssumeRole on resource: {role}",
            RoleArn=role,
            RoleSessionName="me",
        )
    for arguments in (
        {"DurationSeconds": 899},
        {"DurationSeconds": 3601},
        {"DurationSeconds": 43201},
        {"RoleSessionName": "a b"},
        {"RoleSessionName": "a"},
        {"RoleArn": "x"},
        {"RoleArn": f"arn:aws:iam::{ACCOUNT}:user/x"},
        {"ExternalId": "a b"},
    ):
        refused("ValidationError", 400, sts.assume_role, **{"RoleArn": arn, "RoleSessionName": "me", **arguments})
    refused(
        "MalformedPolicyDocument", 400, sts.assume_role, RoleArn=arn, RoleSessionName="me", Policy="{"
    )

    conditional = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"AWS": ACCOUNT},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": "42"}},
        },
    }
    iam.update_assume_role_policy(RoleName="web", PolicyDocument=json.dumps(conditional))
    refused("AccessDenied", 403, sts.assume_role, RoleArn=arn, RoleSessionName="me")
    refused("AccessDenied", 403, sts.assume_role, RoleArn=arn, RoleSessionName="me", ExternalId="43")
    sts.assume_role(RoleArn=arn, RoleSessionName="me", ExternalId="42")

    token = sts.get_session_token(DurationSeconds=900)["Credentials"]
    own = client("sts", token["AccessKeyId"], token["SecretAccessKey"], token["SessionToken"])
    assert own.get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    refused("AccessDenied", 403, as_role.get_session_token)


def bad_input():
    trust = json.dumps(TRUST)
    missing = "1 validation error detected: Value null at 'roleName' failed to satisfy constraint: Member must not be null"
    refused("ValidationError", 400, iam.get_role, missing)
    refused(
        "NoSuchEntity", 404, iam.get_role, "The role with name none cannot be found.", RoleName="none"
    )
    refused(
        "EntityAlreadyExists",
        409,
        iam.create_role,
        "Role with name web already exists.",
        RoleName="web",
        AssumeRolePolicyDocument=trust,
    )
    for name in ("a b", "a/b", "r" * 65, "\u00e9", "../../x", "a\n"):
        refused("ValidationError", 400, iam.create_role, RoleName=name, AssumeRolePolicyDocument=trust)
    for path in ("x", "/x", "x/", "/a b/", "/" + "p" * 600 + "/"):
        refused(
            "ValidationError", 400, iam.create_role, RoleName="y", Path=path, AssumeRolePolicyDocument=trust
        )
    for document in (
        "{",
        "[]",
        "{}",
        json.dumps(ALLOW),
        json.dumps({**TRUST, "Version": "2020-01-01"}),
        trust.replace("codepipeline.amazonaws.com", "codepipeline"),
        trust.replace("sts:AssumeRole", "s3:GetObject"),
        "[" * 10000,
    ):
        refused(
            "MalformedPolicyDocument", 400, iam.create_role, RoleName="y", AssumeRolePolicyDocument=document
        )
    long = trust.replace("codepipeline.amazonaws.com", "a" * 3000 + ".amazonaws.com")
    refused("LimitExceeded", 409, iam.create_role, RoleName="y", AssumeRolePolicyDocument=long)
    refused(
        "ValidationError", 400, iam.create_role, RoleName="y", AssumeRolePolicyDocument=trust, MaxSessionDuration=60
    )
    for tags, code in (
        ([{"Key": "a;b", "Value": ""}], "ValidationError"),
        ([{"Key": "", "Value": ""}], "ValidationError"),
        ([{"Key": "k"}], "ValidationError"),
        ([{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}], "InvalidInput"),
        ([{"Key": "aws:x", "Value": "1"}], "InvalidInput"),
        ([{"Key": f"k{n}", "Value": ""} for n in range(51)], "ValidationError"),
    ):
        refused(code, 400, iam.create_role, RoleName="y", AssumeRolePolicyDocument=trust, Tags=tags)
    refused("NoSuchEntity", 404, iam.get_role, RoleName="y")
    refused("ValidationError", 400, iam.list_roles, MaxItems=0)
    refused("ValidationError", 400, iam.list_roles, MaxItems=1001)
    refused("ValidationError", 400, iam.list_roles, Marker="%%%")
    refused("ValidationError", 400, iam.get_policy, PolicyArn="x")
    refused("InvalidInput", 400, iam.get_policy, PolicyArn="arn:aws:s3:::a-bucket/with/key")
    refused(
        "MalformedPolicyDocument", 400, iam.put_role_policy, RoleName="web", PolicyName="p", PolicyDocument=trust
    )
    refused("InvalidAction", 400, iam.create_account_alias, AccountAlias="x-y")

    def raw(body, content_type="application/x-www-form-urlencoded"):
        request = urllib.request.Request(ENDPOINT, data=body, headers={"Content-Type": content_type})
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    version = b"&Version=2010-05-08"
    for body, code in (
        (b"", "MissingAction"),
        (b"Action=", "MissingAction"),
        (b"Action=Fly" + version, "InvalidAction"),
        (b"Action=GetRole&Version=1999-01-01", "InvalidAction"),
        (b"Action=GetRole&RoleName=%ff%fe" + version, "MalformedQueryString"),
        (b"Action=GetRole&RoleName=\xff" + version, "MalformedQueryString"),
        (b"Action=ListRoles&MaxItems=many" + version, "MalformedInput"),
        (b"Action=TagRole&RoleName=web&Tags.member.x.Key=a" + version, "MalformedQueryString"),
        (b"Action=" + b"A" * 100000 + version, "InvalidAction"),
        (b"Action=GetRole&RoleName=" + urllib.parse.quote("<&\x01>").encode() + version, "ValidationError"),
    ):
        status, text = raw(body)
        assert 400 <= status < 500 and f"<Code>{code}</Code>" in text, (body[:60], status, text[:300])
    status, text = raw(b"Action=ListRoles&Ignored.member.1=x" + version)
    assert status == 200 and "<ListRolesResult>" in text, text
    assert iam.get_role(RoleName="web")["Role"]["Path"] == "/ci/"


roles()
role_policies()
managed_policies()
sessions()
bad_input()
iam.delete_role(RoleName="web")
refused("NoSuchEntity", 404, iam.delete_role, RoleName="web")
print("IAM and STS: ok")
