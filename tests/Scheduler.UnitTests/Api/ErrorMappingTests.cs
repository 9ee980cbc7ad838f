using System.Collections.Immutable;
using Grpc.Core;
using Orleans.Storage;
using Scheduler.Api.V1;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Storage;
using Scheduler.Grains;
using Xunit;

namespace Scheduler.UnitTests.Api;

public sealed class ErrorMappingTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    public static TheoryData<string> Codes => [.. FailureCatalogue.All.Select(d => d.Code.WireName())];

    [Theory]
    [MemberData(nameof(Codes))]
    public async Task A_code_carries_the_same_facts_on_both_transports(string wireName)
    {
        Assert.True(FailureCodes.TryParse(wireName, out var code));
        var definition = FailureCatalogue.Definition(code);
        var failure = new global::Scheduler.Domain.Failures.Failure
        {
            Code = code,
            Message = "What happened.",
            Hint = "Do this.",
            Details = ImmutableSortedDictionary<string, string>.Empty.Add("needed_bytes", "42"),
        };
        var made = await api.SendAsync(
            "POST",
            "/v1/accounts/acct-a/instances",
            api.KeyOfA,
            """{"servingName":"m","spec":{"model":"a"},"requestId":"mapping"}"""
        );
        var name = made.Json.GetProperty("name").GetString()!;
        api.Cluster.OnStart = () => Refusal.Failed(failure);
        var http = await api.SendAsync("POST", $"/v1/{name}:start", api.KeyOfA, "{}");
        var grpc = await Assert.ThrowsAsync<RpcException>(async () =>
            await new Instances.InstancesClient(api.Grpc).StartInstanceAsync(
                new() { Name = name },
                ApiFixture.Headers(api.KeyOfA),
                cancellationToken: TestContext.Current.CancellationToken
            )
        );
        api.Cluster.OnStart = null;

        Assert.Equal(definition.HttpStatus, http.Status);
        Assert.Equal((int)grpc.StatusCode, http.Json.GetProperty("code").GetInt32());
        Assert.Equal(definition.GrpcStatus.Replace("_", ""), grpc.StatusCode.ToString(), ignoreCase: true);
        var status = grpc.GetRpcStatus()!;
        var info = status.GetDetail<Google.Rpc.ErrorInfo>()!;
        Assert.Equal((wireName, wireName), (http.Reason, info.Reason));
        Assert.Equal("scheduler.v1", info.Domain);
        Assert.Equal(Without(info.Metadata), Without(http.Metadata));
        Assert.Equal("42", info.Metadata["needed_bytes"]);
        Assert.Equal(http.RequestId, http.Metadata["request_id"]);
        Assert.Equal("Do this.", http.Metadata["hint"]);
        Assert.Equal(status.Message, http.Json.GetProperty("message").GetString());
        Assert.Equal(
            status.GetDetail<Google.Rpc.RetryInfo>() is not null,
            http.Detail("google.rpc.RetryInfo") is not null
        );
        Assert.Equal(
            $"/v1/failures/{wireName}",
            http.Detail("google.rpc.Help")!.Value.GetProperty("links")[0].GetProperty("url").GetString()
        );
    }

    public static TheoryData<Exception> OfTheCluster =>
        [
            new TimeoutException(),
            new InconsistentStateException("Another silo wrote it."),
            new InvalidOperationException("wrapped", new StorageException("The database could not be read.")),
            new StorageOutcomeUnknownException("The database did not answer."),
        ];

    [Theory]
    [MemberData(nameof(OfTheCluster))]
    public async Task Cluster_and_storage_errors_are_retryable(Exception thrown)
    {
        var made = await api.SendAsync(
            "POST",
            "/v1/accounts/acct-a/instances",
            api.KeyOfA,
            """{"servingName":"m","spec":{"model":"a"},"requestId":"mapping"}"""
        );
        api.Cluster.OnStart = () => throw thrown;
        var answer = await api.SendAsync(
            "POST",
            $"/v1/{made.Json.GetProperty("name").GetString()}:start",
            api.KeyOfA,
            "{}"
        );
        api.Cluster.OnStart = null;

        Assert.Equal((503, "UNAVAILABLE"), (answer.Status, answer.Reason));
        Assert.NotNull(answer.Detail("google.rpc.RetryInfo"));
    }

    [Fact]
    public async Task The_failure_catalogue_needs_no_key()
    {
        var list = await api.SendAsync("GET", "/v1/failures");
        Assert.Equal(FailureCatalogue.All.Length, list.Json.GetProperty("failures").GetArrayLength());
        var one = await api.SendAsync("GET", "/v1/failures/OOM_KILLED");
        Assert.Equal("FAILURE_CATEGORY_RUNTIME", one.Json.GetProperty("category").GetString());
        Assert.Equal(404, (await api.SendAsync("GET", "/v1/failures/NO_SUCH")).Status);
    }

    [Fact]
    public async Task Money_is_a_JSON_number()
    {
        var answer = await api.SendAsync(
            "POST",
            "/v1/accounts/acct-a:topUp",
            api.Operator,
            """{"amountMicroEur":9007199254,"reference":"r"}"""
        );
        Assert.Equal(9007199254, answer.Json.GetProperty("entry").GetProperty("amountMicroEur").GetInt64());
    }

    private static SortedDictionary<string, string> Without(IEnumerable<KeyValuePair<string, string>> metadata) =>
        new(metadata.Where(p => p.Key is not "request_id").ToDictionary());
}
