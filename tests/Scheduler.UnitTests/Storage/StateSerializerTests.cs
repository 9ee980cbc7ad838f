using System.Collections.Immutable;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Hosts;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Keys;
using Scheduler.Domain.Models;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Domain.Schedules;
using Scheduler.Domain.Secrets;
using Scheduler.Domain.Services;
using Scheduler.Domain.Storage;
using Scheduler.ModelFit;
using Scheduler.Storage;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.UnitTests.Storage;

/// <summary>The stored JSON is a contract with the SQL that reads it, with older files and with newer builds.</summary>
public sealed class StateSerializerTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, 250, TimeSpan.Zero);
    private static readonly StateSerializer Serializer = new();

    private static string Write<T>(T state) => Serializer.Serialize(state).ToString();

    private static T Read<T>(string json) => Serializer.Deserialize<T>(BinaryData.FromString(json));

    [Property]
    public void Stored_text_contains_no_NUL_and_keeps_every_other_character(NonNull<string>[] parts, bool[] nuls)
    {
        var text = string.Concat(
            parts.Select(
                (part, i) =>
                    part.Get.Replace("\0", "", StringComparison.Ordinal) + (i < nuls.Length && nuls[i] ? "\0" : "\\")
            )
        );
        // The writer replaces an unpaired surrogate, so the expected text must not contain one.
        text = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
        var record = new AccountRecord { DisplayName = text };
        var json = Write(record);
        Assert.Equal(text.Replace('\0', '\uFFFD'), Read<AccountRecord>(json).DisplayName);
    }

    [Fact]
    public void The_golden_instance_of_version_1_is_read_and_written_the_same() =>
        AssertGolden("InstanceRecord.v1.json", Instance() with { SchemaVersion = 1 });

    [Fact]
    public void The_golden_instance_of_version_2_is_read_and_written_the_same() =>
        AssertGolden("InstanceRecord.v2.json", InstanceOfVersion2());

    [Fact]
    public void The_golden_instance_of_version_3_is_read_and_written_the_same() =>
        AssertGolden("InstanceRecord.v3.json", InstanceOfVersion3());

    [Fact]
    public void The_golden_instance_of_version_4_is_read_and_written_the_same() =>
        AssertGolden("InstanceRecord.v4.json", InstanceOfVersion4());

    [Fact]
    public void The_golden_instance_of_version_5_is_read_and_written_the_same() =>
        AssertGolden("InstanceRecord.v5.json", InstanceOfVersion5());

    [Fact]
    public void The_golden_secrets_of_version_1_are_read_and_written_the_same() =>
        AssertGolden("SecretSet.v1.json", Secrets());

    [Fact]
    public void The_golden_hosts_of_version_1_are_read_and_written_the_same() =>
        AssertGolden("HostSet.v1.json", Hosts());

    [Fact]
    public void The_golden_account_of_version_1_is_read_and_written_the_same() =>
        AssertGolden("AccountRecord.v1.json", Account() with { SchemaVersion = 1 });

    [Fact]
    public void The_golden_account_of_version_2_is_read_and_written_the_same() =>
        AssertGolden("AccountRecord.v2.json", Account() with { Firewall = "strict" });

    [Fact]
    public void The_golden_account_of_version_3_is_read_and_written_the_same() =>
        AssertGolden(
            "AccountRecord.v3.json",
            Account()
                .WithQuotas(
                    ImmutableSortedDictionary.CreateRange(
                        StringComparer.Ordinal,
                        [KeyValuePair.Create("instances", 5L), KeyValuePair.Create("model_bytes", 1_048_576L)]
                    )
                )
        );

    [Fact]
    public void The_golden_key_of_version_1_is_read_and_written_the_same() =>
        AssertGolden("KeyRecord.v1.json", Key() with { SchemaVersion = 1, Role = KeyRole.Full });

    [Fact]
    public void The_golden_key_of_version_2_is_read_and_written_the_same() =>
        AssertGolden("KeyRecord.v2.json", Key() with { SchemaVersion = 2, Role = KeyRole.Viewer });

    [Fact]
    public void The_golden_key_of_version_3_is_read_and_written_the_same() =>
        AssertGolden(
            "KeyRecord.v3.json",
            Key() with
            {
                EndedSessions = new EndedSessions { Sessions = [new KeySession("0a1b", Noon)], UpTo = Noon },
            }
        );

    [Fact]
    public void The_golden_key_of_version_4_is_read_and_written_the_same() =>
        AssertGolden("KeyRecord.v4.json", Key().WithSession(new KeySession("0a1b", Noon.AddHours(1)), Noon));

    [Fact]
    public void The_golden_model_of_version_1_is_read_and_written_the_same() =>
        AssertGolden(
            "ModelRecord.v1.json",
            new ModelRecord
            {
                Account = new AccountId("acct-a"),
                Name = "mine",
                Source = "acme/mine",
                Facts = ModelCatalogue.Find("Qwen/Qwen2.5-0.5B-Instruct"),
                RegisteredAt = Noon,
                Fingerprint = "9f86",
                Events = [Event()],
                LastSequence = 3,
            }
        );

    [Fact]
    public void The_golden_provider_of_version_1_is_read_and_written_the_same() =>
        AssertGolden("ProviderRecord.v1.json", Provider() with { SchemaVersion = 1 });

    [Fact]
    public void The_golden_provider_of_version_2_is_read_and_written_the_same() =>
        AssertGolden(
            "ProviderRecord.v2.json",
            Provider() with
            {
                Drain = new DrainOrder(Noon, "key:key-a", "moves on Friday", new RequestId("req-1")),
            }
        );

    [Fact]
    public void The_golden_name_of_version_1_is_read_and_written_the_same() =>
        AssertGolden("NameRecord.v1.json", new NameRecord { Holder = new NameHolder("i-1"), ClaimedAt = Noon });

    [Fact]
    public void The_golden_usage_of_version_1_is_read_and_written_the_same() =>
        AssertGolden(
            "ServedUsageRecord.v1.json",
            new ServedUsageRecord().With(
                new AccountId("acct-a"),
                new InstanceId("i-1"),
                new GatewayReport("d00r", 7),
                new ServedUsage(1, 20, 300),
                new DateOnly(2026, 3, 1)
            )
        );

    [Fact]
    public void The_golden_memory_of_a_model_of_version_1_is_read_and_written_the_same()
    {
        var shape = MemoryLesson.ShapeOf(new LaunchPlan(null, KvFormat.Fp8, 8192, 2, "vllm") { BatchTokens = 4096 });
        AssertGolden(
            "ModelMemoryRecord.v1.json",
            new ModelMemoryRecord
            {
                Account = new AccountId("acct-a"),
                Model = "Qwen/Qwen3-8B",
                Lessons = [new MemoryLesson(shape, "0.11.0", "L40S", 2, -5, 7, 11, 13, 1001, 3)],
                Ends = [new MemoryEnd(shape, "L40S", 1, 8192, 2)],
            }
        );
    }

    [Fact]
    public void The_golden_firewalls_of_version_1_are_read_and_written_the_same() =>
        AssertGolden(
            "FirewallSet.v1.json",
            new FirewallSet
            {
                Account = new AccountId("acct-a"),
                Rules =
                [
                    new FirewallRuleRecord
                    {
                        Rule = ARule(),
                        Version = 2,
                        CreatedAt = Noon,
                        UpdatedAt = Noon,
                    },
                ],
                Firewalls =
                [
                    new StoredFirewall
                    {
                        Slug = "strict",
                        Draft = new FirewallDraft
                        {
                            Name = "Strict",
                            Mode = FirewallMode.Block,
                            Judge = "judge",
                            Rules = ["ours", "shipped"],
                            JudgeDeadline = TimeSpan.FromMilliseconds(1500),
                            KeepPrompt = true,
                        },
                        Shipped = [ARule() with { Slug = "shipped" }],
                        Version = 4,
                        CreatedAt = Noon,
                        UpdatedAt = Noon,
                    },
                ],
                Retired = [new RetiredVersion("firewalls/watch", 7)],
                ForgottenVersion = 3,
                Events = [Event()],
                LastSequence = 3,
            }
        );

    [Fact]
    public void The_golden_evaluations_of_version_1_are_read_and_written_the_same() =>
        AssertGolden(
            "EvaluationsRecord.v1.json",
            new EvaluationsRecord
            {
                Account = new AccountId("acct-a"),
                LastEvaluation = 12,
                RecordedAt = Noon,
                NewEvaluations =
                [
                    new FirewallEvaluation
                    {
                        Sequence = 11,
                        At = Noon,
                        RequestId = new RequestId("req-1"),
                        Firewall = "strict",
                        Version = 4,
                        Mode = FirewallMode.Block,
                        Decision = FirewallDecision.Match,
                        Matched = ["ours"],
                        LatencyMs = 120,
                        Judge = "judge",
                        Code = FailureCode.FirewallBlocked,
                        Prompt = "user: hi",
                    },
                    new FirewallEvaluation
                    {
                        Sequence = 12,
                        At = Noon,
                        RequestId = new RequestId("req-2"),
                        Firewall = "watch",
                        Version = 1,
                        Mode = FirewallMode.Audit,
                        Decision = FirewallDecision.Unjudged,
                        Judge = "judge",
                        Fault = JudgeFault.TimedOut,
                        Remembered = true,
                    },
                ],
                ForgetUpTo = 2,
                ForgetBefore = Noon,
                WakeAt = Noon,
            }
        );

    private static FirewallRule ARule() =>
        new()
        {
            Slug = "ours",
            Name = "Our own",
            Description = "What we do not want.",
            Prompt = "Is it about us?",
            Category = "policy",
            Severity = RuleSeverity.High,
            Source = "the handbook",
            Recommended = true,
        };

    [Fact]
    public void The_golden_schedules_of_version_1_are_read_and_written_the_same() =>
        AssertGolden("ScheduleSet.v1.json", Schedules());

    [Fact]
    public void The_golden_service_of_version_1_is_read_and_written_the_same() =>
        AssertGolden("ServiceRecord.v1.json", Service());

    [Fact]
    public void The_golden_balancer_of_version_1_is_read_and_written_the_same() =>
        AssertGolden("BalancerRecord.v1.json", Balancer() with { SchemaVersion = 1 });

    [Fact]
    public void The_golden_balancer_of_version_2_is_read_and_written_the_same()
    {
        var balancer = Balancer();
        var group = balancer.Spec.Groups[0] with { Policy = GroupPolicy.Session, LoadBoundPercent = 150 };
        AssertGolden("BalancerRecord.v2.json", balancer with { Spec = balancer.Spec with { Groups = [group] } });
    }

    [Fact]
    public void Every_version_of_every_stored_state_has_a_golden_file()
    {
        var states = typeof(IStoredState)
            .Assembly.GetTypes()
            .Where(type => type.IsAssignableTo(typeof(IStoredState)) && type.IsClass);
        var wanted = states.SelectMany(type =>
            Enumerable
                .Range(1, (int)type.GetField("CurrentSchemaVersion")!.GetRawConstantValue()!)
                .Select(version => $"{type.Name}.v{version}.json")
        );
        var kept = Directory.EnumerateFiles(GoldenFolder()).Select(file => Path.GetFileName(file)!);
        Assert.Equal(wanted.Order(StringComparer.Ordinal), kept.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_newer_version_is_refused_naming_type_and_version()
    {
        var refusal = Assert.Throws<UnreadableStateException>(() =>
            Read<KeyRecord>("""{"schemaVersion":4,"id":"key-a","novel":1}""")
        );
        Assert.Equal((nameof(KeyRecord), 4), (refusal.Kind, refusal.SchemaVersion));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("""{"schemaVersion":"one"}""")]
    [InlineData("""{"schemaVersion":1,"createdAt":"yesterday"}""")]
    [InlineData("""{"schemaVersion":1,"unknownToThisBuild":true}""")]
    [InlineData("""{"schemaVersion":1,"events":[{"code":"NOT_A_CODE"}]}""")]
    public void Malformed_or_unknown_state_is_refused(string json) =>
        Assert.Throws<UnreadableStateException>(() => Read<KeyRecord>(json));

    [Fact]
    public void A_refusal_contains_no_part_of_the_state_INV_13()
    {
        var refusal = Assert.Throws<UnreadableStateException>(() =>
            Read<KeyRecord>("""{"schemaVersion":1,"secretSha256":{"hunter2":1}}""")
        );
        Assert.DoesNotContain("hunter2", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_properties_get_the_defaults_of_the_record()
    {
        var record = Read<InstanceRecord>("""{"schemaVersion":1}""");
        Assert.False(record.Events.IsDefault);
        Assert.Equal(8192, record.Spec.ContextTokens);
        Assert.Null(record.WakeAt);
    }

    [Fact]
    public void Past_failures_are_stored_by_the_names_of_their_codes()
    {
        var route = new Route(new ProviderId("simulated"), "eu-west", "L4");
        var attempt = new FailedAttempt(FailureCode.OomKilled, route, 1, 2, 8192, 1);

        var json = Write(new InstanceRecord { PastFailures = new PastFailures([attempt]) });

        Assert.Contains(
            "\"pastFailures\":{\"attempts\":[{\"code\":\"OOM_KILLED\",\"route\":{\"provider\":\"simulated\",\"region\":\"eu-west\","
                + "\"gpuType\":\"L4\"},\"gpuCount\":1,\"run\":2,\"contextTokens\":8192,\"parallelSequences\":1}]}",
            json,
            StringComparison.Ordinal
        );
        Assert.Equal([attempt], Read<InstanceRecord>(json).PastFailures!.Attempts);
    }

    [Fact]
    public void An_empty_state_is_read_and_written_the_same() =>
        Assert.Equal(Write(new InstanceRecord()), Write(Read<InstanceRecord>(Write(new InstanceRecord()))));

    [Fact]
    public void Times_are_stored_in_UTC_with_milliseconds()
    {
        var record = new KeyRecord { CreatedAt = Noon.AddTicks(12).ToOffset(TimeSpan.FromHours(5)) };
        Assert.Contains("\"createdAt\":\"2026-03-01T12:00:00.250Z\"", Write(record), StringComparison.Ordinal);
        Assert.Equal(Noon, Read<KeyRecord>(Write(record)).CreatedAt);
    }

    [Property(MaxTest = 300)]
    public Property Every_record_is_read_back_unchanged() =>
        Prop.ForAll(
            Records().ToArbitrary(),
            record =>
            {
                var json = Write(record);
                var back = Read<InstanceRecord>(json);
                return string.Equals(json, Write(back), StringComparison.Ordinal)
                    && back.Spec.RuntimeArguments.SequenceEqual(record.Spec.RuntimeArguments)
                    && string.Equals(back.ServingName, record.ServingName, StringComparison.Ordinal)
                    && back.State == record.State
                    && back.WakeAt == record.WakeAt
                    && back.Spec.StartTimeout == record.Spec.StartTimeout
                    && back.Intent == record.Intent;
            }
        );

    private static Gen<InstanceRecord> Records() =>
        from text in ArbMap.Default.GeneratorFor<NonNull<string>>()
        from state in Gen.Elements(Enum.GetValues<InstanceState>())
        from money in ArbMap.Default.GeneratorFor<long>()
        from wake in Gen.Choose(0, int.MaxValue)
        from arguments in Gen.ArrayOf(ArbMap.Default.GeneratorFor<NonNull<string>>())
        from timeout in Gen.Choose(0, 100_000)
        select Instance() with
        {
            ServingName = Printable(text.Get),
            State = state,
            WakeAt = wake % 3 == 0 ? null : DateTimeOffset.UnixEpoch.AddMilliseconds(wake * 1000.0),
            Intent = wake % 5 == 0 ? null : Instance().Intent! with { PriceSnapshot = new MicroEuro(money) },
            Spec = new LaunchSpec
            {
                RuntimeArguments = [.. arguments.Select(argument => Printable(argument.Get))],
                StartTimeout = timeout % 2 == 0 ? null : TimeSpan.FromMilliseconds(timeout),
            },
        };

    // Unpaired surrogates are not valid text, and no database stores U+0000. The API accepts neither.
    private static string Printable(string text) => new([.. text.Where(c => !char.IsSurrogate(c) && c != '\0')]);

    private static void AssertGolden<T>(string file, T expected)
    {
        var golden = File.ReadAllText(Path.Combine(GoldenFolder(), file), Encoding.UTF8).TrimEnd();
        Assert.Equal(golden, Write(expected));
        Assert.Equal(golden, Write(Read<T>(golden)));
    }

    private static InstanceRecord InstanceOfVersion5() =>
        InstanceOfVersion4() with
        {
            SchemaVersion = 5,
            Spec = InstanceOfVersion4().Spec with { WaitForCapacity = TimeSpan.FromHours(6) },
            State = InstanceState.Waiting,
            Wait = new CapacityWait(Noon, Noon.AddHours(6)),
        };

    private static InstanceRecord InstanceOfVersion4() =>
        InstanceOfVersion3() with
        {
            SchemaVersion = 4,
            Spec = InstanceOfVersion3().Spec with
            {
                Environment = ImmutableSortedDictionary<string, EnvironmentValue>
                    .Empty.Add("GREETING", new EnvironmentValue { Value = "hello" })
                    .Add("HF_TOKEN", new EnvironmentValue { Secret = "hf" }),
                Image = "ghcr.io/acme/vllm:1",
                Constraints = InstanceOfVersion3().Spec.Constraints with { RequireEncryptedPath = true },
            },
            Intent = InstanceOfVersion3().Intent! with
            {
                RuntimeKey = new SealedValue
                {
                    MasterKey = "k1",
                    DataKey = "bm9uY2Vjcnlwd",
                    Value = "Y3J5cHRlZA",
                },
            },
        };

    private static HostSet Hosts() =>
        new()
        {
            Hosts =
            [
                new JoinedHost
                {
                    Name = "gpu-1",
                    Address = "https://10.0.0.1:5090/",
                    KeyFingerprint = "ab",
                    JoinedAt = Noon,
                    TokenId = "aaaaaaaaaaaa",
                    CertificateUntil = Noon,
                    Drain = new DrainOrder(Noon, "key:key-a", "fan", new RequestId("req-1")),
                },
            ],
            Tokens =
            [
                new StoredJoinToken
                {
                    Id = "bbbbbbbbbbbb",
                    Fingerprint = "cd",
                    CreatedAt = Noon,
                    ExpiresAt = Noon,
                    MaxUses = 3,
                    Uses = 1,
                    Actor = "key:key-a",
                },
            ],
            Authority = "-----BEGIN CERTIFICATE-----",
            AuthorityKey = new SealedValue
            {
                MasterKey = "k1",
                DataKey = "bm9uY2Vjcnlwd",
                Value = "Y3J5cHRlZA",
            },
            LastSequence = 4,
        };

    private static SecretSet Secrets() =>
        new()
        {
            Account = new AccountId("acct-a"),
            Secrets =
            [
                new StoredSecret
                {
                    Name = "hf",
                    Version = 2,
                    Sealed = new SealedValue
                    {
                        MasterKey = "k1",
                        DataKey = "bm9uY2Vjcnlwd",
                        Value = "Y3J5cHRlZA",
                    },
                    CreatedAt = Noon,
                    UpdatedAt = Noon,
                },
            ],
            LastSequence = 2,
        };

    private static InstanceRecord InstanceOfVersion3() =>
        InstanceOfVersion2() with
        {
            SchemaVersion = 3,
            Spec = Instance().Spec with { SequencesAtOnce = 64 },
            Intent = Instance().Intent! with
            {
                Plan = new LaunchPlan(WeightFormat.Fp8, KvFormat.Fp8, 8192, 2, "vllm")
                {
                    SequencesAtOnce = 64,
                    MemoryPerMille = 950,
                    BatchTokens = 4096,
                    HasWholeExperts = true,
                    Lora = new LoraSlots(4, 16),
                    Draft = new DraftModel("Qwen/Qwen2.5-0.5B", 3),
                    TensorParallel = 2,
                },
                Arguments = ["--seed", "7"],
            },
        };

    private static InstanceRecord InstanceOfVersion2() =>
        Instance() with
        {
            SchemaVersion = 2,
            Firewall = "strict",
            Allocation = Instance().Allocation! with
            {
                Tokenizer = new RuntimeTokenizer("/tokenize", TokenizeShape.LlamaServer),
            },
        };

    private static ProviderRecord Provider() =>
        new()
        {
            Id = new ProviderId("simulated"),
            Draining = true,
            Cooling = [new CoolingRoute(new Route(new ProviderId("simulated"), "eu-west", "RTX 4090"), Noon)],
            Events = [Event()],
            LastSequence = 3,
        };

    private static string GoldenFolder() => Repository.Path("tests", "Scheduler.UnitTests", "Storage", "Golden");

    private static StoredEvent Event() =>
        new()
        {
            Sequence = 3,
            At = Noon,
            Trigger = "DeadlinePassed",
            From = "Provisioning",
            To = "Failed",
            Reason = "no capacity in 120 s",
            RequestId = new RequestId("req-1"),
            Actor = "scheduler",
            Code = FailureCode.ProviderTimeout,
            Data = ImmutableSortedDictionary<string, string>.Empty.Add("route", "simulated/eu-west/RTX 4090"),
        };

    private static InstanceRecord Instance() =>
        new()
        {
            Id = new InstanceId("i-0a1b2c3d4e5f6g7h8j9k"),
            Account = new AccountId("acct-a"),
            ServingName = "chat",
            Spec = new LaunchSpec
            {
                Model = "Qwen/Qwen2.5-7B",
                RuntimeArguments = ["--seed", "7"],
                Constraints = new SmartConstraints
                {
                    MaxPricePerHour = new MicroEuro(1_500_000),
                    Regions = ["eu-west"],
                },
                AutoReroute = true,
                AllocationTimeout = TimeSpan.FromSeconds(90),
            },
            State = InstanceState.Failed,
            StateSince = Noon,
            Generation = 5,
            Run = 2,
            Attempt = 1,
            Intent = new AllocationIntent
            {
                Key = new AllocationKey("i-0a1b2c3d4e5f6g7h8j9k/2/1"),
                Offer = new Offer(
                    new ProviderId("simulated"),
                    "offer-1",
                    "eu-west",
                    "RTX 4090",
                    1,
                    CapacityTier.Community,
                    Spot: true,
                    new MicroEuro(1_290_000),
                    Available: 3,
                    new QuotedPrice("USD", 1_400_000)
                ),
                PriceSnapshot = new MicroEuro(1_290_000),
                Hold = new MicroEuro(1_290_000),
                AllocationDeadline = Noon,
                StartDeadline = Noon,
                Why = "cheapest of 14",
                Model = "Qwen/Qwen2.5-7B",
            },
            Allocation = new Allocation
            {
                Key = new AllocationKey("i-0a1b2c3d4e5f6g7h8j9k/2/1"),
                Tag = new AllocationTag("local", new InstanceId("i-0a1b2c3d4e5f6g7h8j9k")),
                ProviderAllocationId = "vm-7",
                Status = AllocationStatus.Booting,
                Endpoint = new Uri("http://10.0.0.7:8000/"),
                CreatedAt = Noon,
            },
            RunningSince = Noon,
            RunningUntil = Noon,
            Failure = new FailureRecord
            {
                Failure = new Failure
                {
                    Code = FailureCode.ProviderTimeout,
                    Message = "no capacity in 120 s",
                    Hint = "start again",
                    Details = ImmutableSortedDictionary<string, string>.Empty.Add("waited_s", "120"),
                },
                RequestId = new RequestId("req-1"),
                FailedAt = Noon,
                Run = 2,
                Attempt = 1,
            },
            PendingCleanups =
            [
                new PendingCleanup
                {
                    Kind = CleanupKind.Release,
                    Provider = new ProviderId("simulated"),
                    Key = new AllocationKey("i-0a1b2c3d4e5f6g7h8j9k/2/1"),
                    Since = Noon,
                },
            ],
            AvoidedRoutes = [new AvoidedRoute(new Route(new ProviderId("simulated"), "eu-west", "RTX 4090"), Noon)],
            Handled = [new HandledCommand("Start", "req-1")],
            RequestId = new RequestId("req-1"),
            CreatedAt = Noon,
            UpdatedAt = Noon,
            WakeAt = Noon,
            Events = [Event()],
            LastSequence = 3,
        };

    private static AccountRecord Account() =>
        new()
        {
            Id = new AccountId("acct-a"),
            DisplayName = "Ada \"the first\"",
            Balance = new MicroEuro(9_000_000),
            ExhaustionGrace = TimeSpan.FromMinutes(5),
            LastEntry = 2,
            LowBalanceSince = Noon,
            CreatedAt = Noon,
            Generation = 4,
            WakeAt = Noon,
            Events = [Event()],
            LastSequence = 3,
            NewEntries =
            [
                new LedgerEntry
                {
                    Key = "usage/i-1/1/1",
                    Sequence = 2,
                    Kind = LedgerEntryKind.Usage,
                    Amount = new MicroEuro(-1_000_000),
                    BalanceAfter = new MicroEuro(9_000_000),
                    At = Noon,
                    RequestId = new RequestId("req-1"),
                    Instance = new InstanceId("i-1"),
                    Run = 1,
                    Segment = 1,
                    Seconds = 2790,
                    PricePerHour = new MicroEuro(1_290_000),
                },
            ],
            ChangedTabs =
            [
                new InstanceTab
                {
                    Instance = new InstanceId("i-1"),
                    Run = 1,
                    Hold = new MicroEuro(1_290_000),
                    HoldLapsesAt = Noon,
                    MeterSince = Noon,
                    PricePerHour = new MicroEuro(1_290_000),
                    BilledSeconds = 2790,
                    Segments = 1,
                    RequestId = new RequestId("req-1"),
                },
            ],
            RemovedTabs = [new InstanceId("i-0")],
        };

    private static ScheduleSet Schedules()
    {
        var due = new Occurrence(new DateTime(2026, 3, 1, 12, 0, 0), Noon);
        return new ScheduleSet
        {
            Instance = new InstanceId("i-0a1b2c3d4e5f6g7h8j9k"),
            Account = new AccountId("acct-a"),
            Schedules =
            [
                new Schedule
                {
                    Id = "morning",
                    Spec = new ScheduleSpec
                    {
                        Action = ScheduleAction.Start,
                        Cron = "0 8 * * MON-FRI",
                        TimeZone = "Europe/Berlin",
                        Description = "before the first coffee",
                    },
                    Generation = 2,
                    CreatedAt = Noon,
                    UpdatedAt = Noon,
                    DealtWith = due,
                    LastRun = new ScheduleRun
                    {
                        Due = due,
                        MissedSince = Noon,
                        At = Noon,
                        Action = ScheduleAction.Start,
                        Outcome = RunOutcome.Refused,
                        Reason = "no capacity in 120 s",
                        Failure = Instance().Failure!.Failure,
                        RequestId = new RequestId("req-1"),
                    },
                },
            ],
            InProgress = new RunInProgress
            {
                Schedule = "morning",
                Action = ScheduleAction.Start,
                Due = due,
                MissedSince = Noon,
                Since = Noon,
                RequestId = new RequestId("req-2"),
            },
            LastGeneration = 2,
            WakeAt = Noon,
            Events = [Event()],
            LastSequence = 3,
        };
    }

    private static ServiceRecord Service() =>
        new()
        {
            Id = new ServiceId("svc-a"),
            Account = new AccountId("acct-a"),
            ServingName = "chat",
            Spec = new ServiceSpec
            {
                Template = new LaunchSpec { Model = "a/m" },
                MinReplicas = 0,
                MaxReplicas = 4,
                Scaling = new ScalingSettings { TargetOutstanding = 2 },
                Spot = new SpotSettings { Policy = SpotPolicy.Preferred, Spares = 1 },
                Affinity = ServiceAffinity.Prefix,
                Budget = new ServiceBudget { MaxPricePerHour = new MicroEuro(5), MaxPerDay = new MicroEuro(6) },
                Paused = true,
                Firewall = "house-rules",
            },
            Generation = 2,
            Version = 7,
            CreatedAt = Noon,
            UpdatedAt = Noon,
            DeleteOrderedAt = Noon,
            DeletedAt = Noon,
            CreateFingerprint = "9f86",
            WakeAt = Noon,
            Events = [Event()],
            LastSequence = 3,
            Labels = ImmutableSortedDictionary<string, string>.Empty.Add("team", "a"),
            Revision = 1,
            LastRevision = 2,
            Revisions =
            [
                new ServiceRevision
                {
                    Number = 1,
                    Template = new LaunchSpec { Model = "a/m" },
                    CreatedAt = Noon,
                    Worked = true,
                },
            ],
            Replicas =
            [
                new Replica
                {
                    Number = 3,
                    Revision = 1,
                    Instance = new InstanceId("i-a"),
                    ServingName = "chat-r1-3",
                    Phase = ReplicaPhase.Draining,
                    Since = Noon,
                    Starts = 2,
                    StartAt = Noon,
                    PriceCap = new MicroEuro(5),
                    Reason = "2 replicas are wanted",
                    Seen = new ReplicaSight
                    {
                        Generation = 4,
                        State = InstanceState.Running,
                        Since = Noon,
                        Run = 1,
                        RunningSince = Noon,
                        RunningUntil = Noon,
                        Price = new MicroEuro(4),
                        Route = "cloud/eu/L40S",
                        IsSpot = true,
                        HasCleanup = true,
                    },
                    OnDemand = true,
                    Answered = 1,
                    Failures = 1,
                    Trouble = "the name is taken",
                },
            ],
            LastReplica = 3,
            Scaling = new ScalingState
            {
                Wanted = 2,
                Since = Noon,
                StepBase = 1,
                StepSince = Noon,
                Asked = 5,
                Limit = ScalingLimit.Budget,
                Why = "load 9",
            },
            RetryAt = Noon,
            Conditions =
            [
                new ServiceCondition
                {
                    Type = ServiceConditionType.Ready,
                    Status = true,
                    Reason = "WantedMet",
                    Message = "2 of 2",
                    Since = Noon,
                    RequestId = new RequestId("req-1"),
                },
            ],
            Spend = new DaySpend { Day = Noon, Ended = new MicroEuro(9) },
            ShortSince = Noon,
            RequestId = new RequestId("req-1"),
        };

    private static BalancerRecord Balancer() =>
        new()
        {
            Id = new BalancerId("bal-a"),
            Account = new AccountId("acct-a"),
            ServingName = "front",
            Spec = new BalancerSpec
            {
                RoutingMode = RoutingMode.IntentClassifier,
                Routes =
                [
                    new BalancerRoute
                    {
                        Name = "code",
                        Intent = "questions about programs",
                        Group = "coders",
                        Priority = 3,
                        Enabled = false,
                    },
                    new BalancerRoute
                    {
                        Name = "rest",
                        Instance = "chat",
                        IsDefault = true,
                    },
                ],
                Groups =
                [
                    new TargetGroup
                    {
                        Name = "coders",
                        Policy = GroupPolicy.LeastOutstanding,
                        Members = [new GroupMember("coder-a", 3)],
                    },
                ],
                Router = new RouterModel("router", TimeSpan.FromMilliseconds(1500)),
                Firewall = "house-rules",
            },
            Generation = 2,
            CreatedAt = Noon,
            UpdatedAt = Noon,
            DeletedAt = Noon,
            CreateFingerprint = "9f86",
            Events = [Event()],
            LastSequence = 3,
        };

    private static KeyRecord Key() =>
        new()
        {
            Id = "key-a",
            Account = new AccountId("acct-a"),
            DisplayName = "ci",
            SecretSha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            CreatedAt = Noon,
            RevokedAt = Noon,
            LastUsedAt = Noon,
            WakeAt = null,
            Events = [Event()],
            LastSequence = 3,
        };
}
