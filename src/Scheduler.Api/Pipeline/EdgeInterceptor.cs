using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Ids;
using Scheduler.Edge;

namespace Scheduler.Api.Pipeline;

/// <summary>
/// Wraps every method of the API on both transports: validates the request, checks the account of the resource it names
/// (INV-08), and formats errors. A service gets only valid requests for resources within the caller's account.
/// </summary>
internal sealed partial class EdgeInterceptor(ILogger<EdgeInterceptor> logger) : Interceptor
{
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request,
        ServerCallContext context,
        UnaryServerMethod<TRequest, TResponse> continuation
    )
    {
        try
        {
            Check(request, context);
            return await continuation(request, context);
        }
        catch (Exception e)
        {
            throw Answer(e, context);
        }
    }

    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation
    )
    {
        try
        {
            Check(request, context);
            await continuation(request, responseStream, context);
        }
        catch (Exception e)
        {
            throw Answer(e, context);
        }
    }

    private static void Check<TRequest>(TRequest request, ServerCallContext context)
        where TRequest : class
    {
        var scope = context.Scope();
        scope.ReachedService = true;
        context.ResponseTrailers.Add("x-request-id", scope.Id.Value);
        if (ApiSurface.Find(context.Method) is not { } method)
        {
            return;
        }

        if (method.Access != V1.Access.Anyone && scope.Caller is null)
        {
            throw new InvalidOperationException($"{context.Method} was reached without a checked key.");
        }

        var message = (Google.Protobuf.IMessage)request;
        var validator = RequestValidators.Of(message);
        validator.Check(message, scope.Faults);
        if (!scope.Faults.None)
        {
            throw new ApiException(ApiError.Invalid(scope.Faults.All));
        }

        var resource = validator.Resource(message);
        scope.Notes.Resource = resource;
        if (
            scope.Caller is { Account: not null } caller
            && ResourceName.AccountOf(resource) is { } account
            && !caller.MayActFor(new AccountId(account))
        )
        {
            throw new ApiException(ApiError.NotFound(resource));
        }
    }

    private RpcException Answer(Exception exception, ServerCallContext context)
    {
        if (exception is RpcException framed)
        {
            return framed;
        }

        var scope = context.Scope();
        var error = ErrorOf(exception, context);
        EdgeMetrics.RecordReason(context.GetHttpContext(), error);
        scope.HttpStatus = error.HttpStatus;
        scope.RetryAfter = error.RetryAfter;
        if (error.RetryAfter is { } after)
        {
            context.ResponseTrailers.Add("retry-after", after.WholeSeconds());
        }

        return ErrorStatus.Of(error, scope).ToRpcException();
    }

    private ApiError ErrorOf(Exception exception, ServerCallContext context)
    {
        if (exception is ApiException known)
        {
            return known.Error;
        }

        if (exception is OperationCanceledException && context.CancellationToken.IsCancellationRequested)
        {
            var isAborted = context.GetHttpContext().RequestAborted.IsCancellationRequested;
            return context.Deadline < DateTime.MaxValue && !isAborted
                ? ApiError.DeadlineExceeded()
                : ApiError.Cancelled();
        }

        if (ExceptionMapping.Find(exception) is { } error)
        {
            LogUnavailable(exception, context.Method);
            return error;
        }

        LogUnhandled(exception, context.Method);
        return ApiError.Internal();
    }
}
