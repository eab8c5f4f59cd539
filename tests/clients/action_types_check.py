"""Action types with an executor, and targets of deploy actions, as boto3 sees them.

Usage: action_types_check.py ENDPOINT ROLE_ARN. The buckets of the tutorial must be there.
"""

import sys

from calls import client, refused, until

ROLE = sys.argv[2]
CLIENT = client("codepipeline")
TOKEN = "DEFAULT_CLIENT_TOKEN"
TYPE = {"category": "Test", "owner": "ThirdParty", "provider": "Scan", "version": "1"}


def declared(**changes):
    return {
        "description": "looks for holes",
        "executor": {
            "type": "JobWorker",
            "configuration": {"jobWorkerExecutorConfiguration": {"pollingAccounts": ["000000000000"]}},
            "jobTimeout": 600,
        },
        "id": TYPE,
        "inputArtifactDetails": {"minimumCount": 0, "maximumCount": 1},
        "outputArtifactDetails": {"minimumCount": 0, "maximumCount": 0},
        "permissions": {"allowedAccounts": ["000000000000"]},
        "properties": [
            {"name": "Host", "optional": False, "key": True, "noEcho": False, "queryable": False},
            {"name": "Depth", "optional": True, "key": False, "noEcho": False, "queryable": False},
        ],
        "urls": {"entityUrlTemplate": "https://scan/{Config:Host}"},
        **changes,
    }


def update(**changes):
    return CLIENT.update_action_type(actionType=declared(**changes))


def types():
    refused("ActionTypeNotFoundException", CLIENT.get_action_type, **TYPE)
    refused("ActionTypeNotFoundException", update, id={**TYPE, "owner": "AWS"})
    refused("RequestFailedException", update, id={**TYPE, "category": "Deploy", "owner": "AWS", "provider": "S3"})
    refused("ValidationException", update, id={**TYPE, "owner": "Custom"})
    arn = "arn:aws:lambda:us-east-1:000000000000:function:f"
    function = {"type": "Lambda", "configuration": {"lambdaExecutorConfiguration": {"lambdaFunctionArn": arn}}}
    assert "Lambda" in refused("RequestFailedException", update, executor=function)
    refused("ValidationException", update, executor={**function, "type": "JobWorker"})
    refused("ValidationException", update, inputArtifactDetails={"minimumCount": 2, "maximumCount": 1})
    refused("ValidationException", update, urls={"entityUrlTemplate": "https://scan/{Config:Depth}"})
    refused("ActionTypeNotFoundException", CLIENT.get_action_type, **TYPE)
    update()
    assert CLIENT.get_action_type(**TYPE)["actionType"] == declared()
    required = [{**each, "optional": False} for each in declared()["properties"]]
    refused("ValidationException", update, properties=required)
    update(description="looks for more holes")
    assert CLIENT.get_action_type(**TYPE)["actionType"]["description"] == "looks for more holes"
    listed = CLIENT.list_action_types(actionOwnerFilter="ThirdParty")["actionTypes"]
    [scan] = [each for each in listed if each["id"] == TYPE]
    assert [each["name"] for each in scan["actionConfigurationProperties"]] == ["Host", "Depth"], scan


def pipeline(name, **scan):
    source = {
        "name": "Source",
        "actionTypeId": {"category": "Source", "owner": "AWS", "provider": "S3", "version": "1"},
        "outputArtifacts": [{"name": "Source"}],
        "configuration": {"S3Bucket": "source-bucket", "S3ObjectKey": "file", "PollForSourceChanges": "false"},
    }
    deploy = {
        "name": "Deploy",
        "actionTypeId": {"category": "Deploy", "owner": "AWS", "provider": "S3", "version": "1"},
        "inputArtifacts": [{"name": "Source"}],
        "configuration": {"BucketName": "target-bucket", "Extract": "false", "ObjectKey": "out"},
    }
    scan = {"name": "Scan", "actionTypeId": TYPE, "configuration": {"Host": "h"}, **scan}
    stages = [{"name": each["name"], "actions": [each]} for each in (source, deploy, scan)]
    store = {"type": "S3", "location": "artifact-store-bucket"}
    return {"name": name, "roleArn": ROLE, "artifactStore": store, "stages": stages}


def jobs():
    refused("InvalidActionDeclarationException", CLIENT.create_pipeline, pipeline=pipeline("scanned", configuration={}))
    CLIENT.create_pipeline(pipeline=pipeline("scanned"))
    [job] = until("a job", lambda: CLIENT.poll_for_third_party_jobs(actionTypeId=TYPE)["jobs"])
    known = {"jobId": job["jobId"], "clientToken": TOKEN}
    details = CLIENT.get_third_party_job_details(**known)["jobDetails"]
    CLIENT.acknowledge_third_party_job(nonce=details["nonce"], **known)
    CLIENT.put_third_party_job_success_result(**known)
    until("the end", lambda: CLIENT.list_pipeline_executions(pipelineName="scanned")["pipelineExecutionSummaries"][0][
        "status"] == "Succeeded")
    executor = declared()["executor"]
    executor["configuration"] = {"jobWorkerExecutorConfiguration": {"pollingAccounts": ["111122223333"]}}
    update(executor=executor)
    refused("ActionTypeNotFoundException", CLIENT.poll_for_third_party_jobs, actionTypeId=TYPE)
    update(permissions={"allowedAccounts": ["111122223333"]})
    refused("InvalidActionDeclarationException", CLIENT.create_pipeline, pipeline=pipeline("another"))


def targets():
    details = CLIENT.list_action_executions(pipelineName="scanned")["actionExecutionDetails"]
    [deployed] = [each["actionExecutionId"] for each in details if each["actionName"] == "Deploy"]
    call = CLIENT.list_deploy_action_execution_targets
    assert call(actionExecutionId=deployed)["targets"] == []
    filters = [{"name": "TARGET_STATUS", "values": ["Failed"]}]
    assert call(pipelineName="scanned", actionExecutionId=deployed, filters=filters)["targets"] == []
    nobody = "00000000-0000-0000-0000-000000000000"
    refused("ActionExecutionNotFoundException", call, actionExecutionId=nobody)
    refused("ActionExecutionNotFoundException", call, pipelineName="scanned", actionExecutionId=nobody)
    refused("PipelineNotFoundException", call, pipelineName="nobody", actionExecutionId=deployed)
    refused("InvalidNextTokenException", call, actionExecutionId=deployed, nextToken="made up")
    elsewhere = client("codepipeline", "eu-west-1")
    refused(
        "ActionExecutionNotFoundException", elsewhere.list_deploy_action_execution_targets, actionExecutionId=deployed
    )


types()
jobs()
targets()
print("declared")
