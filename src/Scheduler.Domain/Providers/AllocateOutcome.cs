using System.Diagnostics.CodeAnalysis;

namespace Scheduler.Domain.Providers;

/// <summary>A provider's answer to an allocation request: capacity, or a refusal in its own words.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.AllocateOutcome")]
public sealed record AllocateOutcome
{
    private AllocateOutcome(Allocation? allocation, Rejection? rejection)
    {
        Allocation = allocation;
        Rejection = rejection;
    }

    /// <summary>What was given, or null.</summary>
    [Id(0)]
    public Allocation? Allocation { get; }

    /// <summary>Why nothing was given, or null.</summary>
    [Id(1)]
    public Rejection? Rejection { get; }

    /// <summary>Whether capacity was given.</summary>
    [MemberNotNullWhen(true, nameof(Allocation))]
    [MemberNotNullWhen(false, nameof(Rejection))]
    public bool IsAllocated => Allocation is not null;

    /// <summary>Capacity is ours.</summary>
    public static AllocateOutcome Allocated(Allocation allocation) => new(allocation, null);

    /// <summary>The provider refused; nothing was allocated under the key.</summary>
    public static AllocateOutcome Rejected(RejectionKind kind, string providerWords) =>
        new(null, new Rejection(kind, providerWords));
}

/// <summary>Why a provider refused.</summary>
/// <param name="Kind">What kind of refusal it is.</param>
/// <param name="ProviderWords">The provider's own words, at most 1,024 characters, secrets removed.</param>
[GenerateSerializer, Immutable, Alias("scheduler.Rejection")]
public sealed record Rejection([property: Id(0)] RejectionKind Kind, [property: Id(1)] string ProviderWords);

/// <summary>Kinds of refusal: they decide whether another route may help.</summary>
public enum RejectionKind
{
    /// <summary>The offer is not to be had now; another route may be.</summary>
    OutOfStock = 1,

    /// <summary>Our quota at this provider is used up; another provider may help.</summary>
    Quota = 2,

    /// <summary>The provider finds the request wrong; asking again does not help.</summary>
    InvalidRequest = 3,

    /// <summary>Our credentials were refused.</summary>
    Credentials = 4,

    /// <summary>The provider failed inside.</summary>
    ProviderError = 5,
}
