using System.Text;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Models;
using Scheduler.Domain.Secrets;
using Scheduler.Grains;
using Scheduler.Grains.Models;
using Scheduler.Grains.Secrets;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Models;

public sealed class ModelImportTests : IAsyncLifetime
{
    private const string Llama = """
        {"model_type":"llama","hidden_size":2048,"intermediate_size":5632,"num_hidden_layers":22,"num_attention_heads":32,
         "num_key_value_heads":4,"vocab_size":32000,"max_position_embeddings":2048,"torch_dtype":"bfloat16"}
        """;

    private readonly FakeHub _hub = new();
    private TestScheduler _scheduler = null!;

    public async ValueTask InitializeAsync() =>
        _scheduler = await TestScheduler.DeployAsync(scheduler => scheduler.Hub = _hub);

    public ValueTask DisposeAsync() => _scheduler.DisposeAsync();

    [Fact]
    public async Task An_import_registers_the_commit_that_was_read()
    {
        var account = await _scheduler.AccountAsync();
        _hub.Answer = HubReading.Of(
            new HubFiles("abcdef0123")
            {
                ConfigJson = Encoding.UTF8.GetBytes(Llama),
                WeightsIndex = Encoding.UTF8.GetBytes("""{"metadata":{"total_size":2200096768}}"""),
            }
        );

        var first = await ImportAsync(new ImportModel(account, "a/m", "main", null, null, "vllm"));
        var again = await ImportAsync(new ImportModel(account, "a/m", "main", null, null, "vllm"));

        Assert.Equal(("a/m", "a/m@abcdef0123"), (first.Value!.Name, first.Value.Source));
        Assert.InRange(first.Value.WeightBytes, 2_200_000_000, 2_200_096_768);
        Assert.Empty(first.Value.Doubts);
        Assert.Equal(first.Value.RegisteredAt, again.Value!.RegisteredAt);
        Assert.Equal("a/m@main ", _hub.Asked!.ToString());

        _hub.Answer = HubReading.Of(_hub.Answer.Files! with { Commit = "abcdef9999" });
        var moved = await ImportAsync(new ImportModel(account, "a/m", "main", null, null, null));
        Assert.Equal(RefusalKind.AlreadyExists, moved.Refusal!.Kind);
    }

    [Theory]
    [InlineData(HubCause.Gated, FailureCode.ModelImportRefused)]
    [InlineData(HubCause.Ambiguous, FailureCode.ModelImportRefused)]
    [InlineData(HubCause.Unreachable, FailureCode.HubUnreachable)]
    public async Task A_refusal_of_the_hub_has_a_code_and_its_words(HubCause cause, FailureCode code)
    {
        var account = await _scheduler.AccountAsync();
        _hub.Answer = HubReading.Refused(new HubRefusal(cause, "the hub's words.", ["Q4_K_M"]));

        var answer = await ImportAsync(new ImportModel(account, "a/m", null, null, null, null));

        var failure = answer.Refusal!.Failure!;
        Assert.Equal(code, failure.Code);
        Assert.Contains("the hub's words.", failure.Message, StringComparison.Ordinal);
        Assert.NotEmpty(failure.Hint);
        Assert.False((await _scheduler.Grains.Model(account, "a/m").GetAsync(account)).IsOk);
    }

    [Theory]
    [InlineData("llama-server", Llama, "llama-server loads GGUF files")]
    [InlineData("vllm", "[]", "its file is not usable")]
    public async Task A_model_that_the_runtime_cannot_load_is_refused(string runtime, string config, string words)
    {
        var account = await _scheduler.AccountAsync();
        _hub.Answer = HubReading.Of(new HubFiles("abcdef0123") { ConfigJson = Encoding.UTF8.GetBytes(config) });

        var answer = await ImportAsync(new ImportModel(account, "a/m", null, null, null, runtime));

        Assert.Equal(FailureCode.ModelImportRefused, answer.Refusal!.Failure!.Code);
        Assert.Contains(words, answer.Refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unknown_runtime_is_refused_before_the_hub_is_asked()
    {
        var account = await _scheduler.AccountAsync();

        var answer = await ImportAsync(new ImportModel(account, "a/m", null, null, null, "nothing"));

        Assert.Equal("runtime", Assert.Single(answer.Refusal!.Faults).Field);
        Assert.Null(_hub.Asked);
    }

    [Fact]
    public async Task The_token_of_a_private_model_is_a_secret_of_the_account()
    {
        var account = await _scheduler.AccountAsync();
        _hub.Answer = HubReading.Refused(new HubRefusal(HubCause.Gated, "no."));
        var command = new ImportModel(account, "a/m", null, null, null, null, "hf");

        var before = await ImportAsync(command);
        TestScheduler.Good(
            await _scheduler.Grains.Secrets(account).CreateAsync("hf", new SecretText("hf_abc"), _scheduler.As(account))
        );
        await ImportAsync(command);

        Assert.Equal("token_secret", Assert.Single(before.Refusal!.Faults).Field);
        Assert.Equal("hf_abc", _hub.Asked!.Token);
        Assert.DoesNotContain("hf_abc", _hub.Asked.ToString(), StringComparison.Ordinal);
    }

    private Task<Answer<ModelView>> ImportAsync(ImportModel command) =>
        _scheduler.Grains.ModelImport().ImportAsync(command, _scheduler.As(command.Account));

    private sealed class FakeHub : IModelHub
    {
        internal HubReading Answer { get; set; } = null!;

        internal HubRequest? Asked { get; private set; }

        public Task<HubReading> ReadAsync(HubRequest request, CancellationToken cancellationToken)
        {
            Asked = request;
            return Task.FromResult(Answer);
        }
    }
}
