// The HTTP API of llama-server or vLLM, as far as the scheduler and OpenAI clients use it, around a real llama.cpp. It accepts the arguments
// of the scheduler's built-in presets, refuses with their messages (see dialects.mjs), and exits as llama-server does when loading fails.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { dialectOf } from "./dialects.mjs";
import { EngineDead, invalid, Refusal, Runtime } from "./runtime.mjs";

const argv = process.argv.slice(2);
const dialect = dialectOf(argv);
const options = dialect.parse(argv);

/** Null until the model is loaded. */
let runtime = null;

const seconds = () => Math.floor(Date.now() / 1000);
const newId = () => `chatcmpl-${randomBytes(16).toString("hex")}`;
const usageOf = (prompt, completion) => ({
  prompt_tokens: prompt,
  completion_tokens: completion,
  total_tokens: prompt + completion,
});

/** How chat and plain completions differ on the wire. */
const chat = {
  whole: "chat.completion",
  part: "chat.completion.chunk",
  opening: { delta: { role: "assistant", content: dialect.openingContent } },
  choice: (text) => ({ message: { role: "assistant", content: text } }),
  delta: (text) => ({ delta: { content: text } }),
  closing: { delta: {} },
};
const plain = {
  whole: "text_completion",
  part: "text_completion",
  opening: null,
  choice: (text) => ({ text, logprobs: null }),
  delta: (text) => ({ text, logprobs: null }),
  closing: { text: "", logprobs: null },
};

/** Runs a generator to its end and passes each text to `say`. */
async function drain(generation, say) {
  for (;;) {
    const step = await generation.next();
    if (step.done) {
      return step.value;
    }
    if (step.value !== "") {
      say(step.value);
    }
  }
}

/** A list without numbers is a list of prompts; anything else is one prompt: a text, tokens, or a list of both. */
const promptsOf = (input) => (Array.isArray(input) && !input.some((part) => typeof part === "number") ? input : [input]);

async function complete(kind, prompts, body, answer, signal) {
  if ((body.n ?? 1) !== 1) {
    throw invalid("n must be 1");
  }
  dialect.requireModel(body, options.alias);
  const asked = dialect.asked(body, kind === chat);
  prompts.forEach((prompt) => dialect.requireRoom(prompt.length, asked, runtime.contextTokens));
  const head = { id: newId(), created: seconds(), model: options.alias, object: body.stream ? kind.part : kind.whole };
  const run = (prompt, say) => drain(runtime.generate(prompt, asked, body, signal), say);
  const usage = (ends) =>
    usageOf(
      prompts.reduce((sum, prompt) => sum + prompt.length, 0),
      ends.reduce((sum, end) => sum + end.count, 0),
    );
  const ends = [];
  if (!body.stream) {
    const choices = [];
    for (const [index, prompt] of prompts.entries()) {
      let text = "";
      ends.push(await run(prompt, (more) => (text += more)));
      choices.push({ index, finish_reason: ends[index].reason, ...kind.choice(text) });
    }
    return reply(answer, 200, { ...head, choices, usage: usage(ends) });
  }
  const send = (event) => answer.write(`data: ${typeof event === "string" ? event : JSON.stringify(event)}\n\n`);
  answer.writeHead(200, { "content-type": "text/event-stream" });
  for (const [index, prompt] of prompts.entries()) {
    const part = (what, reason = null) => send({ ...head, choices: [{ index, finish_reason: reason, ...what }] });
    if (kind.opening) {
      part(kind.opening);
    }
    ends.push(await run(prompt, (text) => part(kind.delta(text))));
    part(kind.closing, ends[index].reason);
  }
  if (body.stream_options?.include_usage) {
    send({ ...head, choices: [], usage: usage(ends) });
  }
  send("[DONE]");
  answer.end();
}

async function embeddings(body, answer) {
  dialect.requireModel(body, options.alias);
  if (!runtime.canEmbed) {
    throw dialect.noEmbeddings;
  }
  const input = body.input ?? body.content;
  if (input === undefined) {
    throw invalid('"input" or "content" must be provided');
  }
  const prompts = promptsOf(input).map((one) => runtime.tokenize(one, true, true));
  const data = [];
  for (const [index, prompt] of prompts.entries()) {
    dialect.requireEmbeddable(prompt.length, runtime.contextTokens);
    const vector = await runtime.embed(prompt);
    const isPacked = body.encoding_format === "base64";
    const embedding = isPacked ? Buffer.from(new Float32Array(vector).buffer).toString("base64") : vector;
    data.push({ object: "embedding", index, embedding });
  }
  const tokens = prompts.reduce((sum, prompt) => sum + prompt.length, 0);
  reply(answer, 200, { object: "list", model: options.alias, data, usage: { prompt_tokens: tokens, total_tokens: tokens } });
}

