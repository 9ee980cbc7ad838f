using System.Text.Json;
using Google.Api;
using Google.Protobuf.Reflection;
using Scheduler.Api.Pipeline;
using Scheduler.Api.V1;
using Scheduler.Edge;

namespace Scheduler.Fuzz.Targets;

/// <summary><see cref="StrictJson"/> as <see cref="StrictRequest"/> calls it. The first byte selects the method.</summary>
internal sealed class JsonTarget : FuzzTarget
{
    private static readonly (MessageDescriptor Message, HttpRule Rule)[] Methods =
    [
        (CreateInstanceRequest.Descriptor, Post("{parent=accounts/*}/instances")),
        (UpdateInstanceRequest.Descriptor, Post("{name=accounts/*/instances/*}")),
        (CreateBalancerRequest.Descriptor, Post("{parent=accounts/*}/balancers")),
        (CreateFirewallRequest.Descriptor, Post("{parent=accounts/*}/firewalls")),
        (UpdateScheduleRequest.Descriptor, Post("{name=accounts/*/instances/*/schedules/*}")),
        (RegisterModelRequest.Descriptor, Post("{parent=accounts/*}/models")),
        (UpdateAccountRequest.Descriptor, Post("{name=accounts/*}")),
        (CreateRuleRequest.Descriptor, Post("{parent=accounts/*}/rules")),
    ];

    public override string Name => "json";

    public override int MaxLength => 2048;

    public override long AllocationBase => 65_536;

    /// <summary>An unknown name of one letter costs an error with its path.</summary>
    public override long AllocationPerByte => 64;

    public override Structure Structure => Structure.Json;

    public override byte[][] Dictionary { get; } =
        Tokens(
            "\"parent\"",
            "\"name\"",
            "\"servingName\"",
            "\"serving_name\"",
            "\"spec\"",
            "\"model\"",
            "\"contextTokens\"",
            "\"constraints\"",
            "\"regions\"",
            "\"minimumTier\"",
            "\"labels\"",
            "\"a.b[c].d\"",
            "\"updateMask\"",
            "\"spec.contextTokens,labels\"",
            "\"allocationTimeout\"",
            "\"90s\"",
            "\"1.5s\"",
            "\"-315576000000s\"",
            "\"0.0000000001s\"",
            "\"2025-01-31T12:00:00Z\"",
            "\"aGVsbG8=\"",
            "\"12\"",
            "\"9223372036854775807\"",
            "\"FIREWALL_MODE_BLOCK\"",
            "\"\\ud800\"",
            "\"\\u0000\"",
            "\"\"",
            "null",
            "true",
            "false",
            "-1",
            "0",
            "2147483648",
            "9223372036854775808",
            "1e400",
            "1.0",
            "1e2",
            "[]",
            "{}",
            "[[]]",
            "{\"k\":\"v\"}"
        );

    public override Outcome Execute(ReadOnlyMemory<byte> input)
    {
        if (input.IsEmpty)
        {
            return Outcome.Refused();
        }

        var (message, rule) = Methods[input.Span[0] % Methods.Length];
        var faults = new Faults();
        byte[] clean;
        try
        {
            clean = new StrictRequest(message, rule, faults).ReadBody(input[1..]);
        }
        catch (ApiException refused)
        {
            Require(refused.Error.HttpStatus == 400, "A body that cannot be read is the caller's error.");
            return Outcome.Refused(Shape.Add(Shape.Start, faults.All[0].Description));
        }

        CheckJson(clean);
        var shape = Shape.Add(Shape.Start, (ulong)(input.Span[0] % Methods.Length));
        foreach (var fault in faults.All)
        {
            Require(fault.Field.Length is > 0 and < 4096, "An error has a path of bounded length.");
            shape = Shape.Add(shape, fault.Description);
        }

        return faults.None
            ? Outcome.Accepted(Shape.Add(shape, (ulong)Math.Min(clean.Length, 64)))
            : Outcome.Refused(shape);
    }

    private static void CheckJson(byte[] clean)
    {
        var reader = new Utf8JsonReader(clean);
        try
        {
            Require(reader.Read() && reader.TokenType == JsonTokenType.StartObject, "The valid part is an object.");
            reader.Skip();
            Require(!reader.Read(), "The valid part is one object.");
        }
        catch (JsonException e)
        {
            throw new BrokenPromiseException($"The valid part is JSON: {e.Message}");
        }
    }

    private static HttpRule Post(string path) => new() { Post = $"/v1/{path}", Body = "*" };
}
