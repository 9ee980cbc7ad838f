using System.Buffers;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Options;
using Scheduler.Edge;
using Scheduler.Edge.Limits;
using Scheduler.Inference.Dialects;

namespace Scheduler.Inference.Upstream;

/// <summary>Sends a request to one runtime, and its answer to the client.</summary>
/// <remarks>
/// A stream is held until its first event, another answer until it is whole or reaches a limit. If the runtime fails before that, the
/// client has received nothing from it, so another destination can be tried.
/// </remarks>
internal sealed class UpstreamForwarder(RuntimeClient runtimes, IOptions<InferenceOptions> options, TimeProvider clock)
{
    private const int PieceBytes = 16 * 1024;

    /// <summary>First buffer of an answer that does not tell its length; shorter answers do not count as memory.</summary>
    private const int FirstHeld = 4096;

    /// <summary>
    /// Bytes of memory that the translation needs for one byte of the runtime's answer: its tree, texts of two bytes a
    /// character, and the answer written from them.
    /// </summary>
    private const int TimesOfTranslation = 8;

    /// <summary>Longest answer that is translated, bytes. Only a whole answer can be.</summary>
    private const int LongestTranslated = 16 * 1024 * 1024;

    /// <summary>Most bytes read of an error answer.</summary>
    private const int LongestRefusal = 64 * 1024;

    /// <summary>
    /// Sends the request once and the answer to the client. After <c>Refused</c>, <c>Unreachable</c> and <c>TimedOut</c> the client has
    /// received nothing from the runtime, so another call for the same client may follow.
    /// </summary>
    public async Task<UpstreamOutcome> SendAsync(UpstreamCall call)
    {
        using var silence = new CancellationTokenSource(options.Value.UpstreamTimeout, clock);
        await using var gone = call.Aborted.UnsafeRegister(
            static stop => ((CancellationTokenSource)stop!).Cancel(),
            silence
        );
        try
        {
            using var request = Request(call);
            using var response = await runtimes.Plain.SendAsync(request, silence.Token);
            if (!response.IsSuccessStatusCode)
            {
                call.Refusal = new UpstreamRefusal(
                    (int)response.StatusCode,
                    await ReadSomeAsync(response.Content, silence.Token),
                    RetryAfterOf(response)
                );
                return UpstreamOutcome.Refused;
            }

            await using var body = await response.Content.ReadAsStreamAsync(silence.Token);
            var type = response.Content.Headers.ContentType;
            return string.Equals(type?.MediaType, "text/event-stream", StringComparison.OrdinalIgnoreCase)
                ? await RelayEventsAsync(call, body, silence)
                : await RelayAnswerAsync(
                    call,
                    body,
                    type?.ToString() ?? "application/json",
                    response.Content.Headers.ContentLength,
                    silence
                );
        }
        catch (Exception e) when (IsFailure(e))
        {
            return call.Aborted.IsCancellationRequested ? UpstreamOutcome.ClientGone
                : e is OperationCanceledException ? UpstreamOutcome.TimedOut
                : UpstreamOutcome.Unreachable;
        }
    }

    private static bool IsFailure(Exception e) =>
        e is HttpRequestException or IOException or OperationCanceledException;

    /// <summary>Passes neither the client's key to the runtime nor the runtime's headers to the client.</summary>
    private static HttpRequestMessage Request(UpstreamCall call)
    {
        var request = RuntimeClient.Request(HttpMethod.Post, call.Instance, call.Sent.Path);
        request.Headers.TryAddWithoutValidation(RequestScope.IdHeader, call.Scope.Id.Value);
        var body = call.Body;
        HttpContent content = body.Length < LongBody.LeastBytes ? new ReadOnlyMemoryContent(body) : new LongBody(body);
        content.Headers.TryAddWithoutValidation("Content-Type", call.Sent.ContentType);
        request.Content = content;
        foreach (var (name, value) in call.IsNative ? call.Exchange!.Headers : [])
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return request;
    }

