using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Grains;
using Scheduler.Inference.Serving;

namespace Scheduler.Inference.Upstream;

/// <summary>
/// Sums up the tokens each instance served through this process and reports them every few seconds. A report is
/// repeated under the same number until it is accepted, so nothing counts twice. The last seconds before a crash are
/// not counted.
/// </summary>
internal sealed partial class UsageCounter(IGrainFactory grains, TimeProvider clock, ILogger<UsageCounter> logger)
    : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AtTheEnd = TimeSpan.FromSeconds(2);

    private readonly string _gateway = RandomNumberGenerator.GetHexString(16, lowercase: true);
    private readonly ConcurrentDictionary<InstanceId, Tally> _tallies = new();

    public void Count(ServedInstance instance, TokenUsage usage)
    {
        while (true)
        {
            var tally = _tallies.GetOrAdd(instance.Id, static (_, account) => new Tally(account), instance.Account);
            lock (tally)
            {
                if (tally.IsGone)
                {
                    continue;
                }

                tally.Open += new ServedUsage(1, usage.Prompt, usage.Completion);
                return;
            }
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        using var late = new CancellationTokenSource(AtTheEnd, clock);
        await ReportAsync(late.Token);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            await ReportAsync(stoppingToken);
        }
    }

    private async Task ReportAsync(CancellationToken cancellationToken)
    {
        foreach (var (instance, tally) in _tallies)
        {
            lock (tally)
            {
                if (tally.Sent == ServedUsage.None && tally.Open == ServedUsage.None)
                {
                    // Idle since the last report: remove it. A later tally starts its numbers at the current time, so
                    // they only grow.
                    tally.IsGone = true;
                    _tallies.TryRemove(instance, out _);
                    continue;
                }

                if (tally.Sent == ServedUsage.None)
                {
                    (tally.Sent, tally.Open) = (tally.Open, ServedUsage.None);
                    tally.Sequence = Math.Max(tally.Sequence + 1, clock.GetUtcNow().ToUnixTimeMilliseconds());
                }
            }

            try
            {
                await grains
                    .Usage(instance)
                    .ReportAsync(tally.Account, new GatewayReport(_gateway, tally.Sequence), tally.Sent)
                    .WaitAsync(cancellationToken);
                tally.Sent = ServedUsage.None;
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                LogNotTaken(exception, instance);
            }
        }
    }

    [LoggerMessage(3304, LogLevel.Warning, "Could not report the usage of {Instance}; retrying")]
    private partial void LogNotTaken(Exception exception, InstanceId instance);

    private sealed class Tally(AccountId account)
    {
        public AccountId Account { get; } = account;

        public ServedUsage Open { get; set; } = ServedUsage.None;

        /// <summary>Sent, but not confirmed.</summary>
        public ServedUsage Sent { get; set; } = ServedUsage.None;

        public long Sequence { get; set; }

        public bool IsGone { get; set; }
    }
}
