// Typical calls of unmodified npm clients of the Messages and the Responses API, one after the other.
// usage: GATEWAY=http://… KEY=… node clients.mjs
// Prints one line of JSON: the result of each call, or the fields of its error.
import Anthropic from "@anthropic-ai/sdk";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { generateObject, generateText, stepCountIs, streamText, tool } from "ai";
import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";

// Warnings of the package ai would be lines of the output.
globalThis.AI_SDK_LOG_WARNINGS = false;

const { GATEWAY: gateway, KEY: key } = process.env;
const model = "chat";
const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** The fields of an error that users branch on and report. */
async function errorOf(call) {
  try {
    return { answered: await call() };
  } catch ({ status, message, requestID, param, code, constructor }) {
    return { status, message, requestID, param, code, name: constructor.name };
  }
}

const anthropic = new Anthropic({ baseURL: gateway, apiKey: key, maxRetries: 0 });
const said = (content) => ({ model, max_tokens: 50, messages: [{ role: "user", content }] });
const textOf = (message) => message.content.filter((block) => block.type === "text").map((block) => block.text).join("");

async function messageTools() {
  const ask = { ...said("Where?"), tools: [{ name: "weather", description: "Tells the weather.", input_schema: schema }] };
  const first = await anthropic.messages.stream(ask).finalMessage();
  const call = first.content.find((block) => block.type === "tool_use");
  const result = { type: "tool_result", tool_use_id: call.id, content: [{ type: "text", text: "sunny" }] };
  const second = await anthropic.messages.create({
    ...ask,
    messages: [...ask.messages, { role: "assistant", content: first.content }, { role: "user", content: [result] }],
  });
  return {
    kinds: first.content.map((block) => block.type),
    input: call.input,
    stop: first.stop_reason,
    usage: first.usage,
    text: textOf(second),
    end: second.stop_reason,
  };
}

async function messageEvents() {
  const kinds = [];
  for await (const event of await anthropic.messages.create({ ...said("Hi"), stream: true })) {
    kinds.push(event.type);
  }
  return kinds;
}

async function messageImage() {
  const image = { type: "image", source: { type: "base64", media_type: "image/png", data: png } };
  return textOf(await anthropic.messages.create(said([image, { type: "text", text: "What is it?" }])));
}

const openai = new OpenAI({ baseURL: `${gateway}/v1`, apiKey: key, maxRetries: 0 });
const asked = (body) => openai.responses.create({ model, store: false, ...body });

async function responseTools() {
  const tools = [{ type: "function", name: "weather", description: "Tells the weather.", parameters: schema, strict: false }];
  const input = [{ role: "user", content: "Where?" }];
  const stream = openai.responses.stream({ model, input, tools });
  const kinds = [];
  for await (const event of stream) {
    kinds.push(event.type);
  }
  const first = await stream.finalResponse();
  const call = first.output.find((item) => item.type === "function_call");
  const result = { type: "function_call_output", call_id: call.call_id, output: "sunny" };
  const second = await asked({ input: [...input, ...first.output, result], tools });
  return {
    kinds: [...new Set(kinds)],
    items: first.output.map((item) => item.type),
    arguments: call.arguments,
    usage: first.usage,
    text: second.output_text,
    status: second.status,
  };
}

async function responseImage() {
  const content = [
    { type: "input_text", text: "What is it?" },
    { type: "input_image", image_url: `data:image/png;base64,${png}`, detail: "auto" },
  ];
  return (await asked({ input: [{ role: "user", content }] })).output_text;
}

async function responseObject() {
  const format = zodTextFormat(z.object({ answer: z.number() }), "answer");
  return (await openai.responses.parse({ model, input: "How many?", text: { format } })).output_parsed;
}

/** A stream of either client to its end. */
async function drained(stream) {
  for await (const _ of await stream) {
    // Only the end matters.
  }
}

const weather = tool({
  description: "Tells the weather.",
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `sunny in ${city}`,
});

/** The package ai with one of its providers: text, stream with a tool that runs between two requests, object. */
async function viaAi(provider, providerOptions) {
  const plain = await generateText({ model: provider(model), prompt: "Hi", maxRetries: 0 });
  const stream = streamText({
    model: provider(model),
    prompt: "Where?",
    tools: { weather },
    stopWhen: stepCountIs(3),
    providerOptions,
    maxRetries: 0,
    onError: ({ error }) => {
      throw error;
    },
  });
  const kinds = new Set();
  for await (const part of stream.fullStream) {
    kinds.add(part.type);
  }
  const { object } = await generateObject({
    model: provider(model),
    prompt: "How many?",
    schema: z.object({ answer: z.number() }),
    maxRetries: 0,
  });
  return {
    plain: plain.text,
    finish: plain.finishReason,
    usage: [plain.usage.inputTokens, plain.usage.outputTokens],
    kinds: [...kinds],
    text: await stream.text,
    steps: (await stream.steps).length,
    object,
  };
}

console.log(
  JSON.stringify({
    message: await anthropic.messages.create(said("Hi")),
    messageEvents: await messageEvents(),
    messageTools: await messageTools(),
    messageImage: await messageImage(),
    messageTokens: await anthropic.messages.countTokens({ model, messages: said("Hi").messages }),
    messageUnknown: await errorOf(() => anthropic.messages.create({ ...said("Hi"), model: "nothing" })),
    messageWrong: await errorOf(() => anthropic.messages.create({ ...said("Hi"), temperature: "hot" })),
    messageBreaks: await errorOf(() => anthropic.messages.stream(said("break")).finalMessage()),
    response: await asked({ input: "Hi", instructions: "Be brief." }),
    responseTools: await responseTools(),
    responseImage: await responseImage(),
    responseObject: await responseObject(),
    responseStored: await errorOf(() => asked({ input: "Hi", previous_response_id: "resp_1" })),
    responseRetrieved: await errorOf(() => openai.responses.retrieve("resp_1")),
    responseBreaks: await errorOf(() => drained(asked({ input: "break", stream: true }))),
    aiAnthropic: await viaAi(createAnthropic({ baseURL: `${gateway}/v1`, apiKey: key })),
    aiOpenAi: await viaAi(createOpenAI({ baseURL: `${gateway}/v1`, apiKey: key }), {
      openai: { store: false, reasoningSummary: "auto", forceReasoning: true },
    }),
  }),
);
