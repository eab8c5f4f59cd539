"""CodeConnections through boto3, under both names. Usage: connections_check.py ENDPOINT"""

from calls import client, refused

new, old = client("codeconnections"), client("codestar-connections")

made = old.create_connection(ProviderType="GitHub", ConnectionName="one", Tags=[{"Key": "team", "Value": "web"}])
arn = made["ConnectionArn"]
assert arn.startswith("arn:aws:codestar-connections:us-east-1:000000000000:connection/"), arn
assert made["Tags"] == [{"Key": "team", "Value": "web"}], made
other = new.create_connection(ProviderType="GitLab", ConnectionName="two")["ConnectionArn"]
assert other.startswith("arn:aws:codeconnections:"), other

for service in (new, old):
    for name in (arn, arn.replace("codestar-connections", "codeconnections")):
        shown = service.get_connection(ConnectionArn=name)["Connection"]
        assert shown == {
            "ConnectionName": "one",
            "ConnectionArn": arn,
            "ProviderType": "GitHub",
            "OwnerAccountId": "000000000000",
            "ConnectionStatus": "AVAILABLE",
        }, shown
    names = {found["ConnectionName"] for found in service.list_connections()["Connections"]}
    assert names == {"one", "two"}, names

pages, token = [], None
while True:
    page = new.list_connections(MaxResults=1, **({"NextToken": token} if token else {}))
    pages += [found["ConnectionName"] for found in page["Connections"]]
    token = page.get("NextToken")
    if not token:
        break
assert sorted(pages) == ["one", "two"], pages
only = new.list_connections(ProviderTypeFilter="GitLab")["Connections"]
assert [found["ConnectionName"] for found in only] == ["two"], only
assert client("codeconnections", "eu-west-1").list_connections()["Connections"] == []

new.tag_resource(ResourceArn=arn, Tags=[{"Key": "team", "Value": "ops"}, {"Key": "a", "Value": "b"}])
new.untag_resource(ResourceArn=arn, TagKeys=["a"])
assert old.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "ops"}]

missing = "arn:aws:codeconnections:us-east-1:000000000000:connection/none"
for call in (new.get_connection, new.delete_connection, old.get_connection):
    refused("ResourceNotFoundException", call, ConnectionArn=missing)
refused("InvalidInputException", new.create_connection, ConnectionName="x")
refused("ValidationException", new.create_connection, ConnectionName="x" * 33, ProviderType="GitHub")
refused("ValidationException", new.create_connection, ConnectionName="x", ProviderType="Sourceforge")
refused("UnknownOperationException", new.list_hosts)

new.delete_connection(ConnectionArn=arn)
refused("ResourceNotFoundException", old.get_connection, ConnectionArn=arn)
print("ok")
