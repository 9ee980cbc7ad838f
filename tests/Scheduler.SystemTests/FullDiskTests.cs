using System.Diagnostics;
using System.Globalization;
using Grpc.Core;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>
/// When the disk is full, commands fail with a clear error, the process keeps running, and all acknowledged data is
/// there afterwards.
/// </summary>
public sealed class FullDiskTests
{
    private const int ManyTopUps = 2_000;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("http", Explicit = true)]
    [InlineData("grpc")]
    public async Task A_file_size_limit_makes_commands_fail_and_loses_no_data(string transport)
    {
        await using var scheduler = new SchedulerProcess { ReadsFileLimitAsError = true };
        await scheduler.StartAsync(Ct);
        await AssertSurvivesAsync(
            scheduler,
            transport,
            fill: () => LimitAsync(scheduler.Id, "16384:"),
            clear: () => LimitAsync(scheduler.Id, "unlimited:")
        );
    }

    [Fact]
    public async Task A_full_file_system_makes_commands_fail_and_loses_no_data()
    {
        await using var disk = await SmallDisk.TryMountAsync(mebibytes: 2, Ct);
        Assert.SkipWhen(disk is null, "A small file system can be mounted by root alone.");
        await using var scheduler = new SchedulerProcess(
            Directory.CreateDirectory(Path.Combine(disk.Folder, "scheduler")).FullName
        );
        await scheduler.StartAsync(Ct);
        await AssertSurvivesAsync(scheduler, "http", fill: () => disk.FillAsync(Ct), clear: () => disk.ClearAsync(Ct));
    }

    private static async Task AssertSurvivesAsync(
        SchedulerProcess scheduler,
        string transport,
        Func<Task> fill,
        Func<Task> clear
    )
    {
        var api = ApiClient.Of(transport, scheduler);
        var account = (await api.CreateAccountAsync("acct-full")).Ok.Name;
        long acknowledged = 0;
        var refused = 0;
        await fill();
        for (; ; refused++)
        {
            Assert.True(refused < ManyTopUps, "The disk never became full.");
            var reply = await api.TopUpAsync(account, 1_000_000, $"payment-{refused}");
            if (reply.Error is not null)
            {
                Assert.Equal("UNAVAILABLE", reply.Info.Reason);
                Assert.Equal(reply.Code is null ? null : StatusCode.Unavailable, reply.Code);
                Assert.Equal(reply.HttpStatus is null ? null : 503, reply.HttpStatus);
                Assert.Contains("store", reply.Error.Message);
                Assert.NotEmpty(reply.Info.Metadata["hint"]);
                break;
            }

            acknowledged += 1_000_000;
        }

        // Reads still work. A refused command can be repeated unchanged when there is space.
        Assert.InRange((await api.GetAccountAsync(account)).Ok.BalanceMicroEur, acknowledged, acknowledged + 1_000_000);
        await clear();
        _ = (await api.TopUpAsync(account, 1_000_000, $"payment-{refused}")).Ok;
        await scheduler.KillAsync();
        await scheduler.StartAsync(Ct);

        var after = (await ApiClient.Of(transport, scheduler).GetAccountAsync(account)).Ok;
        Assert.Equal(acknowledged + 1_000_000, after.BalanceMicroEur);
    }

    private static async Task LimitAsync(int processId, string bytes)
    {
        var pid = processId.ToString(CultureInfo.InvariantCulture);
        Assert.SkipUnless(
            await TryRunAsync("prlimit", "--pid", pid, $"--fsize={bytes}"),
            "prlimit (util-linux) is needed to limit the size of files."
        );
    }

    private static async Task<bool> TryRunAsync(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(
                new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardError = true }
            )!;
            await process.WaitForExitAsync(Ct);
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
