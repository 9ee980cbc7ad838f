using Grpc.Core;
using Scheduler.Api.Pipeline;
using Scheduler.Api.V1;
using Scheduler.Domain.Failures;
using Scheduler.Edge;

namespace Scheduler.Api.Failures;

internal sealed class FailuresService : V1.Failures.FailuresBase
{
    public override Task<ListFailuresResponse> ListFailures(ListFailuresRequest request, ServerCallContext context)
    {
        var response = new ListFailuresResponse();
        response.Failures.AddRange(FailureCatalogue.All.Select(definition => definition.ToProto()));
        return Task.FromResult(response);
    }

    public override Task<V1.FailureDefinition> GetFailure(GetFailureRequest request, ServerCallContext context) =>
        FailureCodes.TryParse(ResourceName.LastOf(request.Name, "failures"), out var code) && code != FailureCode.None
            ? Task.FromResult(FailureCatalogue.Definition(code).ToProto())
            : throw new ApiException(ApiError.NotFound(request.Name));
}
