"""CodePipeline's operations as boto3 sees them. Usage: operations_check.py ENDPOINT

Plain asserts; the first that does not hold ends the script.
"""

import copy
import json
import time
import uuid

from botocore.exceptions import ClientError

from calls import client, ended, refused

ACCOUNT = "000000000000"
NOBODY = "00000000-0000-4000-8000-000000000000"


s3, iam, codepipeline = client("s3"), client("iam"), client("codepipeline")


def prepare(s3, iam, suffix=""):
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                                    "Principal": {"Service": "codepipeline.amazonaws.com"}}]}
    permissions = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    role = iam.create_role(RoleName="pipelines", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName="pipelines", PolicyName="s3", PolicyDocument=json.dumps(permissions))
    for bucket in ["source", "target", "store"]:
        s3.create_bucket(Bucket=bucket + suffix)
    s3.put_bucket_versioning(Bucket="source" + suffix, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="source" + suffix, Key="file", Body=b"content", Metadata={
        "codepipeline-artifact-revision-summary": "what changed"})
    return role


ROLE = prepare(s3, iam)


def action(name, category, configuration, inputs=(), outputs=(), **more):
    return {"name": name, "configuration": configuration,
            "actionTypeId": {"category": category, "owner": "AWS", "provider": "S3", "version": "1"},
            "inputArtifacts": [{"name": artifact} for artifact in inputs],
            "outputArtifacts": [{"name": artifact} for artifact in outputs], **more}


def declaration(name, role=ROLE, suffix=""):
    source = action("Fetch", "Source", {"S3Bucket": "source" + suffix, "S3ObjectKey": "file",
                                        "PollForSourceChanges": "false"}, outputs=["A"], namespace="Fetched")
    deploy = action("Put", "Deploy", {"BucketName": "target" + suffix, "Extract": "false",
                                      "ObjectKey": "out-#{Fetched.VersionId}-#{codepipeline.PipelineExecutionId}"},
                    inputs=["A"])
    return {"name": name, "roleArn": role, "artifactStore": {"type": "S3", "location": "store" + suffix},
            "stages": [{"name": "Source", "actions": [source]}, {"name": "Deploy", "actions": [deploy]}]}


def changed(name, *path, to):
    """The declaration with one member changed; `to` None takes it away."""
    whole = declaration(name)
    inner = whole
    for step in path[:-1]:
        inner = inner[step]
    if to is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = to
    return whole


def first_ended(name):
    summaries = codepipeline.list_pipeline_executions(pipelineName=name)["pipelineExecutionSummaries"]
    return ended(codepipeline, name, summaries[-1]["pipelineExecutionId"])


def run(name):
    started = codepipeline.start_pipeline_execution(name=name)["pipelineExecutionId"]
    assert ended(codepipeline, name, started)["status"] == "Succeeded"
    return started


