using System.Collections;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

// A runtime for tests that needs only the .NET SDK: it listens, answers /health and /v1/models, and exits in every way
// a real one does.
// usage: fake-runtime --port N --mode MODE [--serving-name NAME] [--context TOKENS --holds TOKENS]
var options = new Dictionary<string, string>(StringComparer.Ordinal);
for (var i = 0; i + 1 < args.Length; i += 2)
{
    options[args[i].TrimStart('-')] = args[i + 1];
}

var mode = options.GetValueOrDefault("mode", "healthy");

// The mode `guarded` asks all callers for this key, also on the health path.
var guard = Environment.GetEnvironmentVariable("FAKE_KEY");
var began = TimeProvider.System.GetTimestamp();
Console.WriteLine($"fake runtime: mode {mode}, pid {Environment.ProcessId}");
switch (mode)
{
    case "healthy" or "guarded":
        return await ServeAsync(() => 200);
    case "never-healthy":
        return await ServeAsync(() => 503);
    case "turns-unhealthy":
        return await ServeAsync(() =>
            TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromMilliseconds(700) ? 200 : 503
        );
    case "exit-1":
        return Die("RuntimeError: something broke", 1);
    case "oom-text":
        return OutOfMemory();
    case "oom-above":
        return Number("context") > Number("holds") ? OutOfMemory() : await ServeAsync(() => 200);
    case "kill-9":
        Process.GetCurrentProcess().Kill();
        return await ServeAsync(() => 200);
    case "load-error":
        return Die("llama_model_load: error loading model: unknown model architecture: 'fake'", 1);
    case "ignores-term":
        using (
            PosixSignalRegistration.Create(
                PosixSignal.SIGTERM,
                context =>
                {
                    context.Cancel = true;
                    Console.WriteLine("SIGTERM ignored");
                }
            )
        )
        {
            return await ServeAsync(() => 200);
        }
    case "grandchildren":
        Process.Start("sleep", ["300"]).Dispose();
        Process.Start("setsid", ["sleep", "300"]).Dispose();
        return await ServeAsync(() => 200);
    case "noisy":
        _ = ShoutAsync();
        return await ServeAsync(() => 200);
    default:
        return Die($"unknown mode {mode}", 2);
}

long Number(string name) => long.Parse(options[name], CultureInfo.InvariantCulture);

int Die(string words, int code)
{
    Console.Error.WriteLine(words);
    return code;
}

int OutOfMemory() =>
    Die("loading\ntorch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.\ncleaning up", 1);

async Task ShoutAsync()
{
    var lines = string.Concat(Enumerable.Repeat(new string('x', 1023) + "\n", 64));
    using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
    // 256 MiB: a runtime that outlives an interrupted test must not fill the disk.
    for (var written = 0; written < 4096; written++)
    {
        await timer.WaitForNextTickAsync();
        await Console.Out.WriteAsync(lines);
    }
}

// Plain sockets: a request to an HttpListener that is still starting ends the process.
async Task<int> ServeAsync(Func<int> health)
{
    using var listener = new TcpListener(IPAddress.Loopback, (int)Number("port"));
    listener.Start();
    while (true)
    {
        _ = AnswerAsync(await listener.AcceptTcpClientAsync(), health);
    }
}

async Task AnswerAsync(TcpClient client, Func<int> health)
{
    using var asking = client;
    try
    {
        using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
        var path = (await reader.ReadLineAsync())?.Split(' ').ElementAtOrDefault(1);
        var isAdmitted = mode != "guarded" || guard is null;
        var length = 0;
        while (await reader.ReadLineAsync() is { Length: > 0 } header)
        {
            if (header.StartsWith("Content-Length: ", StringComparison.OrdinalIgnoreCase))
            {
                length = int.Parse(header["Content-Length: ".Length..], CultureInfo.InvariantCulture);
            }

            isAdmitted |= string.Equals(header, $"Authorization: Bearer {guard}", StringComparison.OrdinalIgnoreCase);
        }

        // A connection that is closed with an unread body is reset, and the client loses the answer.
        if (length > 0)
        {
            await reader.ReadBlockAsync(new char[length]);
        }

        var (status, body) = path switch
        {
            _ when !isAdmitted => (401, "{}"),
            "/health" => (health(), "{}"),
            "/v1/models" => (200, Models()),
            "/v1/chat/completions" => (200, Completion()),
            "/env" => (200, JsonSerializer.Serialize(Variables())),
            "/die" => (Exit(), ""),
            _ => (404, "{}"),
        };
        var head =
            $"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\nConnection: close\r\n\r\n";
        await client.GetStream().WriteAsync(Encoding.UTF8.GetBytes(head + body));
    }
    catch (IOException)
    {
        // The client has disconnected.
    }
}

int Exit()
{
    Environment.Exit(Die("RuntimeError: asked to die", 3));
    return 500;
}

string Models() =>
    JsonSerializer.Serialize(
        new
        {
            @object = "list",
            data = new[] { new { id = options.GetValueOrDefault("serving-name", "fake"), @object = "model" } },
        }
    );

string Completion() =>
    JsonSerializer.Serialize(
        new
        {
            id = "chatcmpl-fake",
            @object = "chat.completion",
            created = 0,
            model = options.GetValueOrDefault("serving-name", "fake"),
            choices = new[]
            {
                new
                {
                    index = 0,
                    message = new { role = "assistant", content = options.GetValueOrDefault("serving-name", "fake") },
                    finish_reason = "stop",
                },
            },
            usage = new
            {
                prompt_tokens = 1,
                completion_tokens = 1,
                total_tokens = 2,
            },
        }
    );

Dictionary<string, string?> Variables() =>
    Environment
        .GetEnvironmentVariables()
        .Cast<DictionaryEntry>()
        .ToDictionary(pair => (string)pair.Key, pair => pair.Value as string, StringComparer.Ordinal);
