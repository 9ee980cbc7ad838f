// Typical calls of the npm package openai, one after the other: the unmodified package with only a base URL and a key.
// usage: OPENAI_BASE_URL=… OPENAI_API_KEY=… node client.mjs MODEL SLOW_MODEL EMBEDDING_MODEL
// Prints one line of JSON: the result of each call, or the fields of its error.
import OpenAI from "openai";

const [model, slow, vectors] = process.argv.slice(2);
const client = new OpenAI();
const messages = [
  { role: "system", content: "Be brief." },
  { role: "user", content: "Hi" },
];

/** The fields of an error that users branch on and report. */
async function errorOf(call) {
  const began = Date.now();
  try {
    return { answered: await call() };
  } catch (error) {
    const { status, code, type, param, message, requestID, constructor } = error;
    const { hint, request_id, details } = error.error ?? {};
    return { status, code, type, param, message, requestID, name: constructor.name, hint, request_id, details, took: Date.now() - began };
  }
}

async function listed() {
  const names = [];
  for await (const one of client.models.list()) {
    names.push(one.id);
  }
  return names;
}

async function chat() {
  const { data, response } = await client.chat.completions.create({ model, messages, max_tokens: 20 }).withResponse();
  return {
    text: data.choices[0].message.content,
    finish: data.choices[0].finish_reason,
    usage: data.usage,
    requestId: data._request_id,
    header: response.headers.get("x-request-id"),
  };
}

async function streamed(options) {
  const stream = await client.chat.completions.create({ model, messages, max_tokens: 20, stream: true, ...options });
  const seen = { text: "", withoutChoice: 0, usage: null };
  for await (const part of stream) {
    seen.text += part.choices[0]?.delta?.content ?? "";
    seen.withoutChoice += part.choices.length === 0 ? 1 : 0;
    seen.usage = part.usage ?? seen.usage;
  }
  return seen;
}

async function completed() {
  const whole = await client.completions.create({ model, prompt: "Hello", max_tokens: 5 });
  let text = "";
  for await (const part of await client.completions.create({ model, prompt: "Hello", max_tokens: 5, stream: true })) {
    text += part.choices[0].text;
  }
  return { whole: whole.choices[0].text, text, usage: whole.usage };
}

async function responded() {
  const ask = { model, instructions: "Be brief.", input: "Hi", max_output_tokens: 20 };
  const whole = await client.responses.create(ask);
  let text = "";
  for await (const event of await client.responses.create({ ...ask, stream: true })) {
    text += event.type === "response.output_text.delta" ? event.delta : "";
  }
  return { whole: whole.output_text, text, status: whole.status, usage: whole.usage };
}

async function embedded() {
  const answer = await client.embeddings.create({ model: vectors, input: ["a", "b"] });
  return { count: answer.data.length, width: answer.data[0].embedding.length, usage: answer.usage };
}

/** Aborts a stream after its first words; the slow model has one slot, so the next answer shows whether its work has ended. */
async function aborted() {
  const stream = await client.chat.completions.create({ model: slow, messages, stream: true });
  let parts = 0;
  for await (const part of stream) {
    parts += part.choices[0]?.delta?.content ? 1 : 0;
    if (parts === 2) {
      stream.controller.abort();
    }
  }
  const began = Date.now();
  const next = await client.chat.completions.create({ model: slow, messages, max_tokens: 2 });
  return { parts, next: next.usage.completion_tokens, waited: Date.now() - began };
}

const many = "x".repeat(5_000);
const asking = (body) => client.chat.completions.create({ model, messages, ...body });
const stranger = new OpenAI({ apiKey: "sk-nobody" });
console.log(
  JSON.stringify({
    listed: await listed(),
    chat: await chat(),
    streamed: await streamed({}),
    streamedWithUsage: await streamed({ stream_options: { include_usage: true } }),
    completed: await completed(),
    responded: await responded(),
    embedded: await embedded(),
    aborted: await aborted(),
    tooLong: await errorOf(() => asking({ messages: [{ role: "user", content: many }] })),
    tooLongStreamed: await errorOf(() => asking({ messages: [{ role: "user", content: many }], stream: true })),
    unknownModel: await errorOf(() => asking({ model: "nobody" })),
    wrong: await errorOf(() => asking({ max_tokens: "many" })),
    notMade: await errorOf(() => client.embeddings.create({ model, input: "a" })),
    unknownKey: await errorOf(() => stranger.models.list()),
  }),
);
