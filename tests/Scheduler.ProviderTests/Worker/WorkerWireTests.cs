using System.Collections.Immutable;
using System.Text.Json;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.ModelFit;
using Scheduler.Providers.Worker;
using Xunit;

namespace Scheduler.ProviderTests.Worker;

/// <summary>The shapes of the worker's API, version 1. Workers and the scheduler may differ by a version, so they never change.</summary>
public sealed class WorkerWireTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void An_allocation_request_is_written_and_read_the_same()
    {
        var request = new AllocationRequest(
            new AllocationKey("i-a-r1-a1"),
            new AllocationTag("c", new InstanceId("i-a")),
            new Offer(
                new ProviderId("worker"),
                "gpu-1/L4x1",
                "gpu-1",
                "L4",
                1,
                CapacityTier.Dedicated,
                false,
                default,
                1
            ),
            new RuntimeSpec
            {
                Preset = "vllm",
                Model = "org/m",
                ServingName = "chat",
                ContextTokens = 4096,
                ExtraArguments = ["--x"],
                Plan = new LaunchPlan(WeightFormat.Fp8, KvFormat.Bf16, 4096, 2, "vllm"),
            },
            new RuntimeKey("k")
        )
        {
            Environment = ImmutableSortedDictionary<string, string>.Empty.Add("HF_TOKEN", "t"),
        };

        var json = JsonSerializer.Serialize(request.ToWire("L4x1"), WorkerWire.Json);
        var read = JsonSerializer
            .Deserialize<WorkerAllocate>(json, WorkerWire.Json)!
            .ToRequest(new ProviderId("process"));

        Assert.StartsWith(
            """{"key":"i-a-r1-a1","cluster":"c","instance":"i-a","offerId":"L4x1","runtime":{"preset":"vllm","model":"org/m","servingName":"chat","contextTokens":4096,""",
            json
        );
        Assert.EndsWith(""","runtimeKey":"k","environment":{"HF_TOKEN":"t"}}""", json);
        Assert.Equal((request.Key, request.Tag, request.RuntimeKey), (read.Key, read.Tag, read.RuntimeKey));
        Assert.Equal("L4x1", read.Offer.OfferId);
        Assert.Equal(request.Environment, read.Environment);
        Assert.Equal(request.Runtime.ExtraArguments, read.Runtime.ExtraArguments);
        Assert.Equal(request.Runtime with { ExtraArguments = [] }, read.Runtime with { ExtraArguments = [] });
    }

    [Fact]
    public void Answers_are_written_as_in_version_1()
    {
        var allocation = new Allocation
        {
            Key = new AllocationKey("i-a-r1-a1"),
            Tag = new AllocationTag("c", new InstanceId("i-a")),
            ProviderAllocationId = "process/i-a-r1-a1",
            Status = AllocationStatus.Exited,
            Endpoint = new Uri("http://10.0.0.1:28000/"),
            Exit = new RuntimeExit { ExitCode = 1, OutputTail = "x" },
            CreatedAt = Noon,
            Tokenizer = new RuntimeTokenizer("/tokenize", TokenizeShape.LlamaServer),
        };
        const string text =
            """{"key":"i-a-r1-a1","tag":{"cluster":"c","instance":"i-a"},"providerAllocationId":"process/i-a-r1-a1","status":"Exited","endpoint":"http://10.0.0.1:28000/","exit":{"exitCode":1,"outputTail":"x"},"createdAt":"2026-03-01T12:00:00+00:00","tokenizer":{"path":"/tokenize","shape":"LlamaServer"}}""";

        Assert.Equal($$"""{"allocation":{{text}}}""", Write(new WorkerAllocated { Allocation = allocation }));
        Assert.Equal($$"""{"allocation":{{text}}}""", Write(new WorkerFound { Allocation = allocation }));
        Assert.Equal($$"""{"allocations":[{{text}}]}""", Write(new WorkerAllocations { Allocations = [allocation] }));
        Assert.Equal(
            """{"rejection":{"kind":"OutOfStock","providerWords":"none"}}""",
            Write(new WorkerAllocated { Rejection = new Rejection(RejectionKind.OutOfStock, "none") })
        );
        Assert.Equal("""{"outcome":"Pending"}""", Write(new WorkerReleased { Outcome = ReleaseOutcome.Pending }));
        Assert.Equal("{}", Write(new WorkerFound()));
        Assert.Equal(
            """{"offers":[{"provider":"process","offerId":"L4x1","region":"r","gpuType":"L4","gpuCount":1,"tier":"Dedicated","spot":false,"pricePerHour":5,"available":2}],"skipped":{"in_use":1},"certificateUntil":"2026-03-01T12:00:00+00:00"}""",
            Write(
                new WorkerOffers
                {
                    Offers =
                    [
                        new Offer(
                            new ProviderId("process"),
                            "L4x1",
                            "r",
                            "L4",
                            1,
                            CapacityTier.Dedicated,
                            false,
                            new MicroEuro(5),
                            2
                        ),
                    ],
                    Skipped = ImmutableSortedDictionary<string, int>.Empty.Add("in_use", 1),
                    CertificateUntil = Noon,
                }
            )
        );
    }

    [Fact]
    public void Members_of_a_newer_version_are_ignored() =>
        Assert.Null(JsonSerializer.Deserialize<WorkerFound>("""{"newer":{"a":1}}""", WorkerWire.Json)!.Allocation);

    [Fact]
    public void INV_13_the_text_of_a_request_shows_no_secret() =>
        Assert.Equal(
            "k1 for i-a",
            new WorkerAllocate
            {
                Key = "k1",
                Instance = "i-a",
                RuntimeKey = "planted",
            }.ToString()
        );

    private static string Write<T>(T value) => JsonSerializer.Serialize(value, WorkerWire.Json);
}
