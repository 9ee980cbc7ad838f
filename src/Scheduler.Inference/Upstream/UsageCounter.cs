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
/// Sums up the tokens that each instance served and each key used through this process, and reports them every few
/// seconds. A report is repeated under the same number until it is accepted, so nothing counts twice. The last seconds
/// before a crash are not counted.
/// </summary>
internal sealed partial class UsageCounter(IGrainFactory grains, TimeProvider clock, ILogger<UsageCounter> logger)
    : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AtTheEnd = TimeSpan.FromSeconds(2);

    private readonly string _gateway = RandomNumberGenerator.GetHexString(16, lowercase: true);
    private readonly ConcurrentDictionary<Subject, Tally> _tallies = new();

    /// <param name="keyId">The key of the request; null without one.</param>
    public void Count(ServedInstance instance, string? keyId, TokenUsage usage)
    {
        Count(new Subject(instance.Id.Value, IsKey: false), instance.Account, usage);
        if (keyId is not null)
        {
            Count(new Subject(keyId, IsKey: true), instance.Account, usage);
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

    private void Count(Subject subject, AccountId account, TokenUsage usage)
    {
        while (true)
        {
            var tally = _tallies.GetOrAdd(subject, static (_, account) => new Tally(account), account);
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

    private async Task ReportAsync(CancellationToken cancellationToken)
    {
        foreach (var (subject, tally) in _tallies)
        {
            lock (tally)
            {
                if (tally.Sent == ServedUsage.None && tally.Open == ServedUsage.None)
                {
                    // Idle since the last report: remove it. A later tally starts its numbers at the current time, so
                    // they only grow.
                    tally.IsGone = true;
                    _tallies.TryRemove(subject, out _);
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
                var grain = subject.IsKey ? grains.KeyUsage(subject.Id) : grains.Usage(new InstanceId(subject.Id));
                await grain
                    .ReportAsync(tally.Account, new GatewayReport(_gateway, tally.Sequence), tally.Sent)
                    .WaitAsync(cancellationToken);
                tally.Sent = ServedUsage.None;
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                LogNotTaken(exception, subject.Id);
            }
        }
    }

    [LoggerMessage(3304, LogLevel.Warning, "Could not report the usage of {Subject}; retrying")]
    private partial void LogNotTaken(Exception exception, string subject);

    /// <param name="Id">Of an instance or a key.</param>
    private readonly record struct Subject(string Id, bool IsKey);

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
