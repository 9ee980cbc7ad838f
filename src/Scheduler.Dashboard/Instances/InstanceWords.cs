using Scheduler.Domain.Instances;

namespace Scheduler.Dashboard.Instances;

/// <summary>Names of states in lower case, as in the spec.</summary>
internal static class InstanceWords
{
    private static readonly Dictionary<InstanceState, string> Words = Enum.GetValues<InstanceState>()
        .ToDictionary(state => state, state => state.ToString().ToLowerInvariant());

    public static string Word(this InstanceState state) => Words[state];

    /// <summary>Parses a lower-case name; false for any other text.</summary>
    public static bool TryParse(string? word, out InstanceState state) =>
        Enum.TryParse(word, ignoreCase: true, out state) && Words.GetValueOrDefault(state) == word;
}
