using Scheduler.Domain.Providers;

namespace Scheduler.Providers.Http;

/// <summary>A machine or container in a vendor's list that carries our mark.</summary>
internal sealed record Rented
{
    /// <summary>The vendor's id.</summary>
    public required string Id { get; init; }

    public required AllocationMark Mark { get; init; }

    public required RentedState State { get; init; }

    /// <summary>Creation time on the vendor's clock; null when it does not tell.</summary>
    public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>Base address of the runtime; null while none is known.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>How long the container has run; null when the vendor does not tell. A fall means that it ended and was started again.</summary>
    public TimeSpan? Uptime { get; init; }

    /// <summary>The vendor's own reason for the state; null without one.</summary>
    public string? Words { get; init; }

    /// <summary>When the vendor was asked.</summary>
    public DateTimeOffset SeenAt { get; init; }
}

internal enum RentedState
{
    /// <summary>Allocated, not running yet.</summary>
    Coming = 1,

    /// <summary>The container or machine runs. Whether the runtime answers, only a probe tells.</summary>
    Running = 2,

    /// <summary>The vendor says that the runtime ended.</summary>
    Ended = 3,

    /// <summary>The vendor took the capacity back, or is doing so.</summary>
    TakenBack = 4,

    /// <summary>The vendor has lost contact, or says something unknown.</summary>
    Silent = 5,

    /// <summary>The vendor is destroying it on our request.</summary>
    Ending = 6,
}

/// <summary>The known outcome of one create request.</summary>
internal sealed record CreateAnswer
{
    private CreateAnswer() { }

    /// <summary>What was made; null when nothing was.</summary>
    public Rented? Made { get; private init; }

    /// <summary>The refusal; null when something was made, or when the request may be repeated.</summary>
    public AllocateOutcome? Refusal { get; private init; }

    /// <summary>Id of what a refusal made nevertheless; null when it made nothing.</summary>
    public string? Leftover { get; private init; }

    public static CreateAnswer Of(Rented made) => new() { Made = made };

    /// <param name="leftover">Id of what exists although the vendor refused.</param>
    public static CreateAnswer Refused(RejectionKind kind, string words, string? leftover = null) =>
        new() { Refusal = AllocateOutcome.Rejected(kind, words), Leftover = leftover };

    /// <summary>Nothing was made; the vendor asks to repeat the request later.</summary>
    public static CreateAnswer Later { get; } = new();
}
