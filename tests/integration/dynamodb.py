# SPDX-License-Identifier: Apache-2.0
"""DynamoDB for tests: dynalite as the server, and a small client that speaks to it directly."""

import http.client
import json
import os
import select
import subprocess

import sigv4
from harness import BOUND, SOURCE, eventually

NPM = SOURCE / "tests" / "npm"
REGION = "eu-central-1"
SERVICE = "dynamodb"
TABLE = "GenesysConversations"
KEY = "conversationId"
CONTENT_TYPE = "application/x-amz-json-1.0"
VERSION = "DynamoDB_20120810"


class Dynalite:
    """One process with tables of its own, in memory. As a context it is started and stopped.
    GW_DYNAMODB=HOST:PORT names a server that runs already and stands in for it, as AWS's DynamoDB
    Local; the table of the tests there is deleted, and made anew."""

    def __init__(self):
        self.process = None
        self.address = None

    def __enter__(self):
        if "GW_DYNAMODB" in os.environ:
            host, _, port = os.environ["GW_DYNAMODB"].rpartition(":")
            self.address = (host, int(port))
            return self
        assert (NPM / "node_modules").is_dir(), f"dynalite is not installed: run {NPM}/install.sh"
        self.process = subprocess.Popen(["node", NPM / "dynalite.js", "0"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        ready, _, _ = select.select([self.process.stdout], [], [], BOUND)
        line = self.process.stdout.readline() if ready else b""
        if not line.strip().isdigit():
            self.__exit__()
            raise AssertionError(f"dynalite does not start: {line!r}")
        self.address = ("127.0.0.1", int(line))
        return self

    def __exit__(self, *_):
        if self.process:
            self.process.kill()
            self.process.communicate()

    def client(self):
        return Client(self.address)

    def table(self, name=TABLE):
        return Table(self.client(), name)


class Error(Exception):
    """An answer that is not 200."""

    def __init__(self, status, body):
        super().__init__(f"{status} {body[:500]!r}")
        self.status = status
        self.code = code_of(body)


def code_of(body):
    """The bare error code of a JSON answer; None where it has none."""
    try:
        return json.loads(body)["__type"].rpartition("#")[2]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


class Client:
    """Signs right, checks nothing, repeats nothing. One thread's."""

    def __init__(self, address, access_key_id="AKIDTESTS", key=sigv4.Key("tests"), region=REGION):
        self.address = address
        self.access_key_id = access_key_id
        self.key = key
        self.region = region
        self.connection = http.client.HTTPConnection(*address, timeout=BOUND)

    def close(self):
        self.connection.close()

    def request(self, operation, parameters, now=None):
        """A signed sigv4.Request."""
        request = sigv4.Request("POST", "/", [
            ("Host", "{}:{}".format(*self.address)), ("Content-Type", CONTENT_TYPE),
            ("X-Amz-Target", f"{VERSION}.{operation}")], json.dumps(parameters).encode())
        return sigv4.sign(request, self.access_key_id, self.key, self.region, SERVICE, now)

    def send(self, request):
        """(status, headers, body) of any sigv4.Request."""
        connection = self.connection
        try:
            connection.putrequest(request.method, request.target, skip_host=True,
                                  skip_accept_encoding=True)
            for name, value in request.headers:
                if name.lower() not in ("content-length", "expect", "connection"):
                    connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(request.body)))
            connection.endheaders(request.body)
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        except BaseException:
            self.close()
            raise

    def call(self, operation, **parameters):
        """The answer as a dictionary; Error where it is another than 200."""
        status, _, body = self.send(self.request(operation, parameters))
        if status != 200:
            raise Error(status, body)
        return json.loads(body)


def typed(record):
    """{"status": "active", "eventOrder": 4} as DynamoDB writes it."""
    return {name: {"N": str(value)} if isinstance(value, int) else {"S": value}
            for name, value in record.items()}


def plain(item):
    """The opposite; whatever else than a string and a number has no place in a record."""
    record = {}
    for name, value in item.items():
        (kind, content), = value.items()
        assert kind in ("S", "N"), f"{name} is a {kind}"
        record[name] = int(content) if kind == "N" else content
    return record


class Table:
    """The conversations' table, seen and changed past the daemon."""

    def __init__(self, client, name=TABLE):
        self.client = client
        self.name = name

    def close(self):
        self.client.close()

    def call(self, operation, **parameters):
        return self.client.call(operation, TableName=self.name, **parameters)

    def create(self):
        self.call("CreateTable", BillingMode="PAY_PER_REQUEST",
                  AttributeDefinitions=[{"AttributeName": KEY, "AttributeType": "S"}],
                  KeySchema=[{"AttributeName": KEY, "KeyType": "HASH"}])
        eventually(lambda: self.status() == "ACTIVE", "the table is active")
        return self

    def status(self):
        """None where there is no table."""
        try:
            return self.call("DescribeTable")["Table"]["TableStatus"]
        except Error as error:
            if error.code != "ResourceNotFoundException":
                raise
            return None

    def delete(self):
        if self.status():
            self.call("DeleteTable")
        eventually(lambda: self.status() is None, "the table is deleted")

    def get(self, conversation_id):
        """The record, or None."""
        item = self.call("GetItem", Key=typed({KEY: conversation_id}),
                         ConsistentRead=True).get("Item")
        return plain(item) if item is not None else None

    def put(self, record):
        self.call("PutItem", Item=typed(record))

    def update(self, conversation_id, **attributes):
        names = {f"#{index}": name for index, name in enumerate(attributes)}
        values = {f":{index}": value for index, value in enumerate(attributes.values())}
        self.call("UpdateItem", Key=typed({KEY: conversation_id}),
                  UpdateExpression="SET " + ", ".join(f"#{i} = :{i}" for i in range(len(names))),
                  ExpressionAttributeNames=names, ExpressionAttributeValues=typed(values))

    def records(self):
        """{conversation id: record}, all of them."""
        found, start = {}, {}
        while True:
            page = self.call("Scan", ConsistentRead=True, **start)
            for item in page["Items"]:
                record = plain(item)
                found[record[KEY]] = record
            if "LastEvaluatedKey" not in page:
                return found
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
