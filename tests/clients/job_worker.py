"""A custom action type with a worker of ours, as boto3 sees them: from the type's creation to its deletion.

Usage: job_worker.py ENDPOINT ROLE_ARN. The buckets source-bucket (versioned, with the object "file"), target-bucket
and artifact-store-bucket must be there.
"""

import sys

from calls import client, refused, until

ROLE = sys.argv[2]
TYPE = {"category": "Build", "owner": "Custom", "provider": "Worker", "version": "1"}
CLIENT = client("codepipeline")


def definition(**changes):
    wanted = {
        "category": "Build",
        "provider": "Worker",
        "version": "1",
        "settings": {
            "entityUrlTemplate": "https://ci/{Config:Project}",
            "executionUrlTemplate": "https://ci/{Config:Project}/{ExternalExecutionId}",
        },
        "configurationProperties": [
            {"name": "Project", "required": True, "key": True, "secret": False, "queryable": True,
             "description": "what to build", "type": "String"},
            {"name": "Password", "required": True, "key": False, "secret": True},
        ],
        "inputArtifactDetails": {"minimumCount": 1, "maximumCount": 1},
        "outputArtifactDetails": {"minimumCount": 1, "maximumCount": 1},
    }
    return {**wanted, **changes}


def types():
    created = CLIENT.create_custom_action_type(**definition(tags=[{"key": "team", "value": "one"}]))
    assert created["actionType"]["id"] == TYPE, created
    assert created["actionType"]["actionConfigurationProperties"][0]["queryable"] is True
    assert created["tags"] == [{"key": "team", "value": "one"}]
    refused("ValidationException", CLIENT.create_custom_action_type, **definition())
    listed, token = [], {}
    while True:
        page = CLIENT.list_action_types(**token)
        listed += page["actionTypes"]
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    ids = [tuple(each["id"].values()) for each in listed]
    assert len(ids) == len(set(ids)) and created["actionType"] in listed, ids
    deploys = CLIENT.list_action_types(actionOwnerFilter="AWS")["actionTypes"]
    [codedeploy] = [each for each in deploys if each["id"]["provider"] == "CodeDeploy"]
    assert codedeploy["settings"]["executionUrlTemplate"].endswith("#/deployments/{ExternalExecutionId}"), codedeploy
    custom = CLIENT.list_action_types(actionOwnerFilter="Custom")["actionTypes"]
    assert custom == [created["actionType"]], custom
    assert not CLIENT.list_action_types(actionOwnerFilter="Custom", regionFilter="eu-west-1")["actionTypes"]
    refused("InvalidNextTokenException", CLIENT.list_action_types, nextToken="nonsense")
    wrong = definition(version="2", settings={"entityUrlTemplate": "https://ci/{Config:Password}"})
    assert "Password" in refused("ValidationException", CLIENT.create_custom_action_type, **wrong)
    wrong = definition(version="2", settings={"executionUrlTemplate": "https://ci/{RevisionId}"})
    assert "revision ID" in refused("ValidationException", CLIENT.create_custom_action_type, **wrong)
    builtin = CLIENT.get_action_type(category="Source", owner="AWS", provider="S3", version="1")
    assert builtin["actionType"]["outputArtifactDetails"] == {"minimumCount": 1, "maximumCount": 1}
    refused("ActionTypeNotFoundException", CLIENT.get_action_type, category="Test", owner="AWS", provider="S3", version="1")

    arn = "arn:aws:codepipeline:us-east-1:000000000000:actiontype:Custom/Build/Worker/1"
    CLIENT.tag_resource(resourceArn=arn, tags=[{"key": "team", "value": "two"}])
    assert CLIENT.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "team", "value": "two"}]
    CLIENT.untag_resource(resourceArn=arn, tagKeys=["team"])
    assert CLIENT.list_tags_for_resource(resourceArn=arn)["tags"] == []
    other = arn.replace("Worker", "Other")
    refused("ResourceNotFoundException", CLIENT.list_tags_for_resource, resourceArn=other)


