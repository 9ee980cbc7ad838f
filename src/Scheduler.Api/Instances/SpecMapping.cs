using System.Collections.Immutable;
using System.Diagnostics;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using Scheduler.Api.Providers;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Api.Instances;

/// <summary>Maps launch specs. An absent field gets the default of the domain.</summary>
internal static class SpecMapping
{
    public static LaunchSpec ToDomain(this V1.LaunchSpec proto)
    {
        var standard = new LaunchSpec();
        return new LaunchSpec
        {
            Model = proto.Model,
            WeightFormat = NullIfEmpty(proto.WeightFormat),
            KvFormat = NullIfEmpty(proto.KvFormat) ?? standard.KvFormat,
            ContextTokens = proto.HasContextTokens ? proto.ContextTokens : standard.ContextTokens,
            ParallelSequences = proto.HasParallelSequences ? proto.ParallelSequences : standard.ParallelSequences,
            Runtime = NullIfEmpty(proto.Runtime) ?? standard.Runtime,
            RuntimeArguments = [.. proto.RuntimeArguments],
            Constraints = proto.Constraints?.ToDomain() ?? SmartConstraints.None,
            AutoReroute = proto.AutoReroute,
            AllocationTimeout = proto.AllocationTimeout?.ToTimeSpan(),
            StartTimeout = proto.StartTimeout?.ToTimeSpan(),
            SequencesAtOnce = proto.HasSequencesAtOnce ? proto.SequencesAtOnce : null,
            Environment = proto.Env.Count > 0 ? ToDomain(proto.Env) : null,
            Image = NullIfEmpty(proto.Image),
            WaitForCapacity = proto.WaitForCapacity?.ToTimeSpan() is { Ticks: > 0 } wait ? wait : null,
        };
    }

    private static ImmutableSortedDictionary<string, EnvironmentValue> ToDomain(MapField<string, V1.EnvValue> env) =>
        env.ToImmutableSortedDictionary(
            variable => variable.Key,
            variable =>
                variable.Value.KindCase == V1.EnvValue.KindOneofCase.Secret
                    ? new EnvironmentValue { Secret = variable.Value.Secret }
                    : new EnvironmentValue { Value = variable.Value.Value },
            StringComparer.Ordinal
        );

    public static V1.LaunchSpec ToProto(this LaunchSpec spec)
    {
        var proto = new V1.LaunchSpec
        {
            Model = spec.Model,
            WeightFormat = spec.WeightFormat ?? "",
            KvFormat = spec.KvFormat,
            ContextTokens = spec.ContextTokens,
            ParallelSequences = spec.ParallelSequences,
            Runtime = spec.Runtime,
            Constraints = spec.Constraints.ToProto(),
            AutoReroute = spec.AutoReroute,
            AllocationTimeout = spec.AllocationTimeout is { } allocation ? Duration.FromTimeSpan(allocation) : null,
            StartTimeout = spec.StartTimeout is { } start ? Duration.FromTimeSpan(start) : null,
            Image = spec.Image ?? "",
            WaitForCapacity = spec.WaitForCapacity is { } wait ? Duration.FromTimeSpan(wait) : null,
        };
        foreach (var (name, value) in spec.Variables)
        {
            proto.Env[name] = value.Secret is { } secret
                ? new V1.EnvValue { Secret = secret }
                : new V1.EnvValue { Value = value.Value ?? "" };
        }

        if (spec.SequencesAtOnce is { } atOnce)
        {
            proto.SequencesAtOnce = atOnce;
        }

        proto.RuntimeArguments.AddRange(spec.RuntimeArguments);
        return proto;
    }

    private static SmartConstraints ToDomain(this V1.SmartConstraints proto) =>
        new()
        {
            MaxPricePerHour = proto.HasMaxPricePerHourMicroEur ? new MicroEuro(proto.MaxPricePerHourMicroEur) : null,
            Regions = [.. proto.Regions],
            MinimumTier = proto.MinimumTier switch
            {
                V1.CapacityTier.Unspecified => SmartConstraints.None.MinimumTier,
                V1.CapacityTier.Community => CapacityTier.Community,
                V1.CapacityTier.Standard => CapacityTier.Standard,
                V1.CapacityTier.Dedicated => CapacityTier.Dedicated,
                _ => throw new UnreachableException(),
            },
            SpotAllowed = proto.HasSpotAllowed ? proto.SpotAllowed : SmartConstraints.None.SpotAllowed,
            GpuType = NullIfEmpty(proto.GpuType),
            GpuCount = proto.HasGpuCount ? proto.GpuCount : null,
            Providers = [.. proto.Providers],
            GpuPreferences = [.. proto.GpuPreferences],
            ProviderPreferences = [.. proto.ProviderPreferences],
            RequireEncryptedPath = proto.RequireEncryptedPath,
        };

    private static V1.SmartConstraints ToProto(this SmartConstraints constraints)
    {
        var proto = new V1.SmartConstraints
        {
            MinimumTier = constraints.MinimumTier.ToProto(),
            SpotAllowed = constraints.SpotAllowed,
            GpuType = constraints.GpuType ?? "",
            RequireEncryptedPath = constraints.RequireEncryptedPath,
        };
        if (constraints.MaxPricePerHour is { } price)
        {
            proto.MaxPricePerHourMicroEur = price.Value;
        }

        if (constraints.GpuCount is { } count)
        {
            proto.GpuCount = count;
        }

        proto.Regions.AddRange(constraints.Regions);
        proto.Providers.AddRange(constraints.Providers);
        proto.GpuPreferences.AddRange(constraints.GpuPreferences);
        proto.ProviderPreferences.AddRange(constraints.ProviderPreferences);
        return proto;
    }

    private static string? NullIfEmpty(string text) => text.Length > 0 ? text : null;
}
