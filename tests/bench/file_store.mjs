// SPDX-License-Identifier: Apache-2.0
//
// For peer.mjs: a line appended and fdatasync'ed for each event, as genesys-webhookd's file store.

import { fdatasync, openSync, write } from 'node:fs';

const line = (event, route, body) => {
  const head = JSON.stringify({
    receivedAt: new Date().toISOString(),
    eventType: event.event_type,
    action: route.action,
    eventOrder: Date.parse(event.timestamp) * 16 + route.rank,
    item: route.item(event),
  });
  const payload = body.toString().replace(/[\r\n]/g, ' ');
  return Buffer.from(`${head.slice(0, -1)},"payload":${payload}}\n`);
};

export default (path) => {
  const file = openSync(path, 'a');
  return (event, route, body, done) => {
    const bytes = line(event, route, body);
    write(file, bytes, (error, written) => {
      if (error || written !== bytes.length) {
        done(error ?? new Error('short write'));
      } else {
        fdatasync(file, done);
      }
    });
  };
};
