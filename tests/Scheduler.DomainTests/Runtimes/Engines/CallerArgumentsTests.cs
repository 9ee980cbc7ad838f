using System.Collections.Immutable;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Scheduler.Domain.Runtimes;
using Scheduler.Domain.Runtimes.Engines;
using Scheduler.ModelFit;
using Xunit;

namespace Scheduler.DomainTests.Runtimes.Engines;

/// <summary>A caller is not the operator: what it may pass to an engine, in every spelling that the engine takes.</summary>
public sealed class CallerArgumentsTests
{
    private static readonly RuntimeOptions Nothing = new();
    private static readonly RuntimeOptions Anything = new() { AllowedOptions = ["*"] };

    public static TheoryData<string, string[]> Attacks =>
        new()
        {
            // F1: the runtime opened to all, the scheduler's files served, a file written anywhere, code of any repository.
            { "llama-server", ["--host", "0.0.0.0"] },
            { "llama-server", ["--host=0.0.0.0"] },
            { "llama-server", ["--path", "/"] },
            { "llama-server", ["--log-file", "/etc/cron.d/x"] },
            { "llama-server", ["--tools", "all"] },
            { "llama-server", ["-m", "/etc/passwd"] },
            { "llama-server", ["--chat-template-file", "data/operator.key"] },
            { "llama-server", ["--slot-save-path", "/tmp"] },
            { "llama-server", ["--rpc", "evil:1"] },
            { "vllm", ["--trust-remote-code"] },
            { "vllm", ["--trust_remote_code"] },
            { "vllm", ["--trust-remote"] },
            { "vllm", ["--trust-r"] },
            { "vllm", ["--tr"] },
            { "vllm", ["--host", "0.0.0.0"] },
            { "vllm", ["--hos=0.0.0.0"] },
            { "vllm", ["--port", "1"] },
            { "vllm", ["--api-key", "mine"] },
            { "vllm", ["--middleware", "os.system"] },
            { "vllm", ["--tool-parser-plugin", "/tmp/x.py"] },
            { "vllm", ["--config", "/tmp/x.yaml"] },
            { "vllm", ["--chat-template", "/etc/passwd"] },
            { "vllm", ["--compilation-config.cache_dir", "/"] },
            { "vllm", ["-O.x=1"] },
            { "vllm", ["-O3"] },
            { "vllm", ["--seed", "1", "--", "x"] },
            { "vllm", ["--seed", "1", "/etc/passwd"] },
            { "vllm", ["evil/model"] },
            { "vllm", ["--lora-modules", "a=/etc/passwd"] },
            { "vllm", ["--lora-modules", """{"name":"a","path":"/etc"}"""] },
            { "vllm", ["--speculative-config", """{"model":"/etc","num_speculative_tokens":2}"""] },
            { "vllm", ["--load-format", "sharded_state"] },
            { "sglang", ["--trust-remote-code"] },
            { "sglang", ["--tokenizer-path", "/etc"] },
            { "sglang", ["--enable-custom-logit-processor"] },
            { "tgi", ["-p8080"] },
            { "tgi", ["-p", "8080"] },
            { "tgi", ["--ngrok"] },
            { "tgi", ["--trust-remote-code"] },
            { "trtllm-serve", ["--custom_module_dirs", "/tmp"] },
            { "trtllm-serve", ["--custom-module-dirs", "/tmp"] },
            { "trtllm-serve", ["--extra_llm_api_options", "/tmp/x.yaml"] },
            { "tei", ["--hostname", "0.0.0.0"] },
            { "tei", ["--huggingface-hub-cache", "/"] },
            { "ollama", ["OLLAMA_HOST=0.0.0.0:1"] },
            { "ollama", ["--anything"] },
        };

    [Theory]
    [MemberData(nameof(Attacks))]
    public void What_belongs_to_the_scheduler_is_refused(string engine, string[] arguments)
    {
        var read = Read(engine, Nothing, arguments);

        Assert.NotEmpty(read.Faults);
        Assert.DoesNotContain(arguments[^1], read.Rest);
    }

    /// <summary>Also by an operator who permits every option that the scheduler does not know.</summary>
    [Theory]
    [MemberData(nameof(Attacks))]
    public void Permitting_unknown_options_permits_no_known_one(string engine, string[] arguments)
    {
        if (!(engine == "ollama" && arguments[0] == "--anything"))
        {
            Assert.NotEmpty(Read(engine, Anything, arguments).Faults);
        }
    }

    [Theory]
    [InlineData("vllm", "--enforce-eager")]
    [InlineData("vllm", "--seed", "7")]
    [InlineData("vllm", "--seed", "-1")]
    [InlineData("vllm", "--seed=-1")]
    [InlineData("vllm", "--limit-mm-per-prompt", """{"image":2}""")]
    [InlineData("vllm", "--runner", "pooling")]
    [InlineData("vllm", "--lora-modules", "a=org/one", "b=org/two")]
    [InlineData("llama-server", "--embeddings")]
    [InlineData("llama-server", "--n-gpu-layers", "20")]
    [InlineData("llama-server", "-t", "8")]
    [InlineData("sglang", "--disable-radix-cache")]
    [InlineData("tgi", "--max-best-of", "1")]
    [InlineData("trtllm-serve", "--enable_chunked_prefill")]
    [InlineData("tei", "--pooling", "cls")]
    public void Harmless_options_are_passed_as_they_are(string engine, params string[] arguments)
    {
        var read = Read(engine, Nothing, arguments);

        Assert.Empty(read.Faults);
        Assert.Equal(arguments, read.Rest);
        Assert.Equal(Plan(engine), read.Plan);
    }

