using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Scheduler.Edge;
using Status = Google.Rpc.Status;

namespace Scheduler.Api.Pipeline;

/// <summary>Converts a <see cref="ApiError"/> to <c>google.rpc.Status</c>, which both transports send.</summary>
internal static class ErrorStatus
{
    public const string Domain = "scheduler.v1";

    /// <summary>Where gRPC sends the details of a status.</summary>
    public const string DetailsTrailer = "grpc-status-details-bin";

    /// <summary>
    /// Maximum characters of a fact; longer ones are cut and end with an ellipsis, because HTTP headers carry error
    /// details.
    /// </summary>
    private const int LongestFact = 1024;

    /// <summary>The types of the details; JSON formatting fails for a type that is not registered.</summary>
    public static TypeRegistry Types { get; } =
        TypeRegistry.FromMessages(
            ErrorInfo.Descriptor,
            BadRequest.Descriptor,
            Help.Descriptor,
            RetryInfo.Descriptor,
            RequestInfo.Descriptor,
            LocalizedMessage.Descriptor,
            Status.Descriptor
        );

    public static Status Of(ApiError error, RequestScope scope)
    {
        var status = new Status { Code = (int)error.Code, Message = error.Message };
        status.Details.Add(Any.Pack(Info(error, scope)));
        status.Details.Add(Any.Pack(new RequestInfo { RequestId = scope.Id.Value }));
        if (!error.Faults.IsEmpty)
        {
            var bad = new BadRequest();
            bad.FieldViolations.AddRange(
                error.Faults.Select(f => new BadRequest.Types.FieldViolation
                {
                    Field = f.Field,
                    Description = f.Description,
                })
            );
            status.Details.Add(Any.Pack(bad));
        }

        if (error.IsCatalogued)
        {
            var help = new Help();
            help.Links.Add(
                new Help.Types.Link { Description = $"What {error.Reason} means", Url = HelpUri(error.Reason) }
            );
            status.Details.Add(Any.Pack(help));
        }

        if (error.RetryAfter is { } after)
        {
            status.Details.Add(Any.Pack(new RetryInfo { RetryDelay = Duration.FromTimeSpan(after) }));
        }

        if (error.Hint is { } hint)
        {
            status.Details.Add(Any.Pack(new LocalizedMessage { Locale = "en", Message = hint }));
        }

        return status;
    }

    public static string HelpUri(string reason) => $"/v1/failures/{reason}";

    private static ErrorInfo Info(ApiError error, RequestScope scope)
    {
        var info = new ErrorInfo { Reason = error.Reason, Domain = Domain };
        foreach (var (name, value) in error.Details)
        {
            info.Metadata[name] =
                value.Length <= LongestFact ? value : string.Concat(value.AsSpan(0, LongestFact), "…");
        }

        if (error.Hint is { } hint)
        {
            info.Metadata["hint"] = hint;
        }

        info.Metadata["request_id"] = scope.Id.Value;
        return info;
    }
}
