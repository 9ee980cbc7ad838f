using System.Collections.Immutable;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Secrets;

namespace Scheduler.Grains.Instances;

/// <summary>
/// One instance. Commands are executed one at a time, recorded before they are answered, and safe to repeat. Queries are answered at any
/// time, also while a command is in progress. The <c>account</c> of a query is the one whose instances the caller may see; null is an
/// operator.
/// </summary>
[Alias("scheduler.IInstanceGrain")]
[GrainInterfaceType("scheduler.instance")]
public interface IInstanceGrain : IGrainWithStringKey
{
    /// <summary>Creates the instance in <c>stopped</c>. A repeated create returns the instance; a different one is refused.</summary>
    [Alias("Create")]
    Task<Answer<InstanceRecord>> CreateAsync(CreateInstance command, CommandContext context);

    [Alias("Get"), AlwaysInterleave]
    Task<Answer<InstanceRecord>> GetAsync(AccountId? account);

    /// <summary>
    /// Returns the record as soon as its generation is higher than the given one, or after 20 s as it is. Callers watch with it instead of
    /// polling.
    /// </summary>
    [Alias("WaitForChange"), AlwaysInterleave]
    Task<Answer<InstanceRecord>> WaitForChangeAsync(
        AccountId? account,
        long afterGeneration,
        CancellationToken cancellationToken
    );

    /// <summary>
    /// For a caller that found the runtime of a run unresponsive: reads the status from the provider now, without waiting for its watch,
    /// and applies it before this returns. Concurrent callers share one read.
    /// </summary>
    /// <param name="run">Nothing is read if the instance is not running or is in another run.</param>
    [Alias("Examine"), AlwaysInterleave]
    Task<Answer<InstanceRecord>> ExamineAsync(AccountId? account, int run);

    /// <summary>
    /// The last output lines of the runtime, read from the provider now. Empty when no runtime is alive, when there
    /// is no output, or when the provider does not answer within 2 s. A failed instance has its output in the details
    /// of the failure.
    /// </summary>
    [Alias("ReadOutput"), AlwaysInterleave]
    Task<Answer<string>> ReadOutputAsync(AccountId? account);

    /// <summary>
    /// The key that the runtime of the current allocation asks its callers for. For gateways only: no answer of the API shows it. Not found
    /// when the runtime has no key or another allocation is current.
    /// </summary>
    [Alias("ReadRuntimeKey"), AlwaysInterleave]
    Task<Answer<SecretText>> ReadRuntimeKeyAsync(AccountId account, AllocationKey allocation);

    /// <summary>Encrypts the stored runtime key under the first master key. Returns whether that changed the record.</summary>
    [Alias("RewrapKey")]
    Task<bool> RewrapKeyAsync();

    /// <summary>
    /// Checks money, fit and placement, records the intent, and returns in <c>provisioning</c>. A failed check is recorded on the
    /// instance and returned as a <see cref="RefusalKind.Failed"/> refusal.
    /// </summary>
    [Alias("Start")]
    Task<Answer<InstanceRecord>> StartAsync(CommandContext context);

    /// <summary>
    /// Changes the spec as a remedy says and starts, in one write. The start is answered as by <see cref="StartAsync"/>. A top-up that
    /// the remedy names must be made before.
    /// </summary>
    [Alias("Repair")]
    Task<Answer<InstanceRecord>> RepairAsync(RepairInstance command, CommandContext context);

    /// <summary>Ends the run; returns in <c>stopping</c>, or in <c>stopped</c> when nothing was allocated.</summary>
    [Alias("Stop")]
    Task<Answer<InstanceRecord>> StopAsync(CommandContext context);

    /// <summary>Deletes the instance and keeps a tombstone; refused while a run or its cleanup is not over.</summary>
    [Alias("Delete")]
    Task<Answer<InstanceRecord>> DeleteAsync(CommandContext context);

    /// <summary>Changes labels and firewall at any time, the spec only in <c>stopped</c> or <c>failed</c>.</summary>
    [Alias("Update")]
    Task<Answer<InstanceRecord>> UpdateAsync(UpdateInstance command, CommandContext context);

    /// <summary>Explains the result of a start at this moment: the same checks, without side effects.</summary>
    [Alias("Explain"), AlwaysInterleave]
    Task<Answer<LaunchExplanation>> ExplainAsync(AccountId? account);
}

/// <param name="ServingName">Unique in the account.</param>
[GenerateSerializer, Immutable, Alias("scheduler.CreateInstance")]
public sealed record CreateInstance(
    [property: Id(0)] AccountId Account,
    [property: Id(1)] string ServingName,
    [property: Id(2)] LaunchSpec Spec,
    [property: Id(3)] ImmutableSortedDictionary<string, string> Labels
);

/// <summary>The fields to change; null leaves a field as it is.</summary>
/// <param name="Spec">The whole new spec (the API has applied the field mask to the current one).</param>
/// <param name="Labels">All new labels.</param>
/// <param name="IfGeneration">Refuse unless this is the current generation; null for any.</param>
/// <param name="Firewall">Slug of the firewall for every request; empty for none.</param>
[GenerateSerializer, Immutable, Alias("scheduler.UpdateInstance")]
public sealed record UpdateInstance(
    [property: Id(0)] LaunchSpec? Spec,
    [property: Id(1)] ImmutableSortedDictionary<string, string>? Labels,
    [property: Id(2)] long? IfGeneration = null,
    [property: Id(3)] string? Firewall = null
);

/// <param name="Remedy">Id of one of <see cref="Remedies"/> of the record.</param>
/// <param name="IfGeneration">Refuse unless this is the current generation; null for any.</param>
[GenerateSerializer, Immutable, Alias("scheduler.RepairInstance")]
public sealed record RepairInstance([property: Id(0)] string Remedy, [property: Id(1)] long? IfGeneration);
