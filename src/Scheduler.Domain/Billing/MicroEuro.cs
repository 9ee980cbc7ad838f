using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Scheduler.Domain.Billing;

/// <summary>
/// An amount of money in micro-EUR (1 EUR = 1,000,000). Signed; arithmetic is checked and throws
/// <see cref="OverflowException"/> rather than wrap. Money is never a floating-point number.
/// </summary>
[GenerateSerializer, Immutable, Alias("scheduler.MicroEuro")]
[JsonConverter(typeof(Json))]
public readonly record struct MicroEuro([property: Id(0)] long Value) : IComparable<MicroEuro>
{
    /// <summary>Micro-EUR in one EUR.</summary>
    public const long PerEuro = 1_000_000;

    public static readonly MicroEuro Zero;

    public static MicroEuro FromEuros(long euros) => new(checked(euros * PerEuro));

    /// <summary>A decimal EUR amount, rounded up to the next micro-EUR (a converted price is never understated).</summary>
    /// <exception cref="OverflowException">The amount does not fit 64 bits of micro-EUR.</exception>
    public static MicroEuro CeilingFromEuros(decimal euros) => new(checked((long)decimal.Ceiling(euros * PerEuro)));

    public static MicroEuro Max(MicroEuro a, MicroEuro b) => a.Value >= b.Value ? a : b;

    public static MicroEuro Min(MicroEuro a, MicroEuro b) => a.Value <= b.Value ? a : b;

    public int CompareTo(MicroEuro other) => Value.CompareTo(other.Value);

    /// <summary>EUR with as many decimals as needed, at least two: <c>1.29</c>, <c>0.000001</c>.</summary>
    public override string ToString() => (Value / (decimal)PerEuro).ToString("0.00####", CultureInfo.InvariantCulture);

    public static MicroEuro operator +(MicroEuro a, MicroEuro b) => new(checked(a.Value + b.Value));

    public static MicroEuro operator -(MicroEuro a, MicroEuro b) => new(checked(a.Value - b.Value));

    public static MicroEuro operator -(MicroEuro a) => new(checked(-a.Value));

    public static bool operator <(MicroEuro a, MicroEuro b) => a.Value < b.Value;

    public static bool operator >(MicroEuro a, MicroEuro b) => a.Value > b.Value;

    public static bool operator <=(MicroEuro a, MicroEuro b) => a.Value <= b.Value;

    public static bool operator >=(MicroEuro a, MicroEuro b) => a.Value >= b.Value;

    private sealed class Json : JsonConverter<MicroEuro>
    {
        public override MicroEuro Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            new(reader.GetInt64());

        public override void Write(Utf8JsonWriter writer, MicroEuro value, JsonSerializerOptions options) =>
            writer.WriteNumberValue(value.Value);
    }
}
