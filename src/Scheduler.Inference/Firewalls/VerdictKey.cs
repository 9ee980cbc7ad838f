using Scheduler.Domain.Ids;

namespace Scheduler.Inference.Firewalls;

/// <summary>Cache key of a verdict: a change of any part asks the judge again.</summary>
/// <param name="Version">The firewall's version; also increases when its rules change.</param>
/// <param name="Judge">The judge's serving name.</param>
/// <param name="Digest">SHA-256 of the text.</param>
internal readonly record struct VerdictKey(
    AccountId Account,
    string Firewall,
    long Version,
    string Judge,
    string Digest
);
