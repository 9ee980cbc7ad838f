using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Scheduler.TestKit;

/// <summary>
/// One running <see cref="LlamaRuntime"/>: started by the test, or found by the instance that it serves.
/// </summary>
public sealed class LlamaServer : IAsyncDisposable
{
    private readonly Process _process;

    private LlamaServer(Process process, int port)
    {
        _process = process;
        Http = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/"));
    }

    public Uri Http { get; }

    public int Id => _process.Id;

    /// <summary>Starts a runtime without a scheduler, as <c>llama-server</c>, and waits until it serves.</summary>
    /// <param name="contextTokens">llama-server rounds it up to a multiple of 256.</param>
    /// <param name="arguments">Further arguments, for example <c>--embeddings</c>.</param>
    public static Task<LlamaServer> StartAsync(
        LlamaRuntime runtime,
        int contextTokens,
        CancellationToken cancellationToken,
        params string[] arguments
    )
    {
        ArgumentNullException.ThrowIfNull(runtime);
        string[] all = ["--model", runtime.Model, "--ctx-size", Text(contextTokens), .. arguments];
        return StartAsync(runtime, "llama-server", all, cancellationToken);
    }

    /// <summary>Starts a runtime without a scheduler, as <c>vllm</c>, and waits until it serves.</summary>
    /// <param name="contextTokens">The exact context.</param>
    /// <param name="arguments">Further arguments, for example <c>--runner pooling</c>.</param>
    public static Task<LlamaServer> StartVllmAsync(
        LlamaRuntime runtime,
        int contextTokens,
        CancellationToken cancellationToken,
        params string[] arguments
    )
    {
        ArgumentNullException.ThrowIfNull(runtime);
        string[] all = ["serve", runtime.Model, "--max-model-len", Text(contextTokens), .. arguments];
        return StartAsync(runtime, "vllm", all, cancellationToken);
    }

    /// <summary>The runtime that a scheduler's process provider started for an instance.</summary>
    /// <param name="instance">The instance's id, <c>inst-…</c>, or its resource name.</param>
    /// <exception cref="InvalidOperationException">The instance has no running runtime.</exception>
    public static LlamaServer Of(string instance)
    {
        ArgumentNullException.ThrowIfNull(instance);
        var mark = $"SCHEDULER_INSTANCE={instance.Split('/')[^1]}";
        foreach (var process in Process.GetProcesses())
        {
            var command = WordsOf(process.Id, "cmdline");
            var port = Array.IndexOf(command, "--port") + 1;
            // The launcher's shell has the same arguments, and a forked check of the binary the same environment.
            if (
                port > 0
                && command.Any(word => word.EndsWith("server.mjs", StringComparison.Ordinal))
                && WordsOf(process.Id, "environ").Contains(mark, StringComparer.Ordinal)
            )
            {
                return new LlamaServer(process, int.Parse(command[port], CultureInfo.InvariantCulture));
            }

            process.Dispose();
        }

        throw new InvalidOperationException($"{instance} has no running runtime.");
    }

    /// <summary>A client with the runtime key, if the scheduler gave it one. The caller disposes it.</summary>
    public HttpClient NewClient()
    {
        var client = new HttpClient { BaseAddress = Http };
        var key = WordsOf(Id, "environ")
            .Select(variable => variable.Split('=', 2))
            .FirstOrDefault(variable => variable[0] is "LLAMA_API_KEY" or "VLLM_API_KEY");
        client.DefaultRequestHeaders.Authorization = key is null ? null : new("Bearer", key[1]);
        return client;
    }

    /// <summary><c>kill -9</c>.</summary>
    public void Kill() => _process.Kill();

    /// <summary>
    /// Limits the memory of the process to its current use and a little more: the next large allocation really fails.
    /// An allocation larger than any memory freed meanwhile fails for certain (see <c>--late-memory-above</c>).
    /// </summary>
    /// <param name="more">Bytes that remain available.</param>
    public async Task LimitMemoryAsync(long more, CancellationToken cancellationToken)
    {
        var line = (await File.ReadAllLinesAsync($"/proc/{Id}/status", cancellationToken)).Single(text =>
            text.StartsWith("VmData:", StringComparison.Ordinal)
        );
        var has =
            1024
            * long.Parse(
                line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1],
                CultureInfo.InvariantCulture
            );
        string[] arguments = ["--pid", $"{Id}", string.Create(CultureInfo.InvariantCulture, $"--data={has + more}")];
        using var limit = Process.Start("prlimit", arguments);
        await limit.WaitForExitAsync(cancellationToken);
        if (limit.ExitCode != 0)
        {
            throw new InvalidOperationException($"prlimit ended with code {limit.ExitCode}.");
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private static async Task<LlamaServer> StartAsync(
        LlamaRuntime runtime,
        string program,
        string[] arguments,
        CancellationToken cancellationToken
    )
    {
        var port = FreePort();
        var path = Path.Combine(runtime.Folder, program);
        var process = Process.Start(new ProcessStartInfo(path, [.. arguments, "--port", Text(port)]))!;
        var server = new LlamaServer(process, port);
        using var client = new HttpClient { BaseAddress = server.Http };
        while (!await IsHealthyAsync(client, cancellationToken))
        {
            if (process.HasExited)
            {
                throw new InvalidOperationException($"The runtime ended with code {process.ExitCode}.");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, cancellationToken);
        }

        return server;
    }

    private static async Task<bool> IsHealthyAsync(HttpClient client, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await client.GetAsync(new Uri("health", UriKind.Relative), cancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Empty for a process that has exited or is not readable.</summary>
    private static string[] WordsOf(int processId, string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{processId}/{file}").Split('\0');
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
