namespace Scheduler.Domain.Runtimes;

/// <summary>How a runtime ended, as its host observed it. <see cref="ExitDiagnosis"/> interprets it.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.RuntimeExit")]
public sealed record RuntimeExit
{
    /// <summary>Process exit code (128 + signal after a signal); null when the host does not report it.</summary>
    [Id(0)]
    public int? ExitCode { get; init; }

    /// <summary>Last output lines of the runtime, at most <see cref="MaxOutputTailChars"/> characters.</summary>
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

    public const int MaxOutputTailChars = 4096;
}
