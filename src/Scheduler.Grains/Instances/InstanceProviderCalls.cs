using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Domain.Secrets;
using Scheduler.Grains.Providers;

namespace Scheduler.Grains.Instances;

/// <summary>The calls of an instance to its provider. Each finds the provider and has the time limit that its caller needs.</summary>
/// <remarks>
/// An exception of a provider means that the effect of the call is unknown. A repeated call with the same key is safe: it concerns the
/// same allocation.
/// </remarks>
internal sealed partial class InstanceProviderCalls(
    ProviderDirectory providers,
    ISecretVault vault,
    InstanceSecrets secrets,
    IEnumerable<IRuntimeMetrics> metrics,
    IOptions<SchedulerOptions> options,
    TimeProvider clock,
    ILogger<InstanceProviderCalls> logger
)
{
    /// <summary>The limit of calls that a turn of the grain waits for: the next command must not wait longer.</summary>
    private static readonly TimeSpan TurnLimit = TimeSpan.FromSeconds(2);

    /// <summary>
    /// The limit of one release attempt. It is repeated if the provider does not answer, and other cleanup must not wait longer for it.
    /// A provider whose release takes longer answers <see cref="ReleaseOutcome.Pending"/> meanwhile.
    /// </summary>
    private static readonly TimeSpan ReleaseLimit = TimeSpan.FromSeconds(15);

    /// <summary>Requests the capacity of a recorded intent. No time limit: the caller cancels at the deadline.</summary>
    /// <returns>A rejection when the provider is no longer configured.</returns>
    public async Task<AllocateOutcome> AllocateAsync(InstanceRecord record, CancellationToken cancellationToken)
    {
        var intent = record.Intent!;
        if (providers.Find(intent.Offer.Provider) is not { } provider)
        {
            return AllocateOutcome.Rejected(
                RejectionKind.InvalidRequest,
                $"Provider {intent.Offer.Provider} is not configured any more."
            );
        }

        if (WithoutKey(provider, record) is { } why)
        {
            return AllocateOutcome.Rejected(RejectionKind.InvalidRequest, why);
        }

        var (environment, missing) = await secrets.EnvironmentOfAsync(record);
        if (missing is not null)
        {
            return AllocateOutcome.Rejected(RejectionKind.InvalidRequest, missing);
        }

        var tag = new AllocationTag(options.Value.ClusterId, record.Id);
        var request = new AllocationRequest(intent.Key, tag, intent.Offer, RuntimeOf(record, intent))
        {
            RuntimeKey = secrets.KeyOf(record),
            Environment = environment,
        };
        return await AskAsync(provider, request, InstanceSecrets.HiddenOf(record, request), cancellationToken);
    }

    /// <summary>Asks the provider. Its words may repeat the request, so secrets are removed from them.</summary>
    private static async Task<AllocateOutcome> AskAsync(
        IProvider provider,
        AllocationRequest request,
        ImmutableArray<string> hidden,
        CancellationToken cancellationToken
    )
    {
        try
        {
            var outcome = await provider.AllocateAsync(request, cancellationToken);
            return outcome.Rejection is { } rejection
                ? AllocateOutcome.Rejected(rejection.Kind, InstanceSecrets.Without(hidden, rejection.ProviderWords))
                : outcome;
        }
        catch (Exception exception)
            when (!cancellationToken.IsCancellationRequested
                && exception.ToString() is var text
                && InstanceSecrets.Without(hidden, text) != text
            )
        {
#pragma warning disable MA0054 // The message of the inner exception has the secret.
            throw new HttpRequestException(InstanceSecrets.Without(hidden, exception.Message));
#pragma warning restore MA0054
        }
    }

    /// <summary>Why the runtime would answer callers without a key although others can reach it (INV-17); null when it would not.</summary>
    private string? WithoutKey(IProvider provider, InstanceRecord record)
    {
        if (!provider.IsReachableFromOutside)
        {
            return null;
        }

        if (record.Intent!.RuntimeKey is null)
        {
            return $"{provider.Id} rents runtimes that others can reach, and this one would have no key. {vault.Unusable ?? "Start it again."}";
        }

        var preset = provider.Presets.FirstOrDefault(known => known.Name == record.Spec.Runtime);
        return preset is { KeyVariable: null }
            ? $"{provider.Id} rents runtimes that others can reach, and {preset.Name} cannot ask its callers for a key; use another runtime."
            : null;
    }

    /// <summary>
    /// Reads the allocation of the record, without a time limit. Null when the provider does not list it or is no longer configured.
    /// </summary>
    public async Task<Allocation?> FindAsync(InstanceRecord record, CancellationToken cancellationToken) =>
        providers.Find(record.Intent!.Offer.Provider) is { } provider
            ? await provider.FindAsync(record.Intent.Key, cancellationToken)
            : null;

    /// <summary>Reads the allocation of the record within 2 s. Null also when the provider fails or does not answer in time.</summary>
    public async Task<Allocation?> TryFindAsync(InstanceRecord record, CancellationToken cancellationToken)
    {
        try
        {
            return await FindAsync(record, cancellationToken).WaitAsync(TurnLimit, clock, cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            LogUnclear(exception, record.Id, record.Intent!.Offer.Provider, record.Intent.Key);
            return null;
        }
    }

    /// <summary>
    /// Reads the last output of the runtime within 2 s. Empty when there is none, or when the provider fails or does not answer in time.
    /// </summary>
    public async Task<string> TryReadOutputAsync(InstanceRecord record, CancellationToken cancellationToken)
    {
        var intent = record.Intent!;
        try
        {
            return providers.Find(intent.Offer.Provider) is { } provider
                ? await secrets.WithoutAsync(
                    record,
                    await provider
                        .ReadOutputAsync(intent.Key, cancellationToken)
                        .WaitAsync(TurnLimit, clock, cancellationToken)
                )
                : "";
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            LogUnclear(exception, record.Id, intent.Offer.Provider, intent.Key);
            return "";
        }
    }

    /// <summary>
    /// Reads the metrics of the runtime within 2 s. Empty when its engine has none, or when it does not answer in time.
    /// </summary>
    public async Task<string> TryReadMetricsAsync(InstanceRecord record, CancellationToken cancellationToken)
    {
        var intent = record.Intent!;
        var preset = providers
            .Find(intent.Offer.Provider)
            ?.Presets.FirstOrDefault(known => known.Name == record.Spec.Runtime);
        if (
            preset?.Engine?.MetricsPath is not { } path
            || record.Allocation?.Endpoint is not { } endpoint
            || metrics.FirstOrDefault() is not { } reader
        )
        {
            return "";
        }

        try
        {
            return await reader
                .ReadAsync(new Uri(endpoint.AbsoluteUri.TrimEnd('/') + path), secrets.KeyOf(record), cancellationToken)
                .WaitAsync(TurnLimit, clock, cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            LogUnclear(exception, record.Id, intent.Offer.Provider, intent.Key);
            return "";
        }
    }

    /// <summary>Makes one attempt of a pending release, at most 15 s. Returns whether the provider confirmed it.</summary>
    public async Task<bool> ReleaseAsync(
        InstanceId instance,
        PendingCleanup cleanup,
        CancellationToken cancellationToken
    )
    {
        if (providers.Find(cleanup.Provider) is not { } provider)
        {
            // The provider cannot be called, but may still hold our capacity: the release stays pending.
            LogProviderGone(instance, cleanup.Provider, cleanup.Key);
            return false;
        }

        using var limit = new CancellationTokenSource(ReleaseLimit, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        var outcome = await provider.ReleaseAsync(cleanup.Key, either.Token).WaitAsync(either.Token);
        return outcome == ReleaseOutcome.Released;
    }

    /// <summary>Releases capacity that no record needs, once. A failure is logged only: the allocation sweep finds what remains.</summary>
    public async Task TryReleaseAsync(
        InstanceId instance,
        ProviderId providerId,
        AllocationKey key,
        CancellationToken cancellationToken
    )
    {
        if (providers.Find(providerId) is not { } provider)
        {
            return;
        }

        try
        {
            await provider.ReleaseAsync(key, cancellationToken);
        }
        catch (Exception exception)
        {
            LogUnclear(exception, instance, providerId, key);
        }
    }

    private static RuntimeSpec RuntimeOf(InstanceRecord record, AllocationIntent intent) =>
        new()
        {
            Preset = record.Spec.Runtime,
            Model = intent.Model,
            ServingName = record.ServingName,
            ContextTokens = record.Spec.ContextTokens,
            ParallelSequences = record.Spec.ParallelSequences,
            TensorParallel = intent.Offer.GpuCount,
            ExtraArguments =
                intent.Plan is null ? record.Spec.RuntimeArguments
                : intent.Arguments.IsDefault ? []
                : intent.Arguments,
            Plan = intent.Plan,
            Image = record.Spec.Image,
        };

    [LoggerMessage(
        1004,
        LogLevel.Warning,
        "Instance {Instance}: a call to {Provider} about {Key} failed; its effect is unknown"
    )]
    public partial void LogUnclear(Exception exception, InstanceId instance, ProviderId provider, AllocationKey key);

    [LoggerMessage(
        1006,
        LogLevel.Warning,
        "Instance {Instance}: {Provider} must release {Key} but is no longer configured; configure it until the release is confirmed"
    )]
    private partial void LogProviderGone(InstanceId instance, ProviderId provider, AllocationKey key);
}
