using Scheduler.Domain.Billing;

namespace Scheduler.Domain.Services;

/// <summary>How many replicas a budget permits.</summary>
public static class ServiceCosts
{
    /// <summary>
    /// The largest number of replicas whose prices per hour together are within the budget: the given ones first, cheapest first, then new ones.
    /// </summary>
    /// <param name="mostPerHour">Null for no limit.</param>
    /// <param name="present">Prices per hour of the replicas that exist: snapshots, or the caps of those in launch.</param>
    /// <param name="next">Price per hour of one more replica; null when it is not known, then none is added.</param>
    /// <returns>Null for any number.</returns>
    public static int? Affordable(MicroEuro? mostPerHour, IEnumerable<MicroEuro> present, MicroEuro? next)
    {
        if (mostPerHour is not { } most)
        {
            return null;
        }

        var (count, left) = (0, most);
        foreach (var price in present.Order())
        {
            if (price > left)
            {
                return count;
            }

            left -= price;
            count++;
        }

        return next is not { Value: > 0 } one
            ? count
            : count + (int)Math.Min(ServiceValidation.MostReplicas, left.Value / one.Value);
    }
}
