"""Stage conditions as boto3 sees them. Usage: conditions_check.py ENDPOINT

Plain asserts; the first that does not hold ends the script.
"""

import json

from calls import client, refused, until

NOBODY = "00000000-0000-4000-8000-000000000000"


s3, iam, codepipeline = client("s3"), client("iam"), client("codepipeline")


def prepare():
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                                    "Principal": {"Service": "codepipeline.amazonaws.com"}}]}
    permissions = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    role = iam.create_role(RoleName="pipelines", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName="pipelines", PolicyName="all", PolicyDocument=json.dumps(permissions))
    for bucket in ["source", "target", "store"]:
        s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket="source", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="source", Key="file", Body=b"content")
    return role


def action(name, category, configuration, **members):
    return {"name": name, "actionTypeId": {"category": category, "owner": "AWS", "provider": "S3", "version": "1"},
            "configuration": configuration, **members}


def check(variable, operator, value, name="Check"):
    return {"name": name, "ruleTypeId": {"category": "Rule", "owner": "AWS", "provider": "VariableCheck", "version": "1"},
            "configuration": {"Variable": variable, "Operator": operator, "Value": value}}


def group(result, *rules):
    return {"conditions": [{"result": result, "rules": list(rules)}]}


def pipeline(name, deploy, **members):
    source = action("Source", "Source", {"S3Bucket": "source", "S3ObjectKey": "file", "PollForSourceChanges": "false"},
                    namespace="Src", outputArtifacts=[{"name": "Source"}])
    put = action("Put", "Deploy", {"BucketName": "target", "Extract": "false", "ObjectKey": name + "#{variables.suffix}"},
                 inputArtifacts=[{"name": "Source"}])
    return {"name": name, "roleArn": ROLE, "pipelineType": "V2", "artifactStore": {"type": "S3", "location": "store"},
            "variables": [{"name": "suffix", "defaultValue": "x"}],
            "stages": [{"name": "Source", "actions": [source]}, {"name": "Deploy", "actions": [put], **deploy}], **members}


def newest(name):
    return codepipeline.list_pipeline_executions(pipelineName=name)["pipelineExecutionSummaries"]


def ended(name, count=1):
    """The newest execution when none is under way any more."""

    def look():
        found = newest(name)
        rests = len(found) >= count and all(each["status"] not in ("InProgress", "Stopping") for each in found)
        return found[0] if rests else None

    return until(f"{name} comes to rest", look)


def run(name, deploy, **members):
    codepipeline.create_pipeline(pipeline=pipeline(name, deploy, **members))
    return ended(name)


def stage(name):
    return codepipeline.get_pipeline_state(name=name)["stageStates"][1]


def there(key):
    return any(each["Key"] == key for each in s3.list_objects_v2(Bucket="target").get("Contents", []))


def override(name, execution, condition, stage="Deploy"):
    return dict(pipelineName=name, stageName=stage, pipelineExecutionId=execution, conditionType=condition)


ROLE = prepare()

# The catalogue.
types = codepipeline.list_rule_types()["ruleTypes"]
assert [each["id"]["provider"] for each in types] == [
    "CloudWatchAlarm", "CodeBuild", "Commands", "DeploymentWindow", "LambdaInvoke", "VariableCheck"], types
assert all(each["id"]["category"] == "Rule" and each["id"]["owner"] == "AWS" for each in types), types
window = next(each for each in types if each["id"]["provider"] == "DeploymentWindow")
cron = next(each for each in window["ruleConfigurationProperties"] if each["name"] == "Cron")
assert cron["required"] and not cron["secret"], cron
assert codepipeline.list_rule_types(ruleOwnerFilter="AWS", regionFilter="eu-west-1")["ruleTypes"] == types
refused("ValidationException", codepipeline.list_rule_types, ruleOwnerFilter="Custom")

# Met, skipped and failed at the entry.
assert run("met", {"beforeEntry": group("FAIL", check("#{variables.suffix}", "EQ", "x"))})["status"] == "Succeeded"
assert there("metx")
assert run("skipped", {"beforeEntry": group("SKIP", check("#{variables.suffix}", "EQ", "y"))})["status"] == "Succeeded"
assert stage("skipped")["latestExecution"]["status"] == "Skipped", stage("skipped")
assert stage("skipped")["beforeEntryConditionState"]["latestExecution"]["status"] == "Failed"
assert not there("skippedx")
assert len(codepipeline.list_action_executions(pipelineName="skipped")["actionExecutionDetails"]) == 1
skipped = newest("skipped")[0]["pipelineExecutionId"]
refused("ConditionNotOverridableException", codepipeline.override_stage_condition,
        **override("skipped", skipped, "BEFORE_ENTRY"))
