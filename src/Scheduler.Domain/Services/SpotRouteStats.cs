using System.Runtime.InteropServices;

namespace Scheduler.Domain.Services;

/// <summary>
/// What was seen of the spot capacity of one route: hours that replicas ran, how often it was taken back, and refused requests. Old
/// experience counts less and less, so a route that changed is learned again. Immutable and without a clock.
/// </summary>
/// <param name="Hours">Hours of running replicas, decayed to <paramref name="At"/>. Replicas that run together count once.</param>
/// <param name="Losses">Times that the route took its capacity back, decayed likewise.</param>
/// <param name="At">Time of the latest observation.</param>
/// <param name="AskAgainAt">Until when no request is sent after a refusal or a loss; null when it may be asked.</param>
/// <param name="LastLossAt">Time of the latest loss or refusal; null before the first.</param>
/// <param name="UpSince">Since when requests succeed without a loss; null while that is not known.</param>
/// <param name="Pause">Length of the latest pause after a refusal.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct SpotRouteStats(
    double Hours,
    double Losses,
    DateTimeOffset At,
    DateTimeOffset? AskAgainAt,
    DateTimeOffset? LastLossAt,
    DateTimeOffset? UpSince,
    TimeSpan Pause
)
{
    /// <summary>Experience of this age counts half.</summary>
    public static readonly TimeSpan HalfLife = TimeSpan.FromDays(10);

    /// <summary>A route that was never used counts as one that lost its capacity once in this many hours.</summary>
    public const double PriorHours = 8;

    /// <summary>Capacity that was refused or taken back is mostly away for hours, and a request costs only its time.</summary>
    public static readonly TimeSpan ShortestPause = TimeSpan.FromMinutes(15);

    /// <summary>The pause doubles with each refusal in a row up to this one.</summary>
    public static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);

    /// <summary>Losses an hour that a replica on the route has to expect: the mean of a Gamma posterior, above 0.</summary>
    public double LossesPerHour => (Losses + 1) / (Hours + PriorHours);

    public bool MayBeAsked(DateTimeOffset now) => AskAgainAt is not { } again || again <= now;

    /// <summary>Replicas ran on the route for a time.</summary>
    public SpotRouteStats Ran(TimeSpan time, DateTimeOffset now)
    {
        var aged = Aged(now);
        return aged with { Hours = aged.Hours + time.TotalHours };
    }

    /// <summary>The route took its capacity back; many replicas lost at once are one loss.</summary>
    public SpotRouteStats Lost(DateTimeOffset now)
    {
        var aged = Aged(now);
        return aged with
        {
            Losses = aged.Losses + 1,
            LastLossAt = now,
            UpSince = null,
            Pause = ShortestPause,
            AskAgainAt = now + ShortestPause,
        };
    }

    /// <summary>A request for spot capacity got none.</summary>
    public SpotRouteStats Refused(DateTimeOffset now)
    {
        var pause = Pause < ShortestPause ? ShortestPause : Pause;
        return Aged(now) with
        {
            LastLossAt = now,
            UpSince = null,
            AskAgainAt = now + pause,
            Pause = pause * 2 < LongestPause ? pause * 2 : LongestPause,
        };
    }

    /// <summary>A request for spot capacity got some.</summary>
    public SpotRouteStats Given(DateTimeOffset now) =>
        Aged(now) with
        {
            UpSince = UpSince ?? now,
            AskAgainAt = null,
            Pause = ShortestPause,
        };

    private SpotRouteStats Aged(DateTimeOffset now)
    {
        // A clock that stepped back ages nothing.
        var kept = now <= At || At == default ? 1 : Math.Pow(0.5, (now - At) / HalfLife);
        return this with { Hours = Hours * kept, Losses = Losses * kept, At = now > At ? now : At };
    }
}
