using System.Collections.Immutable;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;

namespace Scheduler.TestKit;

/// <summary>Builds test objects with defaults for every value that does not matter to the test.</summary>
public static class Make
{
    /// <summary>A model of the shipped catalogue that fits an L40S with room to spare.</summary>
    public const string Model = "Qwen/Qwen2.5-7B";

    /// <summary>A GPU that it fits.</summary>
    public const string Gpu = "L40S";

    /// <summary>Price of the cheapest default offer.</summary>
    public static readonly MicroEuro CheapestPrice = new(1_200_000);

    public static AccountId Account(string slug = "a") => new($"acct-{slug}");

    public static MicroEuro Euros(decimal euros) => MicroEuro.CeilingFromEuros(euros);

    public static Offer Offer(
        string provider = "cloud",
        string region = "eu-west",
        string gpu = Gpu,
        decimal price = 1.2m,
        int count = 1,
        bool spot = false,
        CapacityTier tier = CapacityTier.Standard,
        int available = 1000
    ) =>
        new(
            new ProviderId(provider),
            $"{region}-{gpu}-{count}{(spot ? "-spot" : "")}",
            region,
            gpu,
            count,
            tier,
            spot,
            Euros(price),
            available
        );

    /// <summary>Two regions of one provider, the first cheaper.</summary>
    public static ImmutableArray<Offer> DefaultOffers(string provider = "cloud") =>
        [Offer(provider), Offer(provider, "eu-north", price: 1.5m)];

    public static LaunchSpec Spec(SmartConstraints? constraints = null) =>
        new() { Model = Model, Constraints = constraints ?? SmartConstraints.None };
}
