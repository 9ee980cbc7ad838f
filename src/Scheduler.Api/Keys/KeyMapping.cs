using System.Diagnostics;
using Scheduler.Api.Pipeline;
using Scheduler.Domain.Keys;

namespace Scheduler.Api.Keys;

/// <summary>Maps everything except the digest of the secret.</summary>
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
            Role = key.Role.ToProto(),
        };

    public static V1.KeySession ToProto(this OpenSession session) =>
        new()
        {
            SessionId = session.Id,
            CreateTime = session.BeganAt.ToProtoTime(),
            EndTime = session.EndsAt.ToProtoTime(),
        };

    /// <summary>Unspecified means full.</summary>
    public static KeyRole ToDomain(this V1.KeyRole role) =>
        role switch
        {
            V1.KeyRole.Unspecified or V1.KeyRole.Full => KeyRole.Full,
            V1.KeyRole.Viewer => KeyRole.Viewer,
            _ => throw new UnreachableException(),
        };

    private static V1.KeyRole ToProto(this KeyRole role) =>
        role switch
        {
            KeyRole.Full => V1.KeyRole.Full,
            KeyRole.Viewer => V1.KeyRole.Viewer,
            _ => throw new UnreachableException(),
        };
}
