"""Webhooks of V1 by boto3, and calls of them. Usage: webhooks_check.py ENDPOINT PORT

On PORT it answers as GitHub's API does, to which the daemon was pointed.

Plain asserts; the first that does not hold ends the script.
"""

import hashlib
import http.server
import json
import sys
import threading
import urllib.error
import urllib.request

from calls import ENDPOINT, refused
from connections import codepipeline, declaration, executions, post, prepare, signed

GITHUB = {"category": "Source", "owner": "ThirdParty", "provider": "GitHub", "version": "1"}
role = prepare()
source = {"Owner": "acme", "Repo": "shop", "Branch": "main", "OAuthToken": "token", "PollForSourceChanges": "false"}
codepipeline.create_pipeline(pipeline=declaration("hooked", role, GITHUB, source))


def webhook(name, authentication="GITHUB_HMAC", configuration=None, **members):
    return {"name": name, "targetPipeline": "hooked", "targetAction": "Git",
            "filters": [{"jsonPath": "$.ref", "matchEquals": "refs/heads/{Branch}"}],
            "authentication": authentication,
            "authenticationConfiguration": {"SecretToken": "hush"} if configuration is None else configuration,
            **members}


def put(name, *arguments, **members):
    return codepipeline.put_webhook(webhook=webhook(name, *arguments, **members))["webhook"]


def call(hook, body, secret="hush", algorithm=hashlib.sha256, **headers):
    raw = json.dumps(body).encode()
    name = "X_Hub_Signature_256" if algorithm is hashlib.sha256 else "X_Hub_Signature"
    return post(hook["url"], raw, **{name: signed(secret, raw, algorithm)}, **headers)


hook = put("hook")
assert hook["arn"] == "arn:aws:codepipeline:us-east-1:000000000000:webhook:hook", hook
assert hook["url"].startswith(ENDPOINT) and "lastTriggered" not in hook, hook
assert hook["definition"]["authenticationConfiguration"] == {"SecretToken": "****"}, hook
assert hook["definition"]["filters"] == webhook("hook")["filters"], hook

# A signed push of the branch starts the pipeline, with either of GitHub's signatures.
main = {"ref": "refs/heads/main", "after": "c0ffee"}
for algorithm in [hashlib.sha256, hashlib.sha1]:
    before = len(executions("hooked"))
    status, answer = call(hook, main, algorithm=algorithm)
    assert status == 200, (status, answer)
    newest = executions("hooked")
    assert len(newest) == before + 1 and newest[0]["pipelineExecutionId"] == json.loads(answer)["pipelineExecutionId"]
    assert newest[0]["trigger"] == {"triggerType": "Webhook", "triggerDetail": hook["arn"]}, newest[0]
assert codepipeline.list_webhooks()["webhooks"][0]["lastTriggered"]

# A delivery that comes again starts nothing new.
count = len(executions("hooked"))
first = call(hook, main, X_GitHub_Delivery="d-1")
assert call(hook, main, X_GitHub_Delivery="d-1") == first and first[0] == 200, first
assert len(executions("hooked")) == count + 1

# What does not match or is not signed starts nothing, and the status says so.
count = len(executions("hooked"))
assert call(hook, {"ref": "refs/heads/other"})[0] == 202
assert call(hook, {"zen": "no ref"})[0] == 202
assert call(hook, main, secret="wrong")[0] == 403
assert post(hook["url"], main)[0] == 403
assert post(hook["url"], main, X_Hub_Signature_256="sha256=00")[0] == 403
assert post(hook["url"], b"no json", X_Hub_Signature_256=signed("hush", b"no json"))[0] == 400
assert post(hook["url"] + "0", main)[0] == 404
assert post(hook["url"], main, Host="evil.example")[0] == 403
try:
    urllib.request.urlopen(hook["url"])
    raise AssertionError("a GET is no call")
except urllib.error.HTTPError as error:
    assert error.code == 405, error
assert len(executions("hooked")) == count

# The other authentications.
near = put("near", "IP", {"AllowedIPRange": "127.0.0.0/8"}, filters=[])
far = put("far", "IP", {"AllowedIPRange": "10.0.0.0/8"}, filters=[])
anybody = put("anybody", "UNAUTHENTICATED", {}, filters=[{"jsonPath": "$.ref"}])
assert post(near["url"], {})[0] == 200
assert post(far["url"], {})[0] == 403
assert post(anybody["url"], main)[0] == 200
assert post(anybody["url"], {})[0] == 202

# Put again it keeps its URL; deleted in between it gets another.
changed = put("hook", filters=[])
assert changed["url"] == hook["url"] and changed["definition"]["filters"] == []
assert call(hook, {"ref": "refs/heads/other"})[0] == 200
for _ in range(2):
    assert codepipeline.delete_webhook(name="hook")["ResponseMetadata"]["HTTPStatusCode"] == 200
assert call(hook, main)[0] == 404
assert put("hook")["url"] != hook["url"]

# Lists have pages, and tokens are real ones.
names, token = [], None
while True:
    page = codepipeline.list_webhooks(MaxResults=3, **({"NextToken": token} if token else {}))
    assert len(page["webhooks"]) <= 3
    names += [item["definition"]["name"] for item in page["webhooks"]]
    token = page.get("NextToken")
    if not token:
        break
