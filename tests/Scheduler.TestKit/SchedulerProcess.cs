using System.Collections.Concurrent;
using System.Diagnostics;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;

namespace Scheduler.TestKit;

/// <summary>
/// The scheduler as users run it: a separate process with its own directory and free ports. It can be killed and
/// started again on the same directory any number of times.
/// </summary>
public sealed class SchedulerProcess : IAsyncDisposable
{
    /// <summary>
    /// Each method is compiled once, without optimization. A scheduler that lives for seconds otherwise spends 30 % of
    /// its CPU time on compiling hot methods again (tests/README.md).
    /// </summary>
    private static readonly Dictionary<string, string> CompilingOnce = new()
    {
        ["DOTNET_TieredPGO"] = "0",
        ["DOTNET_TC_CallCounting"] = "0",
    };

    private readonly string[] _settings;
    private readonly ConcurrentQueue<string> _output = new();
    private Process? _process;
    private GrpcChannel? _channel;

    /// <summary>The process is not started yet.</summary>
    /// <param name="folder">Its working directory; null for a new temporary one.</param>
    /// <param name="settings">Arguments after <see cref="Command"/>.</param>
    public SchedulerProcess(string? folder = null, params string[] settings)
    {
        Folder = folder ?? Directory.CreateTempSubdirectory("scheduler-").FullName;
        _settings = settings;
    }

    /// <summary>Whether the runtime compiles hot methods again, as in production. Benchmarks need it.</summary>
    public static bool Optimizes { get; set; }

    public string Folder { get; }

    /// <summary>The program of the tests' own build.</summary>
    public static string OwnProgram { get; } = Path.Combine(AppContext.BaseDirectory, "scheduler.dll");

    /// <summary>What the next start runs; by default <see cref="OwnProgram"/>.</summary>
    public string Program { get; set; } = OwnProgram;

    /// <summary>The command: <c>serve</c> or <c>demo</c>.</summary>
    public string Command { get; init; } = "serve";

    /// <summary>Whether its directory belongs to the caller and is kept on disposal.</summary>
    public bool KeepsFolder { get; init; }

    /// <summary>Issuer of the API's certificate; null without TLS.</summary>
    public TestAuthority? Authority { get; init; }

    /// <summary>
    /// Whether a file size limit is an error of the write, as a full disk is, and does not end the process.
    /// </summary>
    public bool ReadsFileLimitAsError { get; init; }

    /// <summary>Most open files of the process (<c>ulimit -n</c>); null for those of the test.</summary>
    public int? MaxOpenFiles { get; init; }

    /// <summary>Variables in addition to those of the test.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    public int Id => _process!.Id;

    /// <summary>Address of the HTTP API.</summary>
    public Uri Http { get; private set; } = null!;

    /// <summary>Address of the gRPC API; null for a silo without one.</summary>
    public Uri? Grpc { get; private set; }

    /// <summary>The operator's key; empty if it has none.</summary>
    public string Token { get; private set; } = "";

    /// <summary>A channel to the gRPC API; replaced after a start on another port.</summary>
    public GrpcChannel Channel => _channel ?? throw new InvalidOperationException("Not started, or without an API.");

    /// <summary>Calls of the gRPC API as an operator.</summary>
    public CallInvoker Calls =>
        Channel.Intercept(headers =>
        {
            // The caller's headers stay unchanged: another process has another key.
            var mine = new Metadata();
            foreach (var header in headers)
            {
                mine.Add(header);
            }

            mine.Add("authorization", $"Bearer {Token}");
            return mine;
        });

    public bool IsRunning => _process is { HasExited: false };

    public Metadata Auth => new() { { "authorization", $"Bearer {Token}" } };

    /// <summary>Time from the start of the process to its line that reports readiness.</summary>
    public TimeSpan TookToListen { get; private set; }

