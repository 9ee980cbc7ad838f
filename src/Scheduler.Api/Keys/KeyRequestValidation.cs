using Google.Protobuf.Collections;
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
        RequestValidator.For<ListKeySessionsRequest>(r => r.Parent, (r, f) => f.CheckKey("parent", r.Parent)),
        RequestValidator.For<EndKeySessionsRequest>(
            r => r.Name,
            (r, f) =>
            {
                f.CheckKey("name", r.Name);
                f.CheckSessions(r.SessionIds);
            }
        ),
        RequestValidator.For<ListOperatorKeySessionsRequest>(r => r.Name, (r, f) => f.CheckOperatorKey("name", r.Name)),
        RequestValidator.For<EndOperatorKeySessionsRequest>(
            r => r.Name,
            (r, f) =>
            {
                f.CheckOperatorKey("name", r.Name);
                f.CheckSessions(r.SessionIds);
            }
        ),
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

    private static void CheckSessions(this Faults faults, RepeatedField<string> ids)
    {
        if (ids.Count > OpenSessions.Capacity)
        {
            faults.Add("session_ids", $"Has {ids.Count} ids; accepted are {OpenSessions.Capacity}.");
        }

        for (var i = 0; i < ids.Count; i++)
        {
            if (!Grammar.IsToken(ids[i]))
            {
                faults.Add($"session_ids[{i}]", "Must be a session_id as the list of sessions returns it.");
            }
        }
    }

    private static void CheckRole(this Faults faults, V1.KeyRole role)
    {
        if (!Enum.IsDefined(role))
        {
            faults.Add("role", $"Unknown value {(int)role}.");
        }
    }
}