refused("StageNotRetryableException", codepipeline.retry_stage_execution, pipelineName="skipped", stageName="Deploy",
        pipelineExecutionId=skipped, retryMode="ALL_ACTIONS")

two = [check("#{variables.suffix}", "EQ", "y", "Bad"), check("#{Src.VersionId}", "NE", "y", "Good")]
failed = run("failed", {"beforeEntry": group("FAIL", *two)})
assert failed["status"] == "Failed", failed
state = stage("failed")["beforeEntryConditionState"]
assert state["latestExecution"]["status"] == "Failed", state
rules = state["conditionStates"][0]["ruleStates"]
assert [(each["ruleName"], each["latestExecution"]["status"]) for each in rules] == [
    ("Bad", "Failed"), ("Good", "Succeeded")], rules
failed = failed["pipelineExecutionId"]
details = codepipeline.list_rule_executions(pipelineName="failed")["ruleExecutionDetails"]
assert {each["ruleName"] for each in details} == {"Bad", "Good"}, details
bad = next(each for each in details if each["ruleName"] == "Bad")
assert bad["input"]["resolvedConfiguration"]["Variable"] == "x", bad
assert bad["input"]["configuration"]["Variable"] == "#{variables.suffix}", bad
assert bad["output"]["executionResult"]["errorDetails"]["code"] == "JobFailed", bad
assert bad["pipelineExecutionId"] == failed and bad["stageName"] == "Deploy", bad
page = codepipeline.list_rule_executions(pipelineName="failed", maxResults=1)
assert len(page["ruleExecutionDetails"]) == 1 and page["nextToken"], page
rest = codepipeline.list_rule_executions(pipelineName="failed", nextToken=page["nextToken"])["ruleExecutionDetails"]
assert page["ruleExecutionDetails"] + rest == details, (page, rest)
refused("InvalidNextTokenException", codepipeline.list_rule_executions, pipelineName="failed", nextToken="made-up")
assert codepipeline.list_rule_executions(pipelineName="failed", filter={"pipelineExecutionId": failed})[
    "ruleExecutionDetails"] == details
latest = {"pipelineExecutionId": failed, "startTimeRange": "Latest"}
assert codepipeline.list_rule_executions(pipelineName="failed", filter={"latestInPipelineExecution": latest})[
    "ruleExecutionDetails"] == details
refused("PipelineExecutionNotFoundException", codepipeline.list_rule_executions, pipelineName="failed",
        filter={"pipelineExecutionId": NOBODY})
refused("PipelineNotFoundException", codepipeline.list_rule_executions, pipelineName="nowhere")

# A rule that could not be evaluated: its condition is in error, and has its result all the same.
errored = run("errored", {"beforeEntry": group("FAIL", check("#{variables.suffix}", "MATCHES", "("))})
assert errored["status"] == "Failed", errored
state = stage("errored")["beforeEntryConditionState"]
assert state["latestExecution"]["status"] == "Errored", state
rule = state["conditionStates"][0]["ruleStates"][0]["latestExecution"]
assert (rule["status"], rule["errorDetails"]["code"]) == ("Failed", "ConfigurationError"), rule

# What cannot be overridden, and what can.
call = codepipeline.override_stage_condition
refused("PipelineNotFoundException", call, **override("nowhere", failed, "BEFORE_ENTRY"))
refused("StageNotFoundException", call, **override("failed", failed, "BEFORE_ENTRY", stage="Nowhere"))
refused("ConditionNotOverridableException", call, **override("failed", failed, "ON_SUCCESS"))
refused("ConditionNotOverridableException", call, **override("failed", NOBODY, "BEFORE_ENTRY"))
refused("ValidationException", call, **override("failed", failed, "ON_FAILURE"))
for member in ["pipelineName", "stageName", "pipelineExecutionId", "conditionType"]:
    arguments = override("failed", failed, "BEFORE_ENTRY")
    del arguments[member]
    refused("ValidationException", call, **arguments)
refused("StageNotRetryableException", codepipeline.retry_stage_execution, pipelineName="failed", stageName="Deploy",
        pipelineExecutionId=failed, retryMode="ALL_ACTIONS")
call(**override("failed", failed, "BEFORE_ENTRY"))
assert ended("failed")["status"] == "Succeeded" and there("failedx")
assert stage("failed")["beforeEntryConditionState"]["latestExecution"]["status"] == "Overridden"
refused("ConditionNotOverridableException", call, **override("failed", failed, "BEFORE_ENTRY"))

