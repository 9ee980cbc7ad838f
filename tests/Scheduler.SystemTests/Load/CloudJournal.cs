using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit;

namespace Scheduler.SystemTests.Load;

/// <summary>
/// What the simulated cloud wrote down, read line by line without the scheduler's code. The last line of a key is valid,
/// as the cloud reads it.
/// </summary>
internal sealed partial class CloudJournal
{
    /// <summary>Silos of one cluster read the time of the database with this inaccuracy at most.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, List<Line>> _byKey = new(StringComparer.Ordinal);

    private CloudJournal() { }

    /// <summary>Number of lines read.</summary>
    public int Lines { get; private set; }

    /// <summary>Keys that ever got an allocation.</summary>
    public int Allocations => _byKey.Values.Count(lines => lines.Exists(line => line.ArrivesAt is not null));

    public static async Task<CloudJournal> ReadAsync(string file, CancellationToken cancellation)
    {
        var journal = new CloudJournal();
        await foreach (var text in File.ReadLinesAsync(file, cancellation))
        {
            var line = JsonSerializer.Deserialize<Line>(text)!;
            journal.Lines++;
            if (!journal._byKey.TryGetValue(line.Key, out var lines))
            {
                journal._byKey.Add(line.Key, lines = []);
            }

            lines.Add(line);
        }

        return journal;
    }

    /// <summary>
    /// Each key got at most one allocation and never lives again after its end. At the end no allocation lives. Each
    /// run has exactly one allocation that lived for all of its billed time (INV-01, INV-02, INV-05).
    /// </summary>
    /// <param name="runs">All runs of all instances, by their timelines.</param>
    public void Check(IReadOnlyCollection<Audit.Run> runs)
    {
        Assert.NotEmpty(runs);
        foreach (var (key, lines) in _byKey)
        {
            Assert.True(
                lines
                    .Where(line => line.ArrivesAt is not null)
                    .DistinctBy(line => (line.ArrivesAt, line.OfferId))
                    .Count() <= 1,
                $"{key} got two allocations: {string.Join(' ', lines)}"
            );
            Assert.False(
                lines.SkipWhile(line => line.GoneAt is null).Any(line => line.GoneAt is null),
                $"{key} lives again after its end: {string.Join(' ', lines)}"
            );
            Assert.True(
                lines[^1] is { ArrivesAt: null } or { GoneAt: not null },
                $"{key} is held for ever: {lines[^1]}"
            );
        }

        var held = _byKey
            .Values.Select(lines => lines[^1])
            .Where(line => line.ArrivesAt is not null)
            .ToLookup(line => KeyParts().Match(line.Key).Groups["run"].Value);
        foreach (var run in runs)
        {
            var its = held[$"{run.Instance.Split('/')[^1]}-r{run.Number}"].ToList();
            Assert.True(
                its.Count(line => line.ArrivesAt <= run.Since + Skew && line.GoneAt >= run.Until - Skew) == 1,
                $"{run} has the allocations {string.Join(' ', its)}"
            );
        }
    }

    [GeneratedRegex("^(?<run>.*-r[0-9]+)-a[0-9]+$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex KeyParts();

    /// <summary>The members that the checks need.</summary>
    private sealed record Line(string Key, string OfferId, DateTimeOffset? ArrivesAt, DateTimeOffset? GoneAt);
}
