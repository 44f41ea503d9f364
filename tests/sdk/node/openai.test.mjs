// The official OpenAI SDK for Node against a real gateway: what a person who changes only `baseURL` meets.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import OpenAI from 'openai';

import { ALICE, Gateway, VENDORS, waitFor } from '../../harness/gateway.mjs';

const messages = [{ role: 'user', content: 'Say hello to the gateway' }];
const tools = [
  { type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } } },
];

let gateway;
let client;

before(async () => {
  gateway = await Gateway.start();
  client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: ALICE, maxRetries: 0, timeout: 20_000 });
});
after(() => gateway?.stop());

test('chat with usage and request id', async () => {
  const answer = await client.chat.completions.create({ model: 'gpt-x', messages });
  assert.ok(answer.choices[0].message.content);
  assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
  assert.match(answer._request_id, /^req_[0-9a-z]{13}$/);
});

for (const model of VENDORS) {
  test(`an answer and a tool of ${model}, whole and streamed`, async () => {
    const whole = await client.chat.completions.create({ model, messages });
    assert.equal(whole.choices[0].finish_reason, 'stop');
    const streamed = await client.chat.completions.stream({ model, messages }).finalChatCompletion();
    assert.equal(streamed.choices[0].message.content, whole.choices[0].message.content);
    const question = [{ role: 'user', content: 'Bergen' }];
    const call = (await client.chat.completions.create({ model, messages: question, tools })).choices[0].message;
    assert.equal(JSON.parse(call.tool_calls[0].function.arguments).city, 'Bergen');
    const again = (await client.chat.completions.stream({ model, messages: question, tools }).finalChatCompletion()).choices[0].message;
    assert.equal(again.tool_calls[0].function.arguments, call.tool_calls[0].function.arguments);
    const turns = [...question, call, { role: 'tool', tool_call_id: call.tool_calls[0].id, content: 'Rain' }];
    assert.equal((await client.chat.completions.create({ model, messages: turns, tools })).choices[0].finish_reason, 'stop');
  });
}

test('every way to name a model', async () => {
  for (const model of ['gpt-x-latest', 'acme/gpt-x', 'team/gpt-slashed', 'failover']) {
    const answer = await client.chat.completions.create({ model, messages });
    assert.ok(answer.choices[0].message.content, model);
  }
});

test('stream, with and without usage', async () => {
  let text = '';
  for await (const chunk of await client.chat.completions.create({ model: 'gpt-x', messages, stream: true })) {
    assert.equal(chunk.choices.length, 1);
    text += chunk.choices[0].delta.content ?? '';
  }
  assert.ok(text);
  let last;
  const asked = { model: 'gpt-x', messages, stream: true, stream_options: { include_usage: true } };
  for await (const chunk of await client.chat.completions.create(asked)) last = chunk;
  assert.deepEqual(last.choices, []);
  assert.ok(last.usage.total_tokens > 0);
});

test('events arrive as they are made', async () => {
  const times = [];
  for await (const _ of await client.chat.completions.create({ model: 'steady', messages, stream: true })) times.push(performance.now());
  const gaps = times.slice(1).map((time, at) => time - times[at]);
  assert.ok(gaps.filter((gap) => gap > 30).length >= 5, `gaps in ms: ${gaps.map(Math.round)}`);
});

test('tools, by the streaming helper', async () => {
  const runner = client.chat.completions.stream({ model: 'gpt-x', messages: [{ role: 'user', content: 'Bergen' }], tools });
  const final = await runner.finalChatCompletion();
  assert.equal(final.choices[0].finish_reason, 'tool_calls');
  const { name, arguments: given } = final.choices[0].message.tool_calls[0].function;
  assert.equal(name, 'weather');
  assert.deepEqual(JSON.parse(given), { city: 'Bergen' });
});

test('completions and embeddings', async () => {
  const old = await client.completions.create({ model: 'gpt-x', prompt: 'Once upon a time' });
  assert.ok(old.choices[0].text);
  const vectors = await client.embeddings.create({ model: 'vectors', input: ['one', 'two'] });
  assert.equal(vectors.data.length, 2);
  assert.equal(vectors.data[1].embedding.length, 256);
});

test('models of the key', async () => {
  const names = [];
  for await (const model of client.models.list()) names.push(model.id);
  assert.ok(names.includes('gpt-x') && names.includes('team/gpt-slashed'));
  assert.ok(!names.includes('private'));
  assert.equal((await client.models.retrieve('team/gpt-slashed')).id, 'team/gpt-slashed');
});

test('errors have the classes that people catch', async () => {
  const chat = (model, by = client) => by.chat.completions.create({ model, messages });
  const wrong = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'sk-mg-this-key-is-not-there-0000', maxRetries: 0 });
  await assert.rejects(chat('gpt-x', wrong), OpenAI.AuthenticationError);
  await assert.rejects(chat('no-such-model'), (error) => error instanceof OpenAI.NotFoundError && error.code === 'model_not_found');
  await assert.rejects(chat('private'), (error) => error instanceof OpenAI.PermissionDeniedError || error instanceof OpenAI.NotFoundError);
  await assert.rejects(chat('busy'), (error) => error instanceof OpenAI.RateLimitError && error.headers.get('retry-after') === '77');
  await assert.rejects(chat('picky'), OpenAI.UnprocessableEntityError);
  await assert.rejects(chat('broken'), OpenAI.InternalServerError);
  await assert.rejects(chat('silent'), (error) => error instanceof OpenAI.InternalServerError && error.status === 504);
  await assert.rejects(client.post('/chat/completions', { body: { messages } }), OpenAI.BadRequestError);
});

test('a cut stream is an error', async () => {
  const stream = await client.chat.completions.create({ model: 'cut', messages, stream: true });
  let seen = 0;
  await assert.rejects(async () => {
    for await (const chunk of stream) {
      seen += 1;
      assert.equal(chunk.choices[0].finish_reason, null);
    }
  }, OpenAI.APIError);
  assert.ok(seen > 0, 'what arrived is passed on');
});

test('aborting a stream cancels the call to the vendor', async () => {
  const { abandoned } = await gateway.stats();
  const stream = await client.chat.completions.create({ model: 'slow', messages, stream: true });
  for await (const _ of stream) {
    stream.controller.abort();
    break;
  }
  await waitFor('the vendor to see the client leave', async () => (await gateway.stats()).abandoned === abandoned + 1, 2_000);
});
