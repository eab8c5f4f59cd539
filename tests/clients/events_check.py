"""EventBridge's rules by boto3, and the pipelines that events start. Usage: events_check.py ENDPOINT

Plain asserts; the first that does not hold ends the script.
"""

import json

from calls import client, refused, until
from connections import codepipeline, declaration, executions, prepare

events, s3 = client("events"), client("s3")
role = prepare()
trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                                "Principal": {"Service": "events.amazonaws.com"}}]}
rule_role = client("iam").create_role(RoleName="rules", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
client("iam").put_role_policy(RoleName="rules", PolicyName="start", PolicyDocument=json.dumps({
    "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "codepipeline:StartPipelineExecution",
                                            "Resource": "*"}]}))
S3 = {"category": "Source", "owner": "AWS", "provider": "S3", "version": "1"}
s3.create_bucket(Bucket="source")
s3.put_bucket_versioning(Bucket="source", VersioningConfiguration={"Status": "Enabled"})


def pipeline(name, **configuration):
    source = {"S3Bucket": "source", "S3ObjectKey": "file", "PollForSourceChanges": "false", **configuration}
    return declaration(name, role, S3, source, pipelineType="V2", variables=[{"name": "env", "defaultValue": "dev"}])


def arn(name):
    return f"arn:aws:codepipeline:us-east-1:000000000000:{name}"


def rule(name, pattern, pipeline, **target):
    made = events.put_rule(Name=name, EventPattern=json.dumps(pattern))["RuleArn"]
    assert made == f"arn:aws:events:us-east-1:000000000000:rule/{name}", made
    put = events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn(pipeline), "RoleArn": rule_role, **target}])
    assert put["FailedEntryCount"] == 0, put
    return made


def put(source, detail_type, detail, **members):
    entry = {"Source": source, "DetailType": detail_type, "Detail": json.dumps(detail), **members}
    answer = events.put_events(Entries=[entry])
    assert answer["FailedEntryCount"] == 0 and answer["Entries"][0]["EventId"], answer


def grown(name, count):
    found = until(f"{name} is started", lambda: (found := executions(name)) and len(found) >= count and found)
    assert len(found) == count, found
    return found


for name in ["puts", "images", "trails"]:
    codepipeline.create_pipeline(pipeline=pipeline(name))

# An object of a bucket that sends its events to EventBridge starts the pipeline; of another bucket it does not.
created = {"source": ["aws.s3"], "detail-type": ["Object Created"],
           "detail": {"bucket": {"name": ["source"]}, "object": {"key": [{"prefix": "fi"}]}}}
puts = rule("puts", created, "puts")
s3.put_object(Bucket="source", Key="file", Body=b"before the bucket says anything")
s3.put_bucket_notification_configuration(Bucket="source", NotificationConfiguration={"EventBridgeConfiguration": {}})
s3.put_object(Bucket="source", Key="other", Body=b"another key")
version = s3.put_object(Bucket="source", Key="file", Body=b"content")["VersionId"]
started = grown("puts", 2)[0]
assert started["trigger"] == {"triggerType": "CloudWatchEvent", "triggerDetail": puts}, started
s3.copy_object(Bucket="source", Key="file", CopySource="source/other")
grown("puts", 3)
events.disable_rule(Name="puts")
s3.put_object(Bucket="source", Key="file", Body=b"unseen")

# What another emulator says: an image was pushed, and the target's template names the revision and a variable.
rule("images", {"source": ["aws.ecr"], "detail": {"result": ["SUCCESS"], "image-tag": ["latest"]}}, "images",
     InputTransformer={"InputPathsMap": {"tag": "$.detail.image-tag", "version": "$.detail.version"},
                       "InputTemplate": json.dumps({
                           "sourceRevisions": [{"actionName": "Git", "revisionType": "S3_OBJECT_VERSION_ID",
                                                "revisionValue": "<version>"}],
                           "variables": [{"name": "env", "value": "<tag>"}]})})
put("aws.ecr", "ECR Image Action", {"result": "FAILURE", "image-tag": "latest"})
put("aws.ecr", "ECR Image Action", {"result": "SUCCESS", "image-tag": "latest", "version": version})
execution = grown("images", 2)[0]["pipelineExecutionId"]
found = codepipeline.get_pipeline_execution(pipelineName="images", pipelineExecutionId=execution)["pipelineExecution"]
assert found["variables"] == [{"name": "env", "resolvedValue": "latest"}], found
put("aws.ecr", "ECR Image Action", {"result": "SUCCESS", "image-tag": "latest", "version": ""})

# A rule that was disabled is looked at again; events are seen in their order, so that the one above is past.
events.enable_rule(Name="puts")
s3.put_object(Bucket="source", Key="file", Body=b"seen")
grown("puts", 4)

# CloudTrail's form of the same.
rule("trails", {"source": ["aws.s3"], "detail-type": ["AWS API Call via CloudTrail"],
                "detail": {"eventSource": ["s3.amazonaws.com"], "eventName": ["PutObject", "CopyObject"],
                           "requestParameters": {"bucketName": ["source"], "key": ["file"]}}}, "trails")
