// A runtime for tests: listens, answers /health and /v1/*, and dies in every way a real one does.
// usage: node fake-runtime.js --port N --mode MODE [--serving-name NAME]
'use strict';
const http = require('http');
const { spawn } = require('child_process');

const args = {};
for (let i = 2; i < process.argv.length; i += 2) {
  args[process.argv[i].replace(/^--/, '')] = process.argv[i + 1];
}
const mode = args.mode || 'healthy';
const name = args['serving-name'] || 'fake';

console.log(`fake runtime: mode ${mode}, pid ${process.pid}`);

function listen(status) {
  http
    .createServer((request, response) => {
      response.setHeader('Content-Type', 'application/json');
      if (request.url === '/health') {
        response.statusCode = status();
        response.end('{}');
      } else if (request.url === '/v1/models') {
        response.end(JSON.stringify({ object: 'list', data: [{ id: name, object: 'model' }] }));
      } else if (request.url === '/env') {
        response.end(JSON.stringify(process.env));
      } else if (request.url === '/die') {
        console.error('RuntimeError: asked to die');
        process.exit(3);
      } else {
        response.statusCode = 404;
        response.end('{}');
      }
    })
    .listen(Number(args.port), '127.0.0.1');
}

function die(words, code) {
  console.error(words);
  process.exitCode = code;
}

switch (mode) {
  case 'healthy':
    listen(() => 200);
    break;
  case 'never-healthy':
    listen(() => 503);
    break;
  case 'turns-unhealthy': {
    const until = Date.now() + 700;
    listen(() => (Date.now() < until ? 200 : 503));
    break;
  }
  case 'exit-1':
    die('RuntimeError: something broke', 1);
    break;
  case 'oom-text':
    die('loading\ntorch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.\ncleaning up', 1);
    break;
  case 'kill-9':
    process.kill(process.pid, 'SIGKILL');
    break;
  case 'load-error':
    die("llama_model_load: error loading model: unknown model architecture: 'fake'", 1);
    break;
  case 'ignores-term':
    process.on('SIGTERM', () => console.log('SIGTERM ignored'));
    listen(() => 200);
    break;
  case 'grandchildren':
    spawn('sleep', ['300'], { stdio: 'ignore' });
    spawn('setsid', ['sleep', '300'], { stdio: 'ignore' });
    listen(() => 200);
    break;
  case 'noisy': {
    const line = 'x'.repeat(1023) + '\n';
    setInterval(() => process.stdout.write(line.repeat(64)), 5);
    listen(() => 200);
    break;
  }
  default:
    die(`unknown mode ${mode}`, 2);
}
