using System.Collections.Frozen;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Scheduler.Api.Balancers;
using Scheduler.Api.Billing;
using Scheduler.Api.Failures;
using Scheduler.Api.Firewalls;
using Scheduler.Api.Hosts;
using Scheduler.Api.Instances;
using Scheduler.Api.Keys;
using Scheduler.Api.Models;
using Scheduler.Api.Providers;
using Scheduler.Api.Requests;
using Scheduler.Api.Schedules;
using Scheduler.Api.Secrets;
using Scheduler.Api.Services;
using Scheduler.Edge;

namespace Scheduler.Api.Pipeline;

/// <summary>Validation of every request, before any grain call. Each method has exactly one validator.</summary>
internal static class RequestValidators
{
    private static readonly FrozenDictionary<string, RequestValidator> ByMessage = new[]
    {
        AccountRequestValidation.All,
        BalancerRequestValidation.All,
        KeyRequestValidation.All,
        InstanceRequestValidation.All,
        ScheduleRequestValidation.All,
        ModelRequestValidation.All,
        ProviderRequestValidation.All,
        FailureRequestValidation.All,
        TraceRequestValidation.All,
        FirewallRequestValidation.All,
        SecretRequestValidation.All,
        HostRequestValidation.All,
        ServiceRequestValidation.All,
    }
        .SelectMany(validators => validators)
        .ToFrozenDictionary(validator => validator.Message.FullName, StringComparer.Ordinal);

    /// <exception cref="InvalidOperationException">A method was added without a validator.</exception>
    public static RequestValidator Of(IMessage request) =>
        ByMessage.GetValueOrDefault(request.Descriptor.FullName)
        ?? throw new InvalidOperationException($"{request.Descriptor.FullName} has no validator.");
}

/// <param name="Resource">The resource name in the request; empty if it names none.</param>
internal sealed record RequestValidator(
    MessageDescriptor Message,
    Func<IMessage, string> Resource,
    Action<IMessage, Faults> Check
)
{
    public static RequestValidator For<T>(Func<T, string> resource, Action<T, Faults> check)
        where T : IMessage<T>, new() =>
        new(new T().Descriptor, message => resource((T)message), (message, faults) => check((T)message, faults));
}
