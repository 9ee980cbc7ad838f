using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Storage;
using Scheduler.ModelFit;

namespace Scheduler.Domain.Models;

/// <summary>
/// What the starts of one model in one account showed about its memory. State name <c>model-memory</c>. An account's
/// starts teach that account only: another one could run other files under the same name.
/// </summary>
[GenerateSerializer, Immutable, Alias("scheduler.ModelMemoryRecord")]
public sealed record ModelMemoryRecord : IStoredState
{
    public const int CurrentSchemaVersion = 1;

    /// <summary>Ends out of memory that are remembered, of all shapes of the plan together.</summary>
    public const int EndsKept = 16;

    [Id(0)]
    public int SchemaVersion { get; init; } = CurrentSchemaVersion;

    [Id(1)]
    public AccountId Account { get; init; }

    /// <summary>The name that launches use; empty until the first start.</summary>
    [Id(2)]
    public string Model { get; init; } = "";

    /// <summary>The one that changed last is last.</summary>
    [Id(3)]
    public ImmutableArray<MemoryLesson> Lessons { get; init; } = [];

    /// <summary>Oldest first.</summary>
    [Id(4)]
    public ImmutableArray<MemoryEnd> Ends { get; init; } = [];

    [Id(5)]
    public DateTimeOffset? WakeAt { get; init; }

    [Id(6)]
    public ImmutableArray<StoredEvent> Events { get; init; } = [];

    [JsonIgnore]
    public bool IsEmpty => Lessons.IsEmpty && Ends.IsEmpty;

    /// <summary>
    /// A start that serves: its report corrects the estimate, and an equal or smaller start that ended out of memory on the
    /// same GPUs was an exception.
    /// </summary>
    /// <param name="figures">What it reported; null for nothing.</param>
    public ModelMemoryRecord Served(ModelFacts model, LaunchPlan plan, GpuType gpu, int gpus, StartFigures? figures)
    {
        var shape = MemoryLesson.ShapeOf(plan);
        return this with
        {
            Lessons = figures is null ? Lessons : MemoryLessons.Learn(Lessons, model, plan, gpu, gpus, figures),
            Ends = Ends.RemoveAll(end =>
                end.Shape == shape
                && end.GpuType == gpu.Name
                && end.Gpus == gpus
                && end.ContextTokens <= plan.ContextTokens
                && end.ParallelSequences <= plan.ParallelSequences
            ),
        };
    }

    /// <summary>A start or a run that ended out of the GPU's memory; the same one twice counts once.</summary>
    public ModelMemoryRecord Ended(LaunchPlan plan, GpuType gpu, int gpus)
    {
        var end = new MemoryEnd(MemoryLesson.ShapeOf(plan), gpu.Name, gpus, plan.ContextTokens, plan.ParallelSequences);
        if (Ends.Contains(end))
        {
            return this;
        }

        var ends = Ends.Add(end);
        return this with { Ends = ends.Length > EndsKept ? ends.RemoveAt(0) : ends };
    }

    /// <summary>The plan with all that is known about its shape.</summary>
    /// <param name="own">Ends of the instance itself.</param>
    public LaunchPlan Teach(ModelFacts model, LaunchPlan plan, IEnumerable<OutOfMemoryRun> own)
    {
        var taught = plan with { Lessons = MemoryLessons.For(plan, Lessons) };
        var shape = Ends.IsEmpty ? null : MemoryLesson.ShapeOf(plan);
        var runs = own.Concat(Ends.Where(end => end.Shape == shape).Select(end => end.Run()).OfType<OutOfMemoryRun>());
        return taught with { Shortfall = VramShortfall.Of(model, taught, runs) };
    }
}

/// <summary>What ended out of the GPU's memory.</summary>
/// <param name="GpuType">Catalogue name.</param>
[GenerateSerializer, Immutable, Alias("scheduler.MemoryEnd")]
public sealed record MemoryEnd(
    [property: Id(0)] LaunchPlan Shape,
    [property: Id(1)] string GpuType,
    [property: Id(2)] int Gpus,
    [property: Id(3)] long ContextTokens,
    [property: Id(4)] int ParallelSequences
)
{
    internal OutOfMemoryRun? Run() =>
        GpuCatalogue.Shipped.Find(GpuType) is { } gpu ? new(gpu, Gpus, ContextTokens, ParallelSequences) : null;
}
