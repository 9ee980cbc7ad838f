using System.Globalization;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;

namespace Scheduler.Domain.Services;

/// <summary>
/// Which replicas are added and which leave, so that as many as wanted have the target revision. Replicas of other revisions leave as ready
/// ones replace them, within <see cref="UpdateSettings.MaxSurge"/> and <see cref="UpdateSettings.MaxUnavailable"/>.
/// </summary>
public static class RollOut
{
    internal static void Run(ServiceEditor editor, TurnFacts facts)
    {
        var goal = GoalOf(editor.Next, facts);
        var (surge, unavailable) = Room(editor.Next, facts, goal);
        Remove(editor, goal, unavailable);
        Add(editor, facts, goal, surge);
    }

    /// <summary>Most replicas that the budget per hour permits; null for any number.</summary>
    public static int? Affordable(ServiceRecord record, TurnFacts facts)
    {
        // Without a matching offer the price is not known; the launch then says what is missing.
        var next = facts.CheapestPrice ?? new MicroEuro(1);
        return ServiceCosts.Affordable(
            record.Spec.Budget.MaxPricePerHour,
            record.Staying.Select(replica => replica.Price ?? next),
            next
        );
    }

    /// <summary>The launch of a replica: its revision's template within its price cap and its kind of capacity.</summary>
    public static LaunchSpec SpecOf(LaunchSpec template, Replica replica)
    {
        var constraints = template.Constraints;
        return template with
        {
            Constraints = constraints with
            {
                MaxPricePerHour =
                    replica.PriceCap is not { } cap ? constraints.MaxPricePerHour
                    : constraints.MaxPricePerHour is { } own ? MicroEuro.Min(own, cap)
                    : cap,
                SpotAllowed = constraints.SpotAllowed && !replica.OnDemand,
            },
        };
    }

    private static int GoalOf(ServiceRecord record, TurnFacts facts)
    {
        var wanted = record.Scaling.Wanted;
        var goal = wanted == 0 ? 0 : wanted + record.Spec.Spot.Spares;
        return Math.Min(goal, Affordable(record, facts) ?? goal);
    }

    /// <summary>A budget without room for one more replica lets one leave before its successor is ready.</summary>
    private static (int Surge, int Unavailable) Room(ServiceRecord record, TurnFacts facts, int goal)
    {
        var update = record.Spec.Update;
        var surge = Math.Min(update.MaxSurge, (Affordable(record, facts) ?? int.MaxValue) - goal);
        return (Math.Max(0, surge), surge <= 0 ? Math.Max(1, update.MaxUnavailable) : update.MaxUnavailable);
    }

    private static void Remove(ServiceEditor editor, int goal, int unavailable)
    {
        var record = editor.Next;
        var current = record.Staying.Where(one => one.Revision == record.Revision).ToList();
        var earlier = record.Staying.Where(one => one.Revision != record.Revision).ToList();
        var ready = record.Ready;
        foreach (var replica in earlier.Where(one => !one.IsReady))
        {
            ServiceTurn.Leave(editor, replica, Text($"replaced by revision {record.Revision}"));
        }

        var removable = ready - Math.Max(0, goal - unavailable);
        foreach (
            var replica in earlier.Where(one => one.IsReady).OrderBy(one => one.Number).Take(Math.Max(0, removable))
        )
        {
            ServiceTurn.Leave(editor, replica, Text($"replaced by revision {record.Revision}"));
        }

        var surplus = current
            .OrderBy(one => one.IsReady)
            .ThenByDescending(one => one.Failures)
            .ThenByDescending(one => one.Number)
            .Take(Math.Max(0, current.Count - goal));
        foreach (var replica in surplus)
        {
            ServiceTurn.Leave(editor, replica, Text($"{record.Scaling.Wanted} replicas are wanted"));
        }
    }

    private static void Add(ServiceEditor editor, TurnFacts facts, int goal, int surge)
    {
        var record = editor.Next;
        if (record.Failure is not null)
        {
            return;
        }

        var staying = record.Staying.ToList();
        var earlier = staying.Count(one => one.Revision != record.Revision);
        var room = goal + (earlier > 0 ? surge : 0) - staying.Count;
        var count = Math.Min(room, goal - (staying.Count - earlier));
        if (count <= 0 || !TryCap(record, facts, ref count, out var cap))
        {
            return;
        }

        for (var i = 0; i < count; i++)
        {
            Add(editor, cap);
        }
    }

    private static void Add(ServiceEditor editor, MicroEuro? cap)
    {
        var record = editor.Next;
        var number = record.LastReplica + 1;
        var name = Text($"{record.ServingName}-r{record.Revision}-{number}");
        var spot = record.Spec.Spot;
        var replica = new Replica
        {
            Number = number,
            Revision = record.Revision,
            Instance = new InstanceId(
                DerivedId.Of("i-", 20, "replica", record.Id.Value, Text($"{record.Revision}"), Text($"{number}"))
            ),
            ServingName = name,
            Since = editor.Now,
            Starts = 1,
            PriceCap = cap,
            OnDemand =
                spot.Policy == SpotPolicy.Never
                || record.Staying.Count(one => one.OnDemand && one.Revision == record.Revision) < spot.OnDemandFloor,
        };
        editor.Change(next => next with { LastReplica = number, Replicas = next.Replicas.Add(replica) });
        editor.Note("ReplicaAdded", $"{name}: {Text($"{record.Scaling.Wanted} replicas are wanted")}");
    }

    /// <summary>
    /// Divides what the budget leaves among the new replicas. Replicas that leave count until they are gone, because they cost until then.
    /// </summary>
    /// <returns>False when the budget has no room yet.</returns>
    private static bool TryCap(ServiceRecord record, TurnFacts facts, ref int count, out MicroEuro? cap)
    {
        cap = null;
        if (record.Spec.Budget.MaxPricePerHour is not { } most)
        {
            return true;
        }

        var cheapest = facts.CheapestPrice ?? new MicroEuro(1);
        var left = most.Value - record.Replicas.Sum(replica => (replica.Price ?? MicroEuro.Zero).Value);
        count = (int)Math.Min(count, left / cheapest.Value);
        if (count <= 0)
        {
            return false;
        }

        cap = new MicroEuro(left / count);
        return true;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
