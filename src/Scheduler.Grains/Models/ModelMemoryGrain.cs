using Scheduler.Domain.Ids;
using Scheduler.Domain.Models;
using Scheduler.ModelFit;

namespace Scheduler.Grains.Models;

/// <summary>One write for each start that says something new.</summary>
[GrainType("model-memory")]
internal sealed class ModelMemoryGrain(
    [PersistentState("model-memory", GrainStorageNames.Database)] IPersistentState<ModelMemoryRecord> state
) : Grain, IModelMemoryGrain
{
    private readonly Recorded<ModelMemoryRecord> _memory = new(state);

    public Task<ModelMemoryRecord> GetAsync(AccountId account) =>
        Task.FromResult(_memory.Value.Account == account ? _memory.Value : new ModelMemoryRecord());

    public async Task ServedAsync(ModelStart start, StartFigures? figures)
    {
        if (
            GpuCatalogue.Shipped.Find(start.GpuType) is { } gpu
            && await FactsAsync(start.Account, start.Model) is { } facts
        )
        {
            await WriteAsync(start, _memory.Value.Served(facts, start.Plan, gpu, start.Gpus, figures));
        }
    }

    public async Task EndedAsync(ModelStart start)
    {
        if (GpuCatalogue.Shipped.Find(start.GpuType) is { } gpu)
        {
            await WriteAsync(start, _memory.Value.Ended(start.Plan, gpu, start.Gpus));
        }
    }

    private async Task<ModelFacts?> FactsAsync(AccountId account, string name) =>
        ModelCatalogue.Find(name)
        ?? (
            await GrainFactory.Model(account, name).FactsAsync(account) is { IsOk: true, Value.Facts: { } facts }
                ? facts
                : null
        );

    private async Task WriteAsync(ModelStart start, ModelMemoryRecord next)
    {
        var before = _memory.Value;
        if (
            !next.Lessons.AsSpan().SequenceEqual(before.Lessons.AsSpan())
            || !next.Ends.AsSpan().SequenceEqual(before.Ends.AsSpan())
        )
        {
            await _memory.WriteAsync(next with { Account = start.Account, Model = start.Model }, this);
        }
    }
}