    private async Task<UpstreamOutcome> RelayEventsAsync(
        UpstreamCall call,
        Stream body,
        CancellationTokenSource silence
    )
    {
        using var answer = TranslationOf(call);
        using IEventRelay events = answer is null ? new EventFilter(call) : new TranslatedEvents(call, answer);
        try
        {
            while (await body.ReadAsync(events.FreeSpace(), silence.Token) is var read and > 0)
            {
                silence.CancelAfter(options.Value.UpstreamTimeout);
                events.Filled(read);
                if (events.HasReady)
                {
                    await GiveAsync(call, events);
                }
            }

            if (call.NeedsEndMark && !call.HasEndMark)
            {
                throw new HttpIOException(HttpRequestError.ResponseEnded, "ended its stream before its end");
            }

            events.End();
            await GiveAsync(call, events);
            return UpstreamOutcome.Sent;
        }
        catch (Exception e) when (IsFailure(e) && call.Events > 0 && !call.Aborted.IsCancellationRequested)
        {
            var error = await call.ExplainBreak(
                e is OperationCanceledException
                    ? $"sent nothing for {options.Value.UpstreamTimeout.TotalSeconds:0} s"
                    : "broke off in the middle of its answer"
            );
            call.Break = error;
            events.Break(error);
            await call.Client.WriteAsync(events);
            return UpstreamOutcome.Sent;
        }
    }

    private static async ValueTask GiveAsync(UpstreamCall call, IEventRelay events)
    {
        if (!call.HasAnswered && call.Events > 0)
        {
            call.HasAnswered = true;
            call.Answered();
        }

        call.CountOutput(call.Chunks);
        call.Client.BeginStream();
        await call.Client.WriteAsync(events);
    }

    /// <summary>Holds the beginning of an answer, then passes the rest on as it arrives.</summary>
    private async Task<UpstreamOutcome> RelayAnswerAsync(
        UpstreamCall call,
        Stream body,
        string contentType,
        long? length,
        CancellationTokenSource silence
    )
    {
        using var answer = TranslationOf(call);
        var limit = answer is null ? options.Value.MaxHeldAnswerBytes : LongestTranslated;
        var held = await HoldAsync(call.Scope.Memory, body, length, limit, silence);
        try
        {
            if (answer is not null)
            {
                return await TranslateAsync(call, answer, held);
            }

            call.HasAnswered = true;
            call.Answered();
            call.Client.Begin(contentType, length ?? (held.IsWhole ? held.Length : null));
            var bytes = held.Bytes.AsMemory(0, held.Length);
            if (held.IsWhole)
            {
                if (UsageReader.TryRead(bytes.Span, out var usage))
                {
                    call.Usage = usage;
                }

                await call.Client.WriteAsync(bytes);
                return UpstreamOutcome.Sent;
            }

            return await PassAsync(call, bytes, body, silence);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(held.Bytes);
            call.Scope.Memory?.Shrink(held.Counted);
        }
    }

    private AnswerTranslation? TranslationOf(UpstreamCall call) =>
        call.IsNative ? null : call.Exchange?.Answer(call.Scope, clock.GetUtcNow());

    /// <summary>Gives a whole answer in the client's dialect.</summary>
    /// <exception cref="HttpIOException">It is no chat completion, or too long.</exception>
    /// <exception cref="ApiException">RATE_LIMITED: the memory budget is used.</exception>
    private static async Task<UpstreamOutcome> TranslateAsync(
        UpstreamCall call,
        AnswerTranslation answer,
        HeldAnswer held
    )
    {
        if (held.Length > FirstHeld)
        {
            // An answer that is not whole because memory is short ends here; that is no fault of the runtime.
            call.Scope.Memory?.Grow((long)held.Length * TimesOfTranslation);
        }

        if (!held.IsWhole)
        {
            throw new HttpIOException(HttpRequestError.InvalidResponse, "The runtime's answer is too long.");
        }

        // Some runtimes answer a request for a stream like any other.
        answer.IsStream = call.Request.IsStream;
        answer.Take(held.Bytes.AsSpan(0, held.Length));
        if (answer.RuntimeFault is { } fault)
        {
            throw new HttpIOException(HttpRequestError.InvalidResponse, fault);
        }

        answer.Complete();
        if (UsageReader.TryRead(held.Bytes.AsSpan(0, held.Length), out var usage))
        {
            call.Usage = usage;
        }

        call.HasAnswered = true;
        call.Answered();
        var bytes = answer.IsStream ? answer.Events.WrittenMemory : answer.Whole();
        if (answer.IsStream)
        {
            call.Client.BeginStream();
        }
        else
        {
            call.Client.Begin("application/json; charset=utf-8", bytes.Length);
        }

        await call.Client.WriteAsync(bytes);
        return UpstreamOutcome.Sent;
    }

