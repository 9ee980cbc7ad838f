namespace Scheduler.Providers.Http;

/// <summary>The documented limits of one account, as least times between two calls.</summary>
internal sealed record RateLimits
{
    /// <summary>Between any two calls.</summary>
    public TimeSpan Any { get; init; }

    /// <summary>Between two calls of one kind, where the vendor has a lower limit for it.</summary>
    public IReadOnlyDictionary<CallKind, TimeSpan> Of { get; init; } = new Dictionary<CallKind, TimeSpan>();

    /// <summary>Part of the account's limit that this process uses, over 0 and at most 1.</summary>
    public double Share { get; init; } = 1;

    /// <summary>Calls that may wait; more are refused.</summary>
    public int MaxWaiting { get; init; } = 1024;

    /// <summary>A call that would wait longer is refused with the reason.</summary>
    public TimeSpan LongestWait { get; init; } = TimeSpan.FromMinutes(2);

    internal TimeSpan SpacingOf(CallKind kind) =>
        Of.TryGetValue(kind, out var spacing) ? spacing / Share : TimeSpan.Zero;
}
