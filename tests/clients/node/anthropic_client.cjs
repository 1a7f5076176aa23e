// Uses `@anthropic-ai/sdk` as its users do, and prints what came of it as JSON. NODE_PATH names where it is installed.
const Anthropic = require("@anthropic-ai/sdk");

const job = JSON.parse(process.argv[2]);
const client = new Anthropic({ baseURL: job.url, apiKey: job.key, maxRetries: 0 });
const weather = {
  name: "get_weather",
  description: "Tell the weather",
  input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};

const say = (text) => [{ role: "user", content: text }];
const asked = (text, fields = {}) => ({ model: job.model, max_tokens: 500, messages: say(text), ...fields });

function told(message) {
  const texts = message.content.filter((block) => block.type === "text").map((block) => block.text);
  const { input_tokens: input, output_tokens: output } = message.usage;
  return { text: texts.join(""), stop: message.stop_reason, tokens: [input, output] };
}

const cases = {
  async create() {
    const message = await client.messages.create(asked(job.prompt));
    return { ...told(message), request_id: message._request_id.startsWith("req_") };
  },

  async stream() {
    let pieces = 0;
    const stream = client.messages.stream(asked(job.prompt)).on("text", () => (pieces += 1));
    return { ...told(await stream.finalMessage()), pieces };
  },

  async cost() {
    const { response } = await client.messages.create(asked(job.prompt)).withResponse();
    let last;
    for await (const event of await client.messages.create(asked(job.prompt, { stream: true }))) last = event;
    return [response.headers.get("rgent-cost"), last.rgent_cost];
  },

  async tools() {
    const first = await client.messages.create(asked("[[usage tool_calls=1]]", { tools: [weather] }));
    const call = first.content.find((block) => block.type === "tool_use");
    const result = { type: "tool_result", tool_use_id: call.id, content: "Sunny" };
    const messages = [
      ...say("What is the weather?"),
      { role: "assistant", content: first.content },
      { role: "user", content: [result, { type: "text", text: job.prompt }] },
    ];
    const last = await client.messages.create(asked("", { tools: [weather], messages }));
    return { stop: first.stop_reason, tool: call.name, answer: told(last) };
  },

  async stream_tools() {
    const stream = client.messages.stream(asked("[[usage tool_calls=1]]", { tools: [weather] }));
    const message = await stream.finalMessage();
    const call = message.content.find((block) => block.type === "tool_use");
    return { stop: message.stop_reason, tool: call.name, arguments: typeof call.input === "object" };
  },

  async count() {
    return (await client.messages.countTokens({ model: job.model, messages: say("Hello world") })).input_tokens;
  },

  async models() {
    const listed = [];
    for await (const model of client.models.list()) listed.push(model.id);
    return [listed, (await client.models.retrieve(job.model)).id];
  },

  // Claude fails until the server gives up on it; the client's second try is answered.
  async retries() {
    await fetch(job.faults_url, { method: "POST", body: JSON.stringify(job.fault) });
    return told(await client.messages.create(asked(job.prompt), { maxRetries: 2 }));
  },
};

async function error(wanted) {
  const text = wanted.bytes ? "x".repeat(wanted.bytes) : wanted.prompt;
  const using = new Anthropic({ baseURL: job.url, apiKey: wanted.key, maxRetries: 0 });
  try {
    await using.messages.create(asked(text, { model: wanted.model }));
  } catch (error) {
    return [error.constructor.name, error.status, error.error?.error?.type, Boolean(error.requestID)];
  }
  return "no error";
}

async function main() {
  const answers = { errors: {} };
  for (const [name, run] of Object.entries(cases)) answers[name] = await run();
  for (const [name, wanted] of Object.entries(job.errors)) answers.errors[name] = await error(wanted);
  console.log(JSON.stringify(answers));
}

main();
