using System.Globalization;

namespace Scheduler.TestKit;

/// <summary>
/// A real LLM runtime: llama.cpp behind the HTTP API of llama-server, or of vLLM if started by that name
/// (<c>tests/Scheduler.LlamaRuntime</c>). Its set-up writes a small model of noise. It is built once per machine and
/// source version, in <c>artifacts/llama-runtime</c>.
/// </summary>
/// <remarks>
/// Guarantees for tests: an ASCII character is one token. A prompt has one more in front (BOS), a chat as many as <see
/// cref="ChatTokens"/> returns.
/// At temperature 0, the default, the same prompt always gets the same answer: letters and spaces, each one token and
/// one event,
/// until <c>max_tokens</c>, a stop string or the end of the context.
/// </remarks>
public sealed class LlamaRuntime
{
    /// <summary>Longest context that the model supports.</summary>
    public const long MaxContextTokens = 131_072;

    private static readonly string[] Sources =
    [
        "dialects.mjs",
        "gguf.mjs",
        "llama-server",
        "package-lock.json",
        "package.json",
        "runtime.mjs",
        "server.mjs",
        "vllm",
    ];

    private static int _lastRange;

    private LlamaRuntime(string folder)
    {
        Folder = folder;
        Model = Path.Combine(folder, "noise.gguf");
    }

    /// <summary>Folder of the executables <c>llama-server</c> and <c>vllm</c>; put it on a scheduler's PATH.</summary>
    public string Folder { get; }

    /// <summary>
    /// The model's file: the source to register it with. The file is small enough to be its own header.
    /// </summary>
    public string Model { get; }

    /// <summary>
    /// For <see cref="SchedulerProcess.Environment"/>: the presets <c>llama-server</c> and <c>vllm</c> find this
    /// runtime.
    /// </summary>
    public IReadOnlyDictionary<string, string> Environment =>
        new Dictionary<string, string> { ["PATH"] = $"{Folder}:{System.Environment.GetEnvironmentVariable("PATH")}" };

    /// <summary>Builds the runtime if necessary.</summary>
    /// <exception cref="InvalidOperationException">The build failed; the message contains its output.</exception>
    public static async Task<LlamaRuntime> ReadyAsync(CancellationToken cancellationToken)
    {
        var package = await NodePackage.ReadyAsync(
            "Scheduler.LlamaRuntime",
            "llama-runtime",
            Sources,
            made => made.RunAsync("node", ["gguf.mjs", new LlamaRuntime(made.Folder).Model], cancellationToken),
            cancellationToken
        );
        return new LlamaRuntime(package.Folder);
    }

    /// <summary>Settings of a scheduler whose only provider is this host, without GPUs, with fast probes.</summary>
    /// <param name="capacity">Concurrent runtimes.</param>
    public string[] Settings(int capacity = 4)
    {
        // Separate ranges, so that tests of one process never choose the same port, and tests of two processes rarely
        // do.
        var range = Interlocked.Increment(ref _lastRange) % 8;
        var first = 20_000 + (System.Environment.ProcessId % 40 * 200) + (range * 25);
        return
        [
            "--Providers:Simulated:Enabled=false",
            "--Providers:Process:Enabled=true",
            "--Providers:Process:StateDirectory=data/process",
            // The programs are in the home of this user, which other users cannot read.
            "--Providers:Process:Isolation:OwnUsers=false",
            "--Providers:Process:ProbeEvery=00:00:00.100",
            "--Providers:Process:StopGrace=00:00:02",
            Setting("FirstPort", first),
            Setting("LastPort", first + 24),
            "--Providers:Process:Cpu:Enabled=true",
            // The fit is checked against a GPU of the catalogue; the model fits every GPU.
            "--Providers:Process:Cpu:GpuType=L4",
            "--Providers:Process:Cpu:PricePerHour=0.05",
            Setting("Cpu:Available", capacity),
            // The source of the model, and the options that only this runtime has.
            $"--Runtimes:ModelDirectories:0={Folder}",
            "--Runtimes:AllowedOptions:0=--token-delay-ms",
            "--Runtimes:AllowedOptions:1=--late-memory-above",
            "--Scheduler:Launch:ProbeEvery=00:00:00.100",
            "--Scheduler:Providers:RefreshEvery=00:00:01",
        ];
    }

    /// <summary>
    /// Prompt tokens of a chat: the template text around each message, BOS, and the opening of the answer.
    /// </summary>
    /// <param name="messages">Role and content, both ASCII.</param>
    public static int ChatTokens(params (string Role, string Content)[] messages) =>
        1 + messages.Sum(message => message.Role.Length + message.Content.Length + 4) + 1 + "assistant\n".Length;

    private static string Setting(string name, int value) =>
        string.Create(CultureInfo.InvariantCulture, $"--Providers:Process:{name}={value}");
}
