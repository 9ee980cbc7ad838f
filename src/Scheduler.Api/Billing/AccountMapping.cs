using System.Diagnostics;
using Google.Protobuf.WellKnownTypes;
using Scheduler.Api.Pipeline;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Grains.Billing;

namespace Scheduler.Api.Billing;

internal static class AccountMapping
{
    public static V1.Account ToProto(this AccountView view) =>
        new()
        {
            Name = ResourceName.Account(view.Id),
            DisplayName = view.DisplayName,
            Suspended = view.Suspended,
            BalanceMicroEur = view.Balance.Value,
            AccruedMicroEur = view.Accrued.Value,
            HoldsMicroEur = view.Holds.Value,
            AvailableMicroEur = view.Available.Value,
            BurnPerHourMicroEur = view.BurnPerHour.Value,
            ExhaustedAt = view.ExhaustedAt.ToProtoTime(),
            RunningInstances = view.Running,
            ExhaustionGrace = Duration.FromTimeSpan(view.ExhaustionGrace),
            CreateTime = view.CreatedAt.ToProtoTime(),
            LaunchThresholdMicroEur = view.LaunchThreshold.Value,
            Firewall = view.Firewall ?? "",
        };

    public static V1.QuotaUse ToProto(this QuotaUse use) =>
        new()
        {
            Quota = use.Quota.WireName(),
            Used = use.Used,
            Limit = use.Limit,
            DefaultLimit = use.Default,
        };

    public static V1.LedgerEntry ToProto(this LedgerEntry entry, AccountId account) =>
        new()
        {
            Key = entry.Key,
            Sequence = entry.Sequence,
            Kind = entry.Kind switch
            {
                LedgerEntryKind.TopUp => V1.LedgerEntryKind.TopUp,
                LedgerEntryKind.Usage => V1.LedgerEntryKind.Usage,
                _ => throw new UnreachableException(),
            },
            AmountMicroEur = entry.Amount.Value,
            BalanceAfterMicroEur = entry.BalanceAfter.Value,
            Time = entry.At.ToProtoTime(),
            RequestId = entry.RequestId.Text(),
            Reference = entry.Reference ?? "",
            Instance = entry.Instance is { } instance ? ResourceName.Instance(account, instance) : "",
            Run = entry.Run,
            Segment = entry.Segment,
            Seconds = entry.Seconds,
            PricePerHourMicroEur = entry.PricePerHour.Value,
        };
}
