using System.Diagnostics;
using Google.Protobuf.WellKnownTypes;
using Scheduler.Api.Instances;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Services;

namespace Scheduler.Api.Services;

/// <summary>Maps specs of services. An absent field gets the default of the domain.</summary>
internal static class ServiceSpecMapping
{
    public static ServiceSpec ToDomain(this V1.ServiceSpec proto)
    {
        var standard = new ServiceSpec();
        return new ServiceSpec
        {
            Template = proto.Template.ToDomain(),
            MinReplicas = proto.HasMinReplicas ? proto.MinReplicas : standard.MinReplicas,
            MaxReplicas = proto.HasMaxReplicas ? proto.MaxReplicas : null,
            Scaling = ToDomain(proto.Scaling ?? new V1.ServiceScaling()),
            Hold = ToDomain(proto.Hold ?? new V1.ServiceHold()),
            Spot = ToDomain(proto.Spot ?? new V1.ServiceSpot()),
            Update = ToDomain(proto.Update ?? new V1.ServiceUpdate()),
            Affinity = proto.Affinity switch
            {
                V1.ServiceAffinity.Session => ServiceAffinity.Session,
                V1.ServiceAffinity.Prefix => ServiceAffinity.Prefix,
                V1.ServiceAffinity.Unspecified or V1.ServiceAffinity.None => ServiceAffinity.None,
                _ => throw new UnreachableException(),
            },
            Budget = new ServiceBudget
            {
                MaxPricePerHour = proto.Budget is { HasMaxPricePerHourMicroEur: true } hour
                    ? new MicroEuro(hour.MaxPricePerHourMicroEur)
                    : null,
                MaxPerDay = proto.Budget is { HasMaxPerDayMicroEur: true } day
                    ? new MicroEuro(day.MaxPerDayMicroEur)
                    : null,
            },
            Paused = proto.Paused,
            Firewall = proto.Firewall.Length > 0 ? proto.Firewall : null,
        };
    }

    public static V1.ServiceSpec ToProto(this ServiceSpec spec)
    {
        var proto = new V1.ServiceSpec
        {
            Template = spec.Template.ToProto(),
            MinReplicas = spec.MinReplicas,
            MaxReplicas = spec.Most,
            Scaling = ToProto(spec.Scaling),
            Hold = new V1.ServiceHold
            {
                MaxRequests = spec.Hold.MaxRequests,
                MaxWait = Duration.FromTimeSpan(spec.Hold.MaxWait),
            },
            Spot = new V1.ServiceSpot
            {
                Policy = spec.Spot.Policy switch
                {
                    SpotPolicy.Allowed => V1.SpotPolicy.Allowed,
                    SpotPolicy.Never => V1.SpotPolicy.Never,
                    SpotPolicy.Preferred => V1.SpotPolicy.Preferred,
                    _ => throw new UnreachableException(),
                },
                OnDemandFloor = spec.Spot.OnDemandFloor,
                Spread = spec.Spot.Spread,
                Spares = spec.Spot.Spares,
            },
            Update = new V1.ServiceUpdate
            {
                MaxSurge = spec.Update.MaxSurge,
                MaxUnavailable = spec.Update.MaxUnavailable,
                DrainTimeout = Duration.FromTimeSpan(spec.Update.DrainTimeout),
            },
            Affinity = spec.Affinity switch
            {
                ServiceAffinity.None => V1.ServiceAffinity.None,
                ServiceAffinity.Session => V1.ServiceAffinity.Session,
                ServiceAffinity.Prefix => V1.ServiceAffinity.Prefix,
                _ => throw new UnreachableException(),
            },
            Paused = spec.Paused,
            Firewall = spec.Firewall ?? "",
        };
        if (spec.Budget is { MaxPricePerHour: not null } or { MaxPerDay: not null })
        {
            proto.Budget = ToProto(spec.Budget);
        }

        return proto;
    }

    private static V1.ServiceBudget ToProto(ServiceBudget budget)
    {
        var proto = new V1.ServiceBudget();
        if (budget.MaxPricePerHour is { } hour)
        {
            proto.MaxPricePerHourMicroEur = hour.Value;
        }

        if (budget.MaxPerDay is { } day)
        {
            proto.MaxPerDayMicroEur = day.Value;
        }

        return proto;
    }

    private static V1.ServiceScaling ToProto(ScalingSettings scaling)
    {
        var proto = new V1.ServiceScaling
        {
            UpWindow = Duration.FromTimeSpan(scaling.UpWindow),
            DownWindow = Duration.FromTimeSpan(scaling.DownWindow),
            IdleToZero = Duration.FromTimeSpan(scaling.IdleToZero),
        };
        if (scaling.CountsTokens)
        {
            proto.TargetTokensPerSecond = scaling.Target;
        }
        else
        {
            proto.TargetOutstandingPerReplica = scaling.Target;
        }

        return proto;
    }

    private static ScalingSettings ToDomain(V1.ServiceScaling proto)
    {
        var standard = new ScalingSettings();
        return new ScalingSettings
        {
            TargetOutstanding = proto.HasTargetOutstandingPerReplica ? proto.TargetOutstandingPerReplica : null,
            TargetTokensPerSecond = proto.HasTargetTokensPerSecond ? proto.TargetTokensPerSecond : null,
            UpWindow = proto.UpWindow?.ToTimeSpan() ?? standard.UpWindow,
            DownWindow = proto.DownWindow?.ToTimeSpan() ?? standard.DownWindow,
            IdleToZero = proto.IdleToZero?.ToTimeSpan() ?? standard.IdleToZero,
        };
    }

    private static HoldSettings ToDomain(V1.ServiceHold proto)
    {
        var standard = new HoldSettings();
        return new HoldSettings
        {
            MaxRequests = proto.HasMaxRequests ? proto.MaxRequests : standard.MaxRequests,
            MaxWait = proto.MaxWait?.ToTimeSpan() ?? standard.MaxWait,
        };
    }

    private static SpotSettings ToDomain(V1.ServiceSpot proto) =>
        new()
        {
            Policy = proto.Policy switch
            {
                V1.SpotPolicy.Never => SpotPolicy.Never,
                V1.SpotPolicy.Preferred => SpotPolicy.Preferred,
                V1.SpotPolicy.Unspecified or V1.SpotPolicy.Allowed => SpotPolicy.Allowed,
                _ => throw new UnreachableException(),
            },
            OnDemandFloor = proto.OnDemandFloor,
            Spread = proto.HasSpread ? proto.Spread : new SpotSettings().Spread,
            Spares = proto.Spares,
        };

    private static UpdateSettings ToDomain(V1.ServiceUpdate proto)
    {
        var standard = new UpdateSettings();
        return new UpdateSettings
        {
            MaxSurge = proto.HasMaxSurge ? proto.MaxSurge : standard.MaxSurge,
            MaxUnavailable = proto.MaxUnavailable,
            DrainTimeout = proto.DrainTimeout?.ToTimeSpan() ?? standard.DrainTimeout,
        };
    }
}
