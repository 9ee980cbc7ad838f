namespace Scheduler.Domain.Balancers;

/// <summary>
/// What one door knows of one destination: how its requests and probes went, whether it is out for that, and how much of its share it
/// has again. A rule over time, not a clock: every member takes the present, and a present that steps back does no harm.
/// </summary>
/// <remarks>
/// Requests eject for a time that doubles; when it is over the destination comes back slowly, and a failure while it does ejects it
/// again at once. Failed probes put it out until so many have succeeded in a row. Whoever was ejected and failed its probes is back when both
/// are over. A new run of the instance is another runtime: nothing of the old one is held against it (<see cref="Forget"/>).
/// </remarks>
/// <param name="settings">The balancer's.</param>
public sealed class DestinationHealth(HealthSettings settings)
{
    /// <summary>A destination that comes back begins with this much of its weight, in thousandths: enough to show that it is well.</summary>
    public const int LeastShare = 100;

    /// <summary>The whole weight, in thousandths.</summary>
    public const int WholeShare = 1000;

    private readonly ResultWindow _results = new(settings.Window);
    private int _failuresInARow;
    private int _probeFailuresInARow;
    private int _probeSuccessesInARow;
    private TimeSpan _lastEjection;
    private DateTimeOffset? _ejectedUntil;
    private bool _isProbedOut;
    private DateTimeOffset? _backSince;

    /// <summary>How often it was ejected, each time longer, without a calm spell between.</summary>
    public int Ejections { get; private set; }

    /// <summary>What the latest failed probe said; null after one that succeeded.</summary>
    public string? ProbeError { get; private set; }

    /// <summary>Requests that failed in a row up to now.</summary>
    public int FailuresInARow => _failuresInARow;

    /// <summary>How it stands.</summary>
    /// <param name="now">The present.</param>
    public DestinationCondition ConditionAt(DateTimeOffset now) =>
        _ejectedUntil > now ? DestinationCondition.Ejected
        : _isProbedOut ? DestinationCondition.ProbeFailed
        : ShareAt(now) < WholeShare ? DestinationCondition.Returning
        : DestinationCondition.Healthy;

    /// <summary>Until when it is ejected; null while it is not.</summary>
    /// <param name="now">The present.</param>
    public DateTimeOffset? EjectedUntil(DateTimeOffset now) => _ejectedUntil > now ? _ejectedUntil : null;

    /// <summary>How much of its weight counts, in thousandths; grows evenly while it comes back. Says nothing of one that is out.</summary>
    /// <param name="now">The present.</param>
    public int ShareAt(DateTimeOffset now)
    {
        if (BackSince(now) is not { } since || settings.SlowReturn <= TimeSpan.Zero)
        {
            return WholeShare;
        }

        var part = (now - since).Ticks / (double)settings.SlowReturn.Ticks;
        return part >= 1 ? WholeShare : LeastShare + (int)((WholeShare - LeastShare) * Math.Max(part, 0));
    }

    /// <summary>Notes how a request ended.</summary>
    /// <param name="now">The present.</param>
    /// <param name="succeeded">Whether the runtime did its part.</param>
    /// <param name="mayEject">Whether enough others are left (see <see cref="HealthSettings.MostEjectedPercent"/>).</param>
    /// <returns>Whether this ejected it.</returns>
    public bool NoteRequest(DateTimeOffset now, bool succeeded, bool mayEject)
    {
        _results.Note(now, succeeded);
        _failuresInARow = succeeded ? 0 : _failuresInARow + 1;
        if (succeeded || !mayEject || _ejectedUntil > now || !IsTooBad(now))
        {
            return false;
        }

        Eject(now);
        return true;
    }

    /// <summary>Notes how a probe ended.</summary>
    /// <param name="now">The present.</param>
    /// <param name="error">What was wrong, in one line; null for a success.</param>
    /// <returns>Whether this put it out.</returns>
    public bool NoteProbe(DateTimeOffset now, string? error)
    {
        ProbeError = error;
        if (error is not null)
        {
            _probeSuccessesInARow = 0;
            _probeFailuresInARow++;
            var isNews = !_isProbedOut && _probeFailuresInARow >= settings.ProbeFailures;
            _isProbedOut |= isNews;
            return isNews;
        }

        _probeFailuresInARow = 0;
        _probeSuccessesInARow++;
        if (_isProbedOut && _probeSuccessesInARow >= settings.ProbeSuccesses)
        {
            _isProbedOut = false;
            _backSince = now;
        }

        return false;
    }

    /// <summary>Forgets everything: what serves under the name now is another runtime.</summary>
    public void Forget()
    {
        _results.Clear();
        (_failuresInARow, _probeFailuresInARow, _probeSuccessesInARow) = (0, 0, 0);
        (_ejectedUntil, _isProbedOut, _backSince) = (null, false, null);
        (Ejections, _lastEjection, ProbeError) = (0, TimeSpan.Zero, null);
    }

    private bool IsTooBad(DateTimeOffset now)
    {
        // One that is coming back is on trial: what it failed with before is out of its window, and a single failure decides.
        if (_failuresInARow >= settings.ConsecutiveFailures || ShareAt(now) < WholeShare)
        {
            return true;
        }

        var (requests, failures) = _results.Sum(now);
        return requests >= settings.MinimumRequests && failures * 100L >= requests * (long)settings.ErrorPercent;
    }

    private void Eject(DateTimeOffset now)
    {
        var wasCalm = BackSince(now) is not { } since || now - since >= settings.EjectAtMost;
        Ejections = wasCalm ? 1 : Ejections + 1;
        _lastEjection =
            wasCalm || _lastEjection <= TimeSpan.Zero ? settings.EjectFor
            : _lastEjection >= settings.EjectAtMost / 2 ? settings.EjectAtMost
            : _lastEjection * 2;
        _ejectedUntil = now + _lastEjection;
        _backSince = null;
        _failuresInARow = 0;
        _results.Clear();
    }

    // The later of the two ways back: an ejection that ran out says so by itself, a probe by its success.
    private DateTimeOffset? BackSince(DateTimeOffset now) =>
        _ejectedUntil is { } until && until <= now && (_backSince is not { } probed || until > probed)
            ? until
            : _backSince;
}

/// <summary>How a destination stands at one door.</summary>
public enum DestinationCondition
{
    /// <summary>It gets its whole share.</summary>
    Healthy = 0,

    /// <summary>It was out and gets more of its share from moment to moment.</summary>
    Returning = 1,

    /// <summary>Too many requests failed; it gets none for a while.</summary>
    Ejected = 2,

    /// <summary>Its probes fail; it gets none until they succeed.</summary>
    ProbeFailed = 3,
}
