using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Services;
using Scheduler.Grains;
using Scheduler.Grains.Services;
using Scheduler.Inference.Services;
using Scheduler.Inference.Upstream;
using Scheduler.TestKit;
using Scheduler.UnitTests.Api;
using Xunit;

namespace Scheduler.UnitTests.Inference.Services;

/// <summary>Requests to a service, through the real gateway.</summary>
public sealed class ServiceGatewayTests
{
    private const string Chat = "/v1/chat/completions";
    private const string Hello = """{"model":"front","messages":[{"role":"user","content":"hello"}]}""";
    private const string HelloStream =
        """{"model":"front","stream":true,"messages":[{"role":"user","content":"hello"}]}""";
    private const string Boots = "Replica front-1-1 is starting since 12:00:00 at demo/eu/A100.";

    private static readonly ServiceId Id = new("svc-aaaaaaaaaaaaaaaaaaaa");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_request_waits_for_the_first_replica_and_wakes_the_service_at_once()
    {
        await using var gateway = await GatewayFixture.StartAsync(new() { Clock = new FakeTimeProvider() });
        var (service, replica) = await BootingAsync(gateway);
        var answer = gateway.PostAsync(Chat, Hello);

        // The clock stands still: the report does not wait for the next second.
        await Eventually.TrueAsync(() => !service.Loads.IsEmpty, "the service knows");
        Assert.Equal((0, 1), (service.Loads.First().Outstanding, service.Loads.First().Held));
        Assert.False(answer.IsCompleted);
        Run(replica);
        using var response = await PassingAsync(gateway, answer);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("front-1-1", response.Headers.GetValues("X-Instance").Single());
    }

