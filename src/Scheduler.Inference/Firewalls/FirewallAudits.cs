using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;

namespace Scheduler.Inference.Firewalls;

/// <summary>
/// Judges texts in the background, several at once with a bounded queue. A text that does not fit is recorded as not
/// judged, so that a full queue does not look like a clean record.
/// </summary>
internal sealed partial class FirewallAudits(
    FirewallEvaluator evaluator,
    IOptions<FirewallGateOptions> options,
    ILogger<FirewallAudits> logger
) : BackgroundService, IFirewallAudits
{
    private readonly Channel<Audit> _waiting = Channel.CreateBounded<Audit>(options.Value.AuditsWaiting);
    private long _characters;

    public void Post(FirewallRecord firewall, JudgeInput text, RequestId requestId)
    {
        if (
            Interlocked.Add(ref _characters, text.Length) <= options.Value.AuditCharactersWaiting
            && _waiting.Writer.TryWrite(new Audit(firewall, text, requestId))
        )
        {
            return;
        }

        Interlocked.Add(ref _characters, -text.Length);
        evaluator.RecordUnjudged(firewall, text, requestId, JudgeFault.Busy);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(Enumerable.Range(0, options.Value.AuditsAtOnce).Select(_ => WorkAsync(stoppingToken)));

    private async Task WorkAsync(CancellationToken stoppingToken)
    {
        await foreach (var audit in _waiting.Reader.ReadAllAsync(stoppingToken))
        {
            try
            {
                await evaluator.EvaluateAsync(audit.Firewall, audit.Text, audit.RequestId, stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                LogNotAudited(exception, audit.Firewall.Slug, audit.Firewall.Account, audit.RequestId);
                evaluator.RecordUnjudged(audit.Firewall, audit.Text, audit.RequestId, JudgeFault.Failing);
            }
            finally
            {
                Interlocked.Add(ref _characters, -audit.Text.Length);
            }
        }
    }

    [LoggerMessage(
        1623,
        LogLevel.Warning,
        "Firewall {Slug} of {Account} could not audit request {RequestId}; recording it as not judged"
    )]
    private partial void LogNotAudited(Exception exception, string slug, AccountId account, RequestId requestId);

    private sealed record Audit(FirewallRecord Firewall, JudgeInput Text, RequestId RequestId)
    {
        /// <summary>Never contains the text (INV-13).</summary>
        public override string ToString() => RequestId.Value;
    }
}
