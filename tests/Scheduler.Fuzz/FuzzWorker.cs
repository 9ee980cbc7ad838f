using System.Diagnostics;
using System.IO.MemoryMappedFiles;
using System.Text;

namespace Scheduler.Fuzz;

/// <summary>One thread: makes inputs, executes them, and checks time, allocations and outcomes.</summary>
internal sealed class FuzzWorker : IDisposable
{
    private const int MostKept = 4096;
    private const int MostShrinks = 2000;

    /// <summary>Limit of one execution. A slower one is repeated, and its CPU time counts.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(1);

    private readonly FuzzTarget _target;
    private readonly Dice _dice;
    private readonly Mutator _mutator;
    private readonly long _count;
    private readonly Findings _findings;
    private readonly List<byte[]> _corpus = [];
    private readonly List<byte[]> _accepted = [];
    private readonly HashSet<ulong> _outcomes = [];
    private readonly int _seeds;
    private readonly MemoryMappedFile? _file;
    private readonly MemoryMappedViewAccessor? _current;
    private ReadOnlyMemory<byte> _input;
    private long _startedAt;
    private long _executions;
    private long _slowest;

    /// <param name="current">File that holds the current input, so that a crash of the process leaves it.</param>
    public FuzzWorker(FuzzTarget target, ulong seed, long count, Findings findings, string? current)
    {
        _target = target;
        _dice = new Dice(seed);
        _mutator = new Mutator(target, _dice);
        _count = count;
        _findings = findings;
        _corpus.AddRange(target.Seeds());
        _seeds = _corpus.Count;
        if (_seeds == 0)
        {
            throw new InvalidOperationException($"The corpus of {target.Name} is empty.");
        }

        if (current is not null)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(current)!);
            _file = MemoryMappedFile.CreateFromFile(current, FileMode.Create, null, 4 + target.MaxLength);
            _current = _file.CreateViewAccessor();
        }
    }

    public long Executions => Volatile.Read(ref _executions);

    public long Accepted { get; private set; }

    public int Outcomes => _outcomes.Count;

    public long MostAllocated { get; private set; }

    public TimeSpan Slowest => Stopwatch.GetElapsedTime(0, _slowest);

    public void Run()
    {
        for (var i = 0; i < _seeds; i++)
        {
            // Once before the count: static constructors allocate what no later execution does.
            Warm(_corpus[i]);
        }

        for (long i = 0; i < _count; i++)
        {
            var input = i < _seeds ? _corpus[(int)i] : Next();
            if (Execute(input) is { } outcome)
            {
                Accepted += outcome.IsAccepted ? 1 : 0;
                if (_corpus.Count < MostKept && _outcomes.Add(Shape.Add(outcome.Shape, outcome.IsAccepted)))
                {
                    var kept = input.ToArray();
                    _corpus.Add(kept);
                    if (outcome.IsAccepted)
                    {
                        _accepted.Add(kept);
                    }
                }
            }

            Volatile.Write(ref _executions, i + 1);
        }

        Volatile.Write(ref _startedAt, 0);
    }

    /// <summary>The time stamp and the input of the last started execution, for the watchdog; 0 before and after all.</summary>
    public (long StartedAt, ReadOnlyMemory<byte> Input) Running() => (Volatile.Read(ref _startedAt), _input);

    public void Dispose()
    {
        _current?.Dispose();
        _file?.Dispose();
    }

    private ReadOnlyMemory<byte> Next()
    {
        // Accepted inputs come first: most refusals end the parser early, so their descendants reach little.
        var first = _dice.Next(4) switch
        {
            0 => _corpus[_dice.Next(_seeds)],
            1 => _corpus[_dice.Next(_corpus.Count)],
            _ when _accepted.Count > 0 => _accepted[_dice.Next(_accepted.Count)],
            _ => _corpus[_dice.Next(_seeds)],
        };
        return _mutator.Make(first, _corpus[_dice.Next(_corpus.Count)]);
    }

    private void Warm(ReadOnlyMemory<byte> input)
    {
        try
        {
            _target.Execute(input);
        }
        catch (Exception)
        {
            // The counted execution of the same input reports it.
        }
    }

    private Outcome? Execute(ReadOnlyMemory<byte> input)
    {
        _input = input;
        if (_current is not null)
        {
            _current.Write(0, input.Length);
            _current.SafeMemoryMappedViewHandle.WriteSpan(4, input.Span);
        }

        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var began = Stopwatch.GetTimestamp();
        Volatile.Write(ref _startedAt, began);
        Outcome? outcome = null;
        Exception? failure = null;
        try
        {
            outcome = _target.Execute(input);
        }
        catch (Exception e)
        {
            failure = e;
        }

        var ticks = Stopwatch.GetTimestamp() - began;
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        _slowest = Math.Max(_slowest, ticks);
        if (failure is not null)
        {
            Report(input, failure);
            return null;
        }

        MostAllocated = Math.Max(MostAllocated, allocated);
        if (allocated > Bound(input.Length))
        {
            allocated = Math.Min(allocated, Repeat(input).Allocated);
            if (allocated > Bound(input.Length))
            {
                Add(input, "allocation", $"{allocated:N0} bytes allocated for {input.Length} bytes of input.");
            }
        }

        if (Stopwatch.GetElapsedTime(0, ticks) > Limit)
        {
            var best = Math.Min(Repeat(input).Ticks, Math.Min(Repeat(input).Ticks, Repeat(input).Ticks));
            if (Stopwatch.GetElapsedTime(0, best) > Limit)
            {
                Add(input, "slow", $"{Stopwatch.GetElapsedTime(0, best)} for {input.Length} bytes of input.");
            }
        }

        return outcome;
    }

    private long Bound(int length) => _target.AllocationBase + (_target.AllocationPerByte * length);

    private (long Allocated, long Ticks) Repeat(ReadOnlyMemory<byte> input)
    {
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var began = Stopwatch.GetTimestamp();
        var used = Environment.CpuUsage.TotalTime;
        Warm(input);
        // On a busy machine the thread waits for a core: the time does not exceed the CPU time of the process.
        var ticks = (long)((Environment.CpuUsage.TotalTime - used).TotalSeconds * Stopwatch.Frequency);
        return (GC.GetAllocatedBytesForCurrentThread() - allocated, Math.Min(ticks, Stopwatch.GetTimestamp() - began));
    }

    private void Report(ReadOnlyMemory<byte> input, Exception failure)
    {
        var key = Findings.KeyOf(failure);
        if (_findings.IsKnown(key, input.Length / 2))
        {
            _findings.Repeat();
            return;
        }

        var bytes = Shrink(input.ToArray(), key);
        _findings.Add(new Finding(_target.Name, key, bytes, $"{key}\n\n{Shown(bytes)}\n\n{failure}\n"));
    }

    private void Add(ReadOnlyMemory<byte> input, string key, string report) =>
        _findings.Add(new Finding(_target.Name, key, input.ToArray(), $"{report}\n\n{Shown(input.Span)}\n"));

    /// <summary>Removes parts of an input as long as the same finding remains.</summary>
    private byte[] Shrink(byte[] input, string key)
    {
        var tries = 0;
        for (var size = input.Length / 2; size >= 1; size /= 2)
        {
            for (var at = 0; at + size <= input.Length && tries < MostShrinks; tries++)
            {
                byte[] shorter = [.. input.AsSpan(0, at), .. input.AsSpan(at + size)];
                if (Throws(shorter, key))
                {
                    input = shorter;
                }
                else
                {
                    at += size;
                }
            }
        }

        return input;
    }

    private bool Throws(byte[] input, string key)
    {
        try
        {
            _target.Execute(input);
            return false;
        }
        catch (Exception e)
        {
            return string.Equals(Findings.KeyOf(e), key, StringComparison.Ordinal);
        }
    }

    private static string Shown(ReadOnlySpan<byte> input) =>
        $"{Convert.ToHexString(input)}\n\n{Encoding.Latin1.GetString(input)}";
}