# After success: a rollback, and an override that lets the stage have succeeded.
good = check("#{variables.suffix}", "MATCHES", "[a-x]+")
assert run("rolled", {"onSuccess": group("ROLLBACK", good)})["status"] == "Succeeded"
first = newest("rolled")[0]["pipelineExecutionId"]
started = codepipeline.start_pipeline_execution(name="rolled", variables=[{"name": "suffix", "value": "z"}])
back = ended("rolled", 3)
assert back["executionType"] == "ROLLBACK" and back["trigger"]["triggerType"] == "AutomatedRollback", back
assert back["rollbackMetadata"]["rollbackTargetPipelineExecutionId"] == first, back
assert back["status"] == "Succeeded", "its condition is met by what the target had"
second = started["pipelineExecutionId"]
assert next(each for each in newest("rolled") if each["pipelineExecutionId"] == second)["status"] == "Failed"
assert stage("rolled")["latestExecution"]["type"] == "ROLLBACK"
refused("NotLatestPipelineExecutionException", call, **override("rolled", second, "ON_SUCCESS"))

over = run("over", {"onSuccess": group("FAIL", check("a", "CONTAINS", "b"))})
assert over["status"] == "Failed" and there("overx"), "its actions have run"
call(**override("over", over["pipelineExecutionId"], "ON_SUCCESS"))
assert ended("over")["status"] == "Succeeded"

# After a failure: rules that are bad let the result engage.
broken = {"actions": [action("Put", "Deploy", {"BucketName": "nowhere", "Extract": "false", "ObjectKey": "k"},
                             inputArtifacts=[{"name": "Source"}])]}
retried = run("retried", {**broken, "onFailure": group("RETRY", check("a", "EQ", "b"))})
assert retried["status"] == "Failed"
assert stage("retried")["retryStageMetadata"]["autoStageRetryAttempt"] == 1, stage("retried")
left = run("left", {**broken, "onFailure": group("RETRY", check("a", "EQ", "a"))})
assert left["status"] == "Failed" and "retryStageMetadata" not in stage("left")
assert stage("left")["onFailureConditionState"]["latestExecution"]["status"] == "Succeeded"

# Rules that this daemon cannot evaluate fail, saying why.
for provider, configuration, words in [
        ("LambdaInvoke", {"FunctionName": "f"}, "AWS_ENDPOINT_URL_LAMBDA"),
        ("CloudWatchAlarm", {"AlarmName": "a"}, "AWS_ENDPOINT_URL_CLOUDWATCH"),
        ("DeploymentWindow", {"Cron": "every day"}, "'Cron'")]:
    rule = {"name": "Rule", "configuration": configuration,
            "ruleTypeId": {"category": "Rule", "owner": "AWS", "provider": provider, "version": "1"}}
    assert run(provider, {"beforeEntry": group("FAIL", rule)})["status"] == "Failed"
    detail = codepipeline.list_rule_executions(pipelineName=provider)["ruleExecutionDetails"][0]
    error = detail["output"]["executionResult"]["errorDetails"]
    assert error["code"] == "ConfigurationError" and words in error["message"], error

# What no declaration can have.
create = codepipeline.create_pipeline
for wrong in [
        {"beforeEntry": group("ROLLBACK", good)},
        {"beforeEntry": group("SKIP", {**good, "ruleTypeId": {**good["ruleTypeId"], "provider": "DeploymentWindow"},
                                       "configuration": {"Cron": "* * * ? * *"}})},
        {"onSuccess": group("SKIP", good)},
        {"onFailure": group("SKIP", good)},
        {"beforeEntry": group("FAIL", {**good, "configuration": {}})}]:
    refused("InvalidStageDeclarationException", create, pipeline=pipeline("wrong", wrong))
for wrong in [
        {"beforeEntry": {"conditions": []}},
        {"beforeEntry": {"conditions": group("FAIL", good)["conditions"] * 2}},
        {"beforeEntry": group("FAIL", *[good] * 6)},
        {"beforeEntry": group("FAIL", {**good, "timeoutInMinutes": 4})}]:
    refused("ValidationException", create, pipeline=pipeline("wrong", wrong))
refused("InvalidActionDeclarationException", create,
        pipeline=pipeline("wrong", {"beforeEntry": group("FAIL", check("#{Nobody.x}", "EQ", "y"))}))
refused("PipelineNotFoundException", codepipeline.get_pipeline, name="wrong")
