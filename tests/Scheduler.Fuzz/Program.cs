using System.Globalization;
using Scheduler.Fuzz;

// dotnet run -c Release --project tests/Scheduler.Fuzz -- TARGET|all [--executions N] [--workers N] [--input FILE]
var names = args.FirstOrDefault() switch
{
    "all" => FuzzTargets.Names,
    { } one when FuzzTargets.Names.Contains(one) => [one],
    _ => [],
};
if (names.Count == 0)
{
    await Console.Error.WriteLineAsync(
        $"usage: {string.Join(" | ", FuzzTargets.Names)} | all [--executions N] [--workers N] [--input FILE]"
    );
    return 2;
}

if (Option("--input") is { } file)
{
    Console.WriteLine(FuzzTargets.Make(names[0]).Execute(await File.ReadAllBytesAsync(file)));
    return 0;
}

var options = new FuzzOptions(
    long.Parse(Option("--executions") ?? "100000", CultureInfo.InvariantCulture),
    Environment.GetEnvironmentVariable("SCHEDULER_SEED") is { Length: > 0 } given
        ? ulong.Parse(given, CultureInfo.InvariantCulture)
        : (ulong)Environment.TickCount64,
    int.Parse(
        Option("--workers") ?? Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture),
        CultureInfo.InvariantCulture
    ),
    Path.Combine("artifacts", "fuzz")
);
Console.WriteLine(
    $"SCHEDULER_SEED={options.Seed}, {options.Workers} workers, {options.Executions:N0} executions of each target"
);
Console.WriteLine(
    "| target | executions | a second | accepted | outcomes | most allocated, bytes | slowest, ms | findings |"
);
Console.WriteLine("|---|--:|--:|--:|--:|--:|--:|--:|");
var isClean = true;
foreach (var name in names)
{
    var result = new FuzzRun(name, options).Run();
    Console.WriteLine(
        string.Create(
            CultureInfo.InvariantCulture,
            $"| `{name}` | {result.Executions:N0} | {result.Executions / result.Elapsed.TotalSeconds:N0} | {100.0 * result.Accepted / result.Executions:0} % | {result.Outcomes:N0} | {result.MostAllocated:N0} | {result.Slowest.TotalMilliseconds:N0} | {result.Findings.Count:N0} |"
        )
    );
    foreach (var path in result.Findings.Write(options.Folder!))
    {
        Console.WriteLine($"finding: {path}");
        isClean = false;
    }
}

return isClean ? 0 : 1;

string? Option(string name) =>
    Array.IndexOf(args, name) is var at and >= 0 && at + 1 < args.Length ? args[at + 1] : null;
