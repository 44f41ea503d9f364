// The official OpenAI SDK's responses against a real gateway, before vendors of every dialect.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import OpenAI from 'openai';

import { ALICE, Gateway, VENDORS } from '../../harness/gateway.mjs';

const input = 'Say hello to the gateway';
const parameters = { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer' } } };
const tools = [{ type: 'function', name: 'weather', parameters, strict: false }];

let gateway;
let client;

before(async () => {
  gateway = await Gateway.start();
  client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: ALICE, maxRetries: 0, timeout: 20_000 });
});
after(() => gateway?.stop());

for (const model of VENDORS) {
  test(`a response of ${model}, whole and streamed`, async () => {
    const whole = await client.responses.create({ model, input });
    assert.equal(whole.status, 'completed');
    const final = await client.responses.stream({ model, input }).finalResponse();
    // the helper of streams puts no output_text on what it gives
    assert.equal(final.output[0].content[0].text, whole.output_text);
    assert.ok(whole.output_text);
  });

  test(`tools of ${model}, whole and streamed`, async () => {
    // Google's vendors seal a call, and the seal comes before it
    const { output } = await client.responses.create({ model, input: 'Bergen', tools });
    const call = output.at(-1);
    assert.equal(call.arguments, '{"city":"Bergen","days":7}');
    const streamed = (await client.responses.stream({ model, input: 'Bergen', tools }).finalResponse()).output.at(-1);
    assert.equal(streamed.arguments, call.arguments);
    const turns = [{ role: 'user', content: 'Bergen' }, ...output, { type: 'function_call_output', call_id: call.call_id, output: 'Rain' }];
    assert.equal((await client.responses.create({ model, input: turns, tools })).status, 'completed');
  });
}
