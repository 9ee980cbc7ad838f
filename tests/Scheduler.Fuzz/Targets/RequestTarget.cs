using System.Text.Json;
using Scheduler.Edge;
using Scheduler.Inference.Gateway;
using Scheduler.Inference.Guard;
using Scheduler.Inference.Upstream;

namespace Scheduler.Fuzz.Targets;

/// <summary>
/// <see cref="RequestReader"/>, and the two readers of its result: <see cref="BodyEdits"/> and
/// <see cref="PromptReader"/>. The first byte selects the kind of request.
/// </summary>
internal sealed class RequestTarget : FuzzTarget
{
    public override string Name => "request";

    public override int MaxLength => 2048;

    public override long AllocationBase => 65_536;

    /// <summary>A name costs a string and an entry of a set; a prompt costs the tree of its JSON.</summary>
    public override long AllocationPerByte => 64;

    public override Structure Structure => Structure.Json;

    public override byte[][] Dictionary { get; } =
        Tokens(
            "\"model\"",
            "\"messages\"",
            "\"prompt\"",
            "\"input\"",
            "\"firewall\"",
            "\"stream\"",
            "\"stream_options\"",
            "\"include_usage\"",
            "\"max_tokens\"",
            "\"max_completion_tokens\"",
            "\"tools\"",
            "\"response_format\"",
            "\"role\"",
            "\"content\"",
            "\"type\"",
            "\"image_url\"",
            "\"image_url\":{\"url\":\"data:image/png;base64,AA\"}",
            "\"input_ids\"",
            "\"prompt_string\"",
            "\"multimodal_data\"",
            "\"prompt_embeds\"",
            "\"tool_calls\"",
            "\"logit_bias\"",
            "\"stop\"",
            "\"text\"",
            "\"m\\u006fdel\"",
            "\"\\ud800\"",
            "\"\\ud800nclude_usage\"",
            "\"\\ud83d\\ude00\"",
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
            "1.5",
            "[]",
            "{}",
            "[1,2,3]",
            "{\"model\":\"a\"}",
            ",",
            ":",
            "\\",
            " \n"
        );

    public override Outcome Execute(ReadOnlyMemory<byte> input)
    {
        if (input.IsEmpty)
        {
            return Outcome.Refused();
        }

        InferenceRequest request;
        try
        {
            // The reader repairs texts in place, and the input must stay as it is.
            request = RequestReader.Read((RequestKind)(1 + (input.Span[0] % 3)), input[1..].ToArray());
        }
        catch (ApiException refused)
        {
            return Refusal(refused, 1);
        }

        Require(request.Model.Length > 0, "A request that was read has a name.");
        Require(request.Prompt.Length > 0, "A request that was read has a prompt.");
        CheckEdits(request);
        var shape = Shape.Add(Shape.Start, request.IsStream);
        shape = Shape.Add(shape, request.Firewall is null);
        shape = Shape.Add(shape, request.StreamOptionsAt is null);
        shape = Shape.Add(shape, request.WantsUsage);
        shape = Shape.Add(shape, request.MaxOutput is null);
        shape = Shape.Add(shape, request.LeavesOutputOpen);
        shape = Shape.Add(shape, request.HasExtras);
        return Outcome.Accepted(CheckReading(request, shape));
    }

    private static Outcome Refusal(ApiException refused, ulong shape)
    {
        Require(refused.Error.HttpStatus == 400, "A body that cannot be read is the caller's error.");
        Require(refused.Error.Faults.Length > 0, "A refusal lists its validation errors.");
        foreach (var fault in refused.Error.Faults)
        {
            shape = Shape.Add(shape, fault.Description);
        }

        return Outcome.Refused(shape);
    }

    /// <summary>
    /// The body written from a reading holds all that was read and nothing else: reading it again gives the same.
    /// </summary>
    private static ulong CheckReading(InferenceRequest request, ulong shape)
    {
        var reading = PromptReader.Read(request);
        shape = Shape.Add(shape, (ulong)Math.Min(8, reading.Parts.Length));
        shape = Shape.Add(shape, (ulong)Math.Min(2, reading.Ids.Length));
        foreach (var fault in reading.Faults.AddRange(reading.Unknown))
        {
            shape = Shape.Add(shape, fault.Description);
        }

        if (!reading.Faults.IsEmpty)
        {
            return shape;
        }

        InferenceRequest guarded;
        try
        {
            guarded = reading.Guarded();
        }
        catch (ApiException refused)
        {
            throw new BrokenPromiseException($"The body of a reading can be read: {refused.Error.Message}");
        }

        var again = PromptReader.Read(guarded);
        Require(again.Unknown.IsEmpty && again.Faults.IsEmpty, "The body of a reading has known members only.");
        var hasMedia = reading.Parts.Any(part => part.Kind == PartKind.Media);
        Require(hasMedia || again.Parts.SequenceEqual(reading.Parts), "The body of a reading reads the same.");
        Require(again.Ids.SequenceEqual(reading.Ids), "The body of a reading has the same token ids.");
        Require(guarded.Model == request.Model, "The body of a reading has the same name.");
        Require(guarded.IsStream == request.IsStream, "The body of a reading streams as the request does.");
        CheckEdits(guarded);
        return shape;
    }

    /// <summary>The body for a runtime is JSON that differs only in what the scheduler edits.</summary>
    private static void CheckEdits(InferenceRequest request)
    {
        var reader = new Utf8JsonReader(
            BodyEdits.For(request, "other").Span,
            new JsonReaderOptions { MaxDepth = RequestReader.MaxDepth }
        );
        var isNamed = false;
        try
        {
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                Require(!reader.ValueTextEquals("firewall"u8), "No runtime receives the member firewall.");
                var isModel = reader.ValueTextEquals("model"u8);
                reader.Read();
                isNamed |= isModel && reader.ValueTextEquals("other"u8);
                reader.Skip();
            }

            Require(!reader.Read(), "The body for a runtime is one JSON object.");
        }
        catch (JsonException e)
        {
            throw new BrokenPromiseException($"The body for a runtime is JSON: {e.Message}");
        }

        Require(isNamed, "The body for a runtime has the name of the destination.");
    }
}
