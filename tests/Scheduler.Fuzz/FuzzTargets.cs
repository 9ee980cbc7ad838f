using Scheduler.Fuzz.Targets;

namespace Scheduler.Fuzz;

internal static class FuzzTargets
{
    private static readonly Func<FuzzTarget>[] Makers =
    [
        () => new RequestTarget(),
        () => new ConfigTarget(),
        () => new GgufTarget(),
        () => new FilterTarget(),
        () => new CronTarget(),
        () => new KeyTarget(),
        () => new EventTarget(),
        () => new JsonTarget(),
    ];

    public static IReadOnlyList<string> Names { get; } = [.. Makers.Select(make => make().Name)];

    /// <summary>A new instance; each thread needs its own.</summary>
    public static FuzzTarget Make(string name)
    {
        foreach (var make in Makers)
        {
            if (make() is var target && string.Equals(target.Name, name, StringComparison.Ordinal))
            {
                return target;
            }
        }

        throw new ArgumentException($"No target {name}; known are {string.Join(", ", Names)}.", nameof(name));
    }
}
