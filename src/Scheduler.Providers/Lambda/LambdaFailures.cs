using Scheduler.Domain.Providers;
using Scheduler.Providers.Http;

namespace Scheduler.Providers.Lambda;

/// <summary>Maps Lambda's error codes to rejections.</summary>
internal static class LambdaFailures
{
    private const string InvalidKey = "global/invalid-api-key";
    private const string NoObject = "global/object-does-not-exist";

    internal static bool RefusesCredential(VendorAnswer answer) =>
        answer.Status == 401 || (answer.Status is 400 or 403 && answer.Error.Code == InvalidKey);

    internal static bool IsAbsent(VendorAnswer answer) =>
        answer.Status == 404 || (!answer.IsSuccess && answer.Error.Code == NoObject);

    /// <summary>The outcome that an answer to a launch request states; null for a success.</summary>
    /// <exception cref="VendorException">The outcome is not known.</exception>
    internal static CreateAnswer? RefusalOf(VendorAnswer answer)
    {
        if (answer.IsSuccess)
        {
            return null;
        }

        if (answer.Status == 429)
        {
            return CreateAnswer.Later;
        }

        var error = answer.Error;
        return error.Code switch
        {
            "instance-operations/launch/insufficient-capacity" => Refused(RejectionKind.OutOfStock),
            // A region that the list showed a moment ago has gone.
            "global/invalid-parameters"
                when error.Words.Contains("Region", StringComparison.Ordinal)
                    && error.Words.Contains("does not exist", StringComparison.Ordinal) => Refused(
                RejectionKind.OutOfStock
            ),
            "global/quota-exceeded" => Refused(RejectionKind.Quota),
            "global/account-inactive" => Refused(RejectionKind.Credentials),
            "global/unknown" => throw answer.Failure(),
            _ when answer.Status is >= 400 and <= 499 => Refused(
                error.Code is null ? RejectionKind.ProviderError : RejectionKind.InvalidRequest
            ),
            _ => throw answer.Failure(),
        };

        CreateAnswer Refused(RejectionKind kind) => CreateAnswer.Refused(kind, error.Words);
    }
}
