// llama.cpp for a server: slots, tokens, the chat template, generation, embeddings.
import { Template } from "@huggingface/jinja";
import { getLlama, LlamaGrammarEvaluationState } from "node-llama-cpp";

/** A refusal with its HTTP status; `more` holds fields in addition to code, message and type. */
export class Refusal extends Error {
  constructor(code, type, message, more = {}) {
    super(message);
    Object.assign(this, { code, type, more });
  }
}

/** A failure that ends the engine. */
export class EngineDead extends Error {}

export const invalid = (message) => new Refusal(400, "invalid_request_error", message);

/** Sequences of the context, each used by one request at a time; further requests wait in order. */
class Slots {
  #free;
  #waiting = [];

  constructor(context) {
    this.#free = Array.from({ length: context.totalSequences }, () => context.getSequence());
  }

  /** A free slot; null if the caller cancelled first. */
  take(signal) {
    if (signal.aborted) {
      return null;
    }
    if (this.#free.length > 0) {
      return this.#free.pop();
    }
    return new Promise((resolve) => {
      const waiter = { resolve };
      this.#waiting.push(waiter);
      signal.addEventListener("abort", () => {
        const at = this.#waiting.indexOf(waiter);
        if (at >= 0) {
          this.#waiting.splice(at, 1);
          resolve(null);
        }
      });
    });
  }

  giveBack(slot) {
    const next = this.#waiting.shift();
    if (next) {
      next.resolve(slot);
    } else {
      this.#free.push(slot);
    }
  }
}

/** Turns tokens into text; holds back incomplete characters and possible starts of a stop string. */
class Speech {
  #model;
  #stops;
  #tokens = [];
  #held = "";

  constructor(model, stops) {
    this.#model = model;
    this.#stops = stops;
  }

  /** Text that can be sent now, and whether a stop string was found. */
  add(token) {
    this.#tokens.push(token);
    const text = this.#model.detokenize(this.#tokens, false);
    if (text.endsWith("\uFFFD") && this.#tokens.length < 4) {
      return { text: "", isStopped: false };
    }
    this.#tokens = [];
    this.#held += text;
    const met = this.#stops.map((stop) => this.#held.indexOf(stop)).filter((at) => at >= 0);
    if (met.length > 0) {
      return { text: this.#held.slice(0, Math.min(...met)), isStopped: true };
    }
    const sayable = this.#held.length - this.#longestStart();
    const said = this.#held.slice(0, sayable);
    this.#held = this.#held.slice(sayable);
    return { text: said, isStopped: false };
  }

  rest() {
    return this.#held + (this.#tokens.length > 0 ? this.#model.detokenize(this.#tokens, false) : "");
  }

  /** Length of the longest suffix of the held text that is a prefix of a stop string. */
  #longestStart() {
    for (let length = this.#held.length; length > 0; length--) {
      if (this.#stops.some((stop) => stop.startsWith(this.#held.slice(-length)))) {
        return length;
      }
    }
    return 0;
  }
}

export class Runtime {
  #llama;
  #model;
  #slots;
  #embedder;
  #template;
  #options;
  #newContext;

  /** Tokens one request may hold, prompt and answer together. */
  contextTokens;

  /** Loads the model and allocates everything that a request needs, as both servers do. */
  static async load(options, logger) {
    const runtime = new Runtime();
    // Threads beyond the free cores wait for each other in a loop; this model has no work for a second thread.
    const threads = 1;
    const llama = await getLlama({ gpu: false, build: "never", skipDownload: true, progressLogs: false, maxThreads: threads, logger });
    const model = await llama.loadModel({ modelPath: options.model, gpuLayers: 0, ignoreMemorySafetyChecks: true });
    const trained = model.trainContextSize;
    const wanted = options.contextTokens ?? trained;
    const common = { threads, ignoreMemorySafetyChecks: true, failedCreationRemedy: false };
    const newContext = () => model.createContext({ ...common, contextSize: wanted, sequences: options.parallel });
    const context = await newContext();
    if (options.embeddings) {
      // node-llama-cpp reserves some tokens of the context; the servers use all of them.
      const spare = 8;
      runtime.#embedder = await model.createEmbeddingContext({ ...common, contextSize: wanted + spare });
    }
    runtime.#llama = llama;
    runtime.#model = model;
    runtime.#slots = new Slots(context);
    runtime.#template = new Template(model.fileInfo.metadata.tokenizer.chat_template);
    runtime.#options = options;
    runtime.#newContext = newContext;
    runtime.contextTokens = Math.min(wanted, trained);
    return runtime;
  }

