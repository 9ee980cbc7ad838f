// The differences between the two programs of the scheduler's built-in presets: arguments, tokenizer, refusals and their messages.
// llama-server's follow its `tools/server`, vLLM's its version 0.11 (`entrypoints/openai`), the version of the preset's image.
import { parseArgs } from "node:util";
import { invalid, Refusal } from "./runtime.mjs";

const common = {
  host: { type: "string", default: "127.0.0.1" },
  port: { type: "string" },
  // Not an option of either program: delay between two tokens, so that a test can act during an answer.
  "token-delay-ms": { type: "string", default: "0" },
  // Also not an option: tokens of the longest prompt that fits the memory allocated at the start. A longer prompt needs as much again while
  // it is processed, as vLLM allocates activations; an engine without that memory ends.
  "late-memory-above": { type: "string", default: "Infinity" },
};

const shared = (values) => ({
  host: values.host,
  port: Number(values.port),
  tokenDelay: Number(values["token-delay-ms"]),
  lateMemoryAbove: Number(values["late-memory-above"]),
});

/** llama.cpp rounds a context up to a multiple of this, and llama-server serves the result. */
const contextStep = 256;
const paddedUp = (tokens) => Math.ceil(tokens / contextStep) * contextStep;

const llamaServer = {
  listensWhileLoading: true,
  keyVariable: "LLAMA_API_KEY",
  isOpen: (path) => path === "/health" || path === "/v1/models",
  health: { status: "ok" },
  openingContent: null,

  parse(argv) {
    const { values } = parseArgs({
      args: argv,
      options: {
        ...common,
        model: { type: "string", short: "m" },
        alias: { type: "string", short: "a" },
        "ctx-size": { type: "string", short: "c", default: "0" },
        parallel: { type: "string", default: "1" },
        "n-gpu-layers": { type: "string", default: "0" },
        embeddings: { type: "boolean", default: false },
      },
    });
    const parallel = Number(values.parallel);
    const total = Number(values["ctx-size"]);
    return {
      ...shared(values),
      model: values.model,
      alias: values.alias ?? values.model,
      parallel,
      contextTokens: total === 0 ? null : paddedUp(Math.ceil(paddedUp(total) / parallel)),
      embeddings: values.embeddings,
    };
  },

  /** Requested tokens; null for all that fit. */
  asked(body) {
    const asked = body.max_completion_tokens ?? body.max_tokens ?? body.n_predict ?? -1;
    return asked < 0 ? null : asked;
  },

  /** Refuses only a prompt that leaves no room for one token; output beyond the context is cut. */
  requireRoom(prompt, _, context) {
    if (prompt >= context) {
      throw this.tooLarge(prompt, context, `request (${prompt} tokens) exceeds the available context size (${context} tokens), try increasing it`);
    }
  },

  requireEmbeddable(prompt, context) {
    if (prompt > context) {
      throw this.tooLarge(prompt, context, `input (${prompt} tokens) is larger than the max context size (${context} tokens). skipping`);
    }
  },

  tooLarge(prompt, context, message) {
    return new Refusal(400, "exceed_context_size_error", message, { n_prompt_tokens: prompt, n_ctx: context });
  },

  requireModel() {},

  noEmbeddings: new Refusal(501, "not_supported_error", "This server does not support embeddings. Start it with `--embeddings`"),

  tokenizer(runtime) {
    return {
      "POST /apply-template": (body) => ({ prompt: runtime.applyTemplate(body) }),
      "POST /tokenize": (body) => {
        const tokens = body.content === undefined ? [] : runtime.tokenize(body.content, body.add_special ?? false, body.parse_special ?? true);
        const withPieces = () => tokens.map((id) => ({ id, piece: runtime.pieceOf(id) }));
        return { tokens: body.with_pieces ? withPieces() : tokens };
      },
    };
  },

  models: (runtime) => ({
    owned_by: "llamacpp",
    meta: { n_ctx: runtime.contextTokens, n_ctx_train: runtime.trainedTokens, size: runtime.bytes },
  }),

  bodyOf: (refusal) => ({ error: { code: refusal.code, message: refusal.message, type: refusal.type, ...refusal.more } }),
};

const vllm = {
  listensWhileLoading: false,
  keyVariable: "VLLM_API_KEY",
  isOpen: (path) => !path.startsWith("/v1"),
  health: null,
  openingContent: "",

  parse(argv) {
    const { values, positionals } = parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        ...common,
        "served-model-name": { type: "string" },
        "max-model-len": { type: "string" },
        "max-num-seqs": { type: "string", default: "1" },
        "tensor-parallel-size": { type: "string", default: "1" },
        runner: { type: "string", default: "generate" },
      },
    });
    const model = positionals[1];
    return {
      ...shared(values),
      model,
      alias: values["served-model-name"] ?? model,
      parallel: Number(values["max-num-seqs"]),
      contextTokens: values["max-model-len"] === undefined ? null : Number(values["max-model-len"]),
      embeddings: values.runner === "pooling",
    };
  },

  /** A plain completion without max_tokens requests 16 tokens; a null requests all that fit. */
  asked(body, isChat) {
    return (isChat ? body.max_completion_tokens || body.max_tokens : body.max_tokens === undefined ? 16 : body.max_tokens) ?? null;
  },

  /** Prompt and answer together must fit. */
  requireRoom(prompt, asked, context) {
    const limit = `This model's maximum context length is ${context} tokens`;
    if (asked !== null && asked < 1) {
      throw invalid(`max_tokens must be at least 1, got ${asked}.`);
    }
    if (prompt >= context) {
      throw invalid(`${limit}. However, your request has ${prompt} input tokens. Please reduce the length of the input messages.`);
    }
    if (asked !== null && prompt + asked > context) {
      throw invalid(
        `'max_tokens' or 'max_completion_tokens' is too large: ${asked}. ${limit} and your request has ${prompt} input tokens ` +
          `(${asked} > ${context} - ${prompt}).`,
      );
    }
  },

  requireEmbeddable(prompt, context) {
    if (prompt > context) {
      throw invalid(
        `This model's maximum context length is ${context} tokens. However, you requested ${prompt} tokens in the input for embedding ` +
          "generation. Please reduce the length of the input.",
      );
    }
  },

  requireModel(body, alias) {
    if (body.model !== undefined && body.model !== null && body.model !== alias) {
      throw new Refusal(404, "NotFoundError", `The model \`${body.model}\` does not exist.`);
    }
  },

  noEmbeddings: invalid("The model does not support Embeddings API"),

  tokenizer(runtime, alias) {
    return {
      "POST /tokenize": (body) => {
        this.requireModel(body, alias);
        const isChat = body.messages !== undefined;
        const text = isChat ? runtime.applyTemplate(body) : body.prompt;
        // A chat template writes special tokens itself; llama.cpp's leaves BOS to the tokenizer, so it is added for both.
        const tokens = runtime.tokenize(text, isChat || (body.add_special_tokens ?? true), true);
        return { count: tokens.length, max_model_len: runtime.contextTokens, tokens, token_strs: null };
      },
    };
  },

  models: (runtime) => ({ owned_by: "vllm", max_model_len: runtime.contextTokens }),

  bodyOf: ({ code, type, message }) => ({
    error: { message, type: type === "invalid_request_error" ? "BadRequestError" : type, param: null, code },
  }),
};

/** Chosen by the command: `vllm serve …` or `llama-server …`. */
export const dialectOf = (argv) => (argv[0] === "serve" ? vllm : llamaServer);
