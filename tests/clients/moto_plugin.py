"""A pytest plugin that runs moto's own tests, in moto's server mode, against a fresh daemon for each test.

Environment: PENSTOCK_BIN, the daemon's binary. moto's tests are fetched by the caller; nothing of them is kept here.
"""

import os
import re
import subprocess

import boto3
import pytest

# moto's tests speak of this account; a key of twelve digits is its account's.
ACCOUNT = "123456789012"
BUCKET = f"codepipeline-us-east-1-{ACCOUNT}"

# What a test asserts though AWS does otherwise. Each is run all the same and must fail: one that passes is taken off this list.
DEFAULTS = "AWS's answers show the defaults of executionMode and pipelineType, which the test expects to be absent"
NOT_AS_AWS = {
    "test_create_pipeline": DEFAULTS,
    "test_create_pipeline_with_extended_trust_policy": DEFAULTS,
    "test_create_pipeline_without_tags": DEFAULTS,
    "test_get_pipeline": DEFAULTS,
    "test_update_pipeline": DEFAULTS,
    "test_create_pipeline_errors": "a name in use is PipelineNameInUseException by AWS's model; the test expects another",
    "test_get_pipeline_execution": "StartPipelineExecution refuses a variable that the pipeline does not declare",
    "test_get_pipeline_execution_errors": "an execution id that is no UUID breaks the model's pattern, before any lookup",
    "test_list_pipeline_executions": "creating a pipeline starts its first execution, which the test does not count",
}


def pytest_collection_modifyitems(items):
    unknown = set(NOT_AS_AWS) - {item.name for item in items}
    if unknown:
        raise pytest.UsageError(f"moto has no such tests: {sorted(unknown)}")
    for item in items:
        if item.name in NOT_AS_AWS:
            item.add_marker(pytest.mark.xfail(reason=NOT_AS_AWS[item.name], strict=True))


@pytest.fixture(autouse=True)
def daemon(monkeypatch):
    process = subprocess.Popen(
        [os.environ["PENSTOCK_BIN"], "serve", "--ephemeral", "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )
    try:
        for line in process.stdout:
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            if found:
                break
        else:
            raise RuntimeError("the daemon ended before it said where it listens")
        serve(monkeypatch, found.group())
        # AWS asks at creation whether it is there; moto does not, and its tests leave it out.
        boto3.client("s3", region_name="us-east-1", endpoint_url=found.group()).create_bucket(Bucket=BUCKET)
        yield
    finally:
        process.kill()
        process.wait()


def serve(monkeypatch, endpoint):
    """Aims the mock, made when the test's module was imported, at this daemon."""
    from moto.core import models

    enable = models.ServerModeMockAWS._enable_patching

    def enabled(self, reset=True):
        self._test_server_mode_endpoint = endpoint
        enable(self, reset)

    monkeypatch.setattr(models.ServerModeMockAWS, "_enable_patching", enabled)
    # A fresh daemon has nothing to reset.
    monkeypatch.setattr(models.ServerModeMockAWS, "reset", lambda self: None)
    monkeypatch.setattr(models, "mock_credentials", lambda: False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCOUNT)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
