using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Scheduler.Domain.Firewalls;
using Scheduler.UnitTests.Inference.Dialects;
using Xunit;

namespace Scheduler.UnitTests.Inference.Guard;

/// <summary>Random and damaged bodies through the whole gateway: no answer is 500.</summary>
public sealed class GatewayFuzzTests(ITestOutputHelper output)
{
    private const int Bodies = 3_000;
    private const int ManyBodies = 1_000_000;

    private static readonly Dictionary<string, FirewallMode?> Instances = new(StringComparer.Ordinal)
    {
        ["free"] = null,
        ["block"] = FirewallMode.Block,
        ["audit"] = FirewallMode.Audit,
        ["allow"] = FirewallMode.Allow,
    };

    private static readonly string[] Paths = ["", "/v1/chat/completions", "/v1/completions", "/v1/embeddings"];

    private static readonly string[] DialectPaths = ["/v1/messages", "/v1/messages/count_tokens", "/v1/responses"];

    private static readonly string[] Types =
    [
        "application/json",
        "application/json; charset=\"utf-8\"",
        "application/json; charset=\"",
        "application/json; charset=\"\\",
        "application/json;;",
        "",
        "\u00e9",
    ];

    private static readonly string?[] Codings = [null, null, "identity", "gzip", ",", "\u00e9"];

    private static readonly byte[][] Pieces =
    [
        .. new[]
        {
            "\\ud83d",
            "\\u0000",
            "\"",
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\\",
            "1e999",
            "-0",
            "null",
            "\u00e9",
            "\ufeff",
        }.Select(Encoding.UTF8.GetBytes),
        [0xC0, 0xAF],
        [0xED, 0xA0, 0xBD],
        [0xFF],
        [0],
    ];

    [Fact]
    public Task No_body_ends_with_500() => RunAsync(20_261_130, Bodies);

    [Fact(Explicit = true)]
    public async Task A_million_bodies_end_without_500()
    {
        var seed = int.TryParse(
            Environment.GetEnvironmentVariable("SCHEDULER_SEED"),
            CultureInfo.InvariantCulture,
            out var given
        )
            ? given
            : Environment.TickCount;
        await RunAsync(seed, ManyBodies);
    }

    private async Task RunAsync(int seed, int bodies)
    {
        await using var gateway = await DirectGateway.StartAsync(Instances);
        var random = new Random(seed);
        var maker = new BodyMaker(random);
        var (answers, received) = (new SortedDictionary<int, int>(), 0);
        gateway.Received = body =>
        {
            received++;
            using var json = JsonDocument.Parse(body);
        };
        for (var i = 0; i < bodies; i++)
        {
            var (path, made) = random.Next(3) > 0 ? MakeChat(maker) : MakeDialect(random);
            var name = Instances.Keys.ElementAt(random.Next(Instances.Count));
            var body = Damage(
                random,
                Encoding.UTF8.GetBytes(made.Replace("\"chat\"", $"\"{name}\"", StringComparison.Ordinal))
            );
            var type = random.Next(10) == 0 ? Types[random.Next(Types.Length)] : Types[0];
            var coding = random.Next(10) == 0 ? Codings[random.Next(Codings.Length)] : null;

            var (status, answer) = await gateway.SendAsync(path, body, type, coding);

            var what =
                $"Seed {seed}, body {i} to {path}, {type}, {coding}: {status} {answer} to {Convert.ToHexString(body)}";
            Assert.True(status is 200 or 400 or 404 or 413 or 415 or 503, what);
            Assert.True(status == 200 || answer.Contains("\"request_id\":\"req-", StringComparison.Ordinal), what);
            Assert.True(
                status != 503 || name == "block" || answer.Contains("NO_FIREWALL", StringComparison.Ordinal),
                what
            );
            answers[status] = answers.GetValueOrDefault(status) + 1;
        }

        output.WriteLine(
            $"Seed {seed}: {string.Join(", ", answers.Select(one => $"{one.Value} answers {one.Key}"))}; {received} bodies reached a runtime."
        );
        Assert.InRange(received, bodies / 20, bodies - 1);
    }

    private static (string Path, string Body) MakeChat(BodyMaker maker)
    {
        var (kind, body) = maker.Make();
        return (Paths[(int)kind], body);
    }

    /// <summary>A body of an agent, in which some values have changed places or become something else.</summary>
    private static (string Path, string Body) MakeDialect(Random random)
    {
        var path = DialectPaths[random.Next(DialectPaths.Length)];
        var body = JsonNode.Parse(path is "/v1/responses" ? Traffic.Codex : Traffic.ClaudeCode)!;
        for (var changes = random.Next(4); changes > 0; changes--)
        {
            var inner = Inner(body).ToList();
            var value = random.Next(3) > 0 ? inner[random.Next(inner.Count)].DeepClone() : Odd(random);
            var changed = inner[random.Next(inner.Count)];
            if (changed.Parent is not null)
            {
                changed.ReplaceWith(value);
            }
        }

        body["model"] = "chat";
        return (path, body.ToJsonString());
    }

    private static JsonNode? Odd(Random random) =>
        random.Next(7) switch
        {
            0 => null,
            1 => new JsonArray(),
            2 => new JsonObject(),
            3 => "",
            4 => -1e300,
            5 => true,
            _ => new JsonObject { ["type"] = "text" },
        };

    private static IEnumerable<JsonNode> Inner(JsonNode node) =>
        node switch
        {
            JsonObject values => values
                .Select(one => one.Value)
                .OfType<JsonNode>()
                .SelectMany(value => Inner(value).Prepend(value)),
            JsonArray values => values.OfType<JsonNode>().SelectMany(value => Inner(value).Prepend(value)),
            _ => [],
        };

    private static byte[] Damage(Random random, byte[] body)
    {
        if (random.Next(3) == 0)
        {
            return body;
        }

        var bytes = body.ToList();
        for (var changes = random.Next(1, 4); changes > 0 && bytes.Count > 0; changes--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes.RemoveRange(at, Math.Min(random.Next(1, 9), bytes.Count - at));
                    break;
                case 2:
                    bytes.InsertRange(at, bytes.GetRange(at, Math.Min(random.Next(1, 40), bytes.Count - at)));
                    break;
                default:
                    bytes.InsertRange(at, Pieces[random.Next(Pieces.Length)]);
                    break;
            }
        }

        return [.. bytes];
    }
}
