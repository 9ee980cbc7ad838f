using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Scheduler.Edge;

namespace Scheduler.Inference.Gateway;

/// <summary>Errors in OpenAI's envelope, with our code, hint, facts and request id in it.</summary>
internal sealed class OpenAiErrors : IErrorShape
{
    /// <summary>The one there is.</summary>
    public static readonly OpenAiErrors Shape = new();

    /// <summary>It goes out as JSON and nowhere into a page: quotes need no code points.</summary>
    private static readonly JsonWriterOptions Readable = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private OpenAiErrors() { }

    /// <inheritdoc/>
    public async Task WriteAsync(HttpContext http, DoorError error, RequestScope scope)
    {
        var body = Envelope(error, scope);
        http.Response.StatusCode = error.HttpStatus;
        http.Response.ContentType = "application/json; charset=utf-8";
        http.Response.ContentLength = body.Length;
        if (error.RetryAfter is null)
        {
            // OpenAI's clients repeat every 409 and 5xx unless they are told that it is of no use.
            http.Response.Headers["X-Should-Retry"] = "false";
        }

        await http.Response.Body.WriteAsync(body, http.RequestAborted);
    }

    /// <summary>The error as the last event of a stream that has begun.</summary>
    public static byte[] Event(DoorError error, RequestScope scope) =>
        [.. "data: "u8, .. Envelope(error, scope).Span, .. "\n\n"u8];

    private static ReadOnlyMemory<byte> Envelope(DoorError error, RequestScope scope)
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

    private static string? HintOf(DoorError error) =>
        error.Faults.IsEmpty ? error.Hint : "Correct every field that details names.";

    /// <summary>Clients of OpenAI show the message alone, so all faults and the hint stand in it too.</summary>
    private static string MessageOf(DoorError error)
    {
        if (error.Faults.Length > 1)
        {
            return string.Join(' ', error.Faults.Select(fault => $"{fault.Field}: {fault.Description}"));
        }

        return error.IsCatalogued && error.Hint is { } hint ? $"{error.Message} {hint}" : error.Message;
    }

    /// <summary>The words of OpenAI's API reference for kinds of errors.</summary>
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
