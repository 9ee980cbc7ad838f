using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Scheduler.Edge;

namespace Scheduler.Inference.Gateway;

/// <summary>Errors in OpenAI's format, with the scheduler's code, hint, facts and request id.</summary>
internal sealed class OpenAiErrors : IErrorShape
{
    public static readonly OpenAiErrors Shape = new();

    /// <summary>The output is JSON and never part of an HTML page, so the relaxed escaping is safe.</summary>
    private static readonly JsonWriterOptions Readable = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private OpenAiErrors() { }

    public async Task WriteAsync(HttpContext http, ApiError error, RequestScope scope)
    {
        var body = Envelope(error, scope);
        http.Response.StatusCode = error.HttpStatus;
        http.Response.ContentType = "application/json; charset=utf-8";
        http.Response.ContentLength = body.Length;
        if (error.RetryAfter is null || error.Reason is "JUDGE_UNREACHABLE")
        {
            // OpenAI's clients retry every 409 and 5xx unless this header forbids it. A client that repeats a request
            // at once asks a judge again that already got two calls.
            http.Response.Headers["X-Should-Retry"] = "false";
        }

        await http.Response.Body.WriteAsync(body, http.RequestAborted);
    }

    /// <summary>The error as the last event of a stream in progress.</summary>
    public static byte[] Event(ApiError error, RequestScope scope) =>
        [.. "data: "u8, .. Envelope(error, scope).Span, .. "\n\n"u8];

    private static ReadOnlyMemory<byte> Envelope(ApiError error, RequestScope scope)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, Readable))
        {
            json.WriteStartObject();
            json.WriteStartObject("error");
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
            if (HintOf(error) is { } hint)
            {
                json.WriteString("hint", hint);
            }

            json.WriteString("request_id", scope.Id.Value);
            json.WriteStartObject("details");
            foreach (var (name, value) in error.Details)
            {
                json.WriteString(name, value);
            }

            foreach (var fault in error.Faults)
            {
                json.WriteString(fault.Field, fault.Description);
            }

            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }

    private static string? HintOf(ApiError error) =>
        error.Faults.IsEmpty ? error.Hint : "Correct every field that details names.";

    /// <summary>OpenAI's clients show only the message: it includes all validation errors and the hint.</summary>
    private static string MessageOf(ApiError error)
    {
        if (error.Faults.Length > 1)
        {
            return string.Join(' ', error.Faults.Select(fault => $"{fault.Field}: {fault.Description}"));
        }

        return error.IsCatalogued && error.Hint is { } hint ? $"{error.Message} {hint}" : error.Message;
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
