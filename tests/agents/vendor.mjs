// A vendor whose model does one coding task with whatever tools an agent gives it: read a file, write another, say so.
//
// It speaks OpenAI's chat completions below /openai and Anthropic's messages below /anthropic, streamed or whole, and
// keeps what it was asked.

import { createServer } from 'node:http';

/** What the task reads, what it writes, and what the model says at the end. */
export const TASK = {
  given: 'number.txt',
  content: 'the number is 21\n',
  made: 'doubled.txt',
  prompt: 'Read number.txt, double the number, write it to doubled.txt and tell me.',
  answer: 'Doubled: 42.',
};

/** How the agents' tools are called; the first of a kind that is offered is taken. */
const TOOLS = {
  read: [
    ['Read', (path) => ({ file_path: path })],
    ['read_file', (path) => ({ file_path: path })],
    ['read', (path) => ({ filePath: path })],
    ['exec_command', (path) => ({ cmd: `cat '${path}'` })],
    ['shell_command', (path) => ({ command: `cat '${path}'` })],
    ['shell', (path) => ({ command: ['cat', path] })],
  ],
  write: [
    ['Write', (path, content) => ({ file_path: path, content })],
    ['write_file', (path, content) => ({ file_path: path, content })],
    ['write', (path, content) => ({ filePath: path, content })],
    ['apply_patch', (path, content) => ({ patchText: `*** Begin Patch\n*** Add File: ${path}\n+${content}\n*** End Patch` })],
    ['exec_command', (path, content) => ({ cmd: `echo '${content}' > '${path}'` })],
    ['shell_command', (path, content) => ({ command: `echo '${content}' > '${path}'` })],
    ['shell', (path, content) => ({ command: ['sh', '-c', `echo '${content}' > '${path}'`] })],
  ],
};

/** What the model says next: `{ text }` or `{ call: { name, input } }`. */
function next(folder, { tools, results }) {
  const use = (kind, ...args) => {
    const known = TOOLS[kind].find(([name]) => tools.includes(name));
    return known && { call: { name: known[0], input: known[1](...args) } };
  };
  const read = results.find((text) => text.includes('the number is'));
  if (results.length === 0) return use('read', `${folder}/${TASK.given}`) ?? { text: 'Nothing to do.' };
  if (results.length === 1) {
    const number = Number(/the number is (\d+)/.exec(read ?? '')?.[1]);
    return use('write', `${folder}/${TASK.made}`, String(number * 2)) ?? { text: `No tool to write with among ${tools}.` };
  }
  return { text: TASK.answer };
}

const textOf = (content) =>
  typeof content === 'string' ? content : (content ?? []).map((part) => part.text ?? '').join('\n');

/** What was said, from a request in either form. */
const READ = {
  openai: (body) => ({
    tools: (body.tools ?? []).map((tool) => tool.function?.name),
    results: body.messages.filter((message) => message.role === 'tool').map((message) => textOf(message.content)),
  }),
  anthropic: (body) => ({
    tools: (body.tools ?? []).map((tool) => tool.name),
    results: body.messages
      .flatMap((message) => (Array.isArray(message.content) ? message.content : []))
      .filter((part) => part.type === 'tool_result')
      .map((part) => textOf(part.content)),
  }),
};

const halves = (text) => [text.slice(0, text.length >> 1), text.slice(text.length >> 1)];

/** The answers in either form: the whole, and the events of a stream. */
const ANSWER = {
  openai: {
    whole: (model, said, id) => ({
      id: `chatcmpl-${id}`,
      object: 'chat.completion',
      created: 1_700_000_000,
      model,
      choices: [
        {
          index: 0,
          message: said.call
            ? { role: 'assistant', content: null, tool_calls: [{ id: `call_${id}`, type: 'function', function: { name: said.call.name, arguments: JSON.stringify(said.call.input) } }] }
            : { role: 'assistant', content: said.text },
          finish_reason: said.call ? 'tool_calls' : 'stop',
        },
      ],
      usage: { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 },
    }),
    *events(model, said, id) {
      const chunk = (delta, finish = null) => ({
        data: { id: `chatcmpl-${id}`, object: 'chat.completion.chunk', created: 1_700_000_000, model, choices: [{ index: 0, delta, finish_reason: finish }] },
      });
      if (said.call) {
        const [first, second] = halves(JSON.stringify(said.call.input));
        const call = { index: 0, id: `call_${id}`, type: 'function', function: { name: said.call.name, arguments: '' } };
        yield chunk({ role: 'assistant', content: null, tool_calls: [call] });
        yield chunk({ tool_calls: [{ index: 0, function: { arguments: first } }] });
        yield chunk({ tool_calls: [{ index: 0, function: { arguments: second } }] });
        yield chunk({}, 'tool_calls');
      } else {
        const [first, second] = halves(said.text);
        yield chunk({ role: 'assistant', content: first });
        yield chunk({ content: second });
        yield chunk({}, 'stop');
      }
      const usage = { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 };
      yield { data: { id: `chatcmpl-${id}`, object: 'chat.completion.chunk', created: 1_700_000_000, model, choices: [], usage } };
      yield { data: '[DONE]' };
    },
  },
  anthropic: {
    whole: (model, said, id) => ({
      id: `msg_${id}`,
      type: 'message',
      role: 'assistant',
      model,
      content: [said.call ? { type: 'tool_use', id: `toolu_${id}`, ...said.call } : { type: 'text', text: said.text }],
      stop_reason: said.call ? 'tool_use' : 'end_turn',
      stop_sequence: null,
      usage: { input_tokens: 100, output_tokens: 10 },
    }),
    *events(model, said, id) {
      const event = (type, rest) => ({ event: type, data: { type, ...rest } });
      const message = { ...ANSWER.anthropic.whole(model, said, id), content: [], stop_reason: null };
      yield event('message_start', { message: { ...message, usage: { input_tokens: 100, output_tokens: 1 } } });
      const block = said.call ? { type: 'tool_use', id: `toolu_${id}`, name: said.call.name, input: {} } : { type: 'text', text: '' };
      yield event('content_block_start', { index: 0, content_block: block });
      for (const half of halves(said.call ? JSON.stringify(said.call.input) : said.text)) {
        const delta = said.call ? { type: 'input_json_delta', partial_json: half } : { type: 'text_delta', text: half };
        yield event('content_block_delta', { index: 0, delta });
      }
      yield event('content_block_stop', { index: 0 });
      yield event('message_delta', { delta: { stop_reason: said.call ? 'tool_use' : 'end_turn', stop_sequence: null }, usage: { output_tokens: 10 } });
      yield event('message_stop', {});
    },
  },
};

const frame = ({ event, data }) =>
  `${event ? `event: ${event}\n` : ''}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;

/** Starts the vendor; `work(folder)` says where the task is done. */
export async function startVendor() {
  let folder = '';
  const asked = [];
  const server = createServer(async (request, response) => {
    const form = request.url.startsWith('/anthropic') ? 'anthropic' : 'openai';
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = JSON.parse(Buffer.concat(parts).toString() || '{}');
    if (!body.messages) return response.writeHead(404).end('{}');
    asked.push({ form, path: request.url, body });
    const id = String(asked.length);
    const said = next(folder, READ[form](body));
    if (!body.stream) {
      return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(ANSWER[form].whole(body.model, said, id)));
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const event of ANSWER[form].events(body.model, said, id)) response.write(frame(event));
    return response.end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { asked, work: (at) => (folder = at), address: `127.0.0.1:${server.address().port}`, stop: () => server.close() };
}