for key in ["other", "file"]:
    put("aws.s3", "AWS API Call via CloudTrail", {"eventSource": "s3.amazonaws.com", "eventName": "PutObject",
                                                   "requestParameters": {"bucketName": "source", "key": key}})
grown("trails", 2)
assert [len(executions(name)) for name in ["images", "puts"]] == [2, 4], [executions("images"), executions("puts")]

# What was put is shown as it was put.
described = events.describe_rule(Name="puts")
assert described["State"] == "ENABLED" and json.loads(described["EventPattern"]) == created, described
assert [found["Name"] for found in events.list_rules()["Rules"]] == ["images", "puts", "trails"]
first = events.list_rules(Limit=2)
assert [found["Name"] for found in first["Rules"]] == ["images", "puts"], first
assert [found["Name"] for found in events.list_rules(NextToken=first["NextToken"])["Rules"]] == ["trails"]
assert [found["Name"] for found in events.list_rules(NamePrefix="p")["Rules"]] == ["puts"]
assert events.list_targets_by_rule(Rule="puts")["Targets"] == [{"Id": "1", "Arn": arn("puts"), "RoleArn": rule_role}]
events.put_rule(Name="scheduled", ScheduleExpression="cron(0 18 ? * MON-FRI *)", State="DISABLED")
scheduled = events.describe_rule(Name="scheduled")
assert scheduled["ScheduleExpression"] == "cron(0 18 ? * MON-FRI *)" and "EventPattern" not in scheduled, scheduled
assert scheduled["State"] == "DISABLED", scheduled
events.delete_rule(Name="scheduled")
events.tag_resource(ResourceARN=puts, Tags=[{"Key": "a", "Value": "b"}, {"Key": "c", "Value": "d"}])
events.untag_resource(ResourceARN=puts, TagKeys=["c"])
assert events.list_tags_for_resource(ResourceARN=puts)["Tags"] == [{"Key": "a", "Value": "b"}]
event = {"id": "1", "account": "1", "source": "s", "time": "2026-01-01T00:00:00Z", "region": "r", "resources": [],
         "detail-type": "t"}
assert events.test_event_pattern(EventPattern='{"source": ["s"]}', Event=json.dumps(event))["Result"] is True
assert events.test_event_pattern(EventPattern='{"source": ["x"]}', Event=json.dumps(event))["Result"] is False

# What AWS refuses.
nobody = "arn:aws:events:us-east-1:000000000000:rule/nobody"
for call, arguments in [
    (events.describe_rule, {"Name": "nobody"}), (events.enable_rule, {"Name": "nobody"}),
    (events.list_targets_by_rule, {"Rule": "nobody"}), (events.list_tags_for_resource, {"ResourceARN": nobody}),
    (events.put_targets, {"Rule": "nobody", "Targets": [{"Id": "1", "Arn": arn("puts"), "RoleArn": rule_role}]}),
    (events.put_rule, {"Name": "r", "EventPattern": '{"a": ["b"]}', "EventBusName": "other"}),
]:
    refused("ResourceNotFoundException", call, **arguments)
for pattern in ["{}", "no json", '{"source": "x"}', '{"source": [{"like": "x"}]}']:
    refused("InvalidEventPatternException", events.put_rule, Name="bad", EventPattern=pattern)
refused("ValidationException", events.put_rule, "must be specified", Name="bad")
for expression in ["rate(1 days)", "rate(5 minute)", "rate(0 minutes)", "cron(0 10 * * *)", "cron(0 10 * * * *)", "daily"]:
    refused("ValidationException", events.put_rule, "ScheduleExpression", Name="bad", ScheduleExpression=expression)
refused("ValidationException", events.put_rule, "regular expression", Name="a b", EventPattern='{"a": ["b"]}')
refused("ValidationException", events.put_targets, "RoleArn", Rule="puts", Targets=[{"Id": "2", "Arn": arn("puts")}])
refused("ValidationException", events.put_targets, "JSON", Rule="puts",
        Targets=[{"Id": "2", "Arn": arn("puts"), "RoleArn": rule_role, "Input": "{"}])
elsewhere = events.put_targets(Rule="puts", Targets=[
    {"Id": "2", "Arn": "arn:aws:sns:us-east-1:000000000000:t", "RoleArn": rule_role}])
assert elsewhere["FailedEntryCount"] == 1 and elsewhere["FailedEntries"][0]["TargetId"] == "2", elsewhere
refused("ValidationException", events.delete_rule, "has targets", Name="puts")
answer = events.put_events(Entries=[{"Source": "s", "DetailType": "t", "Detail": "no json"}, {"Source": "s"},
                                    {"Source": "s", "DetailType": "t", "Detail": "{}"}])
codes = [entry.get("ErrorCode") for entry in answer["Entries"]]
assert answer["FailedEntryCount"] == 2 and codes == ["MalformedDetail", "InvalidArgument", None], answer
events.remove_targets(Rule="puts", Ids=["1", "unknown"])
for _ in range(2):
    events.delete_rule(Name="puts")
assert [found["Name"] for found in events.list_rules()["Rules"]] == ["images", "trails"]
