using System.Diagnostics;
using System.Globalization;
using Scheduler.Api.V1;
using Scheduler.TestKit;

namespace Scheduler.Benchmarks;

/// <summary>
/// P-12: from the start of the process to its first accepted launch, on an empty directory. Time on the clock depends on
/// other work of the machine; CPU time hardly does.
/// </summary>
public static class StartFigures
{
    /// <param name="args">[runs, default 5] [a scheduler.dll, default this build's]</param>
    public static async Task RunAsync(string[] args)
    {
        ArgumentNullException.ThrowIfNull(args);
        var runs = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 5;
        var (ready, launched) = (new List<double>(), new List<double>());
        var (readyCpu, launchedCpu) = (new List<double>(), new List<double>());
        for (var i = 0; i < runs; i++)
        {
            var began = Stopwatch.GetTimestamp();
            await using var scheduler =
                args.Length > 1
                    ? new SchedulerProcess(null, SchedulerProcess.ZeroDelay) { Program = Path.GetFullPath(args[1]) }
                    : new SchedulerProcess(null, SchedulerProcess.ZeroDelay);
            await scheduler.StartAsync();
            ready.Add(scheduler.TookToListen.TotalSeconds);
            readyCpu.Add(scheduler.Cpu.TotalSeconds);
            await FirstLaunchAsync(scheduler);
            launched.Add(Stopwatch.GetElapsedTime(began).TotalSeconds);
            launchedCpu.Add(scheduler.Cpu.TotalSeconds);
        }

        Print("ready", ready);
        Print("ready, CPU", readyCpu);
        Print("first accepted launch", launched);
        Print("first launch, CPU", launchedCpu);
    }

    private static async Task FirstLaunchAsync(SchedulerProcess scheduler)
    {
        var accounts = new Accounts.AccountsClient(scheduler.Channel);
        var instances = new Instances.InstancesClient(scheduler.Channel);
        const string account = "accounts/acct-first";
        await accounts.CreateAccountAsync(
            new CreateAccountRequest { AccountId = "acct-first", DisplayName = "first" },
            scheduler.Auth
        );
        await accounts.TopUpAccountAsync(
            new TopUpAccountRequest
            {
                Name = account,
                AmountMicroEur = 100_000_000,
                Reference = "first",
            },
            scheduler.Auth
        );
        var created = await instances.CreateInstanceAsync(
            new CreateInstanceRequest
            {
                Parent = account,
                ServingName = "first",
                Spec = new LaunchSpec { Model = "Qwen/Qwen2.5-0.5B", ContextTokens = 4096 },
            },
            scheduler.Auth
        );
        await instances.StartInstanceAsync(new StartInstanceRequest { Name = created.Name }, scheduler.Auth);
    }

    private static void Print(string what, List<double> seconds)
    {
        seconds.Sort();
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{what, -24} median {seconds[seconds.Count / 2]:0.00} s, min {seconds[0]:0.00} s, max {seconds[^1]:0.00} s"
            )
        );
    }
}
