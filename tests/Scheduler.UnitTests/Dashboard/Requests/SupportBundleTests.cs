using System.Collections.Immutable;
using System.Text;
using Scheduler.Dashboard.Requests;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Keys;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Xunit;

namespace Scheduler.UnitTests.Dashboard.Requests;

public sealed class SupportBundleTests
{
    private const string Secret = "hunter2";

    [Fact]
    public void A_support_bundle_contains_no_secret()
    {
        var happened = new StoredEvent
        {
            Sequence = 1,
            Trigger = "Ready",
            To = "Running",
            Reason = $"runtime answers at http://u:{Secret}@10.0.0.1:8000/",
            RequestId = new RequestId("req-a"),
            Actor = "scheduler",
            Data = ImmutableSortedDictionary<string, string>.Empty.Add("token", Secret),
        };
        var instance = new InstanceRecord
        {
            Id = new InstanceId("i-aaaaaaaaaaaaaaaaaaaa"),
            Account = new AccountId("acct-one"),
            Generation = 1,
            State = InstanceState.Running,
            RequestId = new RequestId("req-a"),
            Labels = ImmutableSortedDictionary<string, string>.Empty.Add("password", Secret),
            Spec = new LaunchSpec { Model = "m", RuntimeArguments = ["--api-key", Secret, "--max-model-len", "10"] },
            Intent = new AllocationIntent
            {
                Key = new AllocationKey("i-aaaaaaaaaaaaaaaaaaaa.1.1"),
                Offer = new Offer(
                    new ProviderId("p"),
                    "o",
                    "eu",
                    "L4",
                    1,
                    CapacityTier.Community,
                    false,
                    MicroEuro.FromEuros(1),
                    1
                ),
            },
            Allocation = new Allocation
            {
                ProviderAllocationId = "a-1",
                Endpoint = new Uri($"http://u:{Secret}@10.0.0.1:8000/"),
            },
            Failure = new FailureRecord
            {
                Failure = new Failure
                {
                    Code = FailureCode.RuntimeExited,
                    Details = ImmutableSortedDictionary<string, string>.Empty.Add(
                        "output_tail",
                        $"VLLM_API_KEY={Secret}\nprompt: '{Secret}'\nit broke"
                    ),
                },
            },
        };
        var key = new KeyRecord { Id = "key-a", SecretSha256 = Secret };

        var json = Encoding.UTF8.GetString(
            new SupportBundle
            {
                RequestId = "req-a",
                SchedulerVersion = "1",
                MadeAt = DateTimeOffset.UnixEpoch,
                MadeFor = "operator",
                Answers = [],
                Events = [EventPart.Of(happened, new EventSubject("instance", instance.Id.Value, instance.Account))],
                Instances = [InstancePart.Of(instance, [happened])],
                Accounts = [],
                Providers = [],
                Balancers = [],
                Keys = [KeyPart.Of(key)],
            }.ToJson()
        );

        Assert.DoesNotContain(Secret, json, StringComparison.Ordinal);
        Assert.Contains("it broke", json, StringComparison.Ordinal);
        Assert.Contains("\"--max-model-len\"", json, StringComparison.Ordinal);
        Assert.Contains("\"state\": \"running\"", json, StringComparison.Ordinal);
        Assert.Contains("instance/i-aaaaaaaaaaaaaaaaaaaa", json, StringComparison.Ordinal);
        Assert.Contains("i-aaaaaaaaaaaaaaaaaaaa.1.1", json, StringComparison.Ordinal);
    }
}
