using System.Diagnostics;
using Scheduler.TestKit;
using Scheduler.Tests;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>The first command of the README works as described, also when it is repeated.</summary>
[StartsFirst]
public sealed class DemoTests
{
    private const string LastLine = "Stop with Ctrl-C; the same command continues with the stored state.";

    private static readonly string[] Codes =
    [
        "PROVIDER_TIMEOUT",
        "OOM_KILLED",
        "GPU_INCOMPATIBLE",
        "SMART_NO_MATCH",
        "BILLING_BELOW_MINIMUM",
    ];

    [Fact]
    public async Task The_demo_plays_its_scenarios_and_leaves_the_API_running_on_both_runs()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var scheduler = new SchedulerProcess { Command = "demo" };
        for (var time = 1; time <= 2; time++)
        {
            var before = scheduler.Lines.Count;
            await scheduler.StartAsync(ct);
            var told = await ToldAsync(scheduler, before);

            Assert.All(Codes, code => Assert.Contains(told, line => line.TrimStart().StartsWith(code + ": ")));
            Assert.Equal(Codes.Length, told.Count(line => line.TrimStart().StartsWith("hint: ")));
            Assert.Equal(Codes.Length, told.Count(line => line.TrimStart().StartsWith("request id: req-")));
            Assert.Equal(7, told.Count(line => line.StartsWith("── ")));
            Assert.True(told.Count(line => line.Contains("→ Running")) >= 2, "The launch and the re-routed one run.");
            Assert.Contains(
                told,
                line => line.StartsWith($"Open {scheduler.Http.ToString().TrimEnd('/')} and sign in")
            );
            var key = Assert.Single(told, line => line.Contains("export KEY=")).Split('=')[^1];
            var account = (await ApiClient.Of("http", scheduler, key).GetAccountAsync("accounts/acct-demo")).Ok;
            await AskAsTheReadmeSaysAsync(scheduler, key, ct);
            // The run that ended out of memory is billed for its seconds.
            Assert.InRange(account.BalanceMicroEur, 99_000_000, 100_000_000);
            Assert.Equal(0, await scheduler.StopAsync(ct));
        }
    }

    /// <summary>Runs the section "Ask a model" of the README as written.</summary>
    private static async Task AskAsTheReadmeSaysAsync(SchedulerProcess scheduler, string key, CancellationToken ct)
    {
        var section = (await File.ReadAllTextAsync(Repository.Path("README.md"), ct)).Split("## Ask a model\n")[1];
        var start = new ProcessStartInfo("bash", ["-euc", section.Split("```\n")[1]])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            Environment = { ["KEY"] = key, ["API"] = scheduler.Http.ToString().TrimEnd('/') },
        };
        using var asked = Process.Start(start)!;
        var said = await asked.StandardOutput.ReadToEndAsync(ct);
        await asked.WaitForExitAsync(ct);
        Assert.Contains("\"object\":\"chat.completion\"", said);
        Assert.Contains("This is the simulated stand-in runtime", said);
    }

    private static async Task<List<string>> ToldAsync(SchedulerProcess scheduler, int before)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var told = scheduler.Lines.Skip(before).ToList();
            if (told.Any(line => line.Contains(LastLine)))
            {
                return told;
            }

            Assert.True(
                TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromMinutes(2),
                $"The demo did not finish:\n{scheduler.Output}"
            );
            await Task.Delay(
                TimeSpan.FromMilliseconds(200),
                TimeProvider.System,
                TestContext.Current.CancellationToken
            );
        }
    }
}
