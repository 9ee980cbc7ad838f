using System.Collections.Immutable;
using System.Globalization;

namespace Scheduler.Domain.Services;

/// <summary>What would change the number of wanted replicas, in sentences.</summary>
public static class ScalingWords
{
    public static ImmutableArray<string> Of(ServiceRecord record, LoadWindow loads, DateTimeOffset now)
    {
        var (spec, scaling) = (record.Spec, record.Scaling);
        var unit = spec.Scaling.CountsTokens ? "tokens/s" : "requests outstanding";
        var load = spec.Scaling.CountsTokens ? loads.Current.TokensPerSecond : loads.Current.Requests;
        var words = ImmutableArray.CreateBuilder<string>();
        words.Add(Text($"{scaling.Wanted} replicas are wanted since {scaling.Since:HH:mm:ss}: {scaling.Why}."));
        words.Add(Text($"The load is {load:0.#} {unit} now; the target is {spec.Scaling.Target} per replica."));
        if (spec.Paused)
        {
            words.Add("The service is paused: nothing changes the number until it is resumed.");
            return words.ToImmutable();
        }

        words.Add(Up(record));
        words.Add(Down(record, loads, now));
        return words.ToImmutable();
    }

    private static string Up(ServiceRecord record)
    {
        var (spec, scaling) = (record.Spec, record.Scaling);
        if (scaling.Limit == ScalingLimit.Budget)
        {
            return ServiceSpendingWords(record);
        }

        if (scaling.Wanted >= spec.Most)
        {
            return Text($"max_replicas is {spec.Most}: more load adds no replica.");
        }

        var above = scaling.Wanted * spec.Scaling.Target * (1 + ScalingDecision.Tolerance);
        return Text(
            $"A load above {above:0.#} adds replicas at once, at most to twice the number in {ScalingDecision.StepPeriod.TotalSeconds} s."
        );
    }

    private static string ServiceSpendingWords(ServiceRecord record)
    {
        var budget = record.Spec.Budget;
        var hour = budget.MaxPricePerHour is { } most ? $"{most} EUR an hour" : "";
        var day = budget.MaxPerDay is { } daily ? $"{daily} EUR a day" : "";
        return $"The budget permits no more: {string.Join(" and ", new[] { hour, day }.Where(text => text.Length > 0))}.";
    }

    private static string Down(ServiceRecord record, LoadWindow loads, DateTimeOffset now)
    {
        var (spec, scaling) = (record.Spec, record.Scaling);
        if (scaling.Wanted <= spec.MinReplicas)
        {
            return Text($"min_replicas is {spec.MinReplicas}: less load removes no replica.");
        }

        if (scaling.Wanted == 1)
        {
            var due = loads.LastLoadAt + spec.Scaling.IdleToZero;
            return Text(
                $"Without any load the last replica stops after {spec.Scaling.IdleToZero.TotalSeconds} s, at the earliest at {(due > now ? due : now):HH:mm:ss}."
            );
        }

        var below = Math.Min(
            (scaling.Wanted - 1) * spec.Scaling.Target,
            scaling.Wanted * spec.Scaling.Target * (1 - ScalingDecision.Tolerance)
        );
        return Text(
            $"A load that stays at or below {below:0.#} for {spec.Scaling.DownWindow.TotalSeconds} s removes replicas."
        );
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
