using System.Diagnostics;

namespace Scheduler.Fuzz;

/// <summary>Runs one target on several threads and watches that no execution hangs.</summary>
internal sealed class FuzzRun(string target, FuzzOptions options)
{
    private const int PollMilliseconds = 100;

    /// <summary>
    /// An execution that runs for more polls (60 s) never ends: the process reports the input and stops. Polls instead
    /// of time, because a stopped process makes no polls.
    /// </summary>
    private const int HangPolls = 600;

    private static readonly TimeSpan Progress = TimeSpan.FromSeconds(30);

    private readonly Findings _findings = new();
    private readonly (long StartedAt, int Polls)[] _seen = new (long, int)[options.Workers];

    public FuzzResult Run()
    {
        var began = Stopwatch.GetTimestamp();
        var workers = new FuzzWorker[options.Workers];
        var threads = new Thread[options.Workers];
        for (var i = 0; i < options.Workers; i++)
        {
            var count = (options.Executions / options.Workers) + (i < options.Executions % options.Workers ? 1 : 0);
            var worker = new FuzzWorker(FuzzTargets.Make(target), SeedOf(i), count, _findings, CurrentOf(i));
            workers[i] = worker;
            // One megabyte, less than threads have by default: recursion without a limit shows early.
            threads[i] = new Thread(worker.Run, 1 << 20) { IsBackground = true, Name = $"{target} {i}" };
            threads[i].Start();
        }

        var reported = began;
        while (!threads.All(thread => thread.Join(PollMilliseconds)))
        {
            StopOnHang(workers);
            if (options.Folder is not null && Stopwatch.GetElapsedTime(reported) > Progress)
            {
                reported = Stopwatch.GetTimestamp();
                Console.WriteLine($"{target}: {workers.Sum(worker => worker.Executions):N0} executions");
            }
        }

        foreach (var worker in workers)
        {
            worker.Dispose();
        }

        return new FuzzResult(
            target,
            workers.Sum(worker => worker.Executions),
            workers.Sum(worker => worker.Accepted),
            workers.Max(worker => worker.Outcomes),
            workers.Max(worker => worker.MostAllocated),
            workers.Max(worker => worker.Slowest),
            Stopwatch.GetElapsedTime(began),
            _findings
        );
    }

    private ulong SeedOf(int worker) =>
        Shape.Add(Shape.Add(Shape.Add(Shape.Start, target), options.Seed), (ulong)worker);

    private string? CurrentOf(int worker) =>
        options.Folder is null ? null : Path.Combine(options.Folder, $"current-{target}-{worker}.bin");

    private void StopOnHang(FuzzWorker[] workers)
    {
        for (var i = 0; i < workers.Length; i++)
        {
            var (startedAt, input) = workers[i].Running();
            _seen[i] =
                startedAt == 0 || startedAt != _seen[i].StartedAt ? (startedAt, 0) : (startedAt, _seen[i].Polls + 1);
            if (_seen[i].Polls < HangPolls)
            {
                continue;
            }

            var bytes = input.ToArray();
            _findings.Add(new Finding(target, "hang", bytes, "One execution does not end."));
            var paths = options.Folder is null ? [] : _findings.Write(options.Folder);
            Environment.FailFast(
                $"{target}: an execution hangs. Input: {Convert.ToHexString(bytes)} {string.Join(' ', paths)}"
            );
        }
    }
}
