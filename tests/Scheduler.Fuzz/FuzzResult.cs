namespace Scheduler.Fuzz;

/// <param name="Accepted">Executions whose input the parser accepted.</param>
/// <param name="Outcomes">Different outcomes of the worker that reached most.</param>
internal sealed record FuzzResult(
    string Target,
    long Executions,
    long Accepted,
    int Outcomes,
    long MostAllocated,
    TimeSpan Slowest,
    TimeSpan Elapsed,
    Findings Findings
);