def pipeline():
    def action(name, category, owner, provider, **rest):
        type_id = {"category": category, "owner": owner, "provider": provider, "version": "1"}
        return {"name": name, "actionTypeId": type_id, **rest}

    source = action(
        "Source", "Source", "AWS", "S3", outputArtifacts=[{"name": "Source"}],
        configuration={"S3Bucket": "source-bucket", "S3ObjectKey": "file", "PollForSourceChanges": "false"},
    )
    build = action(
        "Build", "Build", "Custom", "Worker", namespace="build", inputArtifacts=[{"name": "Source"}],
        outputArtifacts=[{"name": "Built"}], configuration={"Project": "web", "Password": "sesame"},
    )
    deploy = action(
        "Deploy", "Deploy", "AWS", "S3", inputArtifacts=[{"name": "Built"}],
        configuration={"BucketName": "target-bucket", "Extract": "false", "ObjectKey": "#{build.Key}"},
    )
    stages = [{"name": each["name"], "actions": [each]} for each in (source, build, deploy)]
    store = {"type": "S3", "location": "artifact-store-bucket"}
    declared = {"name": "worked", "roleArn": ROLE, "artifactStore": store, "stages": stages}
    return CLIENT.create_pipeline(pipeline=declared)["pipeline"]


def poll():
    return CLIENT.poll_for_jobs(actionTypeId=TYPE, queryParam={"Project": "web"})["jobs"]


def s3(credentials):
    return client(
        "s3", key=credentials["accessKeyId"], secret=credentials["secretAccessKey"], token=credentials["sessionToken"]
    )


def place(artifact):
    location = artifact["location"]["s3Location"]
    return {"Bucket": location["bucketName"], "Key": location["objectKey"]}


def work():
    refused("ValidationException", CLIENT.poll_for_jobs, actionTypeId=TYPE)
    refused("ValidationException", CLIENT.poll_for_jobs, actionTypeId=TYPE, queryParam={"Password": "sesame"})
    refused("ValidationException", CLIENT.poll_for_jobs, actionTypeId={**TYPE, "owner": "AWS"})
    unknown = refused("ActionTypeNotFoundException", CLIENT.poll_for_jobs, actionTypeId={**TYPE, "version": "9"})
    assert unknown == ("ActionType (Category: 'Build', Owner: 'Custom', Provider: 'Worker', Version: '9') "
                       "is not available"), unknown
    assert not CLIENT.poll_for_jobs(actionTypeId=TYPE, queryParam={"Project": "other"})["jobs"]
    [job] = until("a job", poll)
    assert poll() == [], "a job that was given out is hidden for a while"
    data = job["data"]
    assert job["accountId"] == "000000000000"
    assert data["actionConfiguration"]["configuration"] == {"Project": "web", "Password": "sesame"}
    assert data["pipelineContext"]["stage"] == {"name": "Build"}
    assert "continuationToken" not in data

    refused("InvalidJobStateException", CLIENT.put_job_success_result, jobId=job["id"])
    refused("InvalidNonceException", CLIENT.acknowledge_job, jobId=job["id"], nonce="0")
    nobody = "00000000-0000-0000-0000-000000000000"
    refused("JobNotFoundException", CLIENT.acknowledge_job, jobId=nobody, nonce=job["nonce"])
    refused("JobNotFoundException", CLIENT.get_job_details, jobId=nobody)
    elsewhere = client("codepipeline", "eu-west-1")
    refused("JobNotFoundException", elsewhere.acknowledge_job, jobId=job["id"], nonce=job["nonce"])
    assert CLIENT.acknowledge_job(jobId=job["id"], nonce=job["nonce"])["status"] == "InProgress"
    refused("InvalidNonceException", CLIENT.acknowledge_job, jobId=job["id"], nonce=job["nonce"])

    details = CLIENT.get_job_details(jobId=job["id"])["jobDetails"]["data"]
    fresh = details.pop("artifactCredentials")
    assert fresh != data["artifactCredentials"], "credentials are new each time"
    assert details == {key: value for key, value in data.items() if key != "artifactCredentials"}, details
    content = s3(data["artifactCredentials"]).get_object(**place(data["inputArtifacts"][0]))["Body"].read()
    bucket, output = s3(fresh), place(data["outputArtifacts"][0])
    upload = bucket.create_multipart_upload(**output, ServerSideEncryption="aws:kms", ContentType="application/zip")
    part = bucket.upload_part(**output, UploadId=upload["UploadId"], PartNumber=1, Body=content.upper())
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    bucket.complete_multipart_upload(**output, UploadId=upload["UploadId"], MultipartUpload=parts)

    refused(
        "ValidationException", CLIENT.put_job_success_result, jobId=job["id"], continuationToken="half",
        outputVariables={"Key": "built"},
    )
    CLIENT.put_job_success_result(
        jobId=job["id"], continuationToken="half",
        executionDetails={"summary": "half done", "externalExecutionId": "run-7", "percentComplete": 50},
    )
    refused("InvalidJobStateException", CLIENT.put_job_success_result, jobId=job["id"])
    state = CLIENT.get_pipeline_state(name="worked")["stageStates"][1]["actionStates"][0]
    assert state["latestExecution"]["percentComplete"] == 50, state
    assert state["latestExecution"]["externalExecutionUrl"] == "https://ci/web/run-7", state
    assert state["entityUrl"] == "https://ci/web", state

    [second] = until("the next job", poll)
    assert second["id"] != job["id"] and second["data"]["continuationToken"] == "half"
    CLIENT.acknowledge_job(jobId=second["id"], nonce=second["nonce"])
    large = {"Key": "x" * 122_880}
    refused("OutputVariablesSizeExceededException", CLIENT.put_job_success_result, jobId=second["id"], outputVariables=large)
    CLIENT.put_job_success_result(jobId=second["id"], outputVariables={"Key": "built"})
    refused(
        "InvalidJobStateException", CLIENT.put_job_failure_result, jobId=second["id"],
        failureDetails={"type": "JobFailed", "message": "late"},
    )