def create():
    made = codepipeline.create_pipeline(pipeline=declaration("create"), tags=[{"key": "k", "value": ""}])
    assert made["tags"] == [{"key": "k", "value": ""}], made
    pipeline = made["pipeline"]
    assert pipeline["version"] == 1 and pipeline["executionMode"] == "SUPERSEDED", pipeline
    assert pipeline["pipelineType"] == "V1", pipeline
    deploy = pipeline["stages"][1]["actions"][0]
    assert deploy["runOrder"] == 1 and deploy["outputArtifacts"] == [], deploy
    assert codepipeline.get_pipeline(name="create")["pipeline"] == pipeline
    execution = first_ended("create")
    assert execution["status"] == "Succeeded" and execution["trigger"]["triggerType"] == "CreatePipeline", execution

    asked = codepipeline.create_pipeline
    refused("PipelineNameInUseException", asked, "create", pipeline=declaration("create"))
    one_stage = declaration("bad")
    del one_stage["stages"][1]
    # Whether the service may assume the role comes before the number of stages.
    nobodys = {**one_stage, "roleArn": f"arn:aws:iam::{ACCOUNT}:role/nobody"}
    refused("InvalidStructureException", asked, "AssumeRole", pipeline=nobodys)
    refused("InvalidStructureException", asked, "1 stage(s)", pipeline=one_stage)
    reversed_stages = declaration("bad")
    reversed_stages["stages"].reverse()
    refused("InvalidStructureException", asked, "source actions", pipeline=reversed_stages)
    twice = declaration("bad")
    twice["stages"][1]["name"] = "Source"
    message = None
    try:
        asked(pipeline=twice)
    except ClientError as error:
        message = error.response["Error"]["Code"]
    assert message in ("InvalidStructureException", "InvalidStageDeclarationException"), message
    where = ("stages", 1, "actions", 0)
    refused("InvalidActionDeclarationException", asked, "is not available in region 'US_EAST_1'",
            pipeline=changed("bad", *where, "actionTypeId", "provider", to="NoSuchProvider"))
    refused("InvalidActionDeclarationException", asked, "Put", pipeline=changed("bad", *where, "inputArtifacts", to=[]))
    refused("InvalidActionDeclarationException", asked, "NoSuchKey",
            pipeline=changed("bad", *where, "configuration", "NoSuchKey", to="x"))
    refused("InvalidActionDeclarationException", asked, "BucketName",
            pipeline=changed("bad", *where, "configuration", "BucketName", to=None))
    refused("InvalidActionDeclarationException", asked, "referencing a namespace that does not exist",
            pipeline=changed("bad", *where, "configuration", "ObjectKey", to="#{Nobody.VersionId}"))
    blocked = declaration("bad")
    blocked["stages"][1]["blockers"] = [{"name": "b", "type": "Schedule"}]
    refused("InvalidBlockerDeclarationException", asked, pipeline=blocked)
    refused("InvalidStructureException", asked, "AssumeRole",
            pipeline=changed("bad", "roleArn", to=f"arn:aws:iam::{ACCOUNT}:role/nobody"))
    refused("InvalidStructureException", asked, "No bucket with the name nowhere",
            pipeline=changed("bad", "artifactStore", "location", to="nowhere"))
    refused("InvalidStructureException", asked, "up to 50 stages", pipeline=changed("bad", "stages", to=[
        declaration("bad")["stages"][0],
        *[{**copy.deepcopy(declaration("bad")["stages"][1]), "name": f"Deploy{number}"} for number in range(50)]]))
    refused("InvalidTagsException", asked, "aws:", pipeline=declaration("bad"),
            tags=[{"key": "aws:x", "value": "v"}])
    many = [{"key": f"k{number}", "value": "v"} for number in range(51)]
    refused("TooManyTagsException", asked, pipeline=declaration("bad"), tags=many)
    message = refused("ValidationException", asked, "2 validation errors detected: ",
                    "Value 'a b' at 'pipeline.stages.1.member.name' failed to satisfy constraint: Member must satisfy "
                    "regular expression pattern: [A-Za-z0-9.@\\-_]+",
                    "Value null at 'pipeline.roleArn' failed to satisfy constraint: Member must not be null",
                    pipeline={**changed("bad", "stages", 0, "name", to="a b"), "roleArn": None})
    assert message.count(";") == 1, message
    refused("ValidationException", asked, "1 validation error detected: Value null at 'pipeline'")
    refused("ValidationException", asked, "Member must have length less than or equal to 100",
            pipeline=declaration("n" * 101))
    refused("PipelineNotFoundException", codepipeline.get_pipeline, name="bad")


