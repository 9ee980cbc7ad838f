using System.Globalization;

namespace Scheduler.TestKit;

/// <summary>
/// A real LLM runtime: llama.cpp behind the HTTP face of llama-server, or of vLLM where it is called so (<c>tests/Scheduler.LlamaRuntime</c>),
/// with a small model of noise that its set-up writes. It is made once per machine and state of its sources, under <c>artifacts/llama-runtime</c>.
/// </summary>
/// <remarks>
/// What a test may rely on: an ASCII character is one token, a prompt has one more in front (BOS), a chat what <see cref="ChatTokens"/> says.
/// At temperature 0, which is its default, the same prompt always gets the same answer: letters and spaces, each a token and an event of
/// its own, until <c>max_tokens</c>, a stop string or the end of the context.
/// </remarks>
public sealed class LlamaRuntime
{
    /// <summary>Longest context the model was made for.</summary>
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

    /// <summary>Where the executables <c>llama-server</c> and <c>vllm</c> are; put it on a scheduler's PATH.</summary>
    public string Folder { get; }

    /// <summary>The model's file: the source to register it with. It is small enough to be its own header.</summary>
    public string Model { get; }

    /// <summary>For <see cref="SchedulerProcess.Environment"/>: the presets <c>llama-server</c> and <c>vllm</c> find this one.</summary>
    public IReadOnlyDictionary<string, string> Environment =>
        new Dictionary<string, string> { ["PATH"] = $"{Folder}:{System.Environment.GetEnvironmentVariable("PATH")}" };

    /// <summary>Makes the runtime ready; does nothing where it is.</summary>
    /// <exception cref="InvalidOperationException">It could not be made; the message holds what was said.</exception>
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

    /// <summary>Settings of a scheduler whose only provider is this host, without GPUs, with quick probes.</summary>
    /// <param name="capacity">Runtimes at once.</param>
    public static string[] Settings(int capacity = 4)
    {
        // Ranges of their own, so that neither two tests of a process nor, mostly, two processes pick the same port at the same moment.
        var range = Interlocked.Increment(ref _lastRange) % 8;
        var first = 20_000 + (System.Environment.ProcessId % 40 * 200) + (range * 25);
        return
        [
            "--Providers:Simulated:Enabled=false",
            "--Providers:Process:Enabled=true",
            "--Providers:Process:StateDirectory=data/process",
            "--Providers:Process:ProbeEvery=00:00:00.100",
            "--Providers:Process:StopGrace=00:00:02",
            Setting("FirstPort", first),
            Setting("LastPort", first + 24),
            "--Providers:Process:Cpu:Enabled=true",
            // The fit is checked against a GPU of the catalogue; any holds this model.
            "--Providers:Process:Cpu:GpuType=L4",
            "--Providers:Process:Cpu:PricePerHour=0.05",
            Setting("Cpu:Available", capacity),
            "--Scheduler:Launch:ProbeEvery=00:00:00.100",
            "--Scheduler:Providers:RefreshEvery=00:00:01",
        ];
    }

    /// <summary>Tokens a chat has as its prompt: what the template writes around each message, BOS, and the opening of the answer.</summary>
    /// <param name="messages">Role and content, both ASCII.</param>
    public static int ChatTokens(params (string Role, string Content)[] messages) =>
        1 + messages.Sum(message => message.Role.Length + message.Content.Length + 4) + 1 + "assistant\n".Length;

    private static string Setting(string name, int value) =>
        string.Create(CultureInfo.InvariantCulture, $"--Providers:Process:{name}={value}");
}
