"""Git triggers as boto3 declares them and GitHub fires them. Usage: triggers_check.py ENDPOINT SECRET

Plain asserts; the first that does not hold ends the script.
"""

import json
import sys

from calls import ENDPOINT, refused
from connections import codepipeline, declaration, executions, post, prepare, signed

SECRET = sys.argv[2]
CONNECTION = {"category": "Source", "owner": "AWS", "provider": "CodeStarSourceConnection", "version": "1"}
role = prepare()


def pipeline(name, git=None, pipeline_type="V2", **configuration):
    triggers = {}
    if git is not None:
        triggers = {"triggers": [{"providerType": "CodeStarSourceConnection",
                                  "gitConfiguration": {"sourceActionName": "Git", **git}}]}
    configuration = {"ConnectionArn": "arn:aws:codeconnections:us-east-1:000000000000:connection/1",
                     "FullRepositoryId": "acme/shop", "BranchName": "main", **configuration}
    return declaration(name, role, CONNECTION, configuration, pipelineType=pipeline_type, **triggers)


def fire(kind, body, delivery, secret=SECRET):
    raw = json.dumps(body).encode()
    return post(f"{ENDPOINT}/_penstock/github", raw, X_GitHub_Event=kind, X_GitHub_Delivery=delivery,
                X_Hub_Signature_256=signed(secret, raw))


def push(name, *files, repository="acme/shop", commit="c0ffee", **members):
    head = {"message": "Fix tax", "timestamp": "2026-01-02T03:04:05Z", "added": list(files), "modified": [],
            "removed": [], "author": {"name": "Ana", "email": "ana@example.com", "username": "ana"}}
    return {"ref": name, "before": "0", "after": commit, "commits": [head], "head_commit": head,
            "repository": {"full_name": repository}, "sender": {"login": "ana"}, **members}


def pull_request(action, to):
    return {"action": action, "number": 7, "repository": {"full_name": "acme/shop"},
            "pull_request": {"title": "Tax", "user": {"login": "ana"}, "head": {"ref": "fix", "sha": "dead"},
                             "base": {"ref": to}}}


filtered = pipeline("filtered", {
    "push": [{"branches": {"includes": ["main", "release/*"], "excludes": ["release/old*"]},
              "filePaths": {"includes": ["src/**"]}},
             {"tags": {"includes": ["v[0-9]*"]}}],
    "pullRequest": [{"events": ["OPEN", "UPDATED"], "branches": {"includes": ["main"]}}]})
created = codepipeline.create_pipeline(pipeline=filtered)["pipeline"]
assert created["triggers"] == filtered["triggers"], created["triggers"]
assert codepipeline.get_pipeline(name="filtered")["pipeline"]["triggers"] == filtered["triggers"]
codepipeline.create_pipeline(pipeline=pipeline("plain", pipeline_type="V1"))
codepipeline.create_pipeline(pipeline=pipeline("off", DetectChanges="false"))
codepipeline.create_pipeline(pipeline=pipeline("elsewhere", FullRepositoryId="acme/other"))

delivered = 0


def starts(kind, body):
    """Which pipelines the event starts."""
    global delivered
    delivered += 1
    status, answer = fire(kind, body, f"delivery-{delivered}")
    started = [one["pipelineArn"].rsplit(":", 1)[1] for one in json.loads(answer).get("started", [])]
    assert status == (200 if started else 202), (status, answer)
    return sorted(started)


