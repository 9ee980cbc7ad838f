using System.Collections.Frozen;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Scheduler.Api.Balancers;
using Scheduler.Api.Billing;
using Scheduler.Api.Failures;
using Scheduler.Api.Firewalls;
using Scheduler.Api.Instances;
using Scheduler.Api.Keys;
using Scheduler.Api.Models;
using Scheduler.Api.Providers;
using Scheduler.Api.Requests;
using Scheduler.Api.Schedules;
using Scheduler.Edge;

namespace Scheduler.Api.Edge;

/// <summary>Validation of every request, before any grain call. Each method has exactly one rule.</summary>
internal static class RequestRules
{
    private static readonly FrozenDictionary<string, RequestRule> ByMessage = new[]
    {
        AccountRules.All,
        BalancerRules.All,
        KeyRules.All,
        InstanceRules.All,
        ScheduleRules.All,
        ModelRules.All,
        ProviderRules.All,
        FailureRules.All,
        RequestIdRules.All,
        FirewallRules.All,
    }
        .SelectMany(rules => rules)
        .ToFrozenDictionary(rule => rule.Message.FullName, StringComparer.Ordinal);

    /// <exception cref="InvalidOperationException">A method was added without a rule.</exception>
    public static RequestRule Of(IMessage request) =>
        ByMessage.GetValueOrDefault(request.Descriptor.FullName)
        ?? throw new InvalidOperationException($"{request.Descriptor.FullName} has no rule.");
}

/// <param name="Resource">The resource name in the request; empty if it names none.</param>
internal sealed record RequestRule(
    MessageDescriptor Message,
    Func<IMessage, string> Resource,
    Action<IMessage, Faults> Check
)
{
    public static RequestRule For<T>(Func<T, string> resource, Action<T, Faults> check)
        where T : IMessage<T>, new() =>
        new(new T().Descriptor, message => resource((T)message), (message, faults) => check((T)message, faults));
}
