// The official Anthropic SDK for Node against a real gateway, before vendors of every dialect.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import Anthropic from '@anthropic-ai/sdk';

import { ALICE, Gateway, VENDORS } from '../../harness/gateway.mjs';

const messages = [{ role: 'user', content: 'Say hello to the gateway' }];
const tools = [{ name: 'weather', input_schema: { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer' } } } }];
const max_tokens = 200;

let gateway;
let client;

before(async () => {
  gateway = await Gateway.start();
  client = new Anthropic({ baseURL: gateway.url, apiKey: ALICE, maxRetries: 0, timeout: 20_000 });
});
after(() => gateway?.stop());

for (const model of VENDORS) {
  test(`a message of ${model}, whole and streamed`, async () => {
    const whole = await client.messages.create({ model, max_tokens, messages });
    assert.equal(whole.stop_reason, 'end_turn');
    assert.match(whole._request_id, /^req_[0-9a-z]{13}$/);
    const final = await client.messages.stream({ model, max_tokens, messages }).finalMessage();
    assert.deepEqual(final.content, whole.content);
    assert.equal(final.usage.output_tokens, whole.usage.output_tokens);
  });

  test(`tools of ${model}, whole and streamed`, async () => {
    const question = [{ role: 'user', content: 'Bergen' }];
    const call = await client.messages.create({ model, max_tokens, messages: question, tools });
    assert.equal(call.stop_reason, 'tool_use');
    // Google's vendors seal a call, and the seal comes before it
    const [use] = call.content.filter((block) => block.type === 'tool_use');
    assert.deepEqual(use.input, { city: 'Bergen', days: 7 });
    const streamed = await client.messages.stream({ model, max_tokens, messages: question, tools }).finalMessage();
    assert.deepEqual(streamed.content.at(-1).input, use.input);
    const result = { type: 'tool_result', tool_use_id: use.id, content: 'Rain' };
    const turns = [...question, { role: 'assistant', content: call.content }, { role: 'user', content: [result] }];
    assert.equal((await client.messages.create({ model, max_tokens, messages: turns, tools })).stop_reason, 'end_turn');
  });

  test(`tokens of ${model} are counted`, async () => {
    assert.ok((await client.messages.countTokens({ model, messages })).input_tokens > 0);
  });
}

test('errors are the SDK\'s own', async () => {
  await assert.rejects(client.messages.create({ model: 'none', max_tokens, messages }), Anthropic.NotFoundError);
  for (const model of ['claude-busy', 'busy']) {
    await assert.rejects(client.messages.create({ model, max_tokens, messages }), Anthropic.RateLimitError);
  }
  await assert.rejects(client.messages.stream({ model: 'claude-cut', max_tokens, messages }).finalMessage(), Anthropic.APIError);
});

test('models', async () => {
  const names = [];
  for await (const model of client.models.list()) names.push(model.id);
  assert.ok(names.includes('claude-x') && names.includes('gpt-x'));
});
