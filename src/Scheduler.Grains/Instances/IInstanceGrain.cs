using System.Collections.Immutable;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;

namespace Scheduler.Grains.Instances;

/// <summary>
/// One instance. Commands are done one at a time, recorded before they are answered, and harmless when repeated; questions are
/// answered at any time, also while a command is under way.
/// </summary>
[Alias("scheduler.IInstanceGrain")]
[GrainInterfaceType("scheduler.instance")]
public interface IInstanceGrain : IGrainWithStringKey
{
    /// <summary>Creates it, stopped. The same create again returns the instance; a different one is refused.</summary>
    [Alias("Create")]
    Task<Answer<InstanceRecord>> CreateAsync(CreateInstance command, CommandContext context);

    /// <summary>What is recorded.</summary>
    /// <param name="account">Whose eyes; null for an operator.</param>
    [Alias("Get"), AlwaysInterleave]
    Task<Answer<InstanceRecord>> GetAsync(AccountId? account);

    /// <summary>
    /// What is recorded, as soon as it is newer than a generation, or after a while what there is. For watching without polling.
    /// </summary>
    /// <param name="account">Whose eyes; null for an operator.</param>
    /// <param name="afterGeneration">The generation the caller has.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    [Alias("WaitForChange"), AlwaysInterleave]
    Task<Answer<InstanceRecord>> WaitForChangeAsync(
        AccountId? account,
        long afterGeneration,
        CancellationToken cancellationToken
    );

    /// <summary>
    /// Somebody found that the runtime of a run does not answer: the provider is asked now, not when its watch comes round, and what it
    /// says is taken up before this answers. Those who ask together are answered by one look.
    /// </summary>
    /// <param name="account">Whose eyes.</param>
    /// <param name="run">Which run; of another one nothing is asked.</param>
    [Alias("Examine"), AlwaysInterleave]
    Task<Answer<InstanceRecord>> ExamineAsync(AccountId? account, int run);

    /// <summary>
    /// The last lines its runtime has printed, as the provider tells them now. Empty where none lives (of the dead the failure's details
    /// tell), it printed none, or the provider does not tell in time.
    /// </summary>
    /// <param name="account">Whose eyes; null for an operator.</param>
    [Alias("ReadOutput"), AlwaysInterleave]
    Task<Answer<string>> ReadOutputAsync(AccountId? account);

    /// <summary>
    /// Checks money, fit and placement, records the intent, and returns in <c>provisioning</c>. A failed check is recorded on the
    /// instance and returned as a <see cref="RefusalKind.Failed"/> refusal.
    /// </summary>
    [Alias("Start")]
    Task<Answer<InstanceRecord>> StartAsync(CommandContext context);

    /// <summary>Ends the run; returns in <c>stopping</c> (or <c>stopped</c>, when nothing was held).</summary>
    [Alias("Stop")]
    Task<Answer<InstanceRecord>> StopAsync(CommandContext context);

    /// <summary>Makes it a tombstone; refused while it is live.</summary>
    [Alias("Delete")]
    Task<Answer<InstanceRecord>> DeleteAsync(CommandContext context);

    /// <summary>Changes what may change while it is stopped or failed.</summary>
    [Alias("Update")]
    Task<Answer<InstanceRecord>> UpdateAsync(UpdateInstance command, CommandContext context);

    /// <summary>What a start would do now, and why: the same checks, without side effects.</summary>
    [Alias("Explain"), AlwaysInterleave]
    Task<Answer<LaunchExplanation>> ExplainAsync(AccountId? account);
}

/// <summary>What a create asks for.</summary>
/// <param name="Account">Whose.</param>
/// <param name="ServingName">Unique in the account.</param>
/// <param name="Spec">What to run.</param>
/// <param name="Labels">Free labels.</param>
[GenerateSerializer, Immutable, Alias("scheduler.CreateInstance")]
public sealed record CreateInstance(
    [property: Id(0)] AccountId Account,
    [property: Id(1)] string ServingName,
    [property: Id(2)] LaunchSpec Spec,
    [property: Id(3)] ImmutableSortedDictionary<string, string> Labels
);

/// <summary>What an update changes; null leaves a part as it is.</summary>
/// <param name="Spec">The whole new spec (the door has applied the field mask to the present one).</param>
/// <param name="Labels">The whole new labels.</param>
/// <param name="Firewall">Slug of the firewall that every request passes, empty for none; may change at any time.</param>
/// <param name="IfGeneration">Refuse unless this is the present generation; null for any.</param>
[GenerateSerializer, Immutable, Alias("scheduler.UpdateInstance")]
public sealed record UpdateInstance(
    [property: Id(0)] LaunchSpec? Spec,
    [property: Id(1)] ImmutableSortedDictionary<string, string>? Labels,
    [property: Id(2)] long? IfGeneration = null,
    [property: Id(3)] string? Firewall = null
);
