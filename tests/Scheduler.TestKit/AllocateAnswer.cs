using Scheduler.Domain.Providers;

namespace Scheduler.TestKit;

/// <summary>How a <see cref="FakeProvider"/> answers one allocation call.</summary>
public sealed record AllocateAnswer
{
    private AllocateAnswer(AllocateBehaviour behaviour) => Behaviour = behaviour;

    /// <summary>Gives capacity that serves at once.</summary>
    public static AllocateAnswer Succeed { get; } = new(AllocateBehaviour.Give);

    /// <summary>Gives capacity whose runtime still boots.</summary>
    public static AllocateAnswer SucceedBooting { get; } =
        new(AllocateBehaviour.Give) { Status = AllocationStatus.Booting };

    /// <summary>Never answers and never gives anything; ends when the caller stops waiting.</summary>
    public static AllocateAnswer Hang { get; } = new(AllocateBehaviour.Hang);

    /// <summary>Answers only when told to (<see cref="FakeProvider.DeliverLate"/>), whether or not anybody waits still.</summary>
    public static AllocateAnswer Late { get; } = new(AllocateBehaviour.Late);

    /// <summary>Throws before anything was allocated.</summary>
    public static AllocateAnswer ThrowBefore { get; } = new(AllocateBehaviour.ThrowBefore);

    /// <summary>Allocates, then throws: the caller cannot know.</summary>
    public static AllocateAnswer ThrowAfter { get; } = new(AllocateBehaviour.ThrowAfter);

    /// <summary>What it does.</summary>
    public AllocateBehaviour Behaviour { get; }

    /// <summary>What is given.</summary>
    public AllocationStatus Status { get; private init; } = AllocationStatus.Ready;

    /// <summary>Why nothing is given.</summary>
    public Rejection? Rejection { get; private init; }

    /// <summary>Refuses in the provider's words.</summary>
    public static AllocateAnswer Reject(RejectionKind kind, string words) =>
        new(AllocateBehaviour.Reject) { Rejection = new Rejection(kind, words) };
}

/// <summary>What a fake provider does with one allocation call.</summary>
public enum AllocateBehaviour
{
    /// <summary>Gives capacity.</summary>
    Give = 1,

    /// <summary>Refuses.</summary>
    Reject = 2,

    /// <summary>Never answers.</summary>
    Hang = 3,

    /// <summary>Answers when told to.</summary>
    Late = 4,

    /// <summary>Throws without effect.</summary>
    ThrowBefore = 5,

    /// <summary>Throws after the effect.</summary>
    ThrowAfter = 6,
}

/// <summary>How a <see cref="FakeProvider"/> answers one release call.</summary>
public enum ReleaseAnswer
{
    /// <summary>Gives back and says so.</summary>
    Release = 1,

    /// <summary>Says "not yet" and keeps the capacity.</summary>
    Pending = 2,

    /// <summary>Throws without effect.</summary>
    ThrowBefore = 3,

    /// <summary>Gives back, then throws.</summary>
    ThrowAfter = 4,

    /// <summary>Never answers, whatever the caller's token says.</summary>
    Hang = 5,
}
