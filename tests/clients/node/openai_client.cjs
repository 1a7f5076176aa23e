// Uses `openai` as its users do, and prints what came of it as JSON. NODE_PATH names where it is installed.
const OpenAI = require("openai");

const job = JSON.parse(process.argv[2]);
const client = new OpenAI({ baseURL: `${job.url}/v1`, apiKey: job.key, maxRetries: 0 });
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const weather = { type: "function", function: { name: "get_weather", parameters } };

const say = (text) => [{ role: "user", content: text }];
const asked = (text, fields = {}) => ({ model: job.model, messages: say(text), ...fields });
const tokens = (usage) => [usage.prompt_tokens, usage.completion_tokens];

function told(completion) {
  const [choice] = completion.choices;
  return { text: choice.message.content ?? "", stop: choice.finish_reason, tokens: tokens(completion.usage) };
}

const cases = {
  async create() {
    const completion = await client.chat.completions.create(asked(job.prompt));
    return { ...told(completion), request_id: completion._request_id.startsWith("req_") };
  },

  async stream() {
    const options = { stream: true, stream_options: { include_usage: true } };
    const answer = { text: "", stop: null, tokens: null, pieces: 0 };
    for await (const chunk of await client.chat.completions.create(asked(job.prompt, options))) {
      const choice = chunk.choices[0];
      answer.pieces += choice?.delta.content ? 1 : 0;
      answer.text += choice?.delta.content ?? "";
      answer.stop = choice?.finish_reason ?? answer.stop;
      answer.tokens = chunk.usage ? tokens(chunk.usage) : answer.tokens;
    }
    return answer;
  },

  async cost() {
    const { response } = await client.chat.completions.create(asked(job.prompt)).withResponse();
    const options = { stream: true, stream_options: { include_usage: true } };
    let last;
    for await (const chunk of await client.chat.completions.create(asked(job.prompt, options))) last = chunk;
    return [response.headers.get("rgent-cost"), last.rgent_cost];
  },

  async tools() {
    const first = await client.chat.completions.create(asked("[[usage tool_calls=1]]", { tools: [weather] }));
    const { message, finish_reason: stop } = first.choices[0];
    const [call] = message.tool_calls;
    const result = { role: "tool", tool_call_id: call.id, content: "Sunny" };
    const messages = [...say(job.prompt), message, result, ...say(job.prompt)];
    const last = await client.chat.completions.create(asked("", { tools: [weather], messages }));
    return { stop, tool: call.function.name, answer: told(last) };
  },

  async stream_tools() {
    const options = { tools: [weather], stream: true };
    let [stop, name, text] = [null, "", ""];
    for await (const chunk of await client.chat.completions.create(asked("[[usage tool_calls=1]]", options))) {
      const choice = chunk.choices[0];
      stop = choice?.finish_reason ?? stop;
      for (const call of choice?.delta.tool_calls ?? []) {
        name += call.function.name ?? "";
        text += call.function.arguments ?? "";
      }
    }
    return { stop, tool: name, arguments: typeof JSON.parse(text) === "object" };
  },

  async models() {
    const listed = [];
    for await (const model of client.models.list()) listed.push(model.id);
    return [listed, (await client.models.retrieve(job.model)).id];
  },

  // Claude fails until the server gives up on it; the client's second try is answered.
  async retries() {
    await fetch(job.faults_url, { method: "POST", body: JSON.stringify(job.fault) });
    return told(await client.chat.completions.create(asked(job.prompt), { maxRetries: 2 }));
  },
};

async function error(wanted) {
  const text = wanted.bytes ? "x".repeat(wanted.bytes) : wanted.prompt;
  const using = new OpenAI({ baseURL: `${job.url}/v1`, apiKey: wanted.key, maxRetries: 0 });
  try {
    await using.chat.completions.create(asked(text, { model: wanted.model }));
  } catch (error) {
    return [error.constructor.name, error.status, error.type, Boolean(error.requestID)];
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
