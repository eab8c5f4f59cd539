"""Sessions of roles that a person assumed are held against their policies, too. Usage: all_callers_check.py ENDPOINT."""

import json

import calls

ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/people"
ARN = f"arn:aws:codeconnections:us-east-1:{ACCOUNT}:connection/12345678-1234-1234-1234-123456789012"
WHO = f"User: arn:aws:sts::{ACCOUNT}:assumed-role/people/jo"


def client(service, credentials=None):
    keys = {}
    if credentials:
        keys = {
            "key": credentials["AccessKeyId"],
            "secret": credentials["SecretAccessKey"],
            "token": credentials["SessionToken"],
        }
    return calls.client(service, **keys)


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def refused(code, text, call, **arguments):
    assert calls.refused(code, call, status=None, **arguments) == text


iam, s3 = client("iam"), client("s3")
trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
iam.create_role(RoleName="people", AssumeRolePolicyDocument=document(trust))
permissions = {
    "Effect": "Allow",
    "Action": ["codepipeline:Get*", "codepipeline:List*", "s3:GetObject", "iam:GetRole"],
    "Resource": "*",
}
iam.put_role_policy(RoleName="people", PolicyName="p", PolicyDocument=document(permissions))
s3.create_bucket(Bucket="own")
s3.put_object(Bucket="own", Key="key", Body=b"content")
credentials = client("sts").assume_role(RoleArn=ROLE, RoleSessionName="jo")["Credentials"]
own_s3, own_iam, pipelines = (client(service, credentials) for service in ("s3", "iam", "codepipeline"))

assert own_s3.get_object(Bucket="own", Key="key")["Body"].read() == b"content"
refused(
    "AccessDenied",
    f'{WHO} is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::own/key" because no identity-based '
    "policy allows the s3:PutObject action",
    own_s3.put_object, Bucket="own", Key="key", Body=b"",
)
refused(
    "AccessDenied",
    f'{WHO} is not authorized to perform: s3:ListAllMyBuckets on resource: "*" because no identity-based policy '
    "allows the s3:ListAllMyBuckets action",
    own_s3.list_buckets,
)
assert own_iam.get_role(RoleName="people")["Role"]["Arn"] == ROLE
refused(
    "AccessDenied",
    f"{WHO} is not authorized to perform: iam:DeleteRole on resource: {ROLE} because no identity-based policy allows "
    "the iam:DeleteRole action",
    own_iam.delete_role, RoleName="people",
)
assert pipelines.list_pipelines()["pipelines"] == []
refused(
    "AccessDeniedException",
    f"{WHO} is not authorized to perform: codepipeline:DeletePipeline on resource: "
    f"arn:aws:codepipeline:us-east-1:{ACCOUNT}:web because no identity-based policy allows the "
    "codepipeline:DeletePipeline action",
    pipelines.delete_pipeline, name="web",
)
refused(
    "AccessDenied",
    f"{WHO} is not authorized to perform: sts:AssumeRole on resource: {ROLE} because no identity-based policy allows "
    "the sts:AssumeRole action",
    client("sts", credentials).assume_role, RoleArn=ROLE, RoleSessionName="jo",
)

for service, call, arguments, resource, code in [
    ("codebuild", "list_projects", {}, "*", "codebuild:ListProjects"),
    ("codecommit", "get_repository", {"repositoryName": "web"}, "arn:aws:codecommit:us-east-1:{}:web",
     "codecommit:GetRepository"),
    ("codeconnections", "get_connection", {"ConnectionArn": ARN}, ARN, "codeconnections:GetConnection"),
    ("codestar-connections", "get_connection", {"ConnectionArn": ARN}, ARN, "codestar-connections:GetConnection"),
    ("events", "delete_rule", {"Name": "r"}, "arn:aws:events:us-east-1:{}:rule/r", "events:DeleteRule"),
    ("logs", "filter_log_events", {"logGroupName": "g"}, "arn:aws:logs:us-east-1:{}:log-group:g:log-stream:",
     "logs:FilterLogEvents"),
    ("ssm", "get_parameter", {"Name": "/a"}, "arn:aws:ssm:us-east-1:{}:parameter/a", "ssm:GetParameter"),
    ("secretsmanager", "get_secret_value", {"SecretId": "db"}, "db", "secretsmanager:GetSecretValue"),
]:
    refused(
        "AccessDeniedException",
        f"{WHO} is not authorized to perform: {code} on resource: {resource.format(ACCOUNT)} because no identity-based "
        f"policy allows the {code} action",
        getattr(client(service, credentials), call), **arguments,
    )

# Everybody may ask who they are, and an account's own keys may do everything but what a bucket's policy denies.
assert client("sts", credentials).get_caller_identity()["Arn"] == WHO.removeprefix("User: ")
deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::own/*"}
s3.put_bucket_policy(Bucket="own", Policy=document(deny))
refused(
    "AccessDenied",
    f'User: arn:aws:iam::{ACCOUNT}:root is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::own/key" '
    "with an explicit deny in a resource-based policy",
    s3.get_object, Bucket="own", Key="key",
)
s3.delete_bucket_policy(Bucket="own")
assert s3.get_object(Bucket="own", Key="key")["Body"].read() == b"content"
print("held")
