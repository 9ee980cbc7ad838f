using System.Collections.Immutable;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Grains.Agenda;

namespace Scheduler.Grains.Firewalls;

/// <summary>
/// An account's evaluations. They are rows; this grain only counts them, hands each batch to its write, and says what is old. Nobody
/// waits for it: a batch that is lost was decided all the same.
/// </summary>
[GrainType("evaluations")]
internal sealed class EvaluationsGrain(
    [PersistentState("evaluations", GrainStorageNames.Database)] IPersistentState<EvaluationsRecord> state,
    IOptions<SchedulerOptions> options,
    TimeProvider clock
) : Grain, IEvaluationsGrain, IWakeable
{
    /// <summary>How often old evaluations go where no new ones come.</summary>
    private static readonly TimeSpan ForgetEvery = TimeSpan.FromDays(1);

    private readonly Recorded<EvaluationsRecord> _evaluations = new(state);

    /// <inheritdoc/>
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

    /// <inheritdoc/>
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
