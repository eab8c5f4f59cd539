"""What the checks of triggers and webhooks share: clients, a role, pipelines whose source is a repository."""

import hashlib
import hmac
import json
import urllib.error
import urllib.request

from calls import client

codepipeline = client("codepipeline")


def prepare():
    s3, iam = client("s3"), client("iam")
    s3.create_bucket(Bucket="store")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                                    "Principal": {"Service": "codepipeline.amazonaws.com"}}]}
    return iam.create_role(RoleName="pipelines", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]


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
