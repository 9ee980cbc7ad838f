using System.Collections.Frozen;
using System.Text.Json;

namespace Scheduler.Inference.Guard;

/// <summary>A member of a body that at least one engine reads.</summary>
/// <param name="Index">Position in its object, from 0.</param>
/// <param name="Words">Values that are no text: they are not shown to a judge.</param>
/// <param name="Engines">Engines that know the member.</param>
internal sealed record Member(
    string Name,
    int Index,
    MemberKind Kind,
    FrozenSet<string> Words,
    FrozenSet<string> Engines
)
{
    /// <summary>The name as JSON.</summary>
    public JsonEncodedText Encoded { get; } = JsonEncodedText.Encode(Name);

    /// <summary>The speaker that a judge sees; <c>user</c> would be read as the speaker of a message.</summary>
    public string Label { get; } = Name is "user" ? "user_id" : Name;
}
