using Scheduler.Domain.Ids;
using Scheduler.Domain.Keys;
using Xunit;

namespace Scheduler.UnitTests.Api;

public sealed class MaskedArgumentsTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    private const string Instances = "/v1/accounts/acct-a/instances";

    private const string Body = """
        {"serving_name":"masked","request_id":"masked-1","spec":{"model":"Qwen/Qwen2.5-0.5B-Instruct",
        "runtime_arguments":["--api-key","hunter2","--hf-token=hunter2","--db-password","hunter2","--seed","7"]}}
        """;

    private static readonly string[] Masked =
    [
        "--api-key",
        "***",
        "--hf-token=***",
        "--db-password",
        "***",
        "--seed",
        "7",
    ];

    [Fact]
    public async Task Secrets_in_runtime_arguments_are_masked_for_viewers_and_in_lists()
    {
        var made = await api.SendAsync("POST", Instances, api.KeyOfA, Body);
        Assert.Equal(200, made.Status);
        var path = $"/v1/{made.Json.GetProperty("name").GetString()}";
        var viewer = await api.KeyAsync(new AccountId("acct-a"), KeyRole.Viewer);

        Assert.Contains("hunter2", made.Text, StringComparison.Ordinal);
        Assert.Contains("hunter2", (await api.SendAsync("GET", path, api.KeyOfA)).Text, StringComparison.Ordinal);
        Assert.Equal(Masked, Arguments((await api.SendAsync("GET", path, viewer)).Json));
        foreach (var key in new[] { viewer, api.KeyOfA, api.Operator })
        {
            var list = await api.SendAsync("GET", Instances, key);
            Assert.DoesNotContain("hunter2", list.Text, StringComparison.Ordinal);
            Assert.Equal(Masked, Arguments(list.Json.GetProperty("instances")[0]));
        }
    }

    private static string?[] Arguments(System.Text.Json.JsonElement instance) =>
        [
            .. instance
                .GetProperty("spec")
                .GetProperty("runtimeArguments")
                .EnumerateArray()
                .Select(one => one.GetString()),
        ];
}
