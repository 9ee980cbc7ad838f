using Scheduler.Domain.Ids;

namespace Scheduler.Inference.Firewalls;

/// <summary>What a verdict depends on: a change of any of these asks the judge again.</summary>
/// <param name="Account">Whose.</param>
/// <param name="Firewall">The firewall's slug.</param>
/// <param name="Version">The firewall's version, which counts changes of its rules too.</param>
/// <param name="Judge">The judge's serving name.</param>
/// <param name="Digest">SHA-256 of the text.</param>
internal readonly record struct VerdictKey(
    AccountId Account,
    string Firewall,
    long Version,
    string Judge,
    string Digest
);
