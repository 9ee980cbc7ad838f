using Scheduler.Domain.Providers;

namespace Scheduler.TestKit;

/// <summary>How a <see cref="FakeProvider"/> answers one allocation call.</summary>
public sealed record AllocateAnswer
{
    private AllocateAnswer(AllocateBehaviour behaviour) => Behaviour = behaviour;

    /// <summary>Allocates capacity that is ready at once.</summary>
    public static AllocateAnswer Succeed { get; } = new(AllocateBehaviour.Give);

    /// <summary>Allocates capacity whose runtime still boots.</summary>
    public static AllocateAnswer SucceedBooting { get; } =
        new(AllocateBehaviour.Give) { Status = AllocationStatus.Booting };

    /// <summary>Never answers and allocates nothing; ends when the caller cancels.</summary>
    public static AllocateAnswer Hang { get; } = new(AllocateBehaviour.Hang);

    /// <summary>
    /// Answers only after <see cref="FakeProvider.DeliverLate"/>, even if the caller no longer waits.
    /// </summary>
    public static AllocateAnswer Late { get; } = new(AllocateBehaviour.Late);

    /// <summary>Throws before anything is allocated.</summary>
    public static AllocateAnswer ThrowBefore { get; } = new(AllocateBehaviour.ThrowBefore);

    /// <summary>Allocates, then throws: the caller does not know the outcome.</summary>
    public static AllocateAnswer ThrowAfter { get; } = new(AllocateBehaviour.ThrowAfter);

    public AllocateBehaviour Behaviour { get; }

    public AllocationStatus Status { get; private init; } = AllocationStatus.Ready;

    /// <summary>Null for an allocation.</summary>
    public Rejection? Rejection { get; private init; }

    /// <summary>Refuses with the provider's message.</summary>
    public static AllocateAnswer Reject(RejectionKind kind, string words) =>
        new(AllocateBehaviour.Reject) { Rejection = new Rejection(kind, words) };
}

public enum AllocateBehaviour
{
    /// <summary>Allocates capacity.</summary>
    Give = 1,

    Reject = 2,

    Hang = 3,

    /// <summary>Answers when the test delivers the answer.</summary>
    Late = 4,

    /// <summary>Throws without effect.</summary>
    ThrowBefore = 5,

    /// <summary>Throws after the effect.</summary>
    ThrowAfter = 6,
}

/// <summary>How a <see cref="FakeProvider"/> answers one release call.</summary>
public enum ReleaseAnswer
{
    /// <summary>Releases and confirms.</summary>
    Release = 1,

    /// <summary>Answers "not yet" and keeps the capacity.</summary>
    Pending = 2,

    /// <summary>Throws without effect.</summary>
    ThrowBefore = 3,

    /// <summary>Releases, then throws.</summary>
    ThrowAfter = 4,

    /// <summary>Never answers, even if the caller cancels.</summary>
    Hang = 5,
}
