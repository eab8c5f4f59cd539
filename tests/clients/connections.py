"""What the checks of triggers and webhooks share: clients, a role, pipelines whose source is a repository."""

import hashlib
import hmac
import json
import sys
import urllib.error
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = sys.argv[1]
CONFIG = Config(parameter_validation=False, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})


def client(service):
    return boto3.client(service, endpoint_url=ENDPOINT, region_name="us-east-1", aws_access_key_id="test",
                        aws_secret_access_key="test", config=CONFIG)


codepipeline = client("codepipeline")


def prepare():
    s3, iam = client("s3"), client("iam")
    s3.create_bucket(Bucket="store")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                                    "Principal": {"Service": "codepipeline.amazonaws.com"}}]}
    return iam.create_role(RoleName="pipelines", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]


def fails(code, call, *said, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        answer = error.response
        assert answer["Error"]["Code"] == code, answer["Error"]
        for words in said:
            assert words in answer["Error"]["Message"], answer["Error"]
        return
    raise AssertionError(f"{call.__name__} was not refused with {code}: {arguments}")


def declaration(name, role, source_type, configuration, **members):
    """Its source action fails when it runs: what matters here is by what it was started."""
    return {
        "name": name, "roleArn": role, "artifactStore": {"type": "S3", "location": "store"},
        "stages": [
            {"name": "Source", "actions": [{
                "name": "Git", "actionTypeId": source_type, "configuration": configuration,
                "outputArtifacts": [{"name": "Code"}]}]},
            {"name": "Approve", "actions": [{
                "name": "Wait", "actionTypeId": {"category": "Approval", "owner": "AWS", "provider": "Manual",
                                                 "version": "1"}}]},
        ],
        **members,
    }


def executions(name):
    return codepipeline.list_pipeline_executions(pipelineName=name)["pipelineExecutionSummaries"]


def post(url, body, **headers):
    """The status and the answer's text."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def signed(secret, body, algorithm=hashlib.sha256):
    mac = hmac.new(secret.encode(), body, algorithm).hexdigest()
    return f"{algorithm().name}={mac}"
