using System.Collections.Concurrent;
using System.Globalization;

namespace Scheduler.Host.Load;

/// <summary>What the requests of a load came to. Thread-safe.</summary>
internal sealed class LoadTally
{
    private readonly ConcurrentDictionary<string, long> _errors = new(StringComparer.Ordinal);
    private readonly TimeHistogram _took = new();
    private readonly TimeHistogram _first = new();
    private long _answered;
    private long _tokens;
    private long _unfinished;

    public long Answered => Interlocked.Read(ref _answered);

    public long Tokens => Interlocked.Read(ref _tokens);

    public long Errors => _errors.Values.Sum();

    /// <param name="first">Time to the first event with output; null without one.</param>
    public void AddAnswer(TimeSpan took, TimeSpan? first, long tokens)
    {
        Interlocked.Increment(ref _answered);
        Interlocked.Add(ref _tokens, tokens);
        _took.Add(took);
        if (first is { } time)
        {
            _first.Add(time);
        }
    }

    public void AddError(string code) => _errors.AddOrUpdate(code, 1, static (_, count) => count + 1);

    /// <summary>A request that had no answer when the load ended.</summary>
    public void AddUnfinished() => Interlocked.Increment(ref _unfinished);

    public string Line(TimeSpan after) =>
        Text(
            $"{after.TotalSeconds, 6:0} s {Answered, 9:N0} answered {Errors, 7:N0} errors {Rate(Answered, after), 8:0.0}/s {Rate(Tokens, after), 9:0} tokens/s"
        );

    public string Summary(TimeSpan lasted)
    {
        var lines = new List<string>
        {
            Text(
                $"requests    {Answered:N0} answered, {Errors:N0} errors, {_unfinished:N0} unfinished in {lasted.TotalSeconds:0.0} s: {Rate(Answered, lasted):0.0}/s"
            ),
            Text($"tokens      {Tokens:N0} out: {Rate(Tokens, lasted):0.0}/s"),
            $"latency     {Quantiles(_took)}",
            $"first token {Quantiles(_first)}",
        };
        lines.AddRange(
            _errors
                .OrderByDescending(error => error.Value)
                .ThenBy(error => error.Key, StringComparer.Ordinal)
                .Select(error => Text($"error       {error.Key} {error.Value:N0}"))
        );
        return string.Join('\n', lines);
    }

    private static string Quantiles(TimeHistogram times) =>
        times.Count == 0
            ? "none"
            : Text(
                $"p50 {Shown(times, 0.5)}  p90 {Shown(times, 0.9)}  p99 {Shown(times, 0.99)}  max {Shown(times, 1)}"
            );

    private static string Shown(TimeHistogram times, double part) =>
        times.Quantile(part) is var time && time < TimeSpan.FromSeconds(1)
            ? Text($"{time.TotalMilliseconds:0.0} ms")
            : Text($"{time.TotalSeconds:0.00} s");

    private static double Rate(long count, TimeSpan time) => time > TimeSpan.Zero ? count / time.TotalSeconds : 0;

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
