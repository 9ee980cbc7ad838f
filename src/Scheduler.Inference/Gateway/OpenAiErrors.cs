using System.Text.Json;
using Scheduler.Domain.Failures;
using Scheduler.Edge;

namespace Scheduler.Inference.Gateway;

/// <summary>Errors in OpenAI's format, with the scheduler's code, hint, facts and request id.</summary>
internal class OpenAiErrors : ClientErrors
{
    public static readonly OpenAiErrors Shape = new();

    /// <summary>OpenAI has another code for it, which clients look for in the whole body.</summary>
    private static readonly string ContextTooLarge = FailureCode.CtxTooLarge.WireName();

    protected OpenAiErrors() { }

    /// <summary>The error as the last event of a stream in progress.</summary>
    public override byte[] Event(ApiError error, RequestScope scope) =>
        [.. "data: "u8, .. Envelope(error, scope).Span, .. "\n\n"u8];

    protected override void WriteEnvelope(Utf8JsonWriter json, ApiError error, RequestScope scope)
    {
        json.WriteStartObject();
        json.WritePropertyName("error");
        WriteError(json, error, scope);
        json.WriteEndObject();
    }

    protected static void WriteError(Utf8JsonWriter json, ApiError error, RequestScope scope)
    {
        json.WriteStartObject();
        json.WriteString("message", MessageOf(error));
        json.WriteString("type", TypeOf(error.HttpStatus));
        if (error.Faults.IsEmpty)
        {
            json.WriteNull("param");
        }
        else
        {
            json.WriteString("param", error.Faults[0].Field);
        }

        json.WriteString("code", error.Reason);
        if (error.Reason == ContextTooLarge)
        {
            json.WriteString("openai_code", "context_length_exceeded");
        }

        if (HintOf(error) is { } hint)
        {
            json.WriteString("hint", hint);
        }

        json.WriteString("request_id", scope.Id.Value);
        WriteDetails(json, error);
        json.WriteEndObject();
    }

    /// <summary>Error types of OpenAI's API reference.</summary>
    private static string TypeOf(int status) =>
        status switch
        {
            401 => "authentication_error",
            402 => "insufficient_quota",
            403 => "permission_error",
            429 => "rate_limit_error",
            < 500 => "invalid_request_error",
            _ => "server_error",
        };
}
