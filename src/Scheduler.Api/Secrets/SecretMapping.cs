using Scheduler.Api.Pipeline;
using Scheduler.Domain.Secrets;

namespace Scheduler.Api.Secrets;

internal static class SecretMapping
{
    public static V1.Secret ToProto(this SecretView secret) =>
        new()
        {
            Name = ResourceName.Secret(secret.Account, secret.Name),
            Version = secret.Version,
            CreateTime = secret.CreatedAt.ToProtoTime(),
            UpdateTime = secret.UpdatedAt.ToProtoTime(),
            MasterKey = secret.MasterKey,
        };
}