    [Fact]
    public async Task More_requests_than_a_replica_takes_at_once_wait_and_all_are_answered_in_order()
    {
        var came = new List<string>();
        await using var gateway = await GatewayFixture.StartAsync();
        var (service, replica) = await BootingAsync(
            gateway,
            async http =>
            {
                using var body = await JsonDocument.ParseAsync(http.Request.Body, cancellationToken: Ct);
                came.Add(body.RootElement.GetProperty("user").GetString()!);
                await AnswerAsync(http);
            },
            atOnce: 1
        );
        var answers = new List<Task<HttpResponseMessage>>();
        for (var i = 0; i < 6; i++)
        {
            answers.Add(gateway.PostAsync(Chat, Hello.Replace("{\"model\"", $"{{\"user\":\"{i}\",\"model\"")));
            var held = i + 1;
            await HeldAsync(gateway, held);
        }

        Run(replica);
        foreach (var answer in answers)
        {
            using var response = await answer;
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        Assert.Equal(["0", "1", "2", "3", "4", "5"], came);
        await Eventually.TrueAsync(
            () => service.Loads.Last() is { Outstanding: 0, Held: 0 },
            "the last report says that there is no load"
        );
    }

    [Fact]
    public async Task A_failure_that_no_retry_cures_answers_all_that_wait_and_those_that_come()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        var (service, _) = await BootingAsync(gateway);
        var answers = Enumerable.Range(0, 5).Select(_ => gateway.RefusedAsync(Chat, Hello)).ToList();
        await HeldAsync(gateway, 5);
        service.Put(
            service.View! with
            {
                Failure = new FailureRecord
                {
                    Failure = FailureCatalogue.Describe(
                        new NotRunningFacts(new("i-1"), "front", InstanceState.Failed)
                    ) with
                    {
                        Code = FailureCode.ModelLoadError,
                        Message = "No such file.",
                    },
                },
            }
        );
        answers.Add(gateway.RefusedAsync(Chat, Hello));

        foreach (var answer in answers)
        {
            var (status, error) = await answer;
            Assert.Equal(502, status);
            Assert.Equal("MODEL_LOAD_ERROR", error.GetProperty("code").GetString());
            Assert.StartsWith("No such file.", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task One_request_more_than_the_service_permits_is_refused_with_what_it_waits_for()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        var (_, replica) = await BootingAsync(gateway, hold: new HoldSettings { MaxRequests = 1 });
        var first = gateway.PostAsync(Chat, Hello);
        await HeldAsync(gateway, 1);
        using var refused = await gateway.PostAsync(Chat, Hello);
        var error = await ErrorAsync(refused);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.Equal("SERVICE_NOT_READY", error.GetProperty("code").GetString());
        Assert.Equal(TimeSpan.FromSeconds(10), refused.Headers.RetryAfter!.Delta);
        Assert.Contains(Boots, error.GetProperty("message").GetString(), StringComparison.Ordinal);
        var details = error.GetProperty("details");
        Assert.Equal("service_full", details.GetProperty("cause").GetString());
        Assert.Equal(Boots, details.GetProperty("waits_for").GetString());
        Run(replica);
        using var answered = await first;
        Assert.Equal(HttpStatusCode.OK, answered.StatusCode);
    }

    [Theory]
    [InlineData("MaxHeldRequests", "1", "process_full")]
    [InlineData("HeldMemoryPercent", "0", "memory_full")]
    public async Task A_process_holds_no_more_than_its_settings_permit(string setting, string value, string cause)
    {
        await using var gateway = await GatewayFixture.StartAsync(
            new() { Settings = new Dictionary<string, string> { [setting] = value } }
        );
        var (_, replica) = await BootingAsync(gateway);
        var first = cause == "process_full" ? gateway.PostAsync(Chat, Hello) : null;
        await HeldAsync(gateway, first is null ? 0 : 1);
        var (status, error) = await gateway.RefusedAsync(Chat, Hello);
        Assert.Equal(503, status);
        Assert.Equal(cause, error.GetProperty("details").GetProperty("cause").GetString());
        Run(replica);
        using var answered = await (first ?? Task.FromResult(new HttpResponseMessage()));
        Assert.Equal(HttpStatusCode.OK, answered.StatusCode);
    }

    [Fact]
    public async Task A_request_that_waited_as_long_as_it_may_is_refused()
    {
        await using var gateway = await GatewayFixture.StartAsync(new() { Clock = new FakeTimeProvider() });
        await BootingAsync(gateway, hold: new HoldSettings { MaxWait = TimeSpan.FromSeconds(20) });
        var answer = gateway.PostAsync(Chat, Hello);
        await HeldAsync(gateway, 1);
        using var refused = await PassingAsync(gateway, answer);
        var error = await ErrorAsync(refused);
        Assert.Equal("SERVICE_NOT_READY", error.GetProperty("code").GetString());
        Assert.Equal("too_late", error.GetProperty("details").GetProperty("cause").GetString());
        Assert.InRange(
            int.Parse(
                error.GetProperty("details").GetProperty("waited_seconds").GetString()!,
                CultureInfo.InvariantCulture
            ),
            20,
            21
        );
    }

    [Fact]
    public async Task A_stream_that_waits_gets_comments_and_then_the_events()
    {
        await using var gateway = await GatewayFixture.StartAsync(new() { Clock = new FakeTimeProvider() });
        var (_, replica) = await BootingAsync(gateway);
        var answer = gateway.PostAsync(Chat, HelloStream, HttpCompletionOption.ResponseHeadersRead);
        await HeldAsync(gateway, 1);
        await Task.Yield();
        Assert.False(answer.IsCompleted);
        ((FakeTimeProvider)gateway.Clock).Advance(ClientAnswer.MostSilence);
        using var response = await answer;
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        Run(replica);
        var text = await PassingAsync(gateway, response.Content.ReadAsStringAsync(Ct));
        Assert.StartsWith(":", text, StringComparison.Ordinal);
        Assert.EndsWith("data: [DONE]\n\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stream_that_waited_too_long_ends_with_the_refusal_as_its_event()
    {
        await using var gateway = await GatewayFixture.StartAsync(new() { Clock = new FakeTimeProvider() });
        await BootingAsync(gateway, hold: new HoldSettings { MaxWait = TimeSpan.FromSeconds(20) });
        var answer = gateway.PostAsync(Chat, HelloStream);
        await HeldAsync(gateway, 1);
        using var response = await PassingAsync(gateway, answer);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Contains("SERVICE_NOT_READY", await response.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_that_goes_away_leaves_the_queue()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        var (service, _) = await BootingAsync(gateway);
        using var gone = new CancellationTokenSource();
        using var request = new HttpRequestMessage(HttpMethod.Post, Chat)
        {
            Content = new StringContent(Hello, Encoding.UTF8, "application/json"),
        };
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {gateway.Key}");
        var answer = gateway.Http.SendAsync(request, gone.Token);
        await HeldAsync(gateway, 1);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);
        await HeldAsync(gateway, 0);
        Assert.Equal((0, 0L), gateway.Services.GetRequiredService<HoldBudget>().Held);
        await Eventually.TrueAsync(
            () => service.Loads.Last() is { Outstanding: 0, Held: 0 },
            "the last report says that there is no load"
        );
    }

    [Fact]
    public async Task Requests_that_wait_are_refused_when_the_process_stops()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        await BootingAsync(gateway);
        var answer = gateway.RefusedAsync(Chat, Hello);
        await HeldAsync(gateway, 1);
        gateway.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        var (status, error) = await answer;
        Assert.Equal(503, status);
        Assert.Equal("UNAVAILABLE", error.GetProperty("code").GetString());
    }

    [Fact]
    public async Task Requests_to_a_service_that_is_deleted_are_refused()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        var (service, _) = await BootingAsync(gateway);
        var answer = gateway.RefusedAsync(Chat, Hello);
        await HeldAsync(gateway, 1);
        service.Put(null);
        Assert.Equal("MODEL_NOT_FOUND", (await answer).Error.GetProperty("code").GetString());
    }

    [Fact]
    public async Task Output_counts_as_load_while_it_arrives()
    {
        var end = new TaskCompletionSource();
        var clock = new FakeTimeProvider();
        await using var gateway = await GatewayFixture.StartAsync(new() { Clock = clock });
        var (service, replica) = await BootingAsync(
            gateway,
            async http =>
            {
                http.Response.ContentType = "text/event-stream";
                for (var i = 0; i < 20; i++)
                {
                    await http.Response.WriteAsync("data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n", Ct);
                }

                await http.Response.Body.FlushAsync(Ct);
                await end.Task;
                await http.Response.WriteAsync(
                    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":25}}\n\ndata: [DONE]\n\n",
                    Ct
                );
            }
        );
        Run(replica);
        var answer = gateway.PostAsync(Chat, HelloStream);
        await ReportedAsync(20);
        Assert.Contains(
            service.Loads,
            load => load.Outstanding == 1 && load.Replicas.Single() == new ReplicaLoad(new("i-front-1-1"), 1)
        );
        end.SetResult();
        using var response = await answer;
        await ReportedAsync(25);

        // A report covers the seconds since the one before, and its rate is rounded up.
        Task ReportedAsync(long tokens) =>
            Eventually.TrueAsync(
                () => service.Loads.Sum(load => load.TokensPerSecond) >= tokens,
                $"{tokens} tokens are reported",
                clock,
                TimeSpan.FromMilliseconds(20)
            );
    }

    /// <summary>A service at zero whose first replica boots.</summary>
    private static async Task<(FakeService Service, FakeInstance Replica)> BootingAsync(
        GatewayFixture gateway,
        RequestDelegate? runtime = null,
        HoldSettings? hold = null,
        int? atOnce = null
    )
    {
        var replica = await gateway.ServeAsync("front-1-1", runtime ?? AnswerAsync, atOnce: atOnce);
        replica.Put(replica.Record with { State = InstanceState.Starting });
        var service = (FakeService)gateway.Cluster.Service(Id);
        service.Put(
            new ServiceServing
            {
                Account = GatewayFixture.Account,
                ServingName = "front",
                Replicas = [new ServingReplica(replica.Record.Id, "front-1-1", IsReady: false)],
                Hold = hold ?? new HoldSettings(),
                WaitsFor = Boots,
            }
        );
        return (service, replica);
    }

    private static void Run(FakeInstance replica) => replica.Put(replica.Record with { State = InstanceState.Running });

    private static Task HeldAsync(GatewayFixture gateway, int requests) =>
        Eventually.TrueAsync(
            () => gateway.Services.GetRequiredService<HoldBudget>().Held.Requests == requests,
            $"{requests} requests wait"
        );

    /// <summary>Lets time pass until the task has ended.</summary>
    private static async Task<T> PassingAsync<T>(GatewayFixture gateway, Task<T> task)
    {
        await Eventually.TrueAsync(
            () => task.IsCompleted,
            "it has ended",
            (FakeTimeProvider)gateway.Clock,
            TimeSpan.FromMilliseconds(100)
        );
        return await task;
    }

    private static async Task<JsonElement> ErrorAsync(HttpResponseMessage response) =>
        JsonDocument.Parse(await response.Content.ReadAsStringAsync(Ct)).RootElement.GetProperty("error");

    private static async Task AnswerAsync(HttpContext http)
    {
        using var reader = new StreamReader(http.Request.Body);
        var isStream = (await reader.ReadToEndAsync(Ct)).Contains("\"stream\":true", StringComparison.Ordinal);
        http.Response.ContentType = isStream ? "text/event-stream" : "application/json";
        await http.Response.WriteAsync(
            isStream
                ? "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\ndata: [DONE]\n\n"
                : """{"choices":[{"message":{"content":"hi"}}]}""",
            Ct
        );
    }
}
