using Scheduler.Api.Pipeline;
using Scheduler.Api.V1;
using Scheduler.Domain.Keys;
using Scheduler.Edge;

namespace Scheduler.Api.Keys;

/// <summary>Validation of key requests.</summary>
internal static class KeyRequestValidation
{
    public static IEnumerable<RequestValidator> All { get; } =
    [
        RequestValidator.For<CreateKeyRequest>(r => r.Parent, Check),
        RequestValidator.For<ListKeysRequest>(r => r.Parent, Check),
        RequestValidator.For<GetKeyRequest>(r => r.Name, (r, f) => f.CheckKey("name", r.Name)),
        RequestValidator.For<GetKeyUsageRequest>(r => r.Parent, (r, f) => f.CheckKey("parent", r.Parent)),
        RequestValidator.For<RevokeKeyRequest>(r => r.Name, (r, f) => f.CheckKey("name", r.Name)),
        RequestValidator.For<CreateOperatorKeyRequest>(_ => "", Check),
        RequestValidator.For<ListOperatorKeysRequest>(
            _ => "",
            (r, f) => f.CheckPage(r.PageSize, r.PageToken, Query("operators"), KeyToken.IsKeyId)
        ),
        RequestValidator.For<GetOperatorKeyRequest>(r => r.Name, (r, f) => f.CheckOperatorKey("name", r.Name)),
        RequestValidator.For<RevokeOperatorKeyRequest>(r => r.Name, (r, f) => f.CheckOperatorKey("name", r.Name)),
    ];

    public static string Query(string parent) => $"keys|{parent}";

    private static void Check(CreateKeyRequest request, Faults faults)
    {
        faults.CheckAccount("parent", request.Parent);
        faults.CheckDisplayName("display_name", request.DisplayName);
        faults.CheckRequestId("request_id", request.RequestId);
        faults.CheckRole(request.Role);
    }

    private static void Check(CreateOperatorKeyRequest request, Faults faults)
    {
        faults.CheckDisplayName("display_name", request.DisplayName);
        faults.CheckRequestId("request_id", request.RequestId);
        faults.CheckRole(request.Role);
    }

    private static void Check(ListKeysRequest request, Faults faults)
    {
        faults.CheckAccount("parent", request.Parent);
        faults.CheckPage(request.PageSize, request.PageToken, Query(request.Parent), KeyToken.IsKeyId);
    }

    private static void CheckRole(this Faults faults, V1.KeyRole role)
    {
        if (!Enum.IsDefined(role))
        {
            faults.Add("role", $"Unknown value {(int)role}.");
        }
    }
}