assert names == ["anybody", "far", "hook", "near"], names
assert "hush" not in json.dumps(codepipeline.list_webhooks(), default=str)
refused("InvalidNextTokenException", codepipeline.list_webhooks, NextToken="made-up")
refused("ValidationException", codepipeline.list_webhooks, MaxResults=0)

# Tags.
arn = "arn:aws:codepipeline:us-east-1:000000000000:webhook:near"
codepipeline.tag_resource(resourceArn=arn, tags=[{"key": "team", "value": "shop"}, {"key": "x", "value": ""}])
codepipeline.untag_resource(resourceArn=arn, tagKeys=["x"])
assert codepipeline.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "team", "value": "shop"}]
listed = [item for item in codepipeline.list_webhooks()["webhooks"] if item["arn"] == arn]
assert listed[0]["tags"] == [{"key": "team", "value": "shop"}], listed
tagged = codepipeline.put_webhook(webhook=webhook("tagged"), tags=[{"key": "a", "value": "b"}])["webhook"]
assert tagged["tags"] == [{"key": "a", "value": "b"}]
refused("ResourceNotFoundException", codepipeline.list_tags_for_resource, resourceArn=arn + "x")
refused("InvalidTagsException", codepipeline.put_webhook, webhook=webhook("bad"),
        tags=[{"key": "aws:x", "value": ""}])

# GitHub is told of a webhook, and forgets it again.
told = []


class Github(http.server.BaseHTTPRequestHandler):
    def answer(self, status, body):
        length = int(self.headers.get("Content-Length") or 0)
        told.append((self.command, self.path, self.headers["Authorization"], self.rfile.read(length)))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        known = self.path == "/repos/acme/shop/hooks"
        self.answer(201 if known else 404, b'{"id": 42}' if known else b'{"message":"Not Found"}')

    def do_DELETE(self):
        self.answer(204, b"")

    def log_message(self, *arguments):
        pass


github = http.server.HTTPServer(("127.0.0.1", int(sys.argv[2])), Github)
threading.Thread(target=github.serve_forever, daemon=True).start()
for _ in range(2):
    codepipeline.register_webhook_with_third_party(webhookName="tagged")
assert len(told) == 1, told
method, path, authorization, body = told[0]
assert (method, path, authorization) == ("POST", "/repos/acme/shop/hooks", "token token"), told
hook = json.loads(body)
assert hook["events"] == ["push"] and hook["config"]["secret"] == "hush", hook
assert hook["config"]["url"] == tagged["url"], hook
for _ in range(2):
    codepipeline.deregister_webhook_with_third_party(webhookName="tagged")
assert [request[:2] for request in told[1:]] == [("DELETE", "/repos/acme/shop/hooks/42")], told
codepipeline.create_pipeline(pipeline=declaration("lost", role, GITHUB, {**source, "Repo": "lost"}))
codepipeline.put_webhook(webhook=webhook("lost", targetPipeline="lost"))
refused("ValidationException", codepipeline.register_webhook_with_third_party,
        'Error cause: Not Found [StatusCode: 404, Body: {"message":"Not Found"}]', webhookName="lost")
lost = [item for item in codepipeline.list_webhooks()["webhooks"] if item["definition"]["name"] == "lost"][0]
assert lost["errorCode"] == "404" and "Not Found" in lost["errorMessage"], lost
codepipeline.delete_webhook(name="lost")
for call_it in [codepipeline.register_webhook_with_third_party, codepipeline.deregister_webhook_with_third_party]:
    refused("WebhookNotFoundException", call_it, webhookName="nobody")
    refused("ValidationException", call_it)

# What AWS refuses.
refused("PipelineNotFoundException", put, name="bad", targetPipeline="nobody")
refused("ValidationException", put, "Action with name Nobody was not found in the first stage of the pipeline",
        name="bad", targetAction="Nobody")
refused("ValidationException", put, "was not found in the first stage", name="bad", targetAction="Wait")
refused("InvalidWebhookFilterPatternException", put, name="bad", filters=[{"jsonPath": "ref"}])
for authentication, configuration in [
    ("GITHUB_HMAC", {}), ("GITHUB_HMAC", {"AllowedIPRange": "10.0.0.0/8"}), ("IP", {"SecretToken": "s"}),
    ("IP", {"AllowedIPRange": "10.0.0.0/99"}), ("UNAUTHENTICATED", {"SecretToken": "s"}),
]:
    refused("InvalidWebhookAuthenticationParametersException", codepipeline.put_webhook,
            webhook=webhook("bad", authentication, configuration))
for members in [{"name": "a b"}, {"filters": [{"jsonPath": "$"}] * 6}, {"authentication": "NONE"},
                {"filters": [{"jsonPath": "$." + "a" * 150}]}]:
    refused("ValidationException", codepipeline.put_webhook, webhook={**webhook("bad"), **members})
assert [item["definition"]["name"] for item in codepipeline.list_webhooks()["webhooks"]] == [
    "anybody", "far", "hook", "near", "tagged"]

# Its pipeline may go before it.
codepipeline.delete_pipeline(name="hooked")
status, answer = post(anybody["url"], main)
assert status == 400 and "PipelineNotFoundException" in answer, (status, answer)
