using System.Diagnostics.CodeAnalysis;

namespace Scheduler.Domain.Providers;

/// <summary>A provider's answer to an allocation request: an allocation or a rejection.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.AllocateOutcome")]
public sealed record AllocateOutcome
{
    private AllocateOutcome(Allocation? allocation, Rejection? rejection)
    {
        Allocation = allocation;
        Rejection = rejection;
    }

    [Id(0)]
    public Allocation? Allocation { get; }

    [Id(1)]
    public Rejection? Rejection { get; }

    [MemberNotNullWhen(true, nameof(Allocation))]
    [MemberNotNullWhen(false, nameof(Rejection))]
    public bool IsAllocated => Allocation is not null;

    public static AllocateOutcome Allocated(Allocation allocation) => new(allocation, null);

    /// <summary>A rejection means that no allocation exists under the key.</summary>
    public static AllocateOutcome Rejected(RejectionKind kind, string providerWords) =>
        new(null, new Rejection(kind, providerWords));
}

/// <param name="ProviderWords">The provider's message, at most 1,024 characters, secrets removed.</param>
[GenerateSerializer, Immutable, Alias("scheduler.Rejection")]
public sealed record Rejection([property: Id(0)] RejectionKind Kind, [property: Id(1)] string ProviderWords);

/// <summary>Kinds of rejection. They decide whether another route may help.</summary>
public enum RejectionKind
{
    /// <summary>The offer is not available now; another route may be.</summary>
    OutOfStock = 1,

    /// <summary>Our quota at this provider is exhausted; another provider may help.</summary>
    Quota = 2,

    /// <summary>The provider considers the request invalid; a retry does not help.</summary>
    InvalidRequest = 3,

    Credentials = 4,

    ProviderError = 5,

    /// <summary>The image of the runtime could not be pulled, so that nothing was allocated.</summary>
    Image = 6,
}