  get trainedTokens() {
    return this.#model.trainContextSize;
  }

  get bytes() {
    return this.#model.size;
  }

  /** Tokens of a text, or of a list of texts and tokens. */
  tokenize(content, addSpecial, parseSpecial) {
    const parts = Array.isArray(content) ? content : [content];
    const tokens = parts.flatMap((part) => (typeof part === "number" ? [part] : this.#model.tokenize(String(part), parseSpecial)));
    const bos = this.#model.tokens.bos;
    return addSpecial && typeof parts[0] !== "number" && this.#model.tokens.shouldPrependBosToken ? [bos, ...tokens] : [...tokens];
  }

  pieceOf(token) {
    return this.#model.detokenize([token], true);
  }

  /** The prompt that a chat becomes. */
  applyTemplate(body) {
    if (!Array.isArray(body.messages)) {
      throw invalid("'messages' must be an array");
    }
    const messages = body.messages.map((message) => ({ ...message, content: textOf(message.content) }));
    return this.#template.render({
      ...body.chat_template_kwargs,
      messages,
      tools: body.tools?.length ? body.tools : undefined,
      add_generation_prompt: body.add_generation_prompt ?? true,
    });
  }

  /** Generates up to `asked` tokens (null: all that fit): yields each text, then returns the finish reason and the token count. */
  async *generate(prompt, asked, body, signal) {
    const slot = await this.#slots.take(signal);
    if (slot === null) {
      return { reason: "stop", count: 0 };
    }
    const late = prompt.length > this.#options.lateMemoryAbove ? await this.#lateMemory() : null;
    try {
      await slot.clearHistory();
      return yield* this.#speak(slot, prompt, asked, body, signal);
    } finally {
      this.#slots.giveBack(slot);
      await late?.dispose();
    }
  }

  async #lateMemory() {
    try {
      return await this.#newContext();
    } catch (error) {
      throw new EngineDead(error.message);
    }
  }

  async *#speak(slot, prompt, asked, body, signal) {
    const most = Math.min(asked ?? Infinity, this.contextTokens - prompt.length);
    const speech = new Speech(this.#model, [body.stop ?? []].flat());
    const sampling = await this.#sampling(body);
    let count = 0;
    for await (const token of slot.evaluate(prompt, sampling)) {
      if (signal.aborted || count >= most) {
        break;
      }
      count++;
      if (this.#model.isEogToken(token)) {
        yield speech.rest();
        return { reason: "stop", count };
      }
      const { text, isStopped } = speech.add(token);
      yield text;
      if (isStopped) {
        return { reason: "stop", count };
      }
      if (count >= most) {
        break;
      }
      await this.#pause();
    }
    yield speech.rest();
    return { reason: "length", count };
  }

  /** By default the servers use a temperature and a new seed; a test needs the same answer twice. */
  async #sampling(body) {
    const sampling = {
      temperature: body.temperature ?? 0,
      topP: body.top_p ?? 1,
      seed: body.seed ?? 0,
      yieldEogToken: true,
    };
    const format = body.response_format;
    if (format?.type === "json_object" && !format.schema) {
      sampling.grammarEvaluationState = this.#stateOf(await this.#llama.getGrammarFor("json"));
    } else if (format?.type === "json_object" || format?.type === "json_schema") {
      const schema = format.json_schema?.schema ?? format.schema;
      sampling.grammarEvaluationState = this.#stateOf(await this.#llama.createGrammarForJsonSchema(schema));
    }
    return sampling;
  }

  #stateOf(grammar) {
    return new LlamaGrammarEvaluationState({ model: this.#model, grammar });
  }

  #pause() {
    // Even without a delay the event loop runs, so that a disconnect is detected between two tokens.
    const delay = this.#options.tokenDelay;
    return new Promise((resolve) => (delay > 0 ? setTimeout(resolve, delay) : setImmediate(resolve)));
  }

  get canEmbed() {
    return this.#embedder !== undefined;
  }

  /** The embedding of a prompt. */
  async embed(tokens) {
    return (await this.#embedder.getEmbeddingFor(tokens)).vector;
  }
}

/** A message's text: unchanged, or its parts on separate lines. */
function textOf(content) {
  if (!Array.isArray(content)) {
    return content ?? "";
  }
  return content
    .map((part) => {
      if (part.type !== "text") {
        throw invalid("unsupported content[].type");
      }
      return part.text;
    })
    .join("\n");
}