def get_and_update():
    refused("ResourceNotFoundException", codepipeline.update_pipeline, "update", pipeline=declaration("update"))
    codepipeline.create_pipeline(pipeline=declaration("update"), tags=[{"key": "k", "value": "v"}])
    first_ended("update")
    second = declaration("update")
    second["stages"][1]["actions"][0]["configuration"]["ObjectKey"] = "second"
    # The version that a client sends back has no effect.
    updated = codepipeline.update_pipeline(pipeline={**second, "version": 7})
    assert updated["pipeline"]["version"] == 2 and "tags" not in updated, updated
    assert codepipeline.update_pipeline(pipeline=second)["pipeline"]["version"] == 3
    found = codepipeline.get_pipeline(name="update")
    assert found["pipeline"]["version"] == 3
    assert found["metadata"]["pipelineArn"] == f"arn:aws:codepipeline:us-east-1:{ACCOUNT}:update", found
    assert found["metadata"]["created"] < found["metadata"]["updated"], found["metadata"]
    first = codepipeline.get_pipeline(name="update", version=1)["pipeline"]
    assert first["stages"][1]["actions"][0]["configuration"]["ObjectKey"].startswith("out-"), first
    refused("PipelineVersionNotFoundException", codepipeline.get_pipeline, name="update", version=4)
    refused("PipelineNotFoundException", codepipeline.get_pipeline,
            f"Account '{ACCOUNT}' does not have a pipeline with name 'nobody'", name="nobody")
    refused("ValidationException", codepipeline.get_pipeline, "greater than or equal to 1", name="update", version=0)
    refused("ValidationException", codepipeline.get_pipeline, "Value null at 'name'")
    refused("InvalidStructureException", codepipeline.update_pipeline, "AssumeRole",
            pipeline={**second, "roleArn": f"arn:aws:iam::{ACCOUNT}:role/nobody"})
    refused("InvalidStructureException", codepipeline.update_pipeline, pipeline={**second, "stages": second["stages"][:1]})
    assert codepipeline.get_pipeline(name="update")["pipeline"]["version"] == 3, "a refused update changes nothing"
    execution = run("update")
    assert ended(codepipeline, "update", execution)["pipelineVersion"] == 3
    assert s3.get_object(Bucket="target", Key="second")["Body"].read() == b"content"
    arn = found["metadata"]["pipelineArn"]
    assert codepipeline.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "k", "value": "v"}]


def delete():
    codepipeline.create_pipeline(pipeline=declaration("delete"))
    old = first_ended("delete")["pipelineExecutionId"]
    codepipeline.update_pipeline(pipeline=declaration("delete"))
    codepipeline.delete_pipeline(name="delete")
    codepipeline.delete_pipeline(name="delete")
    codepipeline.delete_pipeline(name="never-there")
    for call, arguments in [
        (codepipeline.get_pipeline, {"name": "delete"}),
        (codepipeline.get_pipeline_state, {"name": "delete"}),
        (codepipeline.start_pipeline_execution, {"name": "delete"}),
        (codepipeline.list_pipeline_executions, {"pipelineName": "delete"}),
        (codepipeline.list_action_executions, {"pipelineName": "delete"}),
        (codepipeline.get_pipeline_execution, {"pipelineName": "delete", "pipelineExecutionId": old}),
        (codepipeline.stop_pipeline_execution, {"pipelineName": "delete", "pipelineExecutionId": old}),
    ]:
        refused("PipelineNotFoundException", call, "does not have a pipeline with name 'delete'", **arguments)
    refused("ValidationException", codepipeline.delete_pipeline, name="a/b")
    assert codepipeline.create_pipeline(pipeline=declaration("delete"))["pipeline"]["version"] == 1
    first_ended("delete")
    listed = codepipeline.list_pipeline_executions(pipelineName="delete")["pipelineExecutionSummaries"]
    assert len(listed) == 1 and listed[0]["pipelineExecutionId"] != old, listed
    refused("PipelineExecutionNotFoundException", codepipeline.get_pipeline_execution, pipelineName="delete",
            pipelineExecutionId=old)


def pages(call, member, size, **arguments):
    """All entries, by following real tokens."""
    found, token = [], None
    while True:
        more = {"nextToken": token} if token else {}
        page = call(maxResults=size, **arguments, **more)
        assert len(page[member]) <= size
        found += page[member]
        token = page.get("nextToken")
        if not token:
            return found
        assert len(page[member]) == size and 1 <= len(token) <= 2048


