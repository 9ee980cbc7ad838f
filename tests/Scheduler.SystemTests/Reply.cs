using Google.Rpc;
using Grpc.Core;
using Status = Google.Rpc.Status;

namespace Scheduler.SystemTests;

/// <summary>One answer of either transport.</summary>
/// <param name="Value">Null for a refusal.</param>
/// <param name="Error">Null for a success.</param>
/// <param name="RequestId">The <c>X-Request-Id</c> of the response.</param>
/// <param name="Code">The gRPC status code; null over HTTP.</param>
/// <param name="HttpStatus">The HTTP status; null over gRPC.</param>
internal sealed record Reply<T>(T? Value, Status? Error, string RequestId, StatusCode? Code, int? HttpStatus)
    where T : class
{
    public T Ok => Value ?? throw new InvalidOperationException($"Refused: {Error}");

    public ErrorInfo Info => Error!.GetDetail<ErrorInfo>()!;
}
