using System.Text.Json;
using Scheduler.Domain.Providers;
using Scheduler.Providers.Http;

namespace Scheduler.Providers.Vast;

/// <summary>Maps Vast's answers to outcomes.</summary>
internal static class VastFailures
{
    /// <summary>Signs of an account without credit; Vast is prepaid.</summary>
    private static readonly string[] NoCredit = ["credit", "balance", "insufficient funds", "payment"];

    /// <summary>Whether an answer refuses the API key: 401, or a 404 that says so.</summary>
    internal static bool RefusesCredential(VendorAnswer answer) =>
        answer.Status == 401
        || (!answer.IsSuccess && answer.Error.Words.Contains("invalid user key", StringComparison.OrdinalIgnoreCase));

    /// <summary>The outcome of a create request; null with an id when an instance was made.</summary>
    /// <exception cref="VendorException">The outcome is not known.</exception>
    internal static (CreateAnswer? Answer, string? Made) OutcomeOf(VendorAnswer answer)
    {
        var contract = ContractOf(answer);
        if (answer.IsSuccess && IsRefused(answer) != true)
        {
            return (null, contract ?? throw new VendorException("Vast answered a create request without new_contract"));
        }

        if (answer.Status == 429)
        {
            return (CreateAnswer.Later, null);
        }

        if (answer.Status >= 500 && contract is null)
        {
            throw answer.Failure();
        }

        // An error with new_contract has made an instance all the same: for a bid that is too low, a stopped one.
        return (CreateAnswer.Refused(KindOf(answer), answer.Error.Words, contract), null);
    }

    /// <summary>Whether an answer to a destroy request means that nothing is left.</summary>
    internal static bool IsGone(VendorAnswer answer) =>
        (answer.IsSuccess && IsRefused(answer) != true)
        || answer.Status == 404
        || answer.Error.Code == "no_such_instance"
        || answer.Error.Words.Contains("no_such_instance", StringComparison.OrdinalIgnoreCase);

    private static RejectionKind KindOf(VendorAnswer answer)
    {
        var (code, words) = (answer.Error.Code, answer.Error.Words);
        // The error may read invalid_args when the ask is gone, and only the words tell.
        return answer.Status is 404 or 410 || words.Contains("no_such_ask", StringComparison.OrdinalIgnoreCase)
                ? RejectionKind.OutOfStock
            : code == "invalid_price" ? RejectionKind.OutOfStock
            : answer.Status == 402 || NoCredit.Any(sign => words.Contains(sign, StringComparison.OrdinalIgnoreCase))
                ? RejectionKind.Quota
            : answer.Status is 400 or 403 or 422 ? RejectionKind.InvalidRequest
            : RejectionKind.ProviderError;
    }

    private static bool? IsRefused(VendorAnswer answer) => !(Read(answer)?.Flag("success") ?? true);

    private static string? ContractOf(VendorAnswer answer) => Read(answer)?.IdText("new_contract");

    private static JsonElement? Read(VendorAnswer answer)
    {
        try
        {
            using var document = JsonDocument.Parse(answer.Body);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            // A 429 is plain text.
            return null;
        }
    }
}
