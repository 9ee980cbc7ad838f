using Scheduler.Api.Pipeline;
using Scheduler.Grains.Hosts;

namespace Scheduler.Api.Hosts;

internal static class HostMapping
{
    public static V1.Host ToProto(this HostView view)
    {
        var (host, status) = (view.Host, view.Status);
        var proto = new V1.Host
        {
            Name = ResourceName.Host(host.Name),
            Address = host.Address,
            Reach = (V1.HostReach)(int)status.Reach,
            Problem = status.Problem ?? "",
            Version = status.Version,
            Draining = host.Drain is not null,
            DrainTime = host.Drain?.At.ToProtoTime(),
            DrainedBy = host.Drain?.Actor ?? "",
            DrainReason = host.Drain?.Reason ?? "",
            JoinTime = host.JoinedAt.ToProtoTime(),
            CertificateUntil = host.CertificateUntil.ToProtoTime(),
        };
        proto.Allocations.AddRange(status.Allocations);
        proto.SkippedGpus.Add(status.Skipped);
        proto.Gpus.AddRange(
            status.Gpus.Select(gpu => new V1.HostGpu
            {
                Uuid = gpu.Uuid,
                Name = gpu.Name,
                GpuType = gpu.Type,
                MemoryMib = gpu.TotalMib,
                FreeMemoryMib = gpu.FreeMib,
                Allocation = gpu.Allocation,
            })
        );
        return proto;
    }

    public static V1.JoinToken ToProto(this JoinTokenView token) =>
        new()
        {
            Name = ResourceName.JoinToken(token.Id),
            CreateTime = token.CreatedAt.ToProtoTime(),
            ExpireTime = token.ExpiresAt.ToProtoTime(),
            MaxUses = token.MaxUses,
            Uses = token.Uses,
            CreatedBy = token.Actor,
        };
}
