using System.Text.Json;
using Scheduler.Domain.Failures;
using Scheduler.Edge;
using Scheduler.Inference.Gateway;

namespace Scheduler.Inference.Dialects;

/// <summary>Errors in the format of Anthropic's Messages API, with the scheduler's code, hint and facts.</summary>
internal sealed class MessagesErrors : ClientErrors
{
    public static readonly MessagesErrors Shape = new();

    private static readonly byte[] Ping = [.. "event: ping\ndata: {\"type\":\"ping\"}\n\n"u8];

    private static readonly string ContextTooLarge = FailureCode.CtxTooLarge.WireName();

    private MessagesErrors() { }

    public override string? RequestIdHeader => "request-id";

    public override ReadOnlyMemory<byte> SignOfLife => Ping;

    public override byte[] Event(ApiError error, RequestScope scope) =>
        [.. "event: error\ndata: "u8, .. Envelope(error, scope).Span, .. "\n\n"u8];

    protected override void WriteEnvelope(Utf8JsonWriter json, ApiError error, RequestScope scope)
    {
        json.WriteStartObject();
        json.WriteString("type", "error");
        json.WriteStartObject("error");
        json.WriteString("type", TypeOf(error.HttpStatus));
        json.WriteString("message", WordsOf(error));
        json.WriteString("code", error.Reason);
        if (HintOf(error) is { } hint)
        {
            json.WriteString("hint", hint);
        }

        WriteDetails(json, error);
        json.WriteEndObject();
        json.WriteString("request_id", scope.Id.Value);
        json.WriteEndObject();
    }

    /// <summary>Clients recognise a prompt that is too long by the vendor's words.</summary>
    private static string WordsOf(ApiError error)
    {
        var message = MessageOf(error);
        return error.Reason == ContextTooLarge ? $"prompt is too long. {message}" : message;
    }

    /// <summary>Error types of Anthropic's API reference.</summary>
    private static string TypeOf(int status) =>
        status switch
        {
            401 => "authentication_error",
            402 => "billing_error",
            403 => "permission_error",
            404 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            503 => "overloaded_error",
            504 => "timeout_error",
            < 500 => "invalid_request_error",
            _ => "api_error",
        };
}
