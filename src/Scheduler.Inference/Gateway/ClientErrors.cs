using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Scheduler.Edge;

namespace Scheduler.Inference.Gateway;

/// <summary>The form in which the clients of a path get errors and keep-alive messages.</summary>
internal abstract class ClientErrors : IErrorShape
{
    private static readonly byte[] Comment = [.. ": waiting\n\n"u8];

    /// <summary>The output is JSON and never part of an HTML page, so the relaxed escaping is safe.</summary>
    private static readonly JsonWriterOptions Readable = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Where the vendor's clients look for the request id; null where they know the scheduler's header.</summary>
    public virtual string? RequestIdHeader => null;

    /// <summary>What the gateway sends in a stream while it waits for the runtime; clients ignore it.</summary>
    public virtual ReadOnlyMemory<byte> KeepAliveMessage => Comment;

    public async Task WriteAsync(HttpContext http, ApiError error, RequestScope scope)
    {
        var body = Envelope(error, scope);
        http.Response.StatusCode = StatusOf(error);
        http.Response.ContentType = "application/json; charset=utf-8";
        http.Response.ContentLength = body.Length;
        if (error.RetryAfter is null || error.Reason is "JUDGE_UNREACHABLE")
        {
            // The vendors' clients retry every 409 and 5xx within seconds unless this header forbids it. It is also set for
            // JUDGE_UNREACHABLE, although a later retry may help: the gateway has already called the judge twice.
            http.Response.Headers["X-Should-Retry"] = "false";
        }

        await http.Response.Body.WriteAsync(body, http.RequestAborted);
    }

    /// <summary>The HTTP status that the vendor has for an error.</summary>
    protected virtual int StatusOf(ApiError error) => error.HttpStatus;

    /// <summary>The error as the last event of a stream in progress.</summary>
    public abstract byte[] Event(ApiError error, RequestScope scope);

    protected abstract void WriteEnvelope(Utf8JsonWriter json, ApiError error, RequestScope scope);

    protected ReadOnlyMemory<byte> Envelope(ApiError error, RequestScope scope) =>
        Json(json => WriteEnvelope(json, error, scope));

    protected static ReadOnlyMemory<byte> Json(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer, Readable))
        {
            write(json);
        }

        return buffer.WrittenMemory;
    }

    protected static void WriteDetails(Utf8JsonWriter json, ApiError error)
    {
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
    }

    protected static string? HintOf(ApiError error) =>
        error.Faults.IsEmpty ? error.Hint : "Correct every field that details names.";

    /// <summary>The vendors' clients show only the message: it includes all validation errors and the hint.</summary>
    protected static string MessageOf(ApiError error)
    {
        if (error.Faults.Length > 1)
        {
            return string.Join(' ', error.Faults.Select(fault => $"{fault.Field}: {fault.Description}"));
        }

        return error.IsCatalogued && error.Hint is { } hint ? $"{error.Message} {hint}" : error.Message;
    }
}
