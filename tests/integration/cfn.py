# SPDX-License-Identifier: Apache-2.0
"""Finds what is wrong with a CloudFormation template and an IAM policy, by what AWS's
specifications say (tests/npm/aws_spec.js): what cfn-lint finds, as far as they tell.

Each check is a generator of faults, as "where: what".
"""

import json
import re
import subprocess

import yaml

from dynamodb import NPM

PSEUDO = {"AWS::AccountId", "AWS::NoValue", "AWS::Partition", "AWS::Region", "AWS::StackId",
          "AWS::StackName", "AWS::URLSuffix"}
CONDITION_FUNCTIONS = {"Fn::And", "Fn::Equals", "Fn::Not", "Fn::Or"}
SECTIONS = {"AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Conditions",
            "Resources", "Outputs"}
RESOURCE = {"Type", "Properties", "Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy"}
PARAMETER = {"Type", "Default", "AllowedPattern", "AllowedValues", "Description",
             "ConstraintDescription", "MinLength", "MaxLength", "NoEcho"}
STATEMENT = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
SIMPLE = {"string": str, "boolean": bool, "integer": int, "number": (int, float), "json": dict}
# What PutMetricAlarm takes (CloudWatch API Reference), which the specification does not list.
WORDS = {
    "Statistic": ("SampleCount", "Average", "Sum", "Minimum", "Maximum"),
    "TreatMissingData": ("breaching", "notBreaching", "ignore", "missing"),
    "ComparisonOperator": ("GreaterThanOrEqualToThreshold", "GreaterThanThreshold",
                           "LessThanThreshold", "LessThanOrEqualToThreshold"),
}


# --- reading

class Loader(yaml.SafeLoader):  # pylint: disable=too-many-ancestors
    """Knows the short forms of functions, and takes no key twice."""

    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"a key twice{node.start_mark}"
        return super().construct_mapping(node, deep)


def construct_function(loader, name, node):
    """!Ref a is {"Ref": "a"}, !GetAtt a.b {"Fn::GetAtt": ["a", "b"]}, !If [] {"Fn::If": []}"""
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    else:
        value = loader.construct_sequence(node, deep=True)
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


Loader.add_constructor("tag:yaml.org,2002:map", Loader.construct_yaml_map)
Loader.add_multi_constructor("!", construct_function)


def read_template(text):
    return yaml.load(text, Loader)  # a SafeLoader