    /// <summary>Reads an answer to its end, to the limit, or until memory is short.</summary>
    private async Task<HeldAnswer> HoldAsync(
        MemoryShare? memory,
        Stream body,
        long? length,
        int limit,
        CancellationTokenSource silence
    )
    {
        var counted = length > FirstHeld ? Math.Min(length.Value, limit) : 0L;

        // An answer that says it is longer than the limit is not held at all.
        var mayHold = !(length > limit) && memory?.TryGrow(counted) != false;
        counted = mayHold ? counted : 0;
        var buffer = ArrayPool<byte>.Shared.Rent(
            mayHold ? (int)Math.Clamp((length ?? FirstHeld - 1) + 1, 1, limit + 1) : 1
        );
        var filled = 0;
        try
        {
            while (mayHold)
            {
                if (filled == buffer.Length)
                {
                    // The shorter buffer goes back to the pool, and counts until the end.
                    if (memory?.TryGrow(buffer.Length * 2L) == false)
                    {
                        break;
                    }

                    counted += buffer.Length * 2L;
                    var larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
                    buffer.AsSpan(0, filled).CopyTo(larger);
                    ArrayPool<byte>.Shared.Return(buffer);
                    buffer = larger;
                }

                var read = await body.ReadAsync(buffer.AsMemory(filled), silence.Token);
                if (read == 0)
                {
                    return new HeldAnswer(buffer, filled, counted, IsWhole: true);
                }

                silence.CancelAfter(options.Value.UpstreamTimeout);
                filled += read;
                if (filled > limit)
                {
                    break;
                }
            }

            return new HeldAnswer(buffer, filled, counted, IsWhole: false);
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(buffer);
            memory?.Shrink(counted);
            throw;
        }
    }

    /// <summary>
    /// Passes on the rest of an answer of which the client has a part. No status can report a failure any more, so a failure closes the
    /// connection.
    /// </summary>
    private async Task<UpstreamOutcome> PassAsync(
        UpstreamCall call,
        ReadOnlyMemory<byte> held,
        Stream body,
        CancellationTokenSource silence
    )
    {
        var usage = new PassingUsage();
        var piece = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            usage.Pass(held.Span);
            if (held.Length > 0)
            {
                await call.Client.WriteAsync(held);
            }

            while (await body.ReadAsync(piece, silence.Token) is var read and > 0)
            {
                silence.CancelAfter(options.Value.UpstreamTimeout);
                usage.Pass(piece.AsSpan(0, read));
                await call.Client.WriteAsync(piece.AsMemory(0, read));
            }

            if (usage.TryRead(out var found))
            {
                call.Usage = found;
            }

            return UpstreamOutcome.Sent;
        }
        catch (Exception e) when (IsFailure(e) && call.Client.HasStarted && !call.Aborted.IsCancellationRequested)
        {
            call.Break = await call.ExplainBreak("broke off in the middle of its answer");
            call.Client.Abort();
            return UpstreamOutcome.Sent;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    private TimeSpan? RetryAfterOf(HttpResponseMessage response) =>
        response.Headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => date - clock.GetUtcNow(),
            _ => null,
        };

    private static async Task<ReadOnlyMemory<byte>> ReadSomeAsync(
        HttpContent content,
        CancellationToken cancellationToken
    )
    {
        await using var stream = await content.ReadAsStreamAsync(cancellationToken);
        var some = new byte[LongestRefusal];
        var read = await stream.ReadAtLeastAsync(some, some.Length, throwOnEndOfStream: false, cancellationToken);
        return some.AsMemory(0, read);
    }

    /// <param name="Bytes">From the shared pool.</param>
    /// <param name="Counted">Bytes of the memory budget.</param>
    /// <param name="IsWhole">False when more bytes follow.</param>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct HeldAnswer(byte[] Bytes, int Length, long Counted, bool IsWhole);
}
