using System.Text;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Microsoft.AspNetCore.Http;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Edge;
using Scheduler.Inference.ContextCheck;
using Scheduler.Inference.Gateway;
using Scheduler.Inference.Serving;
using Scheduler.Inference.Upstream;
using Xunit;

namespace Scheduler.UnitTests.Inference;

/// <summary>Properties of the pure parts of the gateway.</summary>
public sealed class StreamingTests
{
    private const string Usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3}}\n\n";

    [Property(MaxTest = 300)]
    public Property A_stream_passes_unchanged_except_usage_the_client_did_not_request() =>
        Prop.ForAll(
            Streams().ToArbitrary(),
            given =>
            {
                var (events, cuts, wantsUsage) = given;
                var text = string.Concat(events) + Usage + "data: [DONE]\n\n";
                var call = Call(wantsUsage);

                var passed = Pass(call, Encoding.UTF8.GetBytes(text), cuts);

                var expected = wantsUsage ? text : text.Replace(Usage, "", StringComparison.Ordinal);
                return (passed == expected).And(call.Usage == new TokenUsage(7, 3)).Label(passed);
            }
        );

    [Property(MaxTest = 300)]
    public Property A_broken_stream_ends_with_our_error_as_a_separate_event(PositiveInt at) =>
        (
            Pass(
                    Call(wantsUsage: true),
                    Encoding.UTF8.GetBytes("data: {\"a\":1}\n\ndata: {\"b\":2}\n\n")[..(1 + (at.Get % 28))],
                    [3],
                    "data: last\n\n"
                )
                .TrimEnd()
                .EndsWith("\n\ndata: last", StringComparison.Ordinal)
        ).ToProperty();

    [Property(MaxTest = 300)]
    public bool Only_the_firewall_field_is_removed_from_a_body(NonNull<string>[] names, NonNull<string> words, byte at)
    {
        var text = Whole(words.Get);
        var plain = new JsonObject { ["model"] = "chat", ["messages"] = new JsonArray(text) };
        for (var i = 0; i < names.Length; i++)
        {
            plain[$"{i}{Whole(names[i].Get)}"] = text;
        }

        var guarded = plain.DeepClone().AsObject();
        guarded.Insert(at % (guarded.Count + 1), "firewall", "strict");
        var request = Read(guarded.ToJsonString());
        var sent = JsonNode.Parse(BodyEdits.For(request, "chat").Span);
        var renamed = JsonNode.Parse(BodyEdits.For(request, "other").Span);
        var same = JsonNode.DeepEquals(plain, sent) && request.Firewall == "strict";
        plain["model"] = "other";
        return same && JsonNode.DeepEquals(plain, renamed);
    }

    [Theory]
    [InlineData("""{ "firewall" : "a" , "model":"chat","messages":[]}""")]
    [InlineData("""{"model":"chat", "firewall" : "a" ,"messages":[]}""")]
    [InlineData("""{"model":"chat","messages":[] , "firewall":null }""")]
    [InlineData(
        """{"model":"chat","stream":true,"stream_options":{"include_usage":false},"messages":[],"firewall":"a"}"""
    )]
    [InlineData("""{"stream":true,"model":"chat","messages":[]}""")]
    public void The_forwarded_body_is_valid_JSON_without_a_firewall_field(string body)
    {
        var sent = JsonNode.Parse(BodyEdits.For(Read(body), "elsewhere").Span)!.AsObject();
        Assert.False(sent.ContainsKey("firewall"));
        Assert.Equal("elsewhere", sent["model"]!.GetValue<string>());
        Assert.Equal(
            body.Contains("\"stream\":true"),
            sent["stream_options"]?["include_usage"]?.GetValue<bool>() == true
        );
    }

    [Property(MaxTest = 1000)]
    public Property The_text_bound_is_never_below_the_size_of_the_decoded_text(NonNull<string> text, bool escaped)
    {
        var plain = Whole(text.Get);
        var json = escaped
            ? JsonValue.Create(plain).ToJsonString()
            : $"\"{plain.Replace("\\", "\\\\").Replace("\"", "\\\"")}\"";
        var isAscii = plain.All(char.IsAscii);
        var bytes = Encoding.UTF8.GetByteCount(plain);
        var bound = TextBound.OfJson(Encoding.UTF8.GetBytes(json));

        // A byte outside ASCII may become eleven bytes.
        return (
            bound >= (isAscii ? bytes : plain.Sum(c => char.IsAscii(c) ? 1L : 11L * Encoding.UTF8.GetByteCount([c])))
        ).Label($"{bound} for {bytes}");
    }

    /// <summary>Removes surrogates: an unpaired one is not valid text.</summary>
    private static string Whole(string text) => new([.. text.Where(c => !char.IsSurrogate(c))]);

    private static Gen<(string[] Events, int[] Cuts, bool WantsUsage)> Streams() =>
        from events in Gen.ArrayOf(
            Gen.Elements(
                "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}],\"usage\":null}\n\n",
                "data: {\"choices\":[{\"delta\":{\"content\":\"\\\"usage\\\":{\"}}]}\n\n",
                ": ping\n\n",
                "data: {\"choices\":[{}]}\r\n\r\n",
                "event: x\ndata: {}\n\n",
                "data: ü\n\n"
            )
        )
        from cuts in Gen.ArrayOf(Gen.Choose(1, 40))
        from wants in ArbMap.Default.GeneratorFor<bool>()
        select (events, cuts, wants);

    private static string Pass(UpstreamCall call, byte[] text, int[] cuts, string last = "")
    {
        using var filter = new EventFilter(call);
        var passed = new MemoryStream();
        var buffer = new byte[5];
        for (var (at, turn) = (0, 0); at < text.Length; turn++)
        {
            var room = filter.FreeSpace().Span;
            var count = Math.Min(
                Math.Min(room.Length, cuts.Length > 0 ? cuts[turn % cuts.Length] : 17),
                text.Length - at
            );
            text.AsSpan(at, count).CopyTo(room);
            filter.Filled(count);
            at += count;
            Drain();
        }

        filter.End(Encoding.UTF8.GetBytes(last));
        Drain();
        return Encoding.UTF8.GetString(passed.ToArray());

        void Drain()
        {
            while (filter.HasReady)
            {
                passed.Write(buffer, 0, filter.Give(buffer));
            }
        }
    }

    private static InferenceRequest Read(string json) =>
        RequestReader.Read(RequestKind.Chat, Encoding.UTF8.GetBytes(json));

    private static UpstreamCall Call(bool wantsUsage) =>
        new()
        {
            Request = Read("""{"model":"chat","messages":[]}""") with { WantsUsage = wantsUsage },
            Instance = new ServedInstance(new AccountId("acct-a"), "chat", null)
            {
                Id = new InstanceId("i-1"),
                Run = 1,
                State = InstanceState.Running,
                ContextTokens = 100,
                CreatedAt = default,
            },
            Scope = RequestScope.Of(null),
            Client = new ClientAnswer(new DefaultHttpContext(), OpenAiErrors.Shape, TimeProvider.System),
            Errors = OpenAiErrors.Shape,
            Aborted = CancellationToken.None,
            ExplainBreak = _ => throw new NotSupportedException(),
            Answered = () => { },
        };
}
