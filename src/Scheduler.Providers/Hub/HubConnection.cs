using System.Net;
using System.Net.Http.Headers;
using Scheduler.Domain.Models;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers.Hub;

/// <summary>Requests of one import: bounded answers, redirects without the token, refusals in the hub's words.</summary>
/// <remarks>
/// Sources: <c>utils/_http.py</c> of huggingface_hub for the headers <c>X-Error-Code</c> and <c>X-Error-Message</c>. A hub answers
/// 401 without a code for a repository that does not exist.
/// </remarks>
internal sealed class HubConnection(HttpClient client, Uri hub, string? token)
{
    private const int MostRedirects = 5;
    private const int LongestWords = 300;

    /// <summary>Reads the first bytes of an address.</summary>
    /// <param name="most">Bytes read at most; the rest is not requested.</param>
    /// <returns>At most <paramref name="most"/> bytes, and whether the content goes on after them.</returns>
    /// <exception cref="HubException">The hub refused or did not answer correctly.</exception>
    internal async Task<(byte[] Bytes, bool HasMore)> ReadAsync(
        string path,
        int most,
        CancellationToken cancellationToken
    )
    {
        try
        {
            using var answer = await GetAsync(new Uri(hub, path), most, cancellationToken);
            if (!answer.IsSuccessStatusCode)
            {
                throw new HubException(RefusalOf(answer));
            }

            await using var content = await answer.Content.ReadAsStreamAsync(cancellationToken);
            using var bytes = new MemoryStream();
            var buffer = new byte[Math.Min(most, 64 << 10)];
            int count;
            while (bytes.Length < most && (count = await content.ReadAsync(buffer, cancellationToken)) > 0)
            {
                await bytes.WriteAsync(
                    buffer.AsMemory(0, (int)Math.Min(count, most - bytes.Length)),
                    cancellationToken
                );
            }

            var hasMore = answer.Content.Headers.ContentRange is { Length: { } length }
                ? length > bytes.Length
                : bytes.Length == most && await content.ReadAsync(buffer, cancellationToken) > 0;
            return (bytes.ToArray(), hasMore);
        }
        catch (Exception exception)
            when (exception is HttpRequestException or IOException && !cancellationToken.IsCancellationRequested)
        {
            throw new HubException(HubCause.Unreachable, OutputLines.Clean(exception.Message), exception);
        }
    }

    private async Task<HttpResponseMessage> GetAsync(Uri address, int most, CancellationToken cancellationToken)
    {
        for (var redirects = 0; ; redirects++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            request.Headers.Range = new RangeHeaderValue(0, most - 1L);
            request.Headers.AcceptEncoding.ParseAdd("identity");
            // Redirects lead to the store of the files, which has its own signature in the address.
            if (token is not null && address.Authority == hub.Authority && address.Scheme == hub.Scheme)
            {
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            }

            var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if ((int)answer.StatusCode is < 301 or > 308 || answer.Headers.Location is not { } location)
            {
                return answer;
            }

            answer.Dispose();
            address = new Uri(address, location);
            if (redirects == MostRedirects || (address.Scheme != Uri.UriSchemeHttps && address.Scheme != hub.Scheme))
            {
                throw new HubException(
                    HubCause.Unreachable,
                    $"it redirects to '{address.GetLeftPart(UriPartial.Path)}'."
                );
            }
        }
    }

    private static HubRefusal RefusalOf(HttpResponseMessage answer)
    {
        var code = HeaderOf(answer, "X-Error-Code");
        var words = HeaderOf(answer, "X-Error-Message") is { } message
            ? OutputLines.Clean(message.Length > LongestWords ? message[..LongestWords] : message)
            : $"the hub answered {(int)answer.StatusCode}.";
        return new HubRefusal(CauseOf(answer.StatusCode, code, words), words);
    }

    private static HubCause CauseOf(HttpStatusCode status, string? code, string words) =>
        code switch
        {
            "RepoNotFound" => HubCause.RepositoryMissing,
            "RevisionNotFound" => HubCause.RevisionMissing,
            "EntryNotFound" => HubCause.FileMissing,
            "GatedRepo" => HubCause.Gated,
            _ when words.Contains("is disabled", StringComparison.OrdinalIgnoreCase) => HubCause.Disabled,
            _ => status switch
            {
                HttpStatusCode.Unauthorized => words.Contains("Invalid credentials", StringComparison.OrdinalIgnoreCase)
                    ? HubCause.TokenRefused
                    : HubCause.RepositoryMissing,
                HttpStatusCode.Forbidden => HubCause.Gated,
                HttpStatusCode.NotFound => HubCause.RepositoryMissing,
                _ => HubCause.Unreachable,
            },
        };

    private static string? HeaderOf(HttpResponseMessage answer, string name) =>
        answer.Headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;
}

/// <summary>Ends an import with the refusal that the caller gets.</summary>
internal sealed class HubException : Exception
{
    internal HubException(HubRefusal refusal, Exception? inner = null)
        : base(refusal.Words, inner) => Refusal = refusal;

    internal HubException(HubCause cause, string words, Exception? inner = null)
        : this(new HubRefusal(cause, words), inner) { }

    internal HubRefusal Refusal { get; }
}