def made_up_tokens(call, real, **arguments):
    for token in ["x", "AAAA", "0", "/../", "😀", "%00", real[:-1], real + "A", "A" * 2048]:
        if token != real:
            refused("InvalidNextTokenException", call, **arguments, nextToken=token)
    refused("ValidationException", call, **arguments, nextToken="A" * 2049)
    refused("ValidationException", call, **arguments, nextToken="")


def lists():
    paged = client("codepipeline", "eu-north-1")
    for number in [3, 1, 2, 5, 4]:
        paged.create_pipeline(pipeline=declaration(f"list-{number}", suffix="-north"))
    whole = paged.list_pipelines()
    assert "nextToken" not in whole
    names = [pipeline["name"] for pipeline in whole["pipelines"]]
    assert names == [f"list-{number}" for number in range(1, 6)], names
    for pipeline in whole["pipelines"]:
        assert pipeline["version"] == 1 and pipeline["pipelineType"] == "V1", pipeline
        assert pipeline["executionMode"] == "SUPERSEDED" and pipeline["created"] and pipeline["updated"], pipeline
    for size in [1, 2, 5, 1000]:
        assert pages(paged.list_pipelines, "pipelines", size) == whole["pipelines"], size
    real = paged.list_pipelines(maxResults=2)["nextToken"]
    # A token stays good when the pipeline it stands for goes.
    paged.delete_pipeline(name="list-2")
    assert [pipeline["name"] for pipeline in paged.list_pipelines(nextToken=real)["pipelines"]] == names[2:]
    made_up_tokens(paged.list_pipelines, real)
    refused("InvalidNextTokenException", codepipeline.list_pipelines, nextToken=real)
    for size in [0, 1001, -1]:
        refused("ValidationException", paged.list_pipelines, f"Value '{size}' at 'maxResults'", maxResults=size)


def executions():
    codepipeline.create_pipeline(pipeline=declaration("runs"))
    first = first_ended("runs")["pipelineExecutionId"]
    started = [run("runs") for _ in range(6)]
    order = [*reversed(started), first]
    listing = {"pipelineName": "runs"}
    whole = codepipeline.list_pipeline_executions(**listing)["pipelineExecutionSummaries"]
    assert [execution["pipelineExecutionId"] for execution in whole] == order
    newest = whole[0]
    assert newest["trigger"]["triggerType"] == "StartPipelineExecution", newest
    assert newest["trigger"]["triggerDetail"].startswith(f"arn:aws:iam::{ACCOUNT}:"), newest
    [revision] = newest["sourceRevisions"]
    assert revision["actionName"] == "Fetch" and revision["revisionSummary"] == "what changed", revision
    assert newest["startTime"] <= newest["lastUpdateTime"] and newest["executionMode"] == "SUPERSEDED", newest
    for size in [1, 3, 7, 100]:
        found = pages(codepipeline.list_pipeline_executions, "pipelineExecutionSummaries", size, **listing)
        assert found == whole, size
    real = codepipeline.list_pipeline_executions(**listing, maxResults=2)["nextToken"]
    made_up_tokens(codepipeline.list_pipeline_executions, real, **listing)
    refused("InvalidNextTokenException", codepipeline.list_action_executions, **listing, nextToken=real)
    refused("InvalidNextTokenException", codepipeline.list_pipeline_executions, pipelineName="update", nextToken=real)
    refused("ValidationException", codepipeline.list_pipeline_executions, **listing, maxResults=101)

    def succeeded_in(stage):
        found = codepipeline.list_pipeline_executions(**listing, filter={"succeededInStage": {"stageName": stage}})
        return [execution["pipelineExecutionId"] for execution in found["pipelineExecutionSummaries"]]

    assert succeeded_in("Deploy") == order and succeeded_in("Source") == order and succeeded_in("Nobody") == []

    execution = codepipeline.get_pipeline_execution(pipelineName="runs", pipelineExecutionId=started[0])
    execution = execution["pipelineExecution"]
    assert execution["pipelineVersion"] == 1 and execution["status"] == "Succeeded", execution
    [revision] = execution["artifactRevisions"]
    assert revision["name"] == "A" and revision["revisionId"] and revision["revisionSummary"] == "what changed"
    refused("PipelineExecutionNotFoundException", codepipeline.get_pipeline_execution, NOBODY,
            pipelineName="runs", pipelineExecutionId=NOBODY)
    refused("PipelineExecutionNotFoundException", codepipeline.get_pipeline_execution,
            pipelineName="update", pipelineExecutionId=started[0])
    for id in ["x", NOBODY.upper() + "A", str(uuid.uuid4()).upper()]:
        refused("ValidationException", codepipeline.get_pipeline_execution, "pattern", pipelineName="runs",
                pipelineExecutionId=id)
    assert s3.head_object(Bucket="target", Key=f"out-{revision['revisionId']}-{started[0]}")

    token = str(uuid.uuid4())
    same = {codepipeline.start_pipeline_execution(name="runs", clientRequestToken=token)["pipelineExecutionId"]
            for _ in range(3)}
    assert len(same) == 1, same
    ended(codepipeline, "runs", same.pop())
    refused("PipelineNotFoundException", codepipeline.start_pipeline_execution, name="nobody")
    refused("ValidationException", codepipeline.start_pipeline_execution, name="runs", clientRequestToken="a b")
    refused("ValidationException", codepipeline.start_pipeline_execution, "undeclared", name="runs",
            variables=[{"name": "undeclared", "value": "x"}])
    stop = {"pipelineName": "runs", "pipelineExecutionId": first}
    refused("PipelineExecutionNotStoppableException", codepipeline.stop_pipeline_execution, **stop)
    refused("PipelineExecutionNotStoppableException", codepipeline.stop_pipeline_execution, **stop, abandon=True)
    refused("PipelineExecutionNotStoppableException", codepipeline.stop_pipeline_execution, pipelineName="runs",
            pipelineExecutionId=NOBODY)
    refused("PipelineNotFoundException", codepipeline.stop_pipeline_execution, pipelineName="nobody",
            pipelineExecutionId=NOBODY)
    refused("ValidationException", codepipeline.stop_pipeline_execution, **stop, reason="r" * 201)