def ended(count):
    def look():
        executions = CLIENT.list_pipeline_executions(pipelineName="worked")["pipelineExecutionSummaries"]
        statuses = [each["status"] for each in executions]
        return len(statuses) == count and "InProgress" not in statuses and statuses

    return until("the end", look)


def secrets_stay_secret():
    declared = CLIENT.get_pipeline(name="worked")["pipeline"]
    assert declared["stages"][1]["actions"][0]["configuration"]["Password"] == "****", declared
    actions = CLIENT.list_action_executions(pipelineName="worked")["actionExecutionDetails"]
    assert "sesame" not in str(actions)


types()
created = pipeline()
assert created["stages"][1]["actions"][0]["configuration"]["Password"] == "****", created
work()
assert ended(1) == ["Succeeded"]
built = client("s3").get_object(Bucket="target-bucket", Key="built")["Body"].read()
assert built == b"SOMETHING TO BUILD", built
secrets_stay_secret()

CLIENT.start_pipeline_execution(name="worked")
[job] = until("a job", poll)
CLIENT.acknowledge_job(jobId=job["id"], nonce=job["nonce"])
CLIENT.put_job_failure_result(
    jobId=job["id"],
    failureDetails={"type": "ConfigurationError", "message": "no such project", "externalExecutionId": "run-8"},
)
assert ended(2) == ["Failed", "Succeeded"]
failed = CLIENT.list_action_executions(pipelineName="worked")["actionExecutionDetails"][0]["output"]["executionResult"]
assert failed["errorDetails"] == {"code": "ConfigurationError", "message": "no such project"}, failed
assert failed["externalExecutionUrl"] == "https://ci/web/run-8", failed

CLIENT.delete_custom_action_type(category="Build", provider="Worker", version="1")
CLIENT.delete_custom_action_type(category="Build", provider="Worker", version="1")
refused("ActionTypeNotFoundException", CLIENT.poll_for_jobs, actionTypeId=TYPE)
secrets_stay_secret()
CLIENT.start_pipeline_execution(name="worked")
assert ended(3) == ["Failed", "Failed", "Succeeded"]
changed = definition(inputArtifactDetails={"minimumCount": 0, "maximumCount": 1})
refused("ValidationException", CLIENT.create_custom_action_type, **changed)
CLIENT.create_custom_action_type(**definition())
print("worked")