    [Fact]
    public void Judged_options_without_a_field_become_part_of_the_plan()
    {
        var read = Read(
            "vllm",
            Nothing,
            "--gpu-memory-utilization=0.95",
            "--max-num-batched-tokens",
            "4096",
            "--enable-expert-parallel",
            "--enable-lora",
            "--max-loras",
            "4",
            "--speculative-config",
            """{"model":"Qwen/Qwen2.5-0.5B","num_speculative_tokens":3}""",
            "--enforce-eager"
        );

        Assert.Empty(read.Faults);
        Assert.Equal(["--enforce-eager"], read.Rest);
        Assert.Equal(
            Plan("vllm") with
            {
                MemoryPerMille = 950,
                BatchTokens = 4096,
                HasWholeExperts = true,
                Lora = new LoraSlots(4, 16),
                Draft = new DraftModel("Qwen/Qwen2.5-0.5B", 3),
            },
            read.Plan
        );
    }

    [Theory]
    [InlineData("vllm", "--max-model-len", "16384", "spec.context_tokens")]
    [InlineData("vllm", "--max-num-seqs", "8", "spec.sequences_at_once")]
    [InlineData("vllm", "--quantization", "fp8", "spec.weight_format")]
    [InlineData("vllm", "-q", "fp8", "spec.weight_format")]
    [InlineData("vllm", "--quantization", "awq", "spec.weight_format")]
    [InlineData("vllm", "--dtype", "float32", "spec.weight_format")]
    [InlineData("vllm", "--kv-cache-dtype", "fp8", "spec.kv_format")]
    [InlineData("vllm", "-tp", "4", "spec.constraints.gpu_count")]
    [InlineData("llama-server", "-c", "16384", "spec.context_tokens")]
    [InlineData("llama-server", "-np", "8", "spec.sequences_at_once")]
    [InlineData("llama-server", "-ctk", "q8_0", "spec.kv_format")]
    [InlineData("sglang", "--context-length", "1", "spec.context_tokens")]
    [InlineData("tgi", "--max-total-tokens", "1", "spec.context_tokens")]
    [InlineData("trtllm-serve", "--max_batch_size", "1", "spec.sequences_at_once")]
    public void An_option_that_contradicts_the_spec_names_the_field(
        string engine,
        string option,
        string value,
        string field
    )
    {
        var fault = Assert.Single(Read(engine, Nothing, option, value).Faults);

        Assert.Equal(0, fault.Index);
        Assert.Contains(field, fault.Fault, StringComparison.Ordinal);
    }

    [Fact]
    public void An_option_that_says_what_the_spec_says_is_left_to_the_plan()
    {
        var read = Read("vllm", Nothing, "--max-model-len", "8192", "-tp=1", "--gpu-memory-utilization", "0.8");

        Assert.Empty(read.Faults);
        Assert.Empty(read.Rest);
        Assert.Equal(["--gpu-memory-utilization", "0.8"], read.Needed);
        Assert.Equal(Plan("vllm") with { MemoryPerMille = 800 }, read.Plan);
    }

    [Theory]
    [InlineData("--gpu-memory-utilization", "1.5")]
    [InlineData("--gpu-memory-utilization", "0.0001")]
    [InlineData("--gpu-memory-utilization", "x")]
    [InlineData("--gpu-memory-utilization")]
    [InlineData("--max-num-batched-tokens", "-1")]
    [InlineData("--enable-lora=yes")]
    [InlineData("--enforce-eager=1")]
    [InlineData("--seed")]
    [InlineData("--pipeline-parallel-size", "2")]
    [InlineData("--kv-cache-memory-bytes", "1")]
    [InlineData("--speculative-config", "[1]")]
    [InlineData("--speculative-config", """{"method":"ngram","method":"ngram"}""")]
    public void Values_that_no_plan_has_are_refused(params string[] arguments) =>
        Assert.Single(Read("vllm", Nothing, arguments).Faults);

    [Fact]
    public void An_operator_permits_options_by_name_in_any_spelling()
    {
        var options = new RuntimeOptions { AllowedOptions = ["--trust_remote_code", "--new-option"] };

        var read = Read("vllm", options, "--trust-remote-code", "--new_option", "1", "2", "--other");

        Assert.Equal(["--trust-remote-code", "--new_option", "1", "2"], read.Rest);
        Assert.Equal(4, Assert.Single(read.Faults).Index);
        Assert.Equal(["--other"], Read("vllm", Anything, "--other").Rest);
    }