assert starts("push", push("refs/heads/main", "src/a")) == ["filtered", "plain"]
trigger = executions("filtered")[0]["trigger"]
facts = json.loads(trigger["triggerDetail"])
assert trigger["triggerType"] == "WebhookV2", trigger
assert facts["FullRepositoryName"] == "acme/shop" and facts["CommitId"] == "c0ffee", facts
assert facts["BranchName"] == "main" and facts["AuthorId"] == "ana" and facts["ProviderType"] == "GitHub", facts
assert executions("plain")[0]["trigger"]["triggerType"] == "Webhook"
assert starts("push", push("refs/heads/main", "docs/a")) == ["plain"]
assert starts("push", push("refs/heads/release/1", "src/a")) == ["filtered"]
assert starts("push", push("refs/heads/release/old1", "src/a")) == []
assert starts("push", push("refs/heads/new", "src/a", created=True)) == []
assert starts("push", push("refs/tags/v1.0")) == ["filtered"]
assert json.loads(executions("filtered")[0]["trigger"]["triggerDetail"])["TagName"] == "v1.0"
assert starts("push", push("refs/tags/x1")) == []
assert starts("push", push("refs/heads/main", "src/a", deleted=True)) == []
assert starts("pull_request", pull_request("opened", "main")) == ["filtered"]
detail = json.loads(executions("filtered")[0]["trigger"]["triggerDetail"])
assert detail["PullRequestId"] == "7" and detail["DestinationBranchName"] == "main", detail
assert starts("pull_request", pull_request("closed", "main")) == []
assert starts("pull_request", pull_request("opened", "other")) == []
assert starts("ping", {"zen": "calm"}) == []
assert starts("push", push("refs/heads/main", repository="acme/other")) == ["elsewhere"]

# The same delivery again starts nothing new.
count = len(executions("plain"))
again = push("refs/heads/main", "src/a", commit="beef")
for _ in range(2):
    status, answer = fire("push", again, "once")
    assert status == 200, answer
assert len(executions("plain")) == count + 1

# An update counts at once.
codepipeline.update_pipeline(pipeline=pipeline("filtered", {"push": [{"branches": {"includes": ["next"]}}]}))
assert starts("push", push("refs/heads/main", "src/a")) == ["plain"]
assert starts("push", push("refs/heads/next")) == ["filtered"]
codepipeline.delete_pipeline(name="plain")
assert starts("push", push("refs/heads/main", "src/a")) == []

# What is not signed, or is no event, starts nothing.
status, answer = fire("push", push("refs/heads/next"), "wrong", secret="another")
assert status == 403, (status, answer)
status, answer = post(f"{ENDPOINT}/_penstock/github", push("refs/heads/next"), X_GitHub_Event="push")
assert status == 403, (status, answer)
for kind, body in [("push", {}), ("push", {"ref": 1}), ("", push("refs/heads/next"))]:
    status, answer = fire(kind, body, "bad")
    assert status == 400 and "ValidationException" in answer, (kind, status, answer)

# Declarations that AWS refuses.
both = {"push": [{"tags": {"includes": ["v*"]}, "branches": {"includes": ["main"]}}]}
refused("InvalidStructureException", codepipeline.create_pipeline, "valid filter combinations",
        pipeline=pipeline("bad", both))
refused("InvalidStructureException", codepipeline.create_pipeline, "V2 pipelines",
        pipeline=pipeline("bad", {"push": [{"tags": {"includes": ["v*"]}}]}, "V1"))
unknown = pipeline("bad", {"push": [{"tags": {"includes": ["v*"]}}], "sourceActionName": "Nobody"})
refused("InvalidStructureException", codepipeline.create_pipeline, "must reference a CodeStarSourceConnection action",
        pipeline=unknown)
twice = pipeline("bad", {"push": [{"tags": {"includes": ["v*"]}}]})
twice["triggers"] *= 2
refused("InvalidStructureException", codepipeline.create_pipeline, "one trigger per source action", pipeline=twice)
refused("ValidationException", codepipeline.create_pipeline, "less than or equal to 3",
        pipeline=pipeline("bad", {"push": [{"tags": {"includes": [f"v{n}"]}} for n in range(4)]}))
refused("ValidationException", codepipeline.create_pipeline, "less than or equal to 8",
        pipeline=pipeline("bad", {"push": [{"tags": {"includes": ["v"] * 9}}]}))
