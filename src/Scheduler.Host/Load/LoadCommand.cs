using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Scheduler.Host.Load;

/// <summary>
/// <c>scheduler load</c>: sends chat requests to a serving name, a fixed number at once, and prints rates, latencies and errors.
/// </summary>
internal static class LoadCommand
{
    /// <summary>Requests in progress at the end have this long to finish.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan LineEvery = TimeSpan.FromSeconds(5);

    /// <summary>Pause after an error, unless the answer names a shorter or longer one, up to <see cref="LongestPause"/>.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    /// <returns>Whether any request was answered.</returns>
    public static async Task<bool> RunAsync(
        LoadOptions options,
        TextWriter output,
        TimeProvider clock,
        CancellationToken cancellationToken
    )
    {
        using var handler = new SocketsHttpHandler { MaxConnectionsPerServer = options.Concurrency, UseProxy = false };
        using var client = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        using var ends = new CancellationTokenSource(options.Duration, clock);
        using var begins = CancellationTokenSource.CreateLinkedTokenSource(ends.Token, cancellationToken);
        using var cutOff = new CancellationTokenSource(options.Duration + Grace, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cutOff.Token, cancellationToken);
        var tally = new LoadTally();
        var began = clock.GetTimestamp();
        await output.WriteLineAsync(
            $"{options.Concurrency} requests at once to '{options.Model}' at {options.Url} for {options.Duration.TotalSeconds:0} s"
        );
        var workers = Task.WhenAll(
            Enumerable
                .Range(0, options.Concurrency)
                .Select(_ => new LoadWorker(client, options, tally, clock).RunAsync(begins.Token, either.Token))
        );
        while (await Task.WhenAny(workers, Task.Delay(LineEvery, clock, CancellationToken.None)) != workers)
        {
            await output.WriteLineAsync(tally.Line(clock.GetElapsedTime(began)));
        }

        await workers;
        await output.WriteLineAsync(tally.Summary(clock.GetElapsedTime(began)));
        return tally.Answered > 0;
    }

    /// <summary>One of the requests at once: sends the next when the answer is complete.</summary>
    private sealed class LoadWorker(HttpClient client, LoadOptions options, LoadTally tally, TimeProvider clock)
    {
        private readonly byte[] _body = JsonSerializer.SerializeToUtf8Bytes(
            new
            {
                model = options.Model,
                messages = new[] { new { role = "user", content = options.Prompt } },
                max_tokens = options.MaxTokens,
                stream = true,
                stream_options = new { include_usage = true },
            }
        );

        /// <param name="begins">No request begins after it.</param>
        /// <param name="cutOff">No request goes on after it.</param>
        public async Task RunAsync(CancellationToken begins, CancellationToken cutOff)
        {
            while (!begins.IsCancellationRequested)
            {
                var began = clock.GetTimestamp();
                try
                {
                    await SendAsync(began, begins, cutOff);
                }
                catch (OperationCanceledException) when (cutOff.IsCancellationRequested)
                {
                    tally.AddUnfinished();
                }
                catch (Exception exception) when (exception is HttpRequestException or IOException)
                {
                    tally.AddError(
                        exception is HttpRequestException http ? http.HttpRequestError.ToString() : "Broken"
                    );
                    await WaitAsync(Pause, begins);
                }
            }
        }

        private async Task SendAsync(long began, CancellationToken begins, CancellationToken cutOff)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(options.Url, "/v1/chat/completions"));
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", options.Key);
            request.Content = new ByteArrayContent(_body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cutOff);
            if (!response.IsSuccessStatusCode)
            {
                tally.AddError(
                    CodeOf(await response.Content.ReadAsByteArrayAsync(cutOff)) ?? $"HTTP {(int)response.StatusCode}"
                );
                await WaitAsync(response.Headers.RetryAfter?.Delta ?? Pause, begins);
                return;
            }

            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cutOff), Encoding.UTF8);
            TimeSpan? first = null;
            var (events, counted) = (0L, 0L);
            while (await reader.ReadLineAsync(cutOff) is { } line)
            {
                var data = line.StartsWith("data:", StringComparison.Ordinal) ? line["data:".Length..].Trim() : line;
                if (!data.StartsWith('{'))
                {
                    continue;
                }

                var bytes = Encoding.UTF8.GetBytes(data);
                if (CodeOf(bytes) is { } code)
                {
                    tally.AddError(code);
                    await WaitAsync(Pause, begins);
                    return;
                }

                first ??= clock.GetElapsedTime(began);
                events++;
                counted = TokensOf(bytes) ?? counted;
            }

            // A runtime that counts no tokens sends about one with each event.
            tally.AddAnswer(clock.GetElapsedTime(began), first, counted > 0 ? counted : events);
        }

        private async Task WaitAsync(TimeSpan time, CancellationToken begins)
        {
            try
            {
                await Task.Delay(time < LongestPause ? time : LongestPause, clock, begins);
            }
            catch (OperationCanceledException) when (begins.IsCancellationRequested)
            {
                // The load ends.
            }
        }

        /// <summary>The code of an error; null when it is none.</summary>
        private static string? CodeOf(byte[] json) =>
            Member(json, "error") is { ValueKind: JsonValueKind.Object } error
                ? error.TryGetProperty("code", out var code) && code.ValueKind == JsonValueKind.String
                    ? code.GetString()
                    : "error"
                : null;

        private static long? TokensOf(byte[] json) =>
            Member(json, "usage") is { ValueKind: JsonValueKind.Object } usage
            && usage.TryGetProperty("completion_tokens", out var tokens)
            && tokens.TryGetInt64(out var count)
                ? count
                : null;

        private static JsonElement? Member(byte[] json, string name)
        {
            try
            {
                return
                    JsonElement.Parse(json) is { ValueKind: JsonValueKind.Object } whole
                    && whole.TryGetProperty(name, out var member)
                    ? member
                    : null;
            }
            catch (JsonException)
            {
                return null;
            }
        }
    }
}
