namespace Scheduler.Domain.Runtimes;

/// <summary>How a runtime ended, as its host saw it. What it means: <see cref="ExitDiagnosis"/>.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.RuntimeExit")]
public sealed record RuntimeExit
{
    /// <summary>Process exit code (128 + signal where a signal ended it), or null where the host does not tell.</summary>
    [Id(0)]
    public int? ExitCode { get; init; }

    /// <summary>The last lines the runtime printed, at most <see cref="MaxOutputTailChars"/> characters.</summary>
    [Id(1)]
    public string OutputTail { get; init; } = "";

    /// <summary>The provider's own reason (<c>OOMKilled</c>, <c>ImagePullBackOff</c>), or null.</summary>
    [Id(2)]
    public string? ProviderReason { get; init; }

    /// <summary>
    /// Begins the reason of a provider that saw a runtime killed and knows that its host's kernel did not do it for want of memory.
    /// </summary>
    public const string KilledFromOutside = "KilledFromOutside";

    /// <summary>Characters of output kept.</summary>
    public const int MaxOutputTailChars = 4096;
}
