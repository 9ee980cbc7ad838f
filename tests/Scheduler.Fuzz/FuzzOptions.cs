namespace Scheduler.Fuzz;

/// <param name="Seed">The same seed with the same number of workers gives the same inputs.</param>
/// <param name="Folder">Gets findings and the input of each worker; null to write no file.</param>
internal sealed record FuzzOptions(long Executions, ulong Seed, int Workers, string? Folder);
