using Scheduler.Api.Pipeline;
using Scheduler.Api.V1;
using Scheduler.Edge;

namespace Scheduler.Api.Requests;

/// <summary>Validation of requests about request ids.</summary>
internal static class TraceRequestValidation
{
    public static IEnumerable<RequestValidator> All { get; } =
    [RequestValidator.For<GetRequestRequest>(r => r.Name, Check)];

    private static void Check(GetRequestRequest request, Faults faults)
    {
        if (request.Name.Split('/') is not ["requests", var id] || !Grammar.IsToken(id))
        {
            faults.Add("name", "Must be `requests/{request}`, the request 1 to 128 of A-Z a-z 0-9 . _ -.");
        }
    }
}
