using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers.Http;

/// <summary>Rejections that are the same at every vendor.</summary>
internal static class RentalFailures
{
    internal static AllocateOutcome CalledOff(AllocationKey key) =>
        Invalid($"'{key}' was released; a key is never served again after its release");

    internal static AllocateOutcome Vanished(AllocationEntry entry) =>
        AllocateOutcome.Rejected(
            RejectionKind.ProviderError,
            $"{entry.Provider} made {entry.VendorId} for '{entry.Key}' and no longer holds it"
        );

    internal static AllocateOutcome Credentials(CredentialRefusedException refusal) =>
        AllocateOutcome.Rejected(RejectionKind.Credentials, VendorWords.Clean(refusal.TenantWords));

    internal static string StillBusy(ProviderId provider) =>
        $"{provider} answered every request with its rate limit; nothing was made";

    internal static AllocateOutcome UnknownOffer(ProviderId provider, string offerId) =>
        Invalid($"{provider} has no offer '{OutputLines.Clean(offerId)}'");

    internal static AllocateOutcome Invalid(string words) =>
        AllocateOutcome.Rejected(RejectionKind.InvalidRequest, words);
}
