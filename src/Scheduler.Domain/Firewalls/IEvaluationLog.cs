using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Firewalls;

/// <summary>Reads recorded evaluations. They are written with <see cref="EvaluationsRecord"/>, never apart.</summary>
public interface IEvaluationLog
{
    /// <summary>Evaluations of an account, newest first.</summary>
    /// <param name="account">Whose.</param>
    /// <param name="firewall">Of which firewall, by slug; null for all.</param>
    /// <param name="beforeSequence">Those recorded before this one; <see cref="long.MaxValue"/> for the newest.</param>
    /// <param name="limit">1 to 1,000.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    Task<IReadOnlyList<FirewallEvaluation>> ListAsync(
        AccountId account,
        string? firewall,
        long beforeSequence,
        int limit,
        CancellationToken cancellationToken
    );
}
