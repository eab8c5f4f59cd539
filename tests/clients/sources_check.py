"""Source revisions as boto3 sees them: overrides at the start, and revisions that are announced.

Usage: sources_check.py ENDPOINT. Plain asserts; the first that does not hold ends the script.
"""

import datetime
import json

from calls import client, ended, refused

s3, iam, codepipeline = client("s3"), client("iam"), client("codepipeline")


def newest(pipeline):
    return codepipeline.list_pipeline_executions(pipelineName=pipeline)["pipelineExecutionSummaries"][0]


trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                                "Principal": {"Service": "codepipeline.amazonaws.com"}}]}
permissions = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
role = iam.create_role(RoleName="pipelines", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
iam.put_role_policy(RoleName="pipelines", PolicyName="s3", PolicyDocument=json.dumps(permissions))
for bucket in ["source", "target", "store"]:
    s3.create_bucket(Bucket=bucket)
s3.put_bucket_versioning(Bucket="source", VersioningConfiguration={"Status": "Enabled"})
old = s3.put_object(Bucket="source", Key="file", Body=b"old")["VersionId"]
new = s3.put_object(Bucket="source", Key="file", Body=b"new")["VersionId"]
other = s3.put_object(Bucket="source", Key="other", Body=b"other")["VersionId"]


def declaration(name, pipeline_type="V2", **configuration):
    return {
        "name": name, "roleArn": role, "pipelineType": pipeline_type,
        "artifactStore": {"type": "S3", "location": "store"},
        "stages": [
            {"name": "Source", "actions": [{
                "name": "Get", "actionTypeId": {"category": "Source", "owner": "AWS", "provider": "S3", "version": "1"},
                "configuration": {"S3Bucket": "source", "S3ObjectKey": "file", "PollForSourceChanges": "false",
                                  **configuration},
                "outputArtifacts": [{"name": "Got"}]}]},
            {"name": "Deploy", "actions": [{
                "name": "Put", "actionTypeId": {"category": "Deploy", "owner": "AWS", "provider": "S3", "version": "1"},
                "configuration": {"BucketName": "target", "Extract": "false", "ObjectKey": name},
                "inputArtifacts": [{"name": "Got"}]}]},
        ],
    }


def deployed(name):
    return s3.get_object(Bucket="target", Key=name)["Body"].read()


def override(kind, value, action="Get"):
    return {"actionName": action, "revisionType": kind, "revisionValue": value}


def start(name, *overrides):
    execution = codepipeline.start_pipeline_execution(name=name, sourceRevisions=list(overrides))
    return ended(codepipeline, name, execution["pipelineExecutionId"])


# Overrides hold for one execution.
codepipeline.create_pipeline(pipeline=declaration("plain"))
assert ended(codepipeline, "plain", newest("plain")["pipelineExecutionId"])["status"] == "Succeeded"
assert deployed("plain") == b"new"
found = start("plain", override("S3_OBJECT_VERSION_ID", old))
assert found["status"] == "Succeeded" and deployed("plain") == b"old", found
assert [revision["revisionId"] for revision in found["artifactRevisions"]] == [old], found
assert newest("plain")["sourceRevisions"][0]["revisionId"] == old
state = codepipeline.get_pipeline_state(name="plain")["stageStates"][0]["actionStates"][0]
assert state["currentRevision"]["revisionId"] == old, state
assert start("plain")["status"] == "Succeeded" and deployed("plain") == b"new"

# A version that is not there fails the action, not the start.
gone = start("plain", override("S3_OBJECT_VERSION_ID", "nothing"))
assert gone["status"] == "Failed", gone
actions = codepipeline.list_action_executions(pipelineName="plain")["actionExecutionDetails"]
error = actions[0]["output"]["executionResult"]["errorDetails"]
assert error["code"] == "ConfigurationError" and "nothing" in error["message"], error

# A key is overridden only where the action says so, with a version of it or without.
codepipeline.create_pipeline(pipeline=declaration("keys", AllowOverrideForS3ObjectKey="true"))
assert start("keys", override("S3_OBJECT_KEY", "other"))["status"] == "Succeeded"
assert deployed("keys") == b"other"
both = [override("S3_OBJECT_KEY", "other"), override("S3_OBJECT_VERSION_ID", other)]
assert start("keys", *both)["artifactRevisions"][0]["revisionId"] == other

# What does not fit is refused and starts nothing.
before = newest("plain")["pipelineExecutionId"]
codepipeline.create_pipeline(pipeline=declaration("first", "V1"))
for name, given, said in [
    ("plain", [override("S3_OBJECT_KEY", "other")], "AllowOverrideForS3ObjectKey"),
    ("plain", [override("COMMIT_ID", "c0ffee")], "does not fit the provider S3"),
    ("plain", [override("IMAGE_DIGEST", "sha256:0")], "does not fit the provider S3"),
    ("plain", [override("S3_OBJECT_VERSION_ID", old, "Nobody")], "does not have a source action"),
    ("plain", [override("S3_OBJECT_VERSION_ID", old, "Put")], "does not have a source action"),
    ("plain", [override("S3_OBJECT_VERSION_ID", old)] * 2, "more than once"),
    ("plain", [override("VERSION", old)], "enum value set"),
    ("plain", [override("S3_OBJECT_VERSION_ID", "")], "length greater than or equal to 1"),
    ("first", [override("S3_OBJECT_VERSION_ID", old)], "V2 pipelines"),
]:
    refused("ValidationException", codepipeline.start_pipeline_execution, said, name=name, sourceRevisions=given)
assert newest("plain")["pipelineExecutionId"] == before


def announce(revision, pipeline="plain", stage="Source", action="Get", **members):
    return codepipeline.put_action_revision(
        pipelineName=pipeline, stageName=stage, actionName=action,
        actionRevision={"revisionId": revision, "revisionChangeId": "change",
                        "created": datetime.datetime(2026, 1, 2), **members})


# An announced revision starts the pipeline once.
first = announce("one")
assert first["newRevision"] is True, first
assert newest("plain")["trigger"] == {"triggerType": "PutActionRevision"}
assert ended(codepipeline, "plain", first["pipelineExecutionId"])["status"] == "Succeeded"
again = announce("one")
assert again == {**again, "newRevision": False, "pipelineExecutionId": first["pipelineExecutionId"]}, again
assert newest("plain")["pipelineExecutionId"] == first["pipelineExecutionId"]
second = announce("two")
assert second["newRevision"] is True and second["pipelineExecutionId"] != first["pipelineExecutionId"]
ended(codepipeline, "plain", second["pipelineExecutionId"])

refused("PipelineNotFoundException", announce, revision="r", pipeline="nobody")
refused("StageNotFoundException", announce, revision="r", stage="Nowhere")
refused("ActionNotFoundException", announce, revision="r", action="Nobody")
refused("ActionNotFoundException", announce, revision="r", stage="Deploy")
refused("ValidationException", announce, "not a source action", revision="r", stage="Deploy", action="Put")
refused("ValidationException", announce, "revisionChangeId", revision="r", revisionChangeId="c" * 101)
refused("ValidationException", announce, "revisionId", revision="")
assert newest("plain")["pipelineExecutionId"] == second["pipelineExecutionId"]
