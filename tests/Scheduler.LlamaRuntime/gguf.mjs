// Writes the model of the tests: a GGUF file of some 440 kB whose weights are noise of a fixed seed.
// usage: node gguf.mjs FILE
//
// A token is a byte, a space ("▁", as SentencePiece writes it) or a control token, so a test can count tokens directly. Pure noise would
// generate invalid UTF-8 and repeat one token for ever, so two parts are not noise. One dimension is constant through all blocks, and the
// output reads it as a bias towards the letters a to z and the space. The output's row of a letter is close to the embedding of the previous
// letter in a shuffled alphabet: the model follows that cycle, which rounding does not change at temperature 0, and never ends by itself.
import { writeFileSync } from "node:fs";

const width = 64;
const feedForward = 128;
const heads = 4;
const keyHeads = 2;
const blocks = 2;
const context = 131072;
const seed = 20260101;

const bias = 8;
const biasDimension = 0;
const outputBias = 3;
const outputScale = 0.25;

const chatTemplate =
  "{%- if tools %}{{- '<|im_start|>system\\n' }}{%- for tool in tools %}{{- tool | tojson + '\\n' }}{%- endfor %}{{- '<|im_end|>\\n' }}{%- endif %}" +
  "{%- for message in messages %}{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{%- endfor %}" +
  "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}";

const Type = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9 };
const TokenType = { normal: 1, unknown: 2, control: 3, byte: 6 };

function vocabulary() {
  const tokens = [
    ["<unk>", TokenType.unknown],
    ["<s>", TokenType.control],
    ["</s>", TokenType.control],
  ];
  for (let value = 0; value < 256; value++) {
    tokens.push([`<0x${value.toString(16).toUpperCase().padStart(2, "0")}>`, TokenType.byte]);
  }
  tokens.push(["▁", TokenType.normal], ["<|im_start|>", TokenType.control], ["<|im_end|>", TokenType.control]);
  return tokens;
}

const vocab = vocabulary();
const isSpoken = vocab.map(([text]) => text === "▁" || /^<0x(6[1-9A-F]|7[0-9A])>$/.test(text));

/** Numbers, uniform from 0 to 1 and standard normal; the same sequence every time. */
function noise() {
  let state = seed;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  return { uniform, normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()) };
}

/** The previous letter of each letter in the cycle. */
function circle(uniform) {
  const letters = vocab.flatMap((_, token) => (isSpoken[token] ? [token] : []));
  for (let at = letters.length - 1; at > 0; at--) {
    const other = Math.floor(uniform() * (at + 1));
    [letters[at], letters[other]] = [letters[other], letters[at]];
  }
  return new Map(letters.map((token, at) => [token, letters.at(at - 1)]));
}

/** One entry per tensor: its name, its shape (columns first, as in GGUF), and a value for each row and column. */
function tensors({ uniform, normal }) {
  const before = circle(uniform);
  const embedding = vocab.map(() => Array.from({ length: width }, (_, column) => (column === biasDimension ? bias : normal())));
  const said = (row, column) => {
    if (column === biasDimension) {
      return isSpoken[row] ? outputBias : -outputBias;
    }
    return outputScale * (isSpoken[row] ? embedding[before.get(row)][column] : normal());
  };
  const scaled = (columns) => () => normal() / Math.sqrt(columns);
  // A block adds nothing to the constant dimension.
  const quietBias = (columns) => (row) => (row === biasDimension ? 0 : normal() / Math.sqrt(columns));
  const one = () => 1;
  const list = [["token_embd.weight", [width, vocab.length], (row, column) => embedding[row][column]]];
  const keyWidth = (width / heads) * keyHeads;
  for (let block = 0; block < blocks; block++) {
    list.push(
      [`blk.${block}.attn_norm.weight`, [width], one],
      [`blk.${block}.attn_q.weight`, [width, width], scaled(width)],
      [`blk.${block}.attn_k.weight`, [width, keyWidth], scaled(width)],
      [`blk.${block}.attn_v.weight`, [width, keyWidth], scaled(width)],
      [`blk.${block}.attn_output.weight`, [width, width], quietBias(width)],
      [`blk.${block}.ffn_norm.weight`, [width], one],
      [`blk.${block}.ffn_gate.weight`, [width, feedForward], scaled(width)],
      [`blk.${block}.ffn_up.weight`, [width, feedForward], scaled(width)],
      [`blk.${block}.ffn_down.weight`, [feedForward, width], quietBias(feedForward)],
    );
  }
  list.push(
    ["output_norm.weight", [width], one],
    ["output.weight", [width, vocab.length], said],
  );
  return list;
}

