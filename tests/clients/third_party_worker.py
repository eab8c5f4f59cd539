"""A partner's worker, in the order of calls of AWS's sample: poll, read, acknowledge, work, report.

Usage: third_party_worker.py ENDPOINT ROLE_ARN. The buckets of the tutorial must be there.
"""

import sys

from calls import client, refused, until

ROLE = sys.argv[2]
TYPE = {"category": "Invoke", "owner": "ThirdParty", "provider": "Snyk", "version": "1"}
TOKEN = "DEFAULT_CLIENT_TOKEN"
CLIENT = client("codepipeline")


def pipeline():
    source = {
        "name": "Source",
        "actionTypeId": {"category": "Source", "owner": "AWS", "provider": "S3", "version": "1"},
        "outputArtifacts": [{"name": "Source"}],
        "configuration": {"S3Bucket": "source-bucket", "S3ObjectKey": "file", "PollForSourceChanges": "false"},
    }
    scan = {
        "name": "Scan", "actionTypeId": TYPE, "inputArtifacts": [{"name": "Source"}],
        "outputArtifacts": [{"name": "Report"}],
    }
    stages = [{"name": each["name"], "actions": [each]} for each in (source, scan)]
    store = {"type": "S3", "location": "artifact-store-bucket"}
    CLIENT.create_pipeline(pipeline={"name": "scanned", "roleArn": ROLE, "artifactStore": store, "stages": stages})


def poll():
    return CLIENT.poll_for_third_party_jobs(actionTypeId=TYPE, maxBatchSize=10)["jobs"]


def take():
    """One job, taken as the sample does."""
    [job] = until("a job", poll)
    details = CLIENT.get_third_party_job_details(jobId=job["jobId"], clientToken=TOKEN)["jobDetails"]
    taken = CLIENT.acknowledge_third_party_job(jobId=job["jobId"], nonce=details["nonce"], clientToken=TOKEN)
    assert taken["status"] == "InProgress", taken
    return job, details


def ended():
    def look():
        [latest] = CLIENT.list_pipeline_executions(pipelineName="scanned", maxResults=1)["pipelineExecutionSummaries"]
        return latest["status"] != "InProgress" and latest["status"]

    return until("the end", look)


def bad_input():
    refused("ValidationException", CLIENT.poll_for_third_party_jobs, actionTypeId={**TYPE, "owner": "Custom"})
    refused("ActionTypeNotFoundException", CLIENT.poll_for_third_party_jobs, actionTypeId={**TYPE, "version": "9"})
    nobody = {"jobId": "00000000-0000-0000-0000-000000000000", "clientToken": TOKEN}
    failure = {"failureDetails": {"type": "JobFailed", "message": "no"}}
    refused("JobNotFoundException", CLIENT.get_third_party_job_details, **nobody)
    refused("JobNotFoundException", CLIENT.acknowledge_third_party_job, nonce="1", **nobody)
    refused("JobNotFoundException", CLIENT.put_third_party_job_success_result, **nobody)
    refused("JobNotFoundException", CLIENT.put_third_party_job_failure_result, **nobody, **failure)
    stranger = {**nobody, "clientToken": "another"}
    refused("InvalidClientTokenException", CLIENT.get_third_party_job_details, **stranger)
    refused("InvalidClientTokenException", CLIENT.acknowledge_third_party_job, nonce="1", **stranger)
    refused("InvalidClientTokenException", CLIENT.put_third_party_job_success_result, **stranger)
    refused("InvalidClientTokenException", CLIENT.put_third_party_job_failure_result, **stranger, **failure)


def first():
    [job] = until("a job", poll)
    assert poll() == [], "a job that was shown is hidden for a while"
    known = {"jobId": job["jobId"], "clientToken": TOKEN}
    one = CLIENT.get_third_party_job_details(**known)["jobDetails"]
    other = CLIENT.get_third_party_job_details(**known)["jobDetails"]
    assert one["id"] == job["jobId"] and one["nonce"] != other["nonce"], (one, other)
    data = one["data"]
    assert data["actionTypeId"] == TYPE, data
    context = data["pipelineContext"]
    assert context["pipelineName"] == "scanned" and context["stage"] == {"name": "Scan"}, context
    assert "pipelineArn" not in context and "pipelineExecutionId" not in context, context
    assert data["inputArtifacts"][0]["revision"], data
    refused("JobNotFoundException", CLIENT.get_job_details, jobId=job["jobId"])
    refused("JobNotFoundException", CLIENT.acknowledge_job, jobId=job["jobId"], nonce=other["nonce"])
    refused("InvalidJobStateException", CLIENT.put_third_party_job_success_result, **known)
    refused("InvalidNonceException", CLIENT.acknowledge_third_party_job, nonce=one["nonce"], **known)
    CLIENT.acknowledge_third_party_job(nonce=other["nonce"], **known)
    refused("InvalidNonceException", CLIENT.acknowledge_third_party_job, nonce=other["nonce"], **known)
    assert "nonce" not in CLIENT.get_third_party_job_details(**known)["jobDetails"]
    CLIENT.put_third_party_job_success_result(
        **known, continuationToken="half",
        executionDetails={"summary": "half", "externalExecutionId": "scan-1", "percentComplete": 50},
    )
    refused("InvalidJobException", CLIENT.get_third_party_job_details, **known)
    return job


bad_input()
pipeline()
job = first()
second, details = take()
assert second["clientId"] == job["clientId"] and second["jobId"] != job["jobId"], (job, second)
assert details["data"]["continuationToken"] == "half", details
credentials = details["data"]["artifactCredentials"]
s3 = client(
    "s3", key=credentials["accessKeyId"], secret=credentials["secretAccessKey"], token=credentials["sessionToken"]
)
report = details["data"]["outputArtifacts"][0]["location"]["s3Location"]
s3.put_object(Bucket=report["bucketName"], Key=report["objectKey"], Body=b"clean")
done = {"jobId": second["jobId"], "clientToken": TOKEN}
CLIENT.put_third_party_job_success_result(**done, executionDetails={"summary": "clean"})
refused("InvalidJobStateException", CLIENT.put_third_party_job_success_result, **done)
assert ended() == "Succeeded"

CLIENT.start_pipeline_execution(name="scanned")
third, _ = take()
CLIENT.put_third_party_job_failure_result(
    jobId=third["jobId"], clientToken=TOKEN, failureDetails={"type": "JobFailed", "message": "vulnerable"}
)
assert ended() == "Failed"
failed = CLIENT.list_action_executions(pipelineName="scanned")["actionExecutionDetails"][0]["output"]["executionResult"]
assert failed["errorDetails"] == {"code": "JobFailed", "message": "vulnerable"}, failed
print("worked")
