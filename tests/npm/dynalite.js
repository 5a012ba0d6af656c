// SPDX-License-Identifier: Apache-2.0
// node dynalite.js PORT: DynamoDB's stand-in on loopback. Says on which port it listens (PORT 0
// takes a free one), and ends with its standard input, so that it never outlives its test.
'use strict';

const dynalite = require('dynalite');

const server = dynalite({ createTableMs: 0, updateTableMs: 0, deleteTableMs: 0 });

// The proxy keeps its connections; closed from here, they would be faults that nobody ordered.
server.keepAliveTimeout = 0;
server.requestTimeout = 0;
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  console.log(server.address().port);
});
process.stdin.on('end', () => process.exit(0)).resume();
