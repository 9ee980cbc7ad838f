using Scheduler.Api.Pipeline;
using Scheduler.Api.V1;
using Scheduler.Edge;

namespace Scheduler.Api.Failures;

/// <summary>Validation of requests about the failure catalogue.</summary>
internal static class FailureRequestValidation
{
    public static IEnumerable<RequestValidator> All { get; } =
    [
        RequestValidator.For<ListFailuresRequest>(_ => "", (_, _) => { }),
        RequestValidator.For<GetFailureRequest>(r => r.Name, Check),
    ];

    private static void Check(GetFailureRequest request, Faults faults)
    {
        if (request.Name.Split('/') is not ["failures", { Length: > 0 and <= 64 } code] || !Grammar.IsToken(code))
        {
            faults.Add("name", "Must be `failures/{code}`, the code in upper snake case.");
        }
    }
}
