"""What roles of pipelines may do, as boto3 sees it: each missing permission fails its action and is named.

Usage: permissions_check.py ENDPOINT. Nothing need be there.
"""

import json

from calls import client, ended

ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/pipelines"
ACTION_ROLE = f"arn:aws:iam::{ACCOUNT}:role/actions"


CODEPIPELINE, IAM, S3 = client("codepipeline"), client("iam"), client("s3")


def statement(action, resource="*", effect="Allow", **more):
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(principal, **more):
    return document({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more})


# The least that AWS's guide gives a service role for this pipeline.
READ_SOURCE = statement(["s3:GetObject", "s3:GetObjectVersion"], "arn:aws:s3:::source-bucket/*")
VERSIONING = statement(["s3:GetBucketVersioning", "s3:GetBucketAcl", "s3:GetBucketLocation"], "arn:aws:s3:::*")
STORE = statement(
    ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:PutObjectAcl"], "arn:aws:s3:::artifact-store-bucket/*"
)
DEPLOY = statement(["s3:PutObject"], "arn:aws:s3:::target-bucket/*")
LEAST = [READ_SOURCE, VERSIONING, STORE, DEPLOY]


def permit(*statements, role="pipelines"):
    IAM.put_role_policy(RoleName=role, PolicyName="policy", PolicyDocument=document(*statements))


def prepare():
    for bucket in ("source-bucket", "target-bucket", "artifact-store-bucket"):
        S3.create_bucket(Bucket=bucket)
    S3.put_bucket_versioning(Bucket="source-bucket", VersioningConfiguration={"Status": "Enabled"})
    S3.put_object(Bucket="source-bucket", Key="file", Body=b"content")
    # As the guide recommends it against the confused deputy.
    service = {"Service": "codepipeline.amazonaws.com"}
    mine = {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:codepipeline:us-east-1:{ACCOUNT}:pipe*"},
    }
    IAM.create_role(RoleName="pipelines", AssumeRolePolicyDocument=trust(service, Condition=mine))
    permit(*LEAST)


def declaration(name="pipeline", **deploy):
    def action(name, category, configuration, **rest):
        type_id = {"category": category, "owner": "AWS", "provider": "S3", "version": "1"}
        return {"name": name, "actionTypeId": type_id, "configuration": configuration, **rest}

    source = action(
        "Source", "Source", {"S3Bucket": "source-bucket", "S3ObjectKey": "file", "PollForSourceChanges": "false"},
        outputArtifacts=[{"name": "Source"}],
    )
    configuration = {"BucketName": "target-bucket", "Extract": "false", "ObjectKey": "out"}
    deploy = action("Deploy", "Deploy", configuration, inputArtifacts=[{"name": "Source"}], **deploy)
    return {
        "name": name,
        "roleArn": ROLE,
        "artifactStore": {"type": "S3", "location": "artifact-store-bucket"},
        "stages": [{"name": each["name"], "actions": [each]} for each in (source, deploy)],
    }


def outcome(execution, name="pipeline"):
    """What became of an execution: the failed action's name and error, or the status."""
    status = ended(CODEPIPELINE, name, execution)["status"]
    if status != "Failed":
        return status
    actions = CODEPIPELINE.list_action_executions(pipelineName=name, filter={"pipelineExecutionId": execution})
    failed = actions["actionExecutionDetails"][0]
    error = failed["output"]["executionResult"]["errorDetails"]
    return failed["actionName"], error["code"], error["message"]


def run(name="pipeline"):
    return outcome(CODEPIPELINE.start_pipeline_execution(name=name)["pipelineExecutionId"], name)


def denied(action, call, resource, reason=None, role="pipelines"):
    """The action fails and says who may not do what with what, and why."""
    found = run()
    assert isinstance(found, tuple), f"{call} was permitted"
    name, code, message = found
    assert (name, code) == (action, "PermissionError"), found
    who = f"User: arn:aws:sts::{ACCOUNT}:assumed-role/{role}/"
    reason = reason or f"because no identity-based policy allows the {call} action"
    assert who in message, message
    session, rest = message.split(who, 1)[1].split(" ", 1)
    assert session.isdigit(), message
    expected = (
        f'is not authorized to perform: {call} on resource: "arn:aws:s3:::{resource}" {reason} '
        "(Service: Amazon S3; Status Code: 403; Error Code: AccessDenied; Request ID: "
    )
    assert rest.startswith(expected), f"{rest}\n{expected}"


def missing():
    denied_by = "with an explicit deny in an identity-based policy"
    permit(VERSIONING, STORE, DEPLOY)
    denied("Source", "s3:GetObject", "source-bucket/file")
    permit(statement("s3:GetObject", "arn:aws:s3:::source-bucket/*"), VERSIONING, STORE, DEPLOY)
    denied("Source", "s3:GetObjectVersion", "source-bucket/file")
    permit(READ_SOURCE, STORE, DEPLOY)
    denied("Source", "s3:GetBucketVersioning", "source-bucket")
    permit(READ_SOURCE, VERSIONING, STORE)
    denied("Deploy", "s3:PutObject", "target-bucket/out")
    permit(*LEAST, statement("s3:Put*", "arn:aws:s3:::target-bucket/*", "Deny"))
    denied("Deploy", "s3:PutObject", "target-bucket/out", denied_by)
    # Everything but.
    permit({"Effect": "Allow", "NotAction": ["s3:PutObject"], "Resource": "*"}, STORE)
    denied("Deploy", "s3:PutObject", "target-bucket/out")
    permit({"Effect": "Allow", "NotAction": ["iam:*"], "NotResource": ["arn:aws:s3:::target-bucket/*"]})
    denied("Deploy", "s3:PutObject", "target-bucket/out")
    # Conditions.
    unless = {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}
    permit(READ_SOURCE, VERSIONING, STORE, {**DEPLOY, "Condition": unless})
    assert run() == "Succeeded"
    elsewhere = {"ForAnyValue:StringLike": {"aws:RequestedRegion": ["eu-*", "ap-*"]}}
    permit(READ_SOURCE, VERSIONING, STORE, {**DEPLOY, "Condition": elsewhere})
    denied("Deploy", "s3:PutObject", "target-bucket/out")
    permit(READ_SOURCE, VERSIONING, STORE, {**DEPLOY, "Condition": {"Null": {"s3:x-amz-acl": "false"}}})
    denied("Deploy", "s3:PutObject", "target-bucket/out")
    unknown = {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}
    permit(READ_SOURCE, VERSIONING, STORE, {**DEPLOY, "Condition": unknown})
    denied("Deploy", "s3:PutObject", "target-bucket/out")
    # A missing object is only said to be missing to whoever may list the bucket.
    permit(*LEAST)
    S3.delete_object(Bucket="source-bucket", Key="file")
    denied("Source", "s3:ListBucket", "source-bucket")
    permit(*LEAST, statement("s3:ListBucket", "arn:aws:s3:::source-bucket"))
    assert run()[1] == "ConfigurationError"
    S3.put_object(Bucket="source-bucket", Key="file", Body=b"content")
    assert run() == "Succeeded"


def attached():
    IAM.delete_role_policy(RoleName="pipelines", PolicyName="policy")
    full = "arn:aws:iam::aws:policy/AmazonS3FullAccess"
    IAM.attach_role_policy(RoleName="pipelines", PolicyArn=full)
    assert run() == "Succeeded"
    own = IAM.create_policy(PolicyName="least", PolicyDocument=document(*LEAST))["Policy"]["Arn"]
    IAM.put_role_permissions_boundary(RoleName="pipelines", PermissionsBoundary=own)
    assert run() == "Succeeded"
    IAM.create_policy_version(PolicyArn=own, PolicyDocument=document(READ_SOURCE, VERSIONING, STORE), SetAsDefault=True)
    boundary = "because no permissions boundary allows the s3:PutObject action"
    denied("Deploy", "s3:PutObject", "target-bucket/out", boundary)
    IAM.delete_role_permissions_boundary(RoleName="pipelines")
    IAM.detach_role_policy(RoleName="pipelines", PolicyArn=full)
    IAM.attach_role_policy(RoleName="pipelines", PolicyArn="arn:aws:iam::aws:policy/Unheard-of")
    denied("Source", "s3:GetBucketVersioning", "source-bucket")
    IAM.detach_role_policy(RoleName="pipelines", PolicyArn="arn:aws:iam::aws:policy/Unheard-of")
    permit(*LEAST)


def bucket_policies():
    everybody = {"Principal": "*", "Resource": ["arn:aws:s3:::target-bucket/*"]}
    deny = {"Effect": "Deny", "Action": "s3:PutObject", **everybody}
    S3.put_bucket_policy(Bucket="target-bucket", Policy=document(deny))
    denied("Deploy", "s3:PutObject", "target-bucket/out", "with an explicit deny in a resource-based policy")
    # What CDK and the console put on every bucket.
    insecure = {**deny, "Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    S3.put_bucket_policy(Bucket="target-bucket", Policy=document(insecure))
    assert run() == "Succeeded"
    # What the console puts on an artifact bucket that it makes.
    unencrypted = {
        "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::artifact-store-bucket/*",
        "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}},
    }
    S3.put_bucket_policy(Bucket="artifact-store-bucket", Policy=document(unencrypted))
    assert run() == "Succeeded"
    S3.delete_bucket_policy(Bucket="artifact-store-bucket")
    # In one account, the bucket's policy alone is enough.
    allow = {**everybody, "Effect": "Allow", "Action": "s3:PutObject", "Principal": {"AWS": ROLE}}
    S3.put_bucket_policy(Bucket="target-bucket", Policy=document(allow))
    permit(READ_SOURCE, VERSIONING, STORE)
    assert run() == "Succeeded"
    S3.delete_bucket_policy(Bucket="target-bucket")
    permit(*LEAST)
    for wrong in ("[]", document({"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::target-bucket"})):
        try:
            S3.put_bucket_policy(Bucket="target-bucket", Policy=wrong)
        except S3.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "MalformedPolicy", error
        else:
            raise AssertionError(wrong)


def action_roles():
    IAM.create_role(RoleName="actions", AssumeRolePolicyDocument=trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))
    permit(DEPLOY, role="actions")
    changed = declaration(roleArn=ACTION_ROLE)
    try:
        CODEPIPELINE.update_pipeline(pipeline=changed)
    except CODEPIPELINE.exceptions.InvalidStructureException as error:
        assert error.response["Error"]["Message"] == (
            f"{ROLE} is not authorized to perform AssumeRole on role {ACTION_ROLE}"
        ), error
    else:
        raise AssertionError("a role that the pipeline's may not assume")
    permit(*LEAST, statement("sts:AssumeRole", ACTION_ROLE))
    CODEPIPELINE.update_pipeline(pipeline=changed)
    artifact = "arn:aws:s3:::artifact-store-bucket/"
    found = run()
    assert found[:2] == ("Deploy", "PermissionError") and "assumed-role/actions/" in found[2], found
    assert f's3:GetObject on resource: "{artifact}' in found[2], found
    permit(DEPLOY, STORE, role="actions")
    assert run() == "Succeeded"
    permit(*LEAST)
    name, code, message = run()
    assert (name, code) == ("Deploy", "PermissionError"), message
    assert (
        f"is not authorized to perform: sts:AssumeRole on resource: {ACTION_ROLE} because no identity-based policy "
        "allows the sts:AssumeRole action" in message
    ), message
    # A trust policy that names the role itself is enough.
    IAM.update_assume_role_policy(RoleName="actions", PolicyDocument=trust({"AWS": ROLE}))
    assert run() == "Succeeded"
    CODEPIPELINE.update_pipeline(pipeline=declaration())


def other_pipelines():
    """The role's trust policy names pipelines by a pattern of ARNs."""
    try:
        CODEPIPELINE.create_pipeline(pipeline=declaration("stranger"))
    except CODEPIPELINE.exceptions.InvalidStructureException as error:
        assert "is not authorized to perform AssumeRole on role" in str(error), error
    else:
        raise AssertionError("a pipeline that the role does not trust")


prepare()
CODEPIPELINE.create_pipeline(pipeline=declaration())
assert run() == "Succeeded"
missing()
attached()
bucket_policies()
action_roles()
other_pipelines()
print("permitted")
