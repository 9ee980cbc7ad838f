using Scheduler.Domain.Providers;
using Scheduler.Providers.Http;

namespace Scheduler.Providers.Shadeform;

/// <summary>Maps Shadeform's answers to outcomes. Its description names no errors; these are the reported ones.</summary>
internal static class ShadeformFailures
{
    private static readonly string[] NoStock = ["out of stock", "out_of_stock", "not available", "no capacity"];

    private static readonly string[] NoCredit = ["balance", "credit", "billing", "quota", "limit"];

    /// <summary>The refusal of a create request; null for a success.</summary>
    /// <exception cref="VendorException">The outcome is not known.</exception>
    internal static CreateAnswer? RefusalOf(VendorAnswer answer)
    {
        if (answer.IsSuccess)
        {
            return null;
        }

        return answer.Status switch
        {
            429 => CreateAnswer.Later,
            >= 400 and <= 499 => CreateAnswer.Refused(KindOf(answer), answer.Error.Words),
            _ => throw answer.Failure(),
        };
    }

    private static RejectionKind KindOf(VendorAnswer answer)
    {
        var (code, words) = (answer.Error.Code, answer.Error.Words);
        return answer.Status == 409 || code == "OUT_OF_STOCK" || Has(NoStock) ? RejectionKind.OutOfStock
            : answer.Status is 402 or 403 || Has(NoCredit) ? RejectionKind.Quota
            : RejectionKind.InvalidRequest;

        bool Has(string[] signs) => signs.Any(sign => words.Contains(sign, StringComparison.OrdinalIgnoreCase));
    }
}