def actions():
    listing = {"pipelineName": "runs"}
    whole = codepipeline.list_action_executions(**listing)["actionExecutionDetails"]
    times = [action["startTime"] for action in whole]
    assert times == sorted(times, reverse=True) and len({action["actionExecutionId"] for action in whole}) == len(whole)
    for size in [1, 3, 100]:
        found = pages(codepipeline.list_action_executions, "actionExecutionDetails", size, **listing)
        assert found == whole, size
    execution = whole[-1]["pipelineExecutionId"]
    for filter in [{"pipelineExecutionId": execution},
                   {"latestInPipelineExecution": {"pipelineExecutionId": execution, "startTimeRange": "Latest"}},
                   {"latestInPipelineExecution": {"pipelineExecutionId": execution, "startTimeRange": "All"}}]:
        found = codepipeline.list_action_executions(**listing, filter=filter)["actionExecutionDetails"]
        assert found == whole[-2:], filter
        assert pages(codepipeline.list_action_executions, "actionExecutionDetails", 1, **listing, filter=filter) == found
    put, fetch = whole[-2:]
    assert fetch["input"]["namespace"] == "Fetched", fetch
    version = fetch["output"]["outputVariables"]["VersionId"]
    assert put["input"]["configuration"]["ObjectKey"].startswith("out-#{Fetched.VersionId}"), put
    assert put["input"]["resolvedConfiguration"]["ObjectKey"] == f"out-{version}-{execution}", put
    real = codepipeline.list_action_executions(**listing, maxResults=2)["nextToken"]
    made_up_tokens(codepipeline.list_action_executions, real, **listing)
    asked = codepipeline.list_action_executions
    refused("PipelineNotFoundException", asked, pipelineName="nobody")
    refused("PipelineExecutionNotFoundException", asked, **listing, filter={"pipelineExecutionId": NOBODY})
    refused("PipelineExecutionNotFoundException", asked, **listing, filter={"latestInPipelineExecution": {
        "pipelineExecutionId": NOBODY, "startTimeRange": "Latest"}})
    refused("ValidationException", asked, **listing, filter={"latestInPipelineExecution": {
        "pipelineExecutionId": execution, "startTimeRange": "Oldest"}})
    refused("ValidationException", asked, **listing, filter={"pipelineExecutionId": execution,
            "latestInPipelineExecution": {"pipelineExecutionId": execution, "startTimeRange": "All"}})


