using Scheduler.Api.Edge;
using Scheduler.Domain.Keys;

namespace Scheduler.Api.Keys;

/// <summary>Keys as they go out: everything but the secret's digest.</summary>
internal static class KeyMapping
{
    public static V1.Key ToProto(this KeyRecord key) =>
        new()
        {
            Name = ResourceName.Key(key.Account, key.Id),
            DisplayName = key.DisplayName,
            TokenPrefix = KeyToken.PrefixOf(key.Id),
            CreateTime = key.CreatedAt.ToProtoTime(),
            RevokeTime = key.RevokedAt.ToProtoTime(),
            LastUsedTime = key.LastUsedAt.ToProtoTime(),
        };
}