    public TimeSpan Cpu
    {
        get
        {
            _process!.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    /// <summary>The last lines of output, for messages of failed tests.</summary>
    public string Output => string.Join('\n', _output.TakeLast(60));

    /// <summary>The output lines of all its starts; beyond 20,000 the oldest are dropped.</summary>
    public IReadOnlyCollection<string> Lines => _output;

    /// <summary>Settings without delays at the providers.</summary>
    public static string[] ZeroDelay { get; } =
    [
        "--Providers:Simulated:AllocateLatency=00:00:00",
        "--Providers:Simulated:BootTime=00:00:00",
        "--Providers:Simulated:ServeRuntime=false",
        "--Providers:Simulated:CapacityPerOffer=1000000",
    ];

    /// <summary>Starts it and waits until it is ready.</summary>
    /// <exception cref="InvalidOperationException">
    /// It exited before it was ready; the message contains its output.
    /// </exception>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        var began = Stopwatch.GetTimestamp();
        var ready = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        _process = Process.Start(StartInfo()) ?? throw new InvalidOperationException("No process was started.");
        _process.OutputDataReceived += (_, line) => Read(line.Data, ready);
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        var words = (await ready.Task.WaitAsync(TimeSpan.FromMinutes(2), cancellationToken))
            .Split(' ')
            .Skip(1)
            .Select(word => word.Split('=', 2))
            .ToDictionary(pair => pair[0], pair => pair[1]);
        TookToListen = Stopwatch.GetElapsedTime(began);
        Http = new Uri(words["http"]);
        if (File.Exists(words["operator_key"]))
        {
            Token = (await File.ReadAllTextAsync(words["operator_key"], cancellationToken)).Trim();
        }

        Open(words["grpc"] == "none" ? null : new Uri(words["grpc"]));
    }

    /// <summary><c>kill -9</c>: no shutdown code runs.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Stops it with SIGTERM and waits.</summary>
    /// <returns>Its exit code.</returns>
    public Task<int> StopAsync(CancellationToken cancellationToken = default) => EndAsync("-TERM", cancellationToken);

    /// <summary>Stops it as Ctrl-C does, with SIGINT, and waits.</summary>
    /// <returns>Its exit code.</returns>
    public Task<int> InterruptAsync(CancellationToken cancellationToken = default) =>
        EndAsync("-INT", cancellationToken);

    /// <summary>Stops the process where it is (SIGSTOP): its connections stay open and nothing answers.</summary>
    public Task FreezeAsync(CancellationToken cancellationToken = default) => SignalAsync("-STOP", cancellationToken);

    /// <summary>Lets a frozen process continue.</summary>
    public Task ThawAsync(CancellationToken cancellationToken = default) => SignalAsync("-CONT", cancellationToken);

    private async Task<int> EndAsync(string signal, CancellationToken cancellationToken)
    {
        await SignalAsync(signal, cancellationToken);
        await _process!.WaitForExitAsync(cancellationToken);
        return _process.ExitCode;
    }

    private async Task SignalAsync(string signal, CancellationToken cancellationToken)
    {
        using var kill = Process.Start("kill", [signal, $"{_process!.Id}"]);
        await kill.WaitForExitAsync(cancellationToken);
    }

    /// <summary>Starts a process that is expected to exit.</summary>
    /// <returns>Its exit code and output.</returns>
    public async Task<(int ExitCode, string Output)> RunToEndAsync(CancellationToken cancellationToken = default)
    {
        using var process =
            Process.Start(StartInfo()) ?? throw new InvalidOperationException("No process was started.");
        var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        var errors = process.StandardError.ReadToEndAsync(cancellationToken);
        try
        {
            await process.WaitForExitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }

        return (process.ExitCode, await output + await errors);
    }

    public async ValueTask DisposeAsync()
    {
        _channel?.Dispose();
        if (_process is { HasExited: false })
        {
            await KillAsync();
        }

        _process?.Dispose();
        if (!KeepsFolder)
        {
            Directory.Delete(Folder, recursive: true);
        }
    }

    private ProcessStartInfo StartInfo()
    {
        // The shell replaces itself with the scheduler: one process, one id.
        string[] first =
        [
            .. ReadsFileLimitAsError ? (string[])["trap '' XFSZ"] : [],
            .. MaxOpenFiles is { } files ? (string[])[$"ulimit -n {files}"] : [],
        ];
        var start = new ProcessStartInfo(first.Length > 0 ? "sh" : "dotnet")
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Folder,
        };
        string[] arguments =
        [
            .. first.Length > 0 ? (string[])["-c", $"{string.Join("; ", first)}; exec dotnet \"$@\"", "sh"] : [],
            Program,
            Command,
            "--Host:HttpPort=0",
            "--Host:GrpcPort=0",
            "--Host:SiloPort=0",
            "--Host:Log=json",
            .. _settings,
        ];
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in Optimizes ? Environment : CompilingOnce.Concat(Environment))
        {
            start.Environment[name] = value;
        }

        return start;
    }

    private void Open(Uri? grpc)
    {
        if (grpc == Grpc)
        {
            return;
        }

        Grpc = grpc;
        _channel?.Dispose();
        _channel = grpc is null
            ? null
            : GrpcChannel.ForAddress(
                grpc,
                new GrpcChannelOptions
                {
                    HttpHandler = NewHandler(),
                    DisposeHttpClient = true,
                    // After a kill and restart the client reconnects at once, which is right for a process on this
                    // host.
                    MaxReconnectBackoff = TimeSpan.FromSeconds(1),
                    InitialReconnectBackoff = TimeSpan.FromMilliseconds(100),
                }
            );
    }

    /// <summary>For API calls: trusts their certificate and no other.</summary>
    public SocketsHttpHandler NewHandler()
    {
        var handler = new SocketsHttpHandler { EnableMultipleHttp2Connections = true };
        if (Authority is { } authority)
        {
            handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) => authority.Issued(shown);
        }

        return handler;
    }

    private void Read(string? line, TaskCompletionSource<string> ready)
    {
        Keep(line);
        if (line is null)
        {
            ready.TrySetException(
                new InvalidOperationException($"The scheduler exited before it was ready:\n{Output}")
            );
        }
        else if (line.StartsWith("ready ", StringComparison.Ordinal))
        {
            ready.TrySetResult(line);
        }
    }

    private void Keep(string? line)
    {
        if (line is not null)
        {
            _output.Enqueue(line);
            while (_output.Count > 20_000)
            {
                _output.TryDequeue(out _);
            }
        }
    }
}
