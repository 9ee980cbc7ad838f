using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Firewalls;

/// <summary>Reads recorded evaluations. The write of an <see cref="EvaluationsRecord"/> stores them.</summary>
public interface IEvaluationLog
{
    /// <summary>Evaluations of an account, newest first.</summary>
    /// <param name="account">The account of the firewalls.</param>
    /// <param name="firewall">Slug of one firewall; null for all.</param>
    /// <param name="beforeSequence">Older than this one; <see cref="long.MaxValue"/> for the newest.</param>
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
