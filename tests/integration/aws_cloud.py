# SPDX-License-Identifier: Apache-2.0
"""What AWS has around a table that dynalite has not, and the way to its own name."""

import json
import select
import socket
import threading

import aws_faults
from aws_http import Answer
from aws_proxy import ALWAYS

CHANGES = {"CreateTable", "UpdateTable", "UpdateTimeToLive", "UpdateContinuousBackups"}


def json_answer(value):
    return Answer(200, json.dumps(value).encode())


def says_of_table(**members):
    """DescribeTable's answer with other members; None takes one out."""
    def play(exchange):
        answer = exchange.forward()
        if answer.status == 200:
            described = {**json.loads(answer.body)["Table"], **members}
            answer = json_answer({"Table": {name: value for name, value in described.items()
                                            if value is not None}})
        exchange.reply(answer)

    return play


class Cloud:
    """What AWS has beyond dynalite, played by the proxy: time to live, recovery, protection."""

    def __init__(self, table):
        self.proxy = table.proxy
        self.ttl = None  # by which attribute; None: off
        self.ttl_status = None
        self.recovery = False
        self.protected = False
        for operation, play in {
                "CreateTable": self.create_table, "DescribeTable": self.describe_table,
                "UpdateTable": self.update_table, "DescribeTimeToLive": self.describe_ttl,
                "UpdateTimeToLive": self.update_ttl,
                "DescribeContinuousBackups": self.describe_backups,
                "UpdateContinuousBackups": self.update_backups}.items():
            self.proxy.play(play, operation, times=ALWAYS)

    def make_whole(self):
        self.ttl, self.recovery, self.protected = "expiresAt", True, True

    def first(self, fault, operation, **options):
        """A rule that goes before ours."""
        rule = self.proxy.play(fault, operation, **options)
        with self.proxy.lock:
            self.proxy.rules.insert(0, self.proxy.rules.pop())
        return rule

    def changes(self):
        return {name for name in self.proxy.operations() if name in CHANGES}

    def create_table(self, exchange):
        answer = exchange.forward()
        if answer.status == 200:
            self.protected = exchange.parameters.get("DeletionProtectionEnabled", False)
        exchange.reply(answer)

    def describe_table(self, exchange):
        says_of_table(DeletionProtectionEnabled=self.protected)(exchange)

    def update_table(self, exchange):
        self.protected = exchange.parameters["DeletionProtectionEnabled"]
        exchange.reply(json_answer({"TableDescription": {"TableStatus": "UPDATING"}}))

    def describe_ttl(self, exchange):
        said = {"TimeToLiveStatus": self.ttl_status or ("ENABLED" if self.ttl else "DISABLED")}
        said.update({"AttributeName": self.ttl} if self.ttl else {})
        exchange.reply(json_answer({"TimeToLiveDescription": said}))

    def update_ttl(self, exchange):
        wanted = exchange.parameters["TimeToLiveSpecification"]
        if self.ttl:
            aws_faults.says("ValidationException", message="already enabled")(exchange)
            return
        assert wanted["Enabled"] is True
        self.ttl = wanted["AttributeName"]
        exchange.reply(json_answer({"TimeToLiveSpecification": wanted}))

    def describe_backups(self, exchange):
        recovery = {"PointInTimeRecoveryStatus": "ENABLED" if self.recovery else "DISABLED"}
        exchange.reply(json_answer({"ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": recovery}}))

    def update_backups(self, exchange):
        wanted = exchange.parameters["PointInTimeRecoverySpecification"]
        self.recovery = wanted["PointInTimeRecoveryEnabled"]
        self.describe_backups(exchange)


class Tunnel:
    """An HTTP proxy that leads every CONNECT to one address."""

    def __init__(self, address):
        self.address = address
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:{}".format(self.listener.getsockname()[1])
        self.wanted = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += client.recv(1)
        self.wanted.append(head.split()[1].decode())
        with client, socket.create_connection(self.address) as server:
            client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            while True:
                for source in select.select([client, server], [], [])[0]:
                    data = source.recv(65536)
                    if not data:
                        return
                    (server if source is client else client).sendall(data)
