using System.Net;
using System.Text.Json;
using k8s.Autorest;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers.Kubernetes;

/// <summary>Maps refusals of the API server, of admission and of nodes to domain types, in their own words.</summary>
internal static class KubernetesFailures
{
    /// <summary>Longest kept message, characters.</summary>
    internal const int MaxWords = 1024;

    internal static AllocateOutcome UnusableKey(string key) =>
        Invalid($"the key '{OutputLines.Clean(key)}' is not 1 to 253 printable ASCII characters");

    internal static AllocateOutcome CalledOff(string key) =>
        Invalid($"'{OutputLines.Clean(key)}' was released; a key is never served again after its release");

    internal static AllocateOutcome NameTaken(string name) =>
        Invalid($"another object has the name '{name}' in the scheduler's namespace");

    internal static AllocateOutcome BadRuntime(string words) => Invalid(words);

    internal static AllocateOutcome NoOffer(string offerId) =>
        AllocateOutcome.Rejected(
            RejectionKind.OutOfStock,
            $"no node and no pool provides '{OutputLines.Clean(offerId)}' now"
        );

    internal static AllocateOutcome NoRoom(string offerId) =>
        AllocateOutcome.Rejected(
            RejectionKind.OutOfStock,
            $"no node has room for '{OutputLines.Clean(offerId)}' now, and no pool can make one"
        );

    /// <summary>Neither the scheduler of the cluster found a node nor will an autoscaler make one.</summary>
    internal static AllocateOutcome NoNode(string words) =>
        AllocateOutcome.Rejected(RejectionKind.OutOfStock, Words(words));

    /// <summary>
    /// The node refused the pod after the binding, so that nothing of it ran: its GPU was gone, or something else of it.
    /// </summary>
    internal static AllocateOutcome RefusedByNode(string words) =>
        AllocateOutcome.Rejected(RejectionKind.OutOfStock, Words(words));

    internal static AllocateOutcome Removed(string words) =>
        AllocateOutcome.Rejected(RejectionKind.ProviderError, Words(words));

    /// <summary>What the refusal of a create means; null when its outcome is unknown or another try may succeed.</summary>
    internal static AllocateOutcome? OfCreate(HttpOperationException exception)
    {
        var (code, words) = Read(exception);
        return code switch
        {
            HttpStatusCode.Unauthorized => Rejected(RejectionKind.Credentials),
            HttpStatusCode.Forbidden => Rejected(KindOfForbidden(words)),
            HttpStatusCode.BadRequest or HttpStatusCode.UnprocessableEntity => Rejected(RejectionKind.InvalidRequest),
            // The namespace does not exist: an error of the operator, and another provider may help.
            HttpStatusCode.NotFound => Rejected(RejectionKind.ProviderError),
            _ => null,
        };

        AllocateOutcome Rejected(RejectionKind kind) => AllocateOutcome.Rejected(kind, words);
    }

    /// <summary>
    /// What the refusal of the first read of an allocation means; null when another try may succeed. Waiting does not help against
    /// credentials that are refused also after they were read again. If a pod exists, the release of its key is repeated until it succeeds.
    /// </summary>
    internal static AllocateOutcome? OfRead(HttpOperationException exception) =>
        CodeOf(exception) is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden
            ? AllocateOutcome.Rejected(
                RejectionKind.Credentials,
                $"the credentials of this scheduler are refused: {Read(exception).Words}"
            )
            : null;

    internal static HttpStatusCode? CodeOf(HttpOperationException exception) => exception.Response?.StatusCode;

    /// <summary>Status code and the message of the server's Status object.</summary>
    internal static (HttpStatusCode? Code, string Words) Read(HttpOperationException exception)
    {
        var content = exception.Response?.Content ?? "";
        return (CodeOf(exception), Words(MessageIn(content) ?? (content.Length > 0 ? content : exception.Message)));
    }

    /// <summary>Text of the cluster on one line, at most <see cref="MaxWords"/> characters, without access tokens.</summary>
    internal static string Words(string text)
    {
        var left = text.AsSpan().Trim();
        if (left.Length <= OutputLines.MaxChars)
        {
            return OutputLines.Clean(text);
        }

        // The line cleaner cuts at its own limit, so a longer text is cleaned in parts that end at spaces.
        var words = new System.Text.StringBuilder(MaxWords);
        while (left.Length > 0 && words.Length < MaxWords - OutputLines.MaxChars)
        {
            var part = left[..Math.Min(left.Length, OutputLines.MaxChars - 1)];
            var end = part.Length < left.Length ? part.LastIndexOf(' ') : part.Length;
            end = end <= 0 ? part.Length : end;
            words.Append(words.Length == 0 ? "" : " ").Append(OutputLines.Clean(left[..end].ToString()));
            left = left[end..].TrimStart();
        }

        return words.Append(left.Length > 0 ? "…" : "").ToString();
    }

    /// <summary>A quota, a rule of admission, or a missing right: the API server answers all three with 403.</summary>
    private static RejectionKind KindOfForbidden(string words) =>
        words.Contains("exceeded quota", StringComparison.OrdinalIgnoreCase) ? RejectionKind.Quota
        : words.Contains("violates PodSecurity", StringComparison.OrdinalIgnoreCase)
        || words.Contains("admission webhook", StringComparison.OrdinalIgnoreCase)
        || words.Contains("ValidatingAdmissionPolicy", StringComparison.OrdinalIgnoreCase)
            ? RejectionKind.InvalidRequest
        : words.Contains(" cannot ", StringComparison.Ordinal) ? RejectionKind.Credentials
        : RejectionKind.ProviderError;

    private static string? MessageIn(string content)
    {
        try
        {
            using var status = JsonDocument.Parse(content);
            return
                status.RootElement.ValueKind == JsonValueKind.Object
                && status.RootElement.TryGetProperty("message", out var message)
                && message.ValueKind == JsonValueKind.String
                ? message.GetString()
                : null;
        }
        catch (JsonException)
        {
            // A proxy in front of the API server answers with a page of its own.
            return null;
        }
    }

    private static AllocateOutcome Invalid(string words) =>
        AllocateOutcome.Rejected(RejectionKind.InvalidRequest, words);
}
