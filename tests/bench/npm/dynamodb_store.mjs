// SPDX-License-Identifier: Apache-2.0
//
// For ../peer.mjs: what the Lambda function did with each event, by AWS's SDK, pinned here. WHERE is
// the endpoint; credentials and region are in the environment.

import { DynamoDBClient, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';

const TableName = 'GenesysConversations';
// As many sockets as the benchmark has connections: none waits for another's.
const agent = { keepAlive: true, maxSockets: 1024 };

const typed = (item) =>
  Object.fromEntries(Object.entries(item).map(([name, value]) => [name, { S: value }]));

const command = {
  put: (item, body) =>
    new PutItemCommand({ TableName, Item: typed({ ...item, rawPayload: body.toString() }) }),
  update: ({ conversationId, status, timestamp }) =>
    new UpdateItemCommand({
      TableName,
      Key: typed({ conversationId }),
      UpdateExpression: 'SET #status = :status, #timestamp = :timestamp',
      ExpressionAttributeNames: { '#status': 'status', '#timestamp': 'timestamp' },
      ExpressionAttributeValues: typed({ ':status': status, ':timestamp': timestamp }),
    }),
};

export default (endpoint) => {
  const client = new DynamoDBClient({
    endpoint,
    requestHandler: { httpAgent: agent, httpsAgent: agent },
  });
  return (event, route, body, done) => {
    client.send(command[route.action](route.item(event), body)).then(() => done(), done);
  };
};
