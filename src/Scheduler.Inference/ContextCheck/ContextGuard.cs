using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Runtimes;
using Scheduler.Edge;
using Scheduler.Edge.Limits;
using Scheduler.Inference.Gateway;
using Scheduler.Inference.Serving;

namespace Scheduler.Inference.ContextCheck;

/// <summary>
/// Decides before dispatch whether a request fits the context of its instance. The byte count proves most requests
/// small enough. Near the limit the runtime's own tokenizer counts, so a refusal is always exact.
/// </summary>
/// <remarks>
/// <para>
/// <b>The rule</b> is common to vLLM and llama-server: prompt plus requested output must not exceed the context.
/// A generation without a requested output needs one token of output.
/// </para>
/// <para>
/// <b>What bytes prove.</b> A chat template adds an unknown number of tokens. A chat therefore passes uncounted only
/// when twice its bound plus a fixed allowance fits. A chat with tools or its own template is always counted. Of a list
/// of prompts each must fit alone; those that bytes prove small are not counted.
/// </para>
/// <para>
/// <b>When the tokenizer cannot answer</b>, or memory is short, the request is sent. The runtime decides; its refusal maps to the same code.
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
    /// <summary>Most template tokens beyond the messages: default system prompt, date, markers.</summary>
    private const int TemplateAllowance = 512;

    /// <summary>vLLM's default output of a completion, tokens.</summary>
    private const int VllmCompletionOutput = 16;

    /// <summary>
    /// Bytes of memory that a count takes for one of the prompt: its tree, the question, and an answer that lists every
    /// token, about twenty bytes each.
    /// </summary>
    private const int TimesOfCount = 12;

    /// <param name="memory">What the request holds of the memory budget.</param>
    /// <exception cref="ApiException">CTX_TOO_LARGE.</exception>
    public async ValueTask CheckAsync(
        InferenceRequest request,
        ServedInstance instance,
        MemoryShare memory,
        CancellationToken cancellationToken
    )
    {
        if (!request.Kind.HasReader())
        {
            // The runtime decides.
            metrics.ContextChecked("not_counted");
            return;
        }

        var output = OutputOf(request, instance);
        if (IsSurelySmall(request, instance.ContextTokens - output))
        {
            metrics.ContextChecked("bytes");
            return;
        }

        var room = instance.ContextTokens - output;
        if (await CountWithinAsync(memory, request, instance, room, cancellationToken) is not { } prompt)
        {
            metrics.ContextChecked("not_counted");
            return;
        }

        metrics.ContextChecked("counted");
        if (prompt + output > instance.ContextTokens)
        {
            throw new ApiException(
                ApiError.Of(
                    FailureCatalogue.Describe(
                        new ContextTooLargeFacts(instance.ServingName, instance.ContextTokens, prompt, output)
                    )
                )
            );
        }
    }

    /// <summary>Prompt tokens of a request, as its runtime's tokenizer counts them; null when it cannot.</summary>
    public Task<long?> CountAsync(
        InferenceRequest request,
        ServedInstance instance,
        MemoryShare memory,
        CancellationToken cancellationToken
    ) => CountWithinAsync(memory, request, instance, long.MaxValue, cancellationToken);

    /// <summary>
    /// Prompt tokens of a request that its runtime did not count to the end: counted by the tokenizer, else a quarter of
    /// the bytes. Ends within the tokenizer's timeout.
    /// </summary>
    public async Task<long> PromptTokensAsync(InferenceRequest request, ServedInstance instance)
    {
        const int bytesOfToken = 4;
        long? counted = null;
        if (request.Kind.IsGeneration())
        {
            // One call: the longest by its bytes.
            counted = await CountAsync(request, instance, long.MaxValue, CancellationToken.None);
        }

        return counted ?? ((request.Prompt.Length + bytesOfToken - 1) / bytesOfToken);
    }

    /// <summary>Output tokens to reserve.</summary>
    internal static long OutputOf(InferenceRequest request, ServedInstance instance) =>
        request switch
        {
            _ when !request.Kind.IsGeneration() => 0,
            { MaxOutput: { } asked } => Math.Max(1, asked),
            { Kind: RequestKind.Completion, LeavesOutputOpen: false }
                when instance.Tokenizer?.Shape == TokenizeShape.Vllm => VllmCompletionOutput,
            _ => 1,
        };

    /// <summary>Whether the byte count alone proves that a prompt fits.</summary>
    internal static bool IsSurelySmall(InferenceRequest request, long room)
    {
        if (request.HasExtras)
        {
            return false;
        }

        return request.Kind == RequestKind.Chat
            ? (TextBound.OfJson(request.Prompt.Span) * 2) + TemplateAllowance <= room
            : PromptSizes.Of(request.Prompt).MostTokens + PromptSizes.SpecialTokens <= room;
    }

    private async Task<long?> CountWithinAsync(
        MemoryShare memory,
        InferenceRequest request,
        ServedInstance instance,
        long room,
        CancellationToken cancellationToken
    )
    {
        var bytes = (long)request.Prompt.Length * TimesOfCount;
        if (!memory.TryGrow(bytes))
        {
            return null;
        }

        try
        {
            return await CountAsync(request, instance, room, cancellationToken);
        }
        finally
        {
            memory.Shrink(bytes);
        }
    }

    private async Task<long?> CountAsync(
        InferenceRequest request,
        ServedInstance instance,
        long room,
        CancellationToken cancellationToken
    )
    {
        using var late = new CancellationTokenSource(options.Value.TokenizeTimeout, clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            return await tokens.CountAsync(instance, request, room, stop.Token);
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
            // The request body was parsed before, so this is the runtime's answer or a duplicate member in the
            // client's JSON.
            LogNotCounted(e, instance.Id);
            return null;
        }
    }

    [LoggerMessage(3303, LogLevel.Debug, "The tokenizer of {Instance} did not count a prompt; sending it uncounted")]
    private partial void LogNotCounted(Exception? exception, Domain.Ids.InstanceId instance);
}
