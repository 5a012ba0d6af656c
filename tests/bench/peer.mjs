// SPDX-License-Identifier: Apache-2.0
//
// node peer.mjs PORT STORE WHERE: what genesys-webhookd does, written in Node as one would: one
// process, HMAC over the raw body, JSON.parse, a route, the event stored, and only then 200. STORE
// is a module whose default export takes WHERE and makes a store(event, route, body, done). The
// secret is in GENESYS_WEBHOOK_SECRET.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const [port, module, where] = process.argv.slice(2);
const secret = process.env.GENESYS_WEBHOOK_SECRET;
if (!where || !secret) {
  console.error('usage: GENESYS_WEBHOOK_SECRET=... node peer.mjs PORT STORE WHERE');
  process.exit(2);
}
const { default: open } = await import(module);
const store = open(where);

const snapshot = (status) => (event) => ({
  conversationId: event.conversation_id,
  type: event.type,
  status,
  timestamp: event.timestamp,
  externalContactId: event.external_contact?.id || 'unknown',
});

const routes = {
  'conversation:created': { action: 'put', rank: 4, item: snapshot('active') },
  'conversation:updated': {
    action: 'update',
    rank: 5,
    item: (event) => ({
      conversationId: event.conversation_id,
      status: event.state || 'unknown',
      timestamp: event.timestamp,
    }),
  },
  'conversation:ended': { action: 'put', rank: 8, item: snapshot('ended') },
};

const isSigned = (body, signature) => {
  const sent = Buffer.from(signature ?? '', 'hex');
  const made = createHmac('sha256', secret).update(body).digest();
  return sent.length === made.length && timingSafeEqual(sent, made);
};

const reply = (response, status, body) => {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
  });
  response.end(text);
};

const handle = (body, signature, response) => {
  if (!isSigned(body, signature)) {
    reply(response, 401, { error: 'Unauthorized: Invalid signature' });
    return;
  }
  let event;
  try {
    event = JSON.parse(body);
  } catch {
    reply(response, 400, { error: 'Bad Request: Invalid JSON' });
    return;
  }
  const answer = { success: true, eventId: event.conversation_id };
  const route = routes[event.event_type];
  if (!route) {
    reply(response, 200, answer);
    return;
  }
  store(event, route, body, (error) => {
    reply(response, error ? 500 : 200, error ? { error: 'Internal Server Error' } : answer);
  });
};

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    handle(Buffer.concat(chunks), request.headers['x-genesys-signature'], response);
  });
});
// The idle connections of the memory measurement outlast Node's 5 s.
server.keepAliveTimeout = 3_600_000;
server.listen({ host: '127.0.0.1', port: Number(port), backlog: 4096 });