def specification(*names):
    """{name: what is known of it, or None}"""
    done = subprocess.run(["node", NPM / "aws_spec.js", *sorted(names)], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def specification_of(template, *services):
    """What there is to know for a template and the policies in it."""
    resources = template["Resources"].values()
    namespaces = {resource["Properties"].get("Namespace") for resource in resources} - {None}
    return specification(*{resource["Type"] for resource in resources}, *namespaces, *services)


# --- values

def function_of(value):
    """(name, argument) where it is a function, else (None, None)."""
    if isinstance(value, dict) and len(value) == 1:
        (name, argument), = value.items()
        if name == "Ref" or name.startswith("Fn::"):
            return name, argument
    return None, None


def check_names(found, allowed, where):
    for name in sorted(found - set(allowed)):
        yield f"{where}: there is no {name}"


def check_object(value, properties, types, where):
    if not isinstance(value, dict):
        yield f"{where}: is no object"
        return
    yield from check_names(value.keys(), properties, where)
    for name, known in properties.items():
        if name in value:
            yield from check_value(value[name], known["type"], types, f"{where}.{name}")
        elif known.get("required"):
            yield f"{where}: lacks {name}"


def check_items(value, kind, types, where):
    if not isinstance(value, list):
        yield f"{where}: is no list"
        return
    for index, item in enumerate(value):
        yield from check_value(item, kind["element"], types, f"{where}[{index}]")


def check_map(value, kind, types, where):
    if not isinstance(value, dict):
        yield f"{where}: is no map"
        return
    for key, item in value.items():
        yield from check_value(item, kind["element"], types, f"{where}.{key}")


def check_union(value, kind, types, where):
    if all(list(check_value(value, one, types, where)) for one in kind["types"]):
        yield f"{where}: is of none of its types"


def check_simple(value, kind, where):
    wanted = SIMPLE[kind["type"]]
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        yield f"{where}: {value!r} is no {kind['type']}"
    allowed = kind.get("allowedValues") or WORDS.get(where.rpartition(".")[2])
    if allowed and value not in allowed:
        yield f"{where}: {value!r} is none of {allowed}"


def check_value(value, kind, types, where):
    name, argument = function_of(value)
    if name == "Fn::If":
        for branch in argument[1:]:
            yield from check_value(branch, kind, types, where)
    elif name:
        return  # what it gives is not known here; what it names is checked by check_functions
    elif kind["type"] == "ref":
        yield from check_object(value, types[kind["reference"]["$ref"]], types, where)
    elif kind["type"] == "array":
        yield from check_items(value, kind, types, where)
    elif kind["type"] == "map":
        yield from check_map(value, kind, types, where)
    elif kind["type"] == "union":
        yield from check_union(value, kind, types, where)
    else:
        yield from check_simple(value, kind, where)


# --- policies

def check_action(action, spec, where):
    service, _, name = action.partition(":")
    if name not in (spec.get(service) or ()):
        yield f"{where}: there is no action {action}"


def check_policy(policy, spec, where):
    if policy.get("Version") != "2012-10-17":
        yield f"{where}: Version is not 2012-10-17"
    for statement in policy["Statement"]:
        yield from check_names(statement.keys(), STATEMENT, where)
        if statement.get("Effect") not in ("Allow", "Deny"):
            yield f"{where}: Effect is neither Allow nor Deny"
        if ("Principal" in statement) == ("Resource" in statement):
            yield f"{where}: wants either a Principal or a Resource"
        for action in statement["Action"]:
            yield from check_action(action, spec, where)


def check_policies(value, spec, where):
    """Those anywhere below."""
    for key, below in value.items() if isinstance(value, dict) else enumerate(
            value if isinstance(value, list) else ()):
        if str(key).endswith("PolicyDocument"):
            yield from check_policy(below, spec, f"{where}.{key}")
        else:
            yield from check_policies(below, spec, f"{where}.{key}")


# --- what functions name

def functions(value, where):
    """(where, name, argument) of each, at any depth."""
    name, argument = function_of(value)
    if name:
        yield where, name, argument
    for key, below in value.items() if isinstance(value, dict) else enumerate(
            value if isinstance(value, list) else ()):
        yield from functions(below, f"{where}.{key}")


def has_attribute(template, spec, target, attribute):
    resource = template["Resources"].get(target)
    known = spec.get(resource["Type"]) if resource else None
    return bool(known) and attribute in known["attributes"]


def names_something(template, spec, name, argument):
    """Whether what it names is there."""
    if name == "Ref":
        return argument in {*PSEUDO, *template.get("Parameters", {}), *template["Resources"]}
    if name == "Fn::GetAtt":
        return has_attribute(template, spec, *argument)
    if name == "Fn::If":
        return argument[0] in template["Conditions"] and len(argument) == 3
    if name == "Fn::Sub":
        return all(names_something(template, spec, *(("Fn::GetAtt", target.split(".", 1))
                                                    if "." in target else ("Ref", target)))
                   for target in re.findall(r"\$\{([^!}]+)\}", argument))
    return name in CONDITION_FUNCTIONS


def check_functions(template, spec):
    for where, name, argument in functions(template, "template"):
        if not names_something(template, spec, name, argument):
            yield f"{where}: {name} of {argument} names nothing"


# --- the template's parts

def check_parameters(template):
    used = {argument for _, name, argument in functions(template, "") if name == "Ref"}
    for name, parameter in template.get("Parameters", {}).items():
        yield from check_names(parameter.keys(), PARAMETER, name)
        default = parameter.get("Default")
        if default is not None and (
                default not in parameter.get("AllowedValues", [default]) or
                not re.fullmatch(parameter.get("AllowedPattern", ".*"), default)):
            yield f"{name}: its default is not allowed"
        if name not in used:
            yield f"{name}: nothing refers to it"


def check_conditions(template):
    used = {argument[0] for _, name, argument in functions(template, "") if name == "Fn::If"}
    used |= {resource.get("Condition") for resource in template["Resources"].values()}
    yield from check_names(used - {None}, template.get("Conditions", {}), "Conditions")
    for name in template.get("Conditions", {}).keys() - used:
        yield f"{name}: nothing depends on it"


def metrics_of(alarm):
    """An alarm is on a metric, or on an expression over several."""
    if "Metrics" not in alarm:
        return [alarm]
    return [part["MetricStat"]["Metric"] for part in alarm["Metrics"] if "MetricStat" in part]


def check_metric(metric, spec, where):
    metrics = spec.get(metric.get("Namespace")) or {}
    dimensions = sorted(dimension["Name"] for dimension in metric["Dimensions"])
    if dimensions not in map(sorted, metrics.get(metric["MetricName"], [])):
        yield f"{where}: there is no metric {metric['MetricName']} of {dimensions}"


def check_resource(resource, spec, where):
    yield from check_names(resource.keys(), RESOURCE, where)
    known = spec.get(resource["Type"])
    if not known:
        yield f"{where}: there is no {resource['Type']}"
        return
    for name in {"DeletionPolicy", "UpdateReplacePolicy"} & resource.keys():
        if resource[name] not in ("Delete", "Retain", "Snapshot"):
            yield f"{where}: {name} is {resource[name]}"
    faults = list(check_object(resource["Properties"], known["properties"], known["types"], where))
    yield from faults
    if resource["Type"] == "AWS::CloudWatch::Alarm" and not faults:
        for metric in metrics_of(resource["Properties"]):
            yield from check_metric(metric, spec, where)


def faults_of(template, spec):
    yield from check_names(template.keys(), SECTIONS, "template")
    yield from check_functions(template, spec)
    yield from check_parameters(template)
    yield from check_conditions(template)
    for name, resource in template["Resources"].items():
        yield from check_resource(resource, spec, name)
        yield from check_policies(resource["Properties"], spec, name)
