using System.Text.Json.Nodes;

namespace Scheduler.VendorServers.Kubernetes;

/// <summary>A refusal of the API server, as its Status object.</summary>
/// <param name="code">HTTP status.</param>
/// <param name="reason">Machine-readable word of the Status object.</param>
internal sealed class ApiError(int code, string reason, string message) : Exception(message)
{
    internal int Code => code;

    internal JsonObject Status() =>
        new()
        {
            ["kind"] = "Status",
            ["apiVersion"] = "v1",
            ["metadata"] = new JsonObject(),
            ["status"] = "Failure",
            ["message"] = Message,
            ["reason"] = reason,
            ["code"] = code,
        };

    internal static ApiError NotFound(string resource, string name) =>
        new(404, "NotFound", $"{resource} \"{name}\" not found");

    internal static ApiError Exists(string resource, string name) =>
        new(409, "AlreadyExists", $"{resource} \"{name}\" already exists");

    internal static ApiError BeingDeleted(string resource, string name) =>
        new(409, "AlreadyExists", $"object is being deleted: {resource} \"{name}\" already exists");

    internal static ApiError WrongUid(string name, string wanted, string has) =>
        new(
            409,
            "Conflict",
            $"Operation cannot be fulfilled on pods \"{name}\": the UID in the precondition ({wanted}) does not match the UID in record ({has}). The object might have been deleted and then recreated"
        );

    internal static ApiError Invalid(string kind, string name, string fault) =>
        new(422, "Invalid", $"{kind} \"{name}\" is invalid: {fault}");

    internal static ApiError Expired(long version, long oldest) =>
        new(410, "Expired", $"too old resource version: {version} ({oldest})");
}
