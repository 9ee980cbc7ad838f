using System.Collections.Immutable;
using System.Globalization;

namespace Scheduler.TestKit.Spot;

/// <summary>
/// Where spot capacity was to be had, tick by tick. As text: a header line <c>interval_seconds,zones</c>, then a line a tick with a 0 or 1 per
/// zone, separated by commas. 1 means that a request there succeeds and running replicas survive.
/// </summary>
public sealed class SpotTrace
{
    private readonly ImmutableArray<ImmutableArray<bool>> _ticks;

    public SpotTrace(TimeSpan interval, ImmutableArray<ImmutableArray<bool>> ticks)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(interval, TimeSpan.Zero);
        (Interval, _ticks) = (interval, ticks);
    }

    public TimeSpan Interval { get; }

    public int Ticks => _ticks.Length;

    public int Zones => _ticks.IsEmpty ? 0 : _ticks[0].Length;

    public bool IsUp(int tick, int zone) => _ticks[tick][zone];

    /// <summary>Part of the ticks in which at least so many zones are up.</summary>
    public double ShareOf(int zones) => _ticks.Count(tick => tick.Count(up => up) >= zones) / (double)Ticks;

    public double Availability(int zone) => _ticks.Count(tick => tick[zone]) / (double)Ticks;

    /// <summary>Mean time for which a zone stays up or down.</summary>
    public TimeSpan MeanStay()
    {
        var stays = 0;
        for (var zone = 0; zone < Zones; zone++)
        {
            stays += 1 + Enumerable.Range(1, Ticks - 1).Count(tick => IsUp(tick, zone) != IsUp(tick - 1, zone));
        }

        return Interval * ((double)Ticks * Zones / stays);
    }

    /// <summary>Correlation of the states of two zones, −1 to 1.</summary>
    public double Correlation(int a, int b)
    {
        var (ofA, ofB) = (Availability(a), Availability(b));
        var both = _ticks.Count(tick => tick[a] && tick[b]) / (double)Ticks;
        return (both - (ofA * ofB)) / Math.Sqrt(ofA * (1 - ofA) * ofB * (1 - ofB));
    }

    /// <exception cref="FormatException">A line is not as described; the message has its number.</exception>
    public static SpotTrace Read(TextReader text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var header = (text.ReadLine() ?? "").Split(',');
        if (
            header.Length != 2
            || !double.TryParse(
                header[0],
                NumberStyles.AllowDecimalPoint,
                CultureInfo.InvariantCulture,
                out var seconds
            )
            || seconds <= 0
            || !int.TryParse(header[1], NumberStyles.None, CultureInfo.InvariantCulture, out var zones)
            || zones < 1
        )
        {
            throw new FormatException("Line 1 must be interval_seconds,zones.");
        }

        var ticks = ImmutableArray.CreateBuilder<ImmutableArray<bool>>();
        while (text.ReadLine() is { } line)
        {
            var cells = line.Split(',');
            if (cells.Length != zones || !cells.All(cell => cell is "0" or "1"))
            {
                throw new FormatException($"Line {ticks.Count + 2} must have {zones} times 0 or 1.");
            }

            ticks.Add([.. cells.Select(cell => cell == "1")]);
        }

        return ticks.Count > 0
            ? new SpotTrace(TimeSpan.FromSeconds(seconds), ticks.ToImmutable())
            : throw new FormatException("The trace has no tick.");
    }

    public void Write(TextWriter text)
    {
        ArgumentNullException.ThrowIfNull(text);
        text.Write(string.Create(CultureInfo.InvariantCulture, $"{Interval.TotalSeconds},{Zones}\n"));
        foreach (var tick in _ticks)
        {
            text.Write(string.Join(',', tick.Select(up => up ? '1' : '0')) + "\n");
        }
    }
}
