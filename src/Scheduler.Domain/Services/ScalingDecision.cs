using System.Globalization;

namespace Scheduler.Domain.Services;

/// <summary>
/// How many replicas a service wants: pure, a function of the spec, the loads, what the budget permits, and the state before.
/// </summary>
/// <remarks>
/// The load asks for ⌈load ÷ target⌉. The largest load of the up window decides whether replicas are added, the largest of the down window
/// whether some are removed. Then follow the limits: step, minimum and maximum, budget. The budget wins over the minimum.
/// </remarks>
public static class ScalingDecision
{
    /// <summary>
    /// A load that differs from what the wanted replicas are for by at most this part changes nothing: the default of Kubernetes' HPA.
    /// </summary>
    public const double Tolerance = 0.1;

    /// <summary>Within this time the number at most doubles, or grows by <see cref="FreeStep"/>, and at most halves.</summary>
    public static readonly TimeSpan StepPeriod = TimeSpan.FromSeconds(15);

    /// <summary>Replicas that may be added in one step in any case: the default of Kubernetes' HPA.</summary>
    public const int FreeStep = 4;

    /// <param name="before">The state that the last decision left.</param>
    /// <param name="affordable">Most replicas that the budget permits; null for any number.</param>
    /// <returns>The next state; the one before, unchanged, when nothing changes.</returns>
    public static ScalingState Next(
        ServiceSpec spec,
        ScalingState before,
        LoadWindow loads,
        int? affordable,
        DateTimeOffset now
    )
    {
        var (asked, why) = Asked(spec, before.Wanted, loads, now);
        var isNewPeriod = now - before.StepSince >= StepPeriod;
        var (stepBase, stepSince) = isNewPeriod ? (before.Wanted, now) : (before.StepBase, before.StepSince);
        var (wanted, limit) = spec.Paused
            ? (before.Wanted, asked != before.Wanted ? ScalingLimit.Paused : ScalingLimit.None)
            : Limited(spec, stepBase, asked, affordable);
        if (wanted == before.Wanted)
        {
            return limit == before.Limit && Clamp(spec, asked) == Clamp(spec, before.Asked)
                ? before
                : before with
                {
                    Asked = asked,
                    Limit = limit,
                    Why = why,
                };
        }

        return new ScalingState
        {
            Wanted = wanted,
            Since = now,
            StepBase = stepBase,
            StepSince = stepSince,
            Asked = asked,
            Limit = limit,
            Why = why,
        };
    }

    /// <summary>Replicas that a load asks for, when some number is wanted: monotone in the load.</summary>
    public static int For(ScalingSettings settings, int current, LoadSample load)
    {
        var value = settings.CountsTokens ? load.TokensPerSecond : load.Requests;
        var served = (double)current * settings.Target;
        if (current > 0 && Math.Abs(value - served) <= Tolerance * served)
        {
            return current;
        }

        var count = (int)Math.Min(int.MaxValue, Math.Ceiling(value / settings.Target));
        // Held requests produce no tokens.
        return load.Requests > 0 ? Math.Max(1, count) : count;
    }

    /// <summary>The earliest time at which fewer replicas may be wanted if there is no more load; null at the minimum.</summary>
    public static DateTimeOffset? NextLook(ServiceSpec spec, ScalingState state, LoadWindow loads, DateTimeOffset now)
    {
        if (state.Wanted <= spec.MinReplicas || spec.Paused)
        {
            return null;
        }

        var window = state.Wanted == 1 ? spec.Scaling.IdleToZero : spec.Scaling.DownWindow;
        var due = loads.LastLoadAt + window + LoadWindow.AveragedOver;
        var step = state.StepSince + StepPeriod;
        return due > now ? due
            : step > now ? step
            : now + StepPeriod;
    }

    private static (int Asked, string Why) Asked(ServiceSpec spec, int current, LoadWindow loads, DateTimeOffset now)
    {
        var scaling = spec.Scaling;
        var up = loads.Largest(scaling.UpWindow, now);
        var upCount = For(scaling, current, up);
        if (upCount >= current)
        {
            return (upCount, Why(scaling, up, scaling.UpWindow, upCount));
        }

        // Without a whole window of loads, one of before the loss may have been larger.
        if (now - loads.Since < scaling.DownWindow)
        {
            return (current, "the load of the down window is not known yet");
        }

        var down = loads.Largest(scaling.DownWindow, now);
        var downCount = Math.Min(current, For(scaling, current, down));
        if (downCount == 0 && current > 0 && now - loads.LastLoadAt < scaling.IdleToZero)
        {
            return (1, Text($"no load for less than {scaling.IdleToZero.TotalSeconds} s"));
        }

        return (downCount, Why(scaling, down, scaling.DownWindow, downCount));
    }

    private static (int Wanted, ScalingLimit Limit) Limited(ServiceSpec spec, int stepBase, int asked, int? affordable)
    {
        var most = Math.Max(checked(2 * stepBase), stepBase + FreeStep);
        var stepped = Math.Clamp(asked, stepBase / 2, most);
        var wanted = Clamp(spec, stepped);
        var limit =
            asked > spec.Most && wanted == spec.Most ? ScalingLimit.Max
            : wanted < Clamp(spec, asked) ? ScalingLimit.Step
            : ScalingLimit.None;
        return affordable < wanted ? (affordable.Value, ScalingLimit.Budget) : (wanted, limit);
    }

    private static int Clamp(ServiceSpec spec, int count) => Math.Clamp(count, spec.MinReplicas, spec.Most);

    private static string Why(ScalingSettings scaling, LoadSample load, TimeSpan window, int count) =>
        scaling.CountsTokens
            ? Text(
                $"{load.TokensPerSecond:0.#} tokens/s (largest of {window.TotalSeconds} s), target {scaling.Target} per replica, ask for {count}"
            )
            : Text(
                $"load {load.Requests:0.#} of which {load.Held:0.#} held (largest of {window.TotalSeconds} s), target {scaling.Target} per replica, asks for {count}"
            );

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