def state():
    codepipeline.create_pipeline(pipeline=declaration("state"))
    execution = first_ended("state")["pipelineExecutionId"]
    found = codepipeline.get_pipeline_state(name="state")
    assert found["pipelineName"] == "state" and found["pipelineVersion"] == 1 and found["created"], found
    stages = found["stageStates"]
    assert [stage["stageName"] for stage in stages] == ["Source", "Deploy"], stages
    for stage in stages:
        assert stage["latestExecution"] == {"pipelineExecutionId": execution, "status": "Succeeded"}, stage
        assert stage["inboundTransitionState"] == {"enabled": True}, stage
        assert "inboundExecution" not in stage, stage
    fetch, put = stages[0]["actionStates"][0], stages[1]["actionStates"][0]
    assert fetch["actionName"] == "Fetch" and fetch["latestExecution"]["status"] == "Succeeded", fetch
    assert fetch["currentRevision"]["revisionId"] == fetch["latestExecution"]["externalExecutionId"], fetch
    assert fetch["latestExecution"]["summary"] == "what changed" and fetch["entityUrl"].startswith("https://"), fetch
    assert put["latestExecution"]["summary"] == "Deployment Succeeded" and "currentRevision" not in put, put
    # A stage that an update adds has not been entered yet.
    more = declaration("state")
    more["stages"].append({**copy.deepcopy(more["stages"][1]), "name": "New"})
    codepipeline.update_pipeline(pipeline=more)
    last = codepipeline.get_pipeline_state(name="state")["stageStates"][2]
    assert last["stageName"] == "New" and "latestExecution" not in last, last
    assert "latestExecution" not in last["actionStates"][0], last
    refused("PipelineNotFoundException", codepipeline.get_pipeline_state, name="nobody")


def failures():
    broken = declaration("broken")
    broken["stages"][1]["actions"][0]["configuration"]["BucketName"] = "nowhere"
    after = action("After", "Deploy", {"BucketName": "target", "Extract": "false", "ObjectKey": "after"},
                   inputs=["A"], runOrder=2)
    broken["stages"][1]["actions"].append(after)
    codepipeline.create_pipeline(pipeline=broken)
    execution = first_ended("broken")
    assert execution["status"] == "Failed", execution
    found = codepipeline.list_action_executions(pipelineName="broken")["actionExecutionDetails"]
    assert [action["actionName"] for action in found] == ["Put", "Fetch"], "after a failure nothing more starts"
    details = found[0]["output"]["executionResult"]["errorDetails"]
    assert details["code"] == "ConfigurationError" and "nowhere" in details["message"], details
    state = codepipeline.get_pipeline_state(name="broken")["stageStates"][1]
    assert state["latestExecution"]["status"] == "Failed", state
    assert state["actionStates"][0]["latestExecution"]["errorDetails"] == details, state


