using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Inference.Dialects;
using Scheduler.Inference.Gateway;
using Xunit;

namespace Scheduler.UnitTests.Inference.Dialects;

/// <summary>Translations without a gateway.</summary>
internal static class Translations
{
    public static DialectExchange Read(RequestKind kind, string body) =>
        DialectExchange.Of(
            RequestReader.Read(kind, Encoding.UTF8.GetBytes(body)),
            new HeaderDictionary(),
            memory: null
        )!;

    /// <summary>The chat completion that a runtime gets.</summary>
    public static JsonNode ChatOf(RequestKind kind, string body) => JsonNode.Parse(Read(kind, body).Chat.Body.Span)!;

    public static IEnumerable<FieldFault> FaultsOf(RequestKind kind, string body) =>
        Assert.Throws<ApiException>(() => Read(kind, body)).Error.Faults;

    /// <summary>The whole answer that the client gets for a whole answer of the runtime.</summary>
    public static JsonNode Whole(DialectExchange exchange, string answer)
    {
        using var translation = exchange.Answer(RequestScope.Of(null), DateTimeOffset.UnixEpoch);
        translation.Take(Encoding.UTF8.GetBytes(answer));
        translation.Complete();
        return JsonNode.Parse(translation.Whole().Span)!;
    }

    /// <summary>The events that the client gets for chunks of the runtime.</summary>
    public static List<JsonNode> Events(DialectExchange exchange, params IEnumerable<string> chunks)
    {
        using var translation = exchange.Answer(RequestScope.Of(null), DateTimeOffset.UnixEpoch);
        translation.IsStream = true;
        foreach (var chunk in chunks)
        {
            translation.Take(Encoding.UTF8.GetBytes(chunk));
        }

        translation.Complete();
        return Parse(Encoding.UTF8.GetString(translation.Events.WrittenSpan));
    }

    /// <summary>The data of events; the name of each is its type.</summary>
    public static List<JsonNode> Parse(string stream)
    {
        var events = new List<JsonNode>();
        foreach (var text in stream.Split("\n\n", StringSplitOptions.RemoveEmptyEntries))
        {
            var lines = text.Split('\n');
            Assert.Equal(2, lines.Length);
            var data = JsonNode.Parse(lines[1]["data: ".Length..])!;
            Assert.Equal($"event: {data["type"]}", lines[0]);
            events.Add(data);
        }

        return events;
    }

    public static IEnumerable<string> Types(IEnumerable<JsonNode> events) => events.Select(one => (string)one["type"]!);
}
