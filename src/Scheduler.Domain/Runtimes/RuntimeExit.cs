namespace Scheduler.Domain.Runtimes;

/// <summary>How a runtime ended, as its host observed it. <see cref="ExitDiagnosis"/> interprets it.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.RuntimeExit")]
public sealed record RuntimeExit
{
    /// <summary>Process exit code (128 + signal after a signal); null when the host does not report it.</summary>
    [Id(0)]
    public int? ExitCode { get; init; }

    /// <summary>
    /// Output of the runtime: its first and last lines and those that name a cause, at most
    /// <see cref="MaxOutputTailChars"/> characters (<see cref="OutputExcerpt"/>).
    /// </summary>
    [Id(1)]
    public string OutputTail { get; init; } = "";

    /// <summary>The provider's reason (<c>OOMKilled</c>, <c>ImagePullBackOff</c>), or null.</summary>
    [Id(2)]
    public string? ProviderReason { get; init; }

    /// <summary>
    /// Prefix of a provider's reason: another process killed the runtime, and the out-of-memory killer of the host's
    /// kernel did not.
    /// </summary>
    public const string KilledFromOutside = "KilledFromOutside";

    /// <summary>vLLM prints 4 to 5 kB of traces after a cause, for each of its processes.</summary>
    public const int MaxOutputTailChars = 64 << 10;

    /// <summary>Length of the excerpt that a stored failure keeps, characters.</summary>
    public const int MaxDetailChars = 4096;
}
