using Scheduler.Api.Pipeline;
using Scheduler.Api.V1;
using Scheduler.Domain.Secrets;
using Scheduler.Edge;

namespace Scheduler.Api.Secrets;

/// <summary>Validation of requests about secrets. No fault contains a value.</summary>
internal static class SecretRequestValidation
{
    public static IEnumerable<RequestValidator> All { get; } =
    [
        RequestValidator.For<CreateSecretRequest>(r => r.Parent, Check),
        RequestValidator.For<GetSecretRequest>(r => r.Name, (r, f) => f.CheckSecret("name", r.Name)),
        RequestValidator.For<ListSecretsRequest>(r => r.Parent, Check),
        RequestValidator.For<RotateSecretRequest>(r => r.Name, Check),
        RequestValidator.For<DeleteSecretRequest>(r => r.Name, (r, f) => f.CheckSecret("name", r.Name)),
        RequestValidator.For<RotateMasterKeyRequest>(_ => "", (_, _) => { }),
    ];

    public static string Query(string parent) => $"secrets|{parent}";

    private static void Check(CreateSecretRequest request, Faults faults)
    {
        faults.CheckAccount("parent", request.Parent);
        if (!SecretValidation.IsName(request.SecretId))
        {
            faults.Add("secret_id", $"Must be {SecretValidation.Name}.");
        }

        faults.CheckValue(request.Value);
    }

    private static void Check(RotateSecretRequest request, Faults faults)
    {
        faults.CheckSecret("name", request.Name);
        faults.CheckValue(request.Value);
        if (request.HasIfVersion)
        {
            faults.Range("if_version", request.IfVersion, 1, long.MaxValue);
        }
    }

    private static void Check(ListSecretsRequest request, Faults faults)
    {
        faults.CheckAccount("parent", request.Parent);
        faults.CheckPage(request.PageSize, request.PageToken, Query(request.Parent), SecretValidation.IsName);
    }

    private static void CheckValue(this Faults faults, string value)
    {
        if (!SecretValidation.IsValue(value))
        {
            faults.Add("value", $"Must be {SecretValidation.Value}.");
        }
    }
}
