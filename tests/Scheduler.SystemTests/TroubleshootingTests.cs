using Google.Rpc;
using Scheduler.Api.V1;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>
/// Every launch failure code of the troubleshooting page, from its real cause, over both transports. Checks the code,
/// a hint with numbers and a request id that leads to it. All of it must survive a kill of the process.
/// </summary>
[Collection(TroubleGroup.Name)]
public sealed class TroubleshootingTests(TroubledScheduler troubled)
{
    public static TheoryData<string, string> EveryTroubleOverBothTransports()
    {
        var data = new TheoryData<string, string>();
        foreach (var code in Troubles.All.Keys)
        {
            data.Add(code, "http");
            data.Add(code, "grpc");
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(EveryTroubleOverBothTransports))]
    public async Task A_failed_launch_states_code_cause_and_remedy(string code, string transport)
    {
        var api = troubled.ApiClient(transport);
        var trouble = Troubles.All[code];

        var (failed, requestId) = await ProvokeAsync(api, trouble);

        Assert.Equal(code, failed.Failure.Code);
        Assert.NotEmpty(failed.Failure.Message);
        Assert.Matches(trouble.Hint, failed.Failure.Hint);
        Assert.Equal(requestId, failed.Failure.RequestId);
        Assert.Equal($"/v1/failures/{code}", failed.Failure.HelpUri);
        Assert.NotNull(failed.Failure.FailedAt);
        var told = (await api.GetRequestAsync(requestId)).Ok;
        var line = Assert.Single(told.Events, happened => happened.FailureCode == code);
        Assert.Equal(failed.Name, line.Subject);
        Assert.Equal("Failed", line.To);
    }

    [Fact]
    public async Task Failures_stay_on_their_instances_after_a_kill_and_a_restart()
    {
        var api = troubled.ApiClient("grpc");
        var failed = new List<(Instance Instance, string RequestId)>();
        foreach (var trouble in Troubles.All.Values)
        {
            failed.Add(await ProvokeAsync(api, trouble));
        }

        await troubled.Process.KillAsync();
        await troubled.Process.StartAsync(TestContext.Current.CancellationToken);

        foreach (var transport in new[] { "http", "grpc" })
        {
            var again = troubled.ApiClient(transport);
            foreach (var (before, requestId) in failed)
            {
                var after = (await again.GetInstanceAsync(before.Name)).Ok;
                Assert.Equal(InstanceState.Failed, after.State);
                Assert.Equal(before.Failure, after.Failure);
                var told = (await again.GetRequestAsync(requestId)).Ok;
                Assert.Contains(told.Events, happened => happened.FailureCode == before.Failure.Code);
            }
        }
    }

    /// <summary>Makes a launch fail, and checks that a refusal carries the same facts as the instance.</summary>
    private async Task<(Instance Failed, string RequestId)> ProvokeAsync(ApiClient api, Trouble trouble)
    {
        var account = await troubled.AccountAsync(api, trouble.MicroEuros);
        var created = await troubled.CreateAsync(api, account, trouble.Spec.Clone());
        var start = await api.StartAsync(created.Name);
        if (trouble.Status is { } status)
        {
            Assert.NotNull(start.Error);
            Assert.Equal(start.HttpStatus is null ? null : status.Http, start.HttpStatus);
            Assert.Equal(start.Code is null ? null : status.Grpc, start.Code);
        }

        var failed = await api.UntilAsync(created.Name, instance => instance.State == InstanceState.Failed);
        if (start.Error is { } error)
        {
            AssertTellsTheSame(start, error, failed.Failure);
        }

        return (failed, start.RequestId);
    }

    private static void AssertTellsTheSame(Reply<Instance> start, Status error, Failure failure)
    {
        Assert.Equal("scheduler.v1", start.Info.Domain);
        Assert.Equal(failure.Code, start.Info.Reason);
        Assert.Equal(failure.Message, error.Message);
        Assert.Equal(failure.Hint, start.Info.Metadata["hint"]);
        Assert.Equal(failure.Hint, error.GetDetail<LocalizedMessage>()?.Message);
        Assert.Equal(start.RequestId, start.Info.Metadata["request_id"]);
        Assert.Equal(start.RequestId, error.GetDetail<RequestInfo>()?.RequestId);
        Assert.Equal(failure.HelpUri, Assert.Single(error.GetDetail<Help>()!.Links).Url);
        Assert.All(failure.Details, fact => Assert.StartsWith(Short(fact.Value), start.Info.Metadata[fact.Key]));
    }

    /// <summary>Error details are sent in headers, which limit the length of a fact.</summary>
    private static string Short(string fact) => fact.Length <= 1024 ? fact : fact[..1024];
}