class Writer {
  parts = [];
  length = 0;

  bytes(buffer) {
    this.parts.push(buffer);
    this.length += buffer.length;
  }

  number(size, method, value) {
    const buffer = Buffer.alloc(size);
    buffer[method](value);
    this.bytes(buffer);
  }

  uint32(value) {
    this.number(4, "writeUInt32LE", value);
  }

  uint64(value) {
    this.number(8, "writeBigUInt64LE", BigInt(value));
  }

  string(value) {
    const text = Buffer.from(value, "utf8");
    this.uint64(text.length);
    this.bytes(text);
  }

  value(type, value) {
    switch (type) {
      case Type.string:
        return this.string(value);
      case Type.float32:
        return this.number(4, "writeFloatLE", value);
      case Type.bool:
        return this.number(1, "writeUInt8", value ? 1 : 0);
      case Type.int32:
        return this.number(4, "writeInt32LE", value);
      default:
        return this.uint32(value);
    }
  }

  pair(key, type, value) {
    this.string(key);
    if (Array.isArray(value)) {
      this.uint32(Type.array);
      this.uint32(type);
      this.uint64(value.length);
      value.forEach((element) => this.value(type, element));
    } else {
      this.uint32(type);
      this.value(type, value);
    }
  }

  pad(alignment) {
    this.bytes(Buffer.alloc((alignment - (this.length % alignment)) % alignment));
  }
}

const pairs = [
  ["general.architecture", Type.string, "llama"],
  ["general.name", Type.string, "noise"],
  ["general.file_type", Type.uint32, 0],
  ["llama.context_length", Type.uint32, context],
  ["llama.embedding_length", Type.uint32, width],
  ["llama.block_count", Type.uint32, blocks],
  ["llama.feed_forward_length", Type.uint32, feedForward],
  ["llama.attention.head_count", Type.uint32, heads],
  ["llama.attention.head_count_kv", Type.uint32, keyHeads],
  ["llama.rope.dimension_count", Type.uint32, width / heads],
  ["llama.attention.layer_norm_rms_epsilon", Type.float32, 1e-5],
  ["llama.vocab_size", Type.uint32, vocab.length],
  ["tokenizer.ggml.model", Type.string, "llama"],
  ["tokenizer.ggml.tokens", Type.string, vocab.map(([text]) => text)],
  ["tokenizer.ggml.scores", Type.float32, vocab.map(() => 0)],
  ["tokenizer.ggml.token_type", Type.int32, vocab.map(([, type]) => type)],
  ["tokenizer.ggml.bos_token_id", Type.uint32, 1],
  ["tokenizer.ggml.eos_token_id", Type.uint32, 2],
  ["tokenizer.ggml.unknown_token_id", Type.uint32, 0],
  ["tokenizer.ggml.add_bos_token", Type.bool, true],
  ["tokenizer.ggml.add_eos_token", Type.bool, false],
  ["tokenizer.ggml.add_space_prefix", Type.bool, false],
  ["tokenizer.chat_template", Type.string, chatTemplate],
];

const alignment = 32;
const writer = new Writer();
const list = tensors(noise());
writer.bytes(Buffer.from("GGUF"));
writer.uint32(3);
writer.uint64(list.length);
writer.uint64(pairs.length);
pairs.forEach(([key, type, value]) => writer.pair(key, type, value));
let offset = 0;
for (const [name, shape] of list) {
  writer.string(name);
  writer.uint32(shape.length);
  shape.forEach((extent) => writer.uint64(extent));
  writer.uint32(0);
  writer.uint64(offset);
  const size = 4 * shape.reduce((product, extent) => product * extent, 1);
  offset += Math.ceil(size / alignment) * alignment;
}
for (const [, [columns, rows = 1], valueAt] of list) {
  writer.pad(alignment);
  const data = new Float32Array(columns * rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      data[row * columns + column] = valueAt(row, column);
    }
  }
  writer.bytes(Buffer.from(data.buffer));
}
writer.pad(alignment);
writeFileSync(process.argv[2], Buffer.concat(writer.parts));
