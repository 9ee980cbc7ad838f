using Scheduler.Domain.Billing;

namespace Scheduler.Domain.Services;

/// <summary>What the replicas of a service cost on one day, from midnight to midnight, UTC.</summary>
public static class ServiceSpending
{
    /// <summary>Time that a stop may take besides the drain: the wake-up, a write, and a release that is repeated.</summary>
    private static readonly TimeSpan StopMargin = TimeSpan.FromSeconds(10);

    /// <summary>Cost on the day of <paramref name="now"/>: of the runs that ended, and of those in progress up to now.</summary>
    public static MicroEuro Today(ServiceRecord record, DateTimeOffset now)
    {
        var sum = record.Spend.Day == DayOf(now) ? record.Spend.Ended : MicroEuro.Zero;
        foreach (var replica in record.Replicas)
        {
            if (replica.Seen is { RunningSince: { } since, RunningUntil: null, Price: { } price })
            {
                sum += Cost(price, since, now, DayOf(now));
            }
        }

        return sum;
    }

    /// <summary>Sum of the prices per hour of the replicas that run.</summary>
    public static MicroEuro BurnPerHour(ServiceRecord record)
    {
        var sum = MicroEuro.Zero;
        foreach (var replica in record.Replicas)
        {
            if (replica.Seen is { RunningSince: not null, RunningUntil: null, Price: { } price })
            {
                sum += price;
            }
        }

        return sum;
    }

    /// <summary>
    /// Whether the budget of the day is used up, with what the replicas still cost while they drain.
    /// </summary>
    public static bool IsDaySpent(ServiceRecord record, DateTimeOffset now) =>
        record.Spec.Budget.MaxPerDay is { } most && Today(record, now) + Reserve(record) >= most;

    /// <summary>When the budget of the day must be looked at again; null without one.</summary>
    public static DateTimeOffset? NextLook(ServiceRecord record, DateTimeOffset now)
    {
        if (record.Spec.Budget.MaxPerDay is not { } most)
        {
            return null;
        }

        var midnight = DayOf(now).AddDays(1);
        var burn = BurnPerHour(record);
        var left = most - Today(record, now) - Reserve(record);
        if (left <= MicroEuro.Zero || burn.Value == 0)
        {
            return midnight;
        }

        var spent = now + TimeSpan.FromHours((double)left.Value / burn.Value);
        return spent < midnight ? spent : midnight;
    }

    /// <summary>Adds a run that ended to the sum of its day.</summary>
    public static DaySpend With(DaySpend before, ReplicaSight ended, DateTimeOffset now)
    {
        if (ended is not { RunningSince: { } since, RunningUntil: { } until, Price: { } price })
        {
            return before;
        }

        var day = DayOf(now);
        var sum = before.Day == day ? before.Ended : MicroEuro.Zero;
        return new DaySpend { Day = day, Ended = sum + Cost(price, since, until, day) };
    }

    private static MicroEuro Reserve(ServiceRecord record) =>
        new((long)Math.Ceiling(BurnPerHour(record).Value * (record.Spec.Update.DrainTimeout + StopMargin).TotalHours));

    private static MicroEuro Cost(MicroEuro perHour, DateTimeOffset from, DateTimeOffset until, DateTimeOffset day)
    {
        var begin = from > day ? from : day;
        return until <= begin
            ? MicroEuro.Zero
            : new MicroEuro(checked((long)Math.Ceiling(perHour.Value * (until - begin).TotalHours)));
    }

    private static DateTimeOffset DayOf(DateTimeOffset time) => new(time.UtcDateTime.Date, TimeSpan.Zero);
}
