using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Runtimes;
using Scheduler.Edge;
using Scheduler.Inference.Gateway;
using Scheduler.Inference.Serving;

namespace Scheduler.Inference.ContextCheck;

/// <summary>
/// Decides before dispatch whether a request fits the context of its instance. Most are proved small by their bytes; near the limit the
/// runtime's own tokenizer is asked, so a refusal is always exact.
/// </summary>
/// <remarks>
/// <para>
/// <b>The rule</b> is vLLM's and llama-server's common part: prompt and requested output together must not exceed the context. A generation that
/// asks for no output in particular needs room for one token.
/// </para>
/// <para>
/// <b>What bytes prove.</b> A chat template adds tokens of its own. What it adds is not known here, so a chat is let pass uncounted only when
/// twice its bound and a fixed allowance fit; one with tools or a template of its own is always counted.
/// </para>
/// <para>
/// <b>When the tokenizer cannot be asked</b> the request is sent: the runtime decides, and its refusal is told as the same code.
/// </para>
/// </remarks>
internal sealed partial class ContextGuard(
    RuntimeTokens tokens,
    IOptions<InferenceOptions> options,
    InferenceMetrics metrics,
    TimeProvider clock,
    ILogger<ContextGuard> logger
)
{
    /// <summary>Tokens a chat template may add that stand in no message: a default system prompt, the date, markers.</summary>
    private const int TemplateAllowance = 512;

    /// <summary>What vLLM takes for output where a completion asks for none.</summary>
    private const int VllmCompletionOutput = 16;

    /// <summary>Checks one request against one instance.</summary>
    /// <exception cref="DoorException">CTX_TOO_LARGE.</exception>
    public async ValueTask CheckAsync(
        InferenceRequest request,
        ServedInstance instance,
        CancellationToken cancellationToken
    )
    {
        var output = OutputOf(request, instance);
        if (IsSurelySmall(request, instance.ContextTokens - output))
        {
            metrics.ContextChecked("bytes");
            return;
        }

        if (await CountAsync(request, instance, cancellationToken) is not { } prompt)
        {
            metrics.ContextChecked("not_counted");
            return;
        }

        metrics.ContextChecked("counted");
        if (prompt + output > instance.ContextTokens)
        {
            throw new DoorException(
                DoorError.Of(
                    FailureCatalogue.Describe(
                        new ContextTooLargeFacts(instance.ServingName, instance.ContextTokens, prompt, output)
                    )
                )
            );
        }
    }

    /// <summary>Output to reserve, tokens.</summary>
    internal static long OutputOf(InferenceRequest request, ServedInstance instance) =>
        request switch
        {
            { Kind: RequestKind.Embedding } => 0,
            { MaxOutput: { } asked } => Math.Max(1, asked),
            { Kind: RequestKind.Completion, LeavesOutputOpen: false }
                when instance.Tokenizer?.Shape == TokenizeShape.Vllm => VllmCompletionOutput,
            _ => 1,
        };

    /// <summary>Whether bytes alone prove that a prompt fits.</summary>
    internal static bool IsSurelySmall(InferenceRequest request, long room)
    {
        if (request.HasExtras)
        {
            return false;
        }

        var bound = TextBound.OfJson(request.Prompt.Span);
        return (bound * 2) + TemplateAllowance <= room;
    }

    private async Task<long?> CountAsync(
        InferenceRequest request,
        ServedInstance instance,
        CancellationToken cancellationToken
    )
    {
        using var late = new CancellationTokenSource(options.Value.TokenizeTimeout, clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            return await tokens.CountAsync(instance, request, stop.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            LogNotCounted(null, instance.Id);
            return null;
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            LogNotCounted(e, instance.Id);
            return null;
        }
        catch (JsonException e)
        {
            // Ours was read before; this is the runtime's, or a member of the client's that is there twice.
            LogNotCounted(e, instance.Id);
            return null;
        }
    }

    [LoggerMessage(1, LogLevel.Debug, "The tokenizer of {Instance} did not count a prompt; the runtime decides")]
    private partial void LogNotCounted(Exception? exception, Domain.Ids.InstanceId instance);
}