const routes = {
  "GET /health": (_, answer) => (dialect.health ? reply(answer, 200, dialect.health) : answer.writeHead(200).end()),
  "GET /v1/models": (_, answer) =>
    reply(answer, 200, {
      object: "list",
      data: [{ id: options.alias, object: "model", created: seconds(), ...dialect.models(runtime) }],
    }),
  "POST /v1/embeddings": embeddings,
  "POST /v1/chat/completions": (body, answer, signal) =>
    complete(chat, [runtime.tokenize(runtime.applyTemplate(body), true, true)], body, answer, signal),
  "POST /v1/completions": (body, answer, signal) => {
    if (body.prompt === undefined) {
      throw invalid('"prompt" must be provided');
    }
    const prompts = promptsOf(body.prompt).map((one) => runtime.tokenize(one, true, true));
    return complete(plain, prompts, body, answer, signal);
  },
};

async function load() {
  console.error(`srv  load_model: loading model '${options.model}'`);
  try {
    runtime = await Runtime.load(options, (level, message) => console.error(`${level}: ${message}`));
  } catch (error) {
    await die(`srv  load_model: failed to load model, '${options.model}': ${error.message}`, "model loading error");
  }
  for (const [route, answerTo] of Object.entries(dialect.tokenizer(runtime, options.alias))) {
    routes[route] = (body, answer) => reply(answer, 200, answerTo(body));
  }
}

async function die(lastWords, cause) {
  // llama.cpp writes its log on a separate thread, perhaps after the error; without the log the cause is unknown.
  await new Promise((resolve) => setTimeout(resolve, 300));
  console.error(lastWords);
  console.error(`main: exiting due to ${cause}`);
  process.exit(1);
}

function reply(answer, status, body) {
  answer.writeHead(status, { "content-type": "application/json; charset=utf-8" });
  answer.end(JSON.stringify(body));
}

async function handle(request, answer) {
  const left = new AbortController();
  answer.on("close", () => {
    if (!answer.writableFinished) {
      console.error(`srv  stop: client left ${request.url}, its task is cancelled`);
    }
    left.abort();
  });
  if (runtime === null) {
    throw new Refusal(503, "unavailable_error", "Loading model");
  }
  const path = request.url.split("?")[0];
  const key = process.env[dialect.keyVariable];
  if (key && !dialect.isOpen(path) && request.headers.authorization !== `Bearer ${key}`) {
    throw new Refusal(401, "authentication_error", "Invalid API Key");
  }
  const route = routes[`${request.method} ${path}`];
  if (!route) {
    throw new Refusal(404, "not_found_error", "File Not Found");
  }
  const parts = [];
  for await (const part of request) {
    parts.push(part);
  }
  const text = Buffer.concat(parts).toString("utf8");
  await route(text === "" ? {} : JSON.parse(text), answer, left.signal);
}

async function refuse(error, answer) {
  if (error instanceof EngineDead) {
    await die(`srv  update_slots: ${error.message}`, "engine error");
  }
  const refusal = error instanceof Refusal ? error : new Refusal(500, "server_error", error.message);
  console.error(`srv  send_error: ${error instanceof Refusal ? error.message : error.stack}`);
  const body = dialect.bodyOf(refusal);
  if (answer.headersSent) {
    answer.end(`data: ${JSON.stringify(body)}\n\n`);
  } else {
    reply(answer, refusal.code, body);
  }
}

const server = createServer((request, answer) => handle(request, answer).catch((error) => refuse(error, answer)));
const listen = () =>
  new Promise((resolve, reject) => server.on("error", reject).listen(options.port, options.host, resolve));
if (dialect.listensWhileLoading) {
  await listen();
  await load();
} else {
  await load();
  await listen();
}
console.error(`main: server is listening on http://${options.host}:${options.port}, n_ctx_slot = ${runtime.contextTokens}`);
