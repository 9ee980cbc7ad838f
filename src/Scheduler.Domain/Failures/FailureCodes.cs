using System.Collections.Frozen;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Scheduler.Domain.Failures;

/// <summary>Wire names of <see cref="FailureCode"/>, the same in gRPC, HTTP, logs, metrics and storage.</summary>
public static class FailureCodes
{
    private static readonly FrozenDictionary<FailureCode, string> Names = Enum.GetValues<FailureCode>()
        .ToFrozenDictionary(code => code, code => UpperSnake(code.ToString()));

    private static readonly FrozenDictionary<string, FailureCode> Codes = Names.ToFrozenDictionary(
        pair => pair.Value,
        pair => pair.Key,
        StringComparer.Ordinal
    );

    /// <summary>The wire name, for example <c>SMART_NO_MATCH</c>.</summary>
    public static string WireName(this FailureCode code) => Names[code];

    public static bool TryParse(string name, out FailureCode code) => Codes.TryGetValue(name, out code);

    private static string UpperSnake(string name)
    {
        var text = new StringBuilder(name.Length + 4);
        foreach (var letter in name)
        {
            if (char.IsUpper(letter) && text.Length > 0)
            {
                text.Append('_');
            }

            text.Append(char.ToUpperInvariant(letter));
        }

        return text.ToString();
    }
}

/// <summary>Stores a <see cref="FailureCode"/> under its wire name.</summary>
public sealed class FailureCodeConverter : JsonConverter<FailureCode>
{
    public override FailureCode Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        FailureCodes.TryParse(reader.GetString() ?? "", out var code)
            ? code
            : throw new JsonException("Unknown failure code; the state was written by a newer version.");

    public override void Write(Utf8JsonWriter writer, FailureCode value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.WireName());
}