    [Fact]
    public void A_preset_without_an_engine_knows_no_option()
    {
        Assert.Single(CallerArguments.Read(null, Plan("mine"), ["--seed", "1"], Nothing).Faults);
        Assert.Equal(["--seed", "1"], CallerArguments.Read(null, Plan("mine"), ["--seed", "1"], Anything).Rest);
    }

    [Theory]
    [InlineData("--api-key", "hunter2")]
    [InlineData("--hf-token=hunter2")]
    [InlineData("--db-password", "hunter2")]
    [InlineData("--header", "hf_abcdefghijklmnop")]
    public void No_permission_puts_a_secret_on_a_command_line(params string[] arguments)
    {
        var options = new RuntimeOptions { AllowedOptions = ["*", "--api-key", "--hf-token"] };

        var read = Read("vllm", options, arguments);

        Assert.Contains("looks like a secret", Assert.Single(read.Faults).Fault, StringComparison.Ordinal);
        Assert.Empty(read.Rest);
    }

    [Fact]
    public void Faults_name_the_option_without_its_value()
    {
        var fault = Assert.Single(Read("vllm", Nothing, "--api-key=hunter2").Faults).Fault;

        Assert.Contains("`--api-key`", fault, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", fault, StringComparison.Ordinal);
    }

    /// <summary>A hint that names an option which callers may not pass repairs nothing.</summary>
    [Theory]
    [MemberData(nameof(EngineTests.Names), MemberType = typeof(EngineTests))]
    public void Hints_name_only_options_that_callers_may_pass(string name)
    {
        var words = KnownEngines.Find(name)!.Hints;
        var options = new[] { words.Activations, words.Cache, words.Share, words.Host }
            .SelectMany(hint => (hint ?? "").Split(' ', '.', ',', ';'))
            .Where(word => word.StartsWith("--", StringComparison.Ordinal))
            .Distinct(StringComparer.Ordinal);

        Assert.All(
            options,
            option =>
                Assert.Contains(
                    (string[][])
                        [
                            [option],
                            [option, "1"],
                            [option, "0.5"],
                        ],
                    arguments => Read(name, Nothing, arguments).Faults.IsEmpty
                )
        );
    }

    /// <summary>
    /// Some parsers take any unique beginning of a name, and <c>_</c> for <c>-</c>. They find only permitted options in what
    /// passes.
    /// </summary>
    [Property(MaxTest = 2000)]
    public Property What_passes_has_only_permitted_options() =>
        Prop.ForAll(
            Lines().ToArbitrary(),
            line =>
            {
                var (engine, arguments) = line;
                foreach (var options in (RuntimeOptions[])[Nothing, Anything])
                {
                    var read = CallerArguments.Read(engine, Plan(engine.Name), arguments, options);
                    foreach (var argument in read.Rest.Where(OptionName.HasDash))
                    {
                        Assert.NotEqual("--", argument);
                        var name = argument.Split('=')[0].Replace('_', '-');
                        var taken = Spellings(engine)
                            .Where(known => known.Name == name)
                            .Concat(
                                Spellings(engine).Where(known => known.Name.StartsWith(name, StringComparison.Ordinal))
                            )
                            .FirstOrDefault();
                        Assert.True(
                            taken.Rule is default(OptionRule) or OptionRule.Allowed,
                            $"{engine.Name}: {argument}"
                        );
                        Assert.True(
                            taken.Rule == OptionRule.Allowed || options == Anything,
                            $"{engine.Name}: {argument}"
                        );
                    }
                }
            }
        );

    private static IEnumerable<(string Name, OptionRule Rule)> Spellings(Engine engine) =>
        engine
            .Options.SelectMany(option => option.Names.Select(name => (name.Replace('_', '-'), option.Rule)))
            .Concat(
                engine
                    .PlanOptions.SelectMany(option => option.Names)
                    .Select(name => (name.Replace('_', '-'), OptionRule.Own))
            );

    private static Gen<(Engine Engine, ImmutableArray<string> Arguments)> Lines() =>
        from engine in Gen.Elements<Engine>(KnownEngines.All)
        from arguments in Gen.ArrayOf(Words(engine))
        select (engine, arguments.ToImmutableArray());

    private static Gen<string> Words(Engine engine)
    {
        string[] names =
        [
            .. engine.Options.SelectMany(option => option.Names),
            .. engine.PlanOptions.SelectMany(option => option.Names),
            "--unknown",
        ];
        return from name in Gen.Elements(names)
            from cut in Gen.Choose(1, 40)
            from shape in Gen.Choose(0, 7)
            select shape switch
            {
                0 => name[..Math.Min(cut, name.Length)],
                1 => name.Replace('-', '_').Replace("__", "--", StringComparison.Ordinal),
                2 => $"{name}=1",
                3 => $"{name}1",
                4 => "1",
                5 => "--",
                6 => "value",
                _ => name,
            };
    }

    private static CallerArguments Read(string engine, RuntimeOptions options, params string[] arguments) =>
        CallerArguments.Read(KnownEngines.Find(engine), Plan(engine), [.. arguments], options);

    private static LaunchPlan Plan(string engine) => new(null, KvFormat.Bf16, 8192, 1, engine);
}
