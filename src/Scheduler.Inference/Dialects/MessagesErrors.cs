using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
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

    public override ReadOnlyMemory<byte> KeepAliveMessage => Ping;

    public override byte[] Event(ApiError error, RequestScope scope) =>
        [.. "event: error\ndata: "u8, .. Envelope(error, scope).Span, .. "\n\n"u8];

    /// <summary>The vendor's status for a context that is too small is 400; 413 means bytes.</summary>
    protected override int StatusOf(ApiError error) =>
        error.Reason == ContextTooLarge ? StatusCodes.Status400BadRequest : error.HttpStatus;

    protected override void WriteEnvelope(Utf8JsonWriter json, ApiError error, RequestScope scope)
    {
        json.WriteStartObject();
        json.WriteString("type", "error");
        json.WriteStartObject("error");
        json.WriteString("type", TypeOf(StatusOf(error)));
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

    /// <summary>
    /// The vendor's words for a context that is too small, with its numbers where they are known. Claude Code reads them:
    /// it asks for less output, or shortens the conversation.
    /// </summary>
    private static string WordsOf(ApiError error)
    {
        var message = MessageOf(error);
        if (error.Reason != ContextTooLarge)
        {
            return message;
        }

        var (prompt, output, limit) = (Number("prompt_tokens"), Number("requested_tokens"), Number("limit_tokens"));
        return prompt is null || limit is null ? $"prompt is too long. {message}"
            : prompt >= limit || output is null ? $"prompt is too long: {prompt} tokens > {limit} maximum. {message}"
            : $"input length and `max_tokens` exceed context limit: {prompt} + {output} > {limit}. {message}";

        long? Number(string name) =>
            error.Details.TryGetValue(name, out var text)
            && long.TryParse(text, CultureInfo.InvariantCulture, out var number)
                ? number
                : null;
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
