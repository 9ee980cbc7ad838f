using System.Collections.Immutable;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Grains.Agenda;

namespace Scheduler.Grains.Firewalls;

/// <summary>
/// An account's evaluations. They are rows; this grain numbers them, writes each batch, and removes old ones. No
/// request waits for it: the decisions of a batch that is lost were already applied.
/// </summary>
[GrainType("evaluations")]
internal sealed class EvaluationsGrain(
    [PersistentState("evaluations", GrainStorageNames.Database)] IPersistentState<EvaluationsRecord> state,
    IEvaluationLog log,
    IOptions<SchedulerOptions> options,
    TimeProvider clock
) : Grain, IEvaluationsGrain, IWakeable
{
    /// <summary>How often old evaluations are removed while no new ones are recorded.</summary>
    private static readonly TimeSpan ForgetEvery = TimeSpan.FromDays(1);

    private readonly Recorded<EvaluationsRecord> _evaluations = new(state);

    public async Task RecordAsync(AccountId account, ImmutableArray<FirewallEvaluation> evaluations)
    {
        if (evaluations.Length > IEvaluationsGrain.MostAtOnce)
        {
            throw new ArgumentException($"At most {IEvaluationsGrain.MostAtOnce} at once.", nameof(evaluations));
        }

        if (evaluations.Length > 0)
        {
            var last = _evaluations.Value.LastEvaluation;
            await WriteAsync(
                _evaluations.Value with
                {
                    Account = account,
                    LastEvaluation = last + evaluations.Length,
                    RecordedAt = clock.Now(),
                    NewEvaluations =
                    [
                        .. evaluations.Select((evaluation, i) => evaluation with { Sequence = last + i + 1 }),
                    ],
                }
            );
        }
    }

    public async Task<ImmutableArray<FirewallEvaluation>> ListAsync(string? firewall, long beforeSequence, int limit) =>
        [
            .. await log.ListAsync(
                FirewallKeys.AccountOf(this.GetPrimaryKeyString()),
                firewall,
                beforeSequence,
                limit,
                CancellationToken.None
            ),
        ];

    public async Task<DateTimeOffset?> WakeAsync()
    {
        if (_evaluations.Value.WakeAt <= clock.Now())
        {
            await WriteAsync(_evaluations.Value with { NewEvaluations = [] });
        }

        return _evaluations.Value.WakeAt;
    }

    private Task WriteAsync(EvaluationsRecord next)
    {
        var now = clock.Now();
        var oldest = now - options.Value.Firewalls.EvaluationsKeptFor;
        return _evaluations.WriteAsync(
            next with
            {
                ForgetUpTo = Math.Max(0, next.LastEvaluation - options.Value.Firewalls.EvaluationsKept),
                ForgetBefore = oldest,
                WakeAt = next.RecordedAt < oldest ? null : now + ForgetEvery,
            },
            this
        );
    }
}
