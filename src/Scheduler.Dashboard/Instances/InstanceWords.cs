using Scheduler.Domain.Instances;

namespace Scheduler.Dashboard.Instances;

/// <summary>States as the spec writes them: in lower case.</summary>
internal static class InstanceWords
{
    private static readonly Dictionary<InstanceState, string> Words = Enum.GetValues<InstanceState>()
        .ToDictionary(state => state, state => state.ToString().ToLowerInvariant());

    public static string Word(this InstanceState state) => Words[state];

    /// <summary>The state of a word; false for none or another.</summary>
    public static bool TryParse(string? word, out InstanceState state) =>
        Enum.TryParse(word, ignoreCase: true, out state) && Words.GetValueOrDefault(state) == word;
}
