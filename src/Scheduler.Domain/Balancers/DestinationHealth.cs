namespace Scheduler.Domain.Balancers;

/// <summary>
/// The health of one destination as one gateway observes it: results of requests and probes, whether it is ejected, and
/// its current share of the traffic. It has no clock; callers pass the current time. A time that steps back does no
/// harm.
/// </summary>
/// <remarks>
/// Failed requests eject the destination for a time that doubles with each ejection. After it the destination returns
/// slowly, and a failure during the return ejects it again at once. Failed probes take it out until enough probes have
/// succeeded in a row. A destination that is both ejected and failing its probes returns when both are over. A new run
/// of the instance is a new runtime, so the old history is discarded (<see cref="Forget"/>).
/// </remarks>
public sealed class DestinationHealth(HealthSettings settings)
{
    /// <summary>Share at the start of a return, in thousandths; enough traffic to prove health.</summary>
    public const int LeastShare = 100;

    /// <summary>In thousandths.</summary>
    public const int WholeShare = 1000;

    private readonly ResultWindow _results = new(settings.Window);
    private int _failuresInARow;
    private int _probeFailuresInARow;
    private int _probeSuccessesInARow;
    private TimeSpan _lastEjection;
    private DateTimeOffset? _ejectedUntil;
    private bool _isProbedOut;
    private DateTimeOffset? _backSince;

    /// <summary>
    /// The number of ejections in a row, each longer than the previous one. A healthy period of at least
    /// <see cref="HealthSettings.EjectAtMost"/> resets it.
    /// </summary>
    public int Ejections { get; private set; }

    /// <summary>The error of the latest probe; null when it succeeded.</summary>
    public string? ProbeError { get; private set; }

    public int FailuresInARow => _failuresInARow;

    public DestinationCondition ConditionAt(DateTimeOffset now) =>
        _ejectedUntil > now ? DestinationCondition.Ejected
        : _isProbedOut ? DestinationCondition.ProbeFailed
        : ShareAt(now) < WholeShare ? DestinationCondition.Returning
        : DestinationCondition.Healthy;

    /// <summary>Null while it is not ejected.</summary>
    public DateTimeOffset? EjectedUntil(DateTimeOffset now) => _ejectedUntil > now ? _ejectedUntil : null;

    /// <summary>Thousandths; grows linearly during a return, not meaningful while it is out.</summary>
    public int ShareAt(DateTimeOffset now)
    {
        if (BackSince(now) is not { } since || settings.SlowReturn <= TimeSpan.Zero)
        {
            return WholeShare;
        }

        var part = (now - since).Ticks / (double)settings.SlowReturn.Ticks;
        return part >= 1 ? WholeShare : LeastShare + (int)((WholeShare - LeastShare) * Math.Max(part, 0));
    }

    /// <summary>Records the result of a request; returns whether it ejected the destination.</summary>
    /// <param name="succeeded">Whether the runtime handled the request correctly.</param>
    /// <param name="mayEject">
    /// Whether enough other destinations remain (see <see cref="HealthSettings.MostEjectedPercent"/>).
    /// </param>
    public bool RecordRequest(DateTimeOffset now, bool succeeded, bool mayEject)
    {
        _results.Record(now, succeeded);
        _failuresInARow = succeeded ? 0 : _failuresInARow + 1;
        if (succeeded || !mayEject || _ejectedUntil > now || !IsTooBad(now))
        {
            return false;
        }

        Eject(now);
        return true;
    }

    /// <summary>Records the result of a probe; returns whether it took the destination out.</summary>
    /// <param name="error">The error in one line; null for a success.</param>
    public bool RecordProbe(DateTimeOffset now, string? error)
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

    /// <summary>Discards the history, because a new runtime now serves under the name.</summary>
    public void Forget()
    {
        _results.Clear();
        (_failuresInARow, _probeFailuresInARow, _probeSuccessesInARow) = (0, 0, 0);
        (_ejectedUntil, _isProbedOut, _backSince) = (null, false, null);
        (Ejections, _lastEjection, ProbeError) = (0, TimeSpan.Zero, null);
    }

    private bool IsTooBad(DateTimeOffset now)
    {
        // A destination that returns from an ejection is ejected again by one failure. The sliding window no longer
        // holds the earlier ones.
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

    // The later of the two ways to return: the end of an ejection, or the probe success that ended a probe failure.
    private DateTimeOffset? BackSince(DateTimeOffset now) =>
        _ejectedUntil is { } until && until <= now && (_backSince is not { } probed || until > probed)
            ? until
            : _backSince;
}

public enum DestinationCondition
{
    Healthy = 0,

    Returning = 1,

    /// <summary>Too many requests failed; it gets no requests until the ejection ends.</summary>
    Ejected = 2,

    /// <summary>Its probes fail; it gets no requests until they succeed.</summary>
    ProbeFailed = 3,
}
