using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Keys;
using Scheduler.Domain.Runtimes;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Inference.ContextCheck;

namespace Scheduler.Inference.Upstream;

internal static class RefusalReading
{
    /// <summary>
    /// How vLLM (0.8 to now) and llama-server report a too long request. All are checked, because the preset's name
    /// does not prove the runtime.
    /// </summary>
    private static readonly ImmutableArray<string> ContextWords =
    [
        "maximum context length",
        "maximum model length",
        "maximum input length",
        "exceed_context_size_error",
        "exceeds the available context size",
        "max_completion_tokens' is too large",
        "larger than the max context size",
    ];

    public static ApiError Of(UpstreamCall call, UpstreamRefusal refusal)
    {
        var (message, prompt) = Read(refusal.Body.Span);
        if (refusal.Status is 400 or 413 or 422 or 500 && IsContext(refusal.Body.Span, message))
        {
            return ApiError.Of(
                FailureCatalogue.Describe(
                    new ContextTooLargeFacts(
                        call.Instance.ServingName,
                        call.Instance.ContextTokens,
                        prompt,
                        ContextGuard.OutputOf(call.Request, call.Instance)
                    )
                )
            );
        }

        if (refusal.IsFull)
        {
            return ApiError.Of(
                FailureCatalogue.Describe(
                    new FullRuntimeFacts(
                        call.Instance.ServingName,
                        refusal.Status,
                        RetrySeconds(refusal.RetryAfter),
                        message
                    )
                )
            );
        }

        if (refusal.IsUnsupported)
        {
            return ApiError.Invalid([
                new FieldFault(
                    "model",
                    $"The runtime of '{call.Instance.ServingName}' does not serve {call.Request.Path}: {message ?? $"status {refusal.Status}"}"
                ),
            ]);
        }

        if (refusal.Status < StatusCodes.Status500InternalServerError)
        {
            // The client's error, in the runtime's words.
            return ApiError.Invalid([new FieldFault("body", message ?? "The runtime refused it without a message.")]);
        }

        return ApiError.Of(
            FailureCatalogue.Describe(
                new RuntimeErrorFacts(
                    call.Instance.ServingName,
                    $"answered with the status {refusal.Status}",
                    refusal.Status,
                    message
                )
            )
        );
    }

    /// <summary>The runtime's <c>Retry-After</c>, 1 to 3,600 s; 1 s without one.</summary>
    private static int RetrySeconds(TimeSpan? wish)
    {
        const int most = 3600;
        return wish is { } time ? (int)Math.Clamp(Math.Ceiling(time.TotalSeconds), 1, most) : 1;
    }

    private static bool IsContext(ReadOnlySpan<byte> body, string? message)
    {
        foreach (var words in ContextWords)
        {
            if (
                message?.Contains(words, StringComparison.OrdinalIgnoreCase) == true
                || body.IndexOf(Encoding.UTF8.GetBytes(words)) >= 0
            )
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The message of an OpenAI or FastAPI error, and llama-server's prompt count.</summary>
    private static (string? Message, long? Prompt) Read(ReadOnlySpan<byte> body)
    {
        try
        {
            var reader = new Utf8JsonReader(body);
            using var json = JsonDocument.ParseValue(ref reader);
            var root = json.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
            {
                return (null, null);
            }

            var error = root.TryGetProperty("error", out var inner) ? inner : root;
            if (error.ValueKind == JsonValueKind.String)
            {
                return (OutputLines.Clean(error.GetString()!), null);
            }

            if (error.ValueKind != JsonValueKind.Object)
            {
                return (null, null);
            }

            var message =
                error.TryGetProperty("message", out var text) || error.TryGetProperty("detail", out text)
                    ? text.ValueKind == JsonValueKind.String
                        ? text.GetString()
                        : text.GetRawText()
                    : null;
            long? prompt =
                error.TryGetProperty("n_prompt_tokens", out var count) && count.TryGetInt64(out var number)
                    ? number
                    : null;
            return (message is null ? null : OutputLines.Clean(message), prompt);
        }
        catch (JsonException)
        {
            return (
                body.IsEmpty ? null : OutputLines.Clean(Encoding.UTF8.GetString(body[..Math.Min(body.Length, 512)])),
                null
            );
        }
    }
}
