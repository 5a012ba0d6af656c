# SPDX-License-Identifier: Apache-2.0
"""packaging/aws/ is what AWS takes, by its own specifications, and what the daemon needs. Needs no
daemon."""

import json

import pytest

import cfn
from dynamodb import KEY, TABLE
from harness import SOURCE, eventually

FOLDER = SOURCE / "packaging" / "aws"
TEXT = (FOLDER / "template.yaml").read_text()
TASK = (FOLDER / "ecs.yaml").read_text()
SERVICES = ("dynamodb", "sts", "secretsmanager")
NEEDED = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:GetItem"}


@pytest.fixture(name="template")
def fixture_template():
    return cfn.read_template(TEXT)


@pytest.fixture(name="policy")
def fixture_policy():
    return json.loads((FOLDER / "iam-policy.json").read_text())


@pytest.fixture(name="spec", scope="module")
def fixture_spec():
    return cfn.specification_of(cfn.read_template(TEXT), *SERVICES)


@pytest.fixture(name="task_spec", scope="module")
def fixture_task_spec():
    return cfn.specification_of(cfn.read_template(TASK), *SERVICES)


def actions_of(policy):
    return {action for statement in policy["Statement"] for action in statement["Action"]}


def test_the_template_has_no_fault(template, spec):
    assert not list(cfn.faults_of(template, spec))


def test_the_tasks_template_has_no_fault(task_spec):
    assert not list(cfn.faults_of(cfn.read_template(TASK), task_spec))


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.name)
def test_the_policy_has_no_fault(path, spec):
    assert not list(cfn.check_policy(json.loads(path.read_text()), spec, path.name))


def test_the_role_may_do_what_is_needed_and_no_more(template, policy):
    role = template["Resources"]["Role"]["Properties"]["Policies"][0]["PolicyDocument"]
    assert actions_of(role) == actions_of(policy) == NEEDED
    assert policy["Statement"][0]["Resource"].endswith(f":table/{TABLE}")
    assert role["Statement"][0]["Resource"] == {"Fn::GetAtt": ["Table", "Arn"]}
    assert template["Parameters"]["TableName"]["Default"] == TABLE


def test_the_templates_table_can_be_created_and_used(template, dynalite):
    """So the words that the specification does not list are right."""
    properties = template["Resources"]["Table"]["Properties"]
    wanted = ("BillingMode", "AttributeDefinitions", "KeySchema", "DeletionProtectionEnabled")
    table = dynalite.table("FromTemplate")
    table.call("CreateTable", **{name: properties[name] for name in wanted})
    eventually(lambda: table.status() == "ACTIVE", "the table is active")
    table.put({KEY: "c-1", "eventOrder": 4})
    assert table.get("c-1")["eventOrder"] == 4
    table.close()


# What is written instead, and the fault that it is: one that is not found is not looked for.
MISTAKES = {
    "a misspelt property": ("TimeToLiveSpecification:", "TimeToLifeSpecification:",
                            "there is no TimeToLifeSpecification"),
    "a misspelt property within": ("PointInTimeRecoveryEnabled:", "PointInTimeEnabled:",
                                   "there is no PointInTimeEnabled"),
    "a property that is required": ("        Enabled: true\n", "", "lacks Enabled"),
    "a key that is not one": ("KeyType: HASH", "KeyTyp: HASH", "of none of its types"),
    "a type": ("AWS::IAM::Role", "AWS::IAM::Rolle", "there is no AWS::IAM::Rolle"),
    "a string for a boolean": ("DeletionProtectionEnabled: true",
                               'DeletionProtectionEnabled: "yes"', "is no boolean"),
    "a number for a string": ("AttributeName: expiresAt", "AttributeName: 7", "is no string"),
    "a string for a number": ("Threshold: 5", 'Threshold: "5"', "is no number"),
    "an item for a list": ("Roles: [!Ref Role]", "Roles: Role", "is no list"),
    "a word": ("TreatMissingData: notBreaching", "TreatMissingData: notBreeching", "is none of"),
    "a reference": ("!Ref TableName", "!Ref Tablename", "Ref of Tablename names nothing"),
    "an attribute": ("!GetAtt Role.Arn", "!GetAtt Role.Arm", "names nothing"),
    "an attribute of nothing": ("!GetAtt Table.Arn", "!GetAtt Tabelle.Arn", "names nothing"),
    "a text with a reference": ("Value: !GetAtt Role.Arn", 'Value: !Sub "${Rolle}"',
                                "names nothing"),
    "a condition": ("Condition: OnVM", "Condition: OnVm", "there is no OnVm"),
    "a condition of an if": ("!If [HasTopic", "!If [HasTopics", "names nothing"),
    "an unused parameter": ("Parameters:", "Parameters:\n  More: {Type: String}",
                            "More: nothing refers to it"),
    "a default": ("Default: ec2.amazonaws.com", "Default: ec3.amazonaws.com",
                  "its default is not allowed"),
    "a policy for deletion": ("DeletionPolicy: Retain", "DeletionPolicy: Keep", "is Keep"),
    "an action": ("dynamodb:PutItem", "dynamodb:PutItems", "no action dynamodb:PutItems"),
    "an action to assume": ("sts:TagSession", "sts:TagSessions", "no action sts:TagSessions"),
    "a statement": ("                Resource: !GetAtt", "                Resources: !GetAtt",
                    "there is no Resources"),
    "a policy's version": ('Version: "2012-10-17"', 'Version: "2012-10-18"', "Version is not"),
    "a metric": ("WriteThrottleEvents", "WriteThrottledEvents", "there is no metric"),
    "a dimension": ("- Name: Operation", "- Name: Operations", "there is no metric"),
    "a section": ("Outputs:", "Output:", "there is no Output"),
}


def check_it_is_found(text, spec, right, wrong, fault):
    assert right in text
    faults = list(cfn.faults_of(cfn.read_template(text.replace(right, wrong)), spec))
    assert any(fault in found for found in faults), faults


@pytest.mark.parametrize("right, wrong, fault", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_found(spec, right, wrong, fault):
    check_it_is_found(TEXT, spec, right, wrong, fault)


TASK_MISTAKES = {
    "a property of the container": ("StopTimeout:", "StopTimeOut:", "there is no StopTimeOut"),
    "a value of a map": ("awslogs-stream-prefix: genesys-webhookd", "awslogs-stream-prefix: 7",
                         "is no string"),
    "a list for a map": ("            Options:\n", "            Options: []\n            More:\n",
                         "is no map"),
    "an action on secrets": ("GetSecretValue", "GetSecretValues", "there is no action"),
}


@pytest.mark.parametrize("right, wrong, fault", TASK_MISTAKES.values(), ids=TASK_MISTAKES)
def test_a_mistake_in_the_task_is_found(task_spec, right, wrong, fault):
    check_it_is_found(TASK, task_spec, right, wrong, fault)


def test_a_key_that_stands_twice_is_found():
    with pytest.raises(AssertionError, match="a key twice"):
        cfn.read_template(TEXT + "Outputs: {}\n")
