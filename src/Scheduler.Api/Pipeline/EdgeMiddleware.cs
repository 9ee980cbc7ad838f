using System.Globalization;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Grpc.JsonTranscoding;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Scheduler.Api.V1;
using Scheduler.Edge;
using Scheduler.Edge.Limits;
using Scheduler.Edge.Requests;

namespace Scheduler.Api.Pipeline;

/// <summary>
/// Runs before a service on both transports: checks the key, its limits and its permission for the method. For HTTP it
/// also checks the body size and every field and query parameter, because JSON transcoding silently drops unknown ones.
/// </summary>
internal sealed class EdgeMiddleware(
    RequestDelegate next,
    [FromKeyedServices(ApiSetup.AdmissionKey)] RequestAdmission admission,
    IOptions<ApiOptions> options
)
{
    /// <summary>
    /// Bytes of memory for one of a JSON body: the body, its clean copy, and texts of two bytes a character. Registrations
    /// of GGUF headers take the most: 10 bytes were measured.
    /// </summary>
    private const int TimesOfJson = 10;

    public async Task InvokeAsync(HttpContext http)
    {
        var endpoint = http.GetEndpoint();
        if (endpoint?.Metadata.GetMetadata<GrpcMethodMetadata>() is not { } grpc)
        {
            await next(http);
            return;
        }

        if (ApiSurface.Find(grpc.Method.FullName) is not { } method)
        {
            await next(http);
            return;
        }

        var notes = http.Scope().Notes;
        notes.Plane = Planes.Api;
        notes.What = method.GrpcPath;
        using var admitted = await AdmitAsync(http, method);
        if (endpoint.Metadata.GetMetadata<GrpcJsonTranscodingMetadata>() is { } transcoding)
        {
            await ReadStrictlyAsync(http, method, transcoding);
            await next(http);
            return;
        }

        // A gRPC frame tells its length first, so the server's own limit is not needed. It would end the call without a
        // status.
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = null;
        }

        MeteredMessage.Use(http, LimitOf(method));
        await next(http);
        if (!http.Scope().ReachedService && !http.Response.HasStarted && !http.RequestAborted.IsCancellationRequested)
        {
            ExplainUnread(http, LimitOf(method));
        }
    }

    /// <summary>
    /// Gives a reason to the status of a call whose message was not read: gRPC itself answers UNKNOWN for most of them.
    /// </summary>
    private static void ExplainUnread(HttpContext http, long limit)
    {
        var headers = http.Response.Headers;
        if (
            headers.ContainsKey(ErrorStatus.DetailsTrailer)
            || !int.TryParse(headers.GrpcStatus, CultureInfo.InvariantCulture, out var status)
        )
        {
            return;
        }

        var error = (StatusCode)status switch
        {
            StatusCode.ResourceExhausted => ApiError.BodyTooLarge(limit),
            StatusCode.Unknown or StatusCode.Internal or StatusCode.InvalidArgument => ApiError.MalformedMessage(),
            _ => null,
        };
        if (error is null)
        {
            return;
        }

        EdgeMetrics.RecordReason(http, error);
        var explained = ErrorStatus.Of(error, http.Scope()).ToRpcException();
        headers.GrpcStatus = ((int)explained.StatusCode).ToString(CultureInfo.InvariantCulture);
        headers.GrpcMessage = Uri.EscapeDataString(explained.Status.Detail);
        foreach (var trailer in explained.Trailers)
        {
            headers[trailer.Key] = trailer.IsBinary ? Convert.ToBase64String(trailer.ValueBytes) : trailer.Value;
        }
    }

    private async Task<RequestLease> AdmitAsync(HttpContext http, ApiMethod method)
    {
        var load = new RequestLoad(method.Descriptor.IsServerStreaming, LimitOf(method));
        return method.Access == Access.Anyone
            ? await admission.AdmitAnyoneAsync(http, load)
            : await admission.AdmitAsync(http, load, method.Changes, operatorsOnly: method.Access == Access.Operator);
    }

    private async Task ReadStrictlyAsync(HttpContext http, ApiMethod method, GrpcJsonTranscodingMetadata transcoding)
    {
        var faults = http.Scope().Faults;
        var strict = new StrictRequest(transcoding.MethodDescriptor.InputType, transcoding.HttpRule, faults);
        http.Request.QueryString = strict.ReadQuery(http.Request.Query);
        var limit = LimitOf(method);
        var body = await BodyBytes.ReadAsync(http, limit, TimesOfJson);
        if (transcoding.HttpRule.Body.Length == 0)
        {
            if (body.Length > 0)
            {
                faults.Add("body", "This method takes no body.");
            }

            http.Request.Body = Stream.Null;
            http.Request.ContentLength = null;
            return;
        }

        if (body.Length > 0 && !IsPlainJson(http.Request))
        {
            throw new ApiException(ApiError.OfHttpStatus(StatusCodes.Status415UnsupportedMediaType, http.Request.Path));
        }

        var clean = strict.ReadBody(body);
        http.Request.ContentType = "application/json";
        http.Request.Body = new MemoryStream(clean, writable: false);
        http.Request.ContentLength = clean.Length;
    }

    private int LimitOf(ApiMethod method) =>
        method.TakesFile ? options.Value.MaxModelBodyBytes : options.Value.MaxBodyBytes;

    private static bool IsPlainJson(HttpRequest request) =>
        Microsoft.Net.Http.Headers.MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
        && type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
        && (!type.Charset.HasValue || type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase))
        && request.Headers.ContentEncoding.Count == 0;
}
