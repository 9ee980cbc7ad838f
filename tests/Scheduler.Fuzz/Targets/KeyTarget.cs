using Scheduler.Domain.Keys;

namespace Scheduler.Fuzz.Targets;

/// <summary><see cref="KeyToken"/>.</summary>
internal sealed class KeyTarget : FuzzTarget
{
    public override string Name => "key";

    public override int MaxLength => 128;

    public override long AllocationBase => 2048;

    public override long AllocationPerByte => 8;

    public override byte[][] Dictionary { get; } =
        Tokens("sk-", "key-", "-", "_", "a", "2", "1", "A", "\u00e4", "\0", " ");

    public override Outcome Execute(ReadOnlyMemory<byte> input)
    {
        var text = Text(input.Span);
        var isId = KeyToken.IsKeyId(text);
        Require(!isId || KeyToken.PrefixOf(text).StartsWith("sk-", StringComparison.Ordinal), "An id has a prefix.");
        if (!KeyToken.TryParse(text, out var token))
        {
            return Outcome.Refused(isId ? 1UL : (ulong)Math.Min(text.Length, KeyToken.Length + 1));
        }

        Require(token.Reveal() == text, "A token is shown as it was read.");
        Require(KeyToken.IsKeyId(token.KeyId), "A token names a key.");
        Require(!token.ToString().Contains(token.Secret, StringComparison.Ordinal), "The text has no secret.");
        return Outcome.Accepted();
    }
}