def tags():
    codepipeline.create_pipeline(pipeline=declaration("tags"))
    arn = f"arn:aws:codepipeline:us-east-1:{ACCOUNT}:tags"

    def listed():
        answer = codepipeline.list_tags_for_resource(resourceArn=arn)
        assert "nextToken" not in answer
        return {tag["key"]: tag["value"] for tag in answer["tags"]}

    def tag(**tags):
        return codepipeline.tag_resource(resourceArn=arn, tags=[
            {"key": key, "value": value} for key, value in tags.items()])

    assert listed() == {}
    tag(a="1", b="")
    tag(a="2", C="3")
    assert listed() == {"a": "2", "b": "", "C": "3"}
    codepipeline.untag_resource(resourceArn=arn, tagKeys=["a", "not-there", "c"])
    assert listed() == {"b": "", "C": "3"}
    tag(**{f"k{number}": "v" for number in range(48)})
    assert len(listed()) == 50
    refused("TooManyTagsException", tag, one="more")
    tag(k1="overwritten")
    assert listed()["k1"] == "overwritten" and len(listed()) == 50
    asked = codepipeline.tag_resource
    refused("InvalidTagsException", asked, resourceArn=arn, tags=[{"key": "aws:x", "value": "v"}])
    refused("ValidationException", asked, "tags.1.member.key", resourceArn=arn, tags=[{"key": "", "value": "v"}])
    refused("ValidationException", asked, resourceArn=arn, tags=[{"key": "k" * 129, "value": "v"}])
    refused("ValidationException", asked, resourceArn=arn, tags=[{"key": "k"}])
    refused("ValidationException", asked, "Value null at 'tags'", resourceArn=arn)
    one = {"tags": [{"key": "k", "value": "v"}]}
    for call, more in [(asked, one), (codepipeline.untag_resource, {"tagKeys": ["k"]}),
                       (codepipeline.list_tags_for_resource, {})]:
        refused("ResourceNotFoundException", call, resourceArn=arn + "-not-there", **more)
        refused("InvalidArnException", call, resourceArn=arn.replace("us-east-1", "eu-west-1"), **more)
        refused("InvalidArnException", call, resourceArn=arn.replace(ACCOUNT, "111111111111"), **more)
        for broken in ["tags", "arn:aws:s3:::bucket", arn.replace(ACCOUNT, "12")]:
            refused("ValidationException", call, "resourceArn", resourceArn=broken, **more)
    refused("InvalidNextTokenException", codepipeline.list_tags_for_resource, resourceArn=arn, nextToken="x")
    assert len(codepipeline.list_tags_for_resource(resourceArn=arn, maxResults=1)["tags"]) == 50


def isolation():
    """The same name in another Region or account is another pipeline."""
    for region, key, account, suffix in [("eu-west-1", "test", ACCOUNT, ""),
                                         ("us-east-1", "111111111111", "111111111111", "-1")]:
        other = client("codepipeline", region, key)
        refused("PipelineNotFoundException", other.get_pipeline, f"Account '{account}'", name="runs")
        assert other.list_pipelines()["pipelines"] == []
        role = ROLE
        if account != ACCOUNT:
            role = prepare(client("s3", region, key), client("iam", region, key), suffix)
            assert role == f"arn:aws:iam::{account}:role/pipelines", role
        if region == "us-east-1":
            other.create_pipeline(pipeline=declaration("runs", role, suffix))
            found = other.list_pipeline_executions(pipelineName="runs")["pipelineExecutionSummaries"]
            assert len(found) == 1, found
            assert ended(other, "runs", found[0]["pipelineExecutionId"])["status"] == "Succeeded"
            arn = other.get_pipeline(name="runs")["metadata"]["pipelineArn"]
            assert arn == f"arn:aws:codepipeline:{region}:{account}:runs", arn
            refused("PipelineExecutionNotFoundException", codepipeline.get_pipeline_execution, pipelineName="runs",
                    pipelineExecutionId=found[0]["pipelineExecutionId"])
            other.delete_pipeline(name="runs")
    assert codepipeline.get_pipeline(name="runs")["pipeline"]["version"] == 1


north = client("s3", "eu-north-1")
for name in ["source-north", "target-north", "store-north"]:
    north.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-north-1"})
north.put_bucket_versioning(Bucket="source-north", VersioningConfiguration={"Status": "Enabled"})
north.put_object(Bucket="source-north", Key="file", Body=b"content")

for check in [create, get_and_update, delete, lists, executions, actions, state, failures, tags, isolation]:
    started = time.monotonic()
    check()
    print(f"{check.__name__}: ok, {time.monotonic() - started:.1f} s", flush=True)
