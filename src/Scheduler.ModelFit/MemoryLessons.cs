using System.Collections.Immutable;

namespace Scheduler.ModelFit;

/// <summary>The lessons of one model and one shape of its plan, at most one for each GPU type and number.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.MemoryLessons")]
public sealed record MemoryLessons([property: Id(0)] ImmutableArray<MemoryLesson> All)
{
    /// <summary>More GPU types and numbers than one model is started on, few enough to store.</summary>
    public const int Kept = 32;

    /// <summary>The lessons that concern a plan; null when none does.</summary>
    public static MemoryLessons? For(LaunchPlan plan, ImmutableArray<MemoryLesson> known)
    {
        if (known.IsEmpty)
        {
            return null;
        }

        var shape = MemoryLesson.ShapeOf(plan);
        var fitting = known.Where(lesson => lesson.Shape == shape).ToImmutableArray();
        return fitting.IsEmpty ? null : new MemoryLessons(fitting);
    }

    /// <summary>
    /// The known lessons with what one more start reported; unchanged when it says nothing new. The one that changed is
    /// last; above <see cref="Kept"/> the one that changed longest ago is forgotten.
    /// </summary>
    public static ImmutableArray<MemoryLesson> Learn(
        ImmutableArray<MemoryLesson> known,
        ModelFacts model,
        LaunchPlan plan,
        GpuType gpu,
        int gpus,
        StartFigures figures
    )
    {
        var shape = MemoryLesson.ShapeOf(plan);
        var before = known.FirstOrDefault(lesson => lesson.Shape == shape && lesson.IsOf(gpu, gpus));
        var after = MemoryLesson.Learn(before, model, plan, gpu, gpus, figures);
        if (after is null || after == before)
        {
            return known;
        }

        var all = (before is null ? known : known.Remove(before)).Add(after);
        return all.Length > Kept ? all.RemoveAt(0) : all;
    }

    internal MemoryLesson? On(GpuType gpu, int gpus)
    {
        foreach (var lesson in All)
        {
            if (lesson.IsOf(gpu, gpus))
            {
                return lesson;
            }
        }

        return null;
    }

    public bool Equals(MemoryLessons? other) => other is not null && All.AsSpan().SequenceEqual(other.All.AsSpan());

    public override int GetHashCode() => All.IsEmpty ? 0 : HashCode.Combine(All.Length, All[^1]);
}
