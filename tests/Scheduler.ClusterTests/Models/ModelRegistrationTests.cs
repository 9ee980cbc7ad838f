using System.Text;
using Scheduler.Grains;
using Scheduler.Grains.Models;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Models;

public sealed class ModelRegistrationTests
{
    private const string Unknown =
        """{"model_type":"zebra","hidden_size":64,"num_hidden_layers":2,"num_attention_heads":4,"intermediate_size":128,"vocab_size":100}""";

    [Fact]
    public async Task A_model_of_an_unknown_type_has_doubts_until_its_index_gives_the_size()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();

        var doubtful = await RegisterAsync("zebra");
        var exact = await RegisterAsync("zebra-exact", """{"metadata":{"total_size":1000000},"weight_map":{}}""");
        var refused = await scheduler
            .Grains.Model(account, "broken")
            .RegisterAsync(Command("broken", "{}"), scheduler.As(account));

        Assert.NotEmpty(doubtful.Doubts);
        Assert.Equal(
            (doubtful.WeightBytes / 2, doubtful.WeightBytes * 2),
            (doubtful.LeastWeightBytes, doubtful.MostWeightBytes)
        );
        Assert.InRange(exact.WeightBytes, 999_900, 1_000_000);
        Assert.Equal((exact.WeightBytes, exact.WeightBytes), (exact.LeastWeightBytes, exact.MostWeightBytes));
        Assert.False(refused.IsOk);

        async Task<ModelView> RegisterAsync(string name, string? index = null)
        {
            var grain = scheduler.Grains.Model(account, name);
            var first = await grain.RegisterAsync(Command(name, index), scheduler.As(account));
            var again = await grain.RegisterAsync(Command(name, index), scheduler.As(account));
            Assert.Equal(first.Value!.RegisteredAt, again.Value!.RegisteredAt);
            return first.Value;
        }

        RegisterModel Command(string name, string? index) =>
            new(
                account,
                name,
                null,
                Encoding.UTF8.GetBytes(Unknown),
                null,
                null,
                index is null ? null : Encoding.UTF8.GetBytes(index)
            );
    }

    [Theory]
    [InlineData("/etc/passwd")]
    [InlineData("../x")]
    [InlineData("data/operator.gguf")]
    [InlineData("http://169.254.169.254/x")]
    public async Task A_source_is_an_id_of_the_hub_or_a_path_that_the_operator_permits(string source)
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var command = new RegisterModel(account, "mine", source, Encoding.UTF8.GetBytes(Unknown), null, null);

        var refused = await scheduler.Grains.Model(account, "mine").RegisterAsync(command, scheduler.As(account));
        var hub = await scheduler
            .Grains.Model(account, "mine")
            .RegisterAsync(command with { Source = "org/name@main" }, scheduler.As(account));

        Assert.Equal("source", Assert.Single(refused.Refusal!.Faults).Field);
        Assert.Equal("org/name@main", TestScheduler.Good(hub).Source);
    }
}
