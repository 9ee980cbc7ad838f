using System.Collections.Immutable;
using Scheduler.Domain.Firewalls;

namespace Scheduler.Grains.Firewalls;

/// <summary>Refusals that rules and firewalls share.</summary>
internal static class FirewallAnswers
{
    /// <summary>Wrong fields, all of them; null where there are none.</summary>
    public static Refusal? Faults(ImmutableArray<FirewallFault> faults) =>
        faults.IsEmpty ? null : Refusal.Invalid(faults.Select(fault => new FieldFault(fault.Field, fault.Description)));

    /// <summary>It is not at the version the caller read.</summary>
    public static Refusal Moved(string what, long present, long expected) =>
        new()
        {
            Kind = RefusalKind.WrongState,
            Message = $"The {what} is at version {present}, not {expected}: read it again.",
            State = $"VERSION_{present}",
        };

    /// <summary>Firewalls in a sentence.</summary>
    public static string Named(IReadOnlyCollection<string> slugs) =>
        $"{(slugs.Count == 1 ? "firewall" : "firewalls")} {string.Join(", ", slugs.Select(slug => $"'{slug}'"))}";
}
