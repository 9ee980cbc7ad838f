using System.Text;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Scheduler.Inference.Gateway;
using Xunit;

namespace Scheduler.UnitTests.Inference.Dialects;

/// <summary>Whatever the texts, a translation neither loses nor changes one, in requests, answers and streams.</summary>
public sealed class DialectPropertyTests
{
    /// <summary>Text, tool name, arguments; what a turn of a conversation can hold.</summary>
    private sealed record Turn(string Said, string Thought, string Name, JsonObject Arguments, string Result);

    [Property(MaxTest = 200)]
    public Property A_conversation_reaches_the_runtime_whole() =>
        Prop.ForAll(
            Turns().ToArbitrary(),
            turns =>
            {
                var expected = turns.SelectMany(turn => new[] { turn.Said, turn.Thought, turn.Result }).ToList();
                foreach (
                    var (kind, body) in new[]
                    {
                        (RequestKind.Messages, MessagesOf(turns)),
                        (RequestKind.Responses, InputOf(turns)),
                    }
                )
                {
                    var messages = Translations.ChatOf(kind, body.ToJsonString())["messages"]!.AsArray();
                    var calls = messages
                        .Where(message => message!["tool_calls"] is not null)
                        .Select(message => message!["tool_calls"]![0]!["function"]!)
                        .ToList();
                    var texts = messages
                        .SelectMany(message => new[] { message!["reasoning_content"], message["content"] })
                        .Where(text => text is not null)
                        .Select(text => (string)text!);
                    Assert.Equal(expected.Order(StringComparer.Ordinal), texts.Order(StringComparer.Ordinal));
                    Assert.Equal(turns.Select(turn => turn.Name), calls.Select(call => (string)call["name"]!));
                    Assert.All(
                        calls.Zip(turns),
                        pair =>
                            Assert.True(
                                JsonNode.DeepEquals(
                                    JsonNode.Parse((string)pair.First["arguments"]!),
                                    pair.Second.Arguments
                                )
                            )
                    );
                }
            }
        );

    [Property(MaxTest = 200)]
    public Property An_answer_reaches_the_client_whole_streamed_or_not() =>
        Prop.ForAll(
            (
                from turn in Turns().Select(turns => turns[0])
                from size in Gen.Choose(1, 9)
                select (turn, size)
            ).ToArbitrary(),
            given =>
            {
                var (turn, size) = given;
                var arguments = turn.Arguments.ToJsonString();
                var expected = new[] { turn.Thought, turn.Said, turn.Name };
                foreach (var kind in new[] { RequestKind.Messages, RequestKind.Responses })
                {
                    var exchange = Translations.Read(
                        kind,
                        kind == RequestKind.Messages
                            ? """{"model":"chat","max_tokens":1,"messages":[]}"""
                            : """{"model":"chat","input":"x"}"""
                    );
                    var (whole, wholeArguments) = ContentOf(Translations.Whole(exchange, WholeOf(turn, arguments)));
                    var (streamed, streamedArguments) = Gather(
                        Translations.Events(exchange, ChunksOf(turn, arguments, size))
                    );
                    Assert.Equal(expected, whole);
                    Assert.Equal(expected, streamed);
                    Assert.True(JsonNode.DeepEquals(turn.Arguments, JsonNode.Parse(wholeArguments)));
                    Assert.Equal(arguments, streamedArguments);
                }
            }
        );

    private static Gen<Turn[]> Turns()
    {
        var text = Gen.Elements("a", "\"", "\\", "\n\n", "data: x", "é", "𝄞", "\u2028", "\0", "</s>", "{", "}", " ")
            .NonEmptyListOf()
            .Select(string.Concat);
        var turn =
            from said in text
            from thought in text
            from name in text
            from value in text
            from number in Gen.Choose(-9, 9)
            from result in text
            select new Turn(
                said,
                thought,
                name,
                new JsonObject { [value] = new JsonArray(value, number, null, new JsonObject { ["x"] = value }) },
                result
            );
        return turn.NonEmptyListOf().Select(turns => turns.Take(4).ToArray());
    }

    private static JsonObject MessagesOf(Turn[] turns)
    {
        var messages = new JsonArray();
        foreach (var (at, turn) in turns.Index())
        {
            JsonNode[] said =
            [
                new JsonObject
                {
                    ["type"] = "thinking",
                    ["thinking"] = turn.Thought,
                    ["signature"] = "",
                },
                new JsonObject { ["type"] = "text", ["text"] = turn.Said },
                new JsonObject
                {
                    ["type"] = "tool_use",
                    ["id"] = $"t{at}",
                    ["name"] = turn.Name,
                    ["input"] = turn.Arguments.DeepClone(),
                },
            ];
            var result = new JsonObject
            {
                ["type"] = "tool_result",
                ["tool_use_id"] = $"t{at}",
                ["content"] = turn.Result,
            };
            messages.Add((JsonNode)new JsonObject { ["role"] = "assistant", ["content"] = new JsonArray(said) });
            messages.Add((JsonNode)new JsonObject { ["role"] = "user", ["content"] = new JsonArray(result) });
        }

        return new JsonObject
        {
            ["model"] = "chat",
            ["max_tokens"] = 1,
            ["messages"] = messages,
        };
    }

    private static JsonObject InputOf(Turn[] turns)
    {
        var input = new JsonArray();
        foreach (var (at, turn) in turns.Index())
        {
            var thought = new JsonObject { ["type"] = "reasoning_text", ["text"] = turn.Thought };
            var said = new JsonObject { ["type"] = "output_text", ["text"] = turn.Said };
            JsonNode[] items =
            [
                new JsonObject
                {
                    ["type"] = "reasoning",
                    ["summary"] = new JsonArray(),
                    ["content"] = new JsonArray(thought),
                },
                new JsonObject
                {
                    ["type"] = "message",
                    ["role"] = "assistant",
                    ["content"] = new JsonArray(said),
                },
                new JsonObject
                {
                    ["type"] = "function_call",
                    ["call_id"] = $"t{at}",
                    ["name"] = turn.Name,
                    ["arguments"] = turn.Arguments.ToJsonString(),
                },
                new JsonObject
                {
                    ["type"] = "function_call_output",
                    ["call_id"] = $"t{at}",
                    ["output"] = turn.Result,
                },
            ];
            foreach (var item in items)
            {
                input.Add(item);
            }
        }

        return new JsonObject { ["model"] = "chat", ["input"] = input };
    }

    private static JsonObject CallOf(Turn turn, string arguments) =>
        new()
        {
            ["index"] = 0,
            ["id"] = "c1",
            ["function"] = new JsonObject { ["name"] = turn.Name, ["arguments"] = arguments },
        };

    private static string WholeOf(Turn turn, string arguments) =>
        new JsonObject
        {
            ["choices"] = new JsonArray(
                new JsonObject
                {
                    ["finish_reason"] = "tool_calls",
                    ["message"] = new JsonObject
                    {
                        ["content"] = turn.Said,
                        ["reasoning_content"] = turn.Thought,
                        ["tool_calls"] = new JsonArray(CallOf(turn, arguments)),
                    },
                }
            ),
        }.ToJsonString();

    /// <summary>Chunks of a stream, each text in pieces of whole characters.</summary>
    private static IEnumerable<string> ChunksOf(Turn turn, string arguments, int size)
    {
        var deltas = Pieces(turn.Thought, size)
            .Select(piece => new JsonObject { ["reasoning_content"] = piece })
            .Concat(Pieces(turn.Said, size).Select(piece => new JsonObject { ["content"] = piece }))
            .Append(new JsonObject { ["tool_calls"] = new JsonArray(CallOf(turn, "")) })
            .Concat(
                Pieces(arguments, size)
                    .Select(piece => new JsonObject
                    {
                        ["tool_calls"] = new JsonArray(
                            new JsonObject
                            {
                                ["index"] = 0,
                                ["function"] = new JsonObject { ["arguments"] = piece },
                            }
                        ),
                    })
            );
        return deltas.Select(delta =>
            new JsonObject { ["choices"] = new JsonArray(new JsonObject { ["delta"] = delta }) }.ToJsonString()
        );
    }

    private static IEnumerable<string> Pieces(string text, int size) =>
        text.EnumerateRunes().Chunk(size).Select(runes => string.Concat(runes.Select(rune => rune.ToString())));

    /// <summary>Thought, text and tool name of a whole answer, and the arguments.</summary>
    private static (string[] Texts, string Arguments) ContentOf(JsonNode answer)
    {
        if (answer["content"] is JsonArray blocks)
        {
            return (
                [(string)blocks[0]!["thinking"]!, (string)blocks[1]!["text"]!, (string)blocks[2]!["name"]!],
                blocks[2]!["input"]!.ToJsonString()
            );
        }

        var output = answer["output"]!;
        return (
            [
                (string)output[0]!["content"]![0]!["text"]!,
                (string)output[1]!["content"]![0]!["text"]!,
                (string)output[2]!["name"]!,
            ],
            (string)output[2]!["arguments"]!
        );
    }

    /// <summary>The same, from the deltas of a stream.</summary>
    private static (string[] Texts, string Arguments) Gather(List<JsonNode> events)
    {
        var (thought, text, arguments, name) = (new StringBuilder(), new StringBuilder(), new StringBuilder(), "");
        foreach (var one in events)
        {
            var delta = one["delta"] as JsonObject;
            thought.Append((string?)delta?["thinking"]);
            text.Append((string?)delta?["text"]);
            arguments.Append((string?)delta?["partial_json"]);
            name += (string?)one["content_block"]?["name"];
            switch ((string?)one["type"])
            {
                case "response.reasoning_text.delta":
                    thought.Append((string?)one["delta"]);
                    break;
                case "response.output_text.delta":
                    text.Append((string?)one["delta"]);
                    break;
                case "response.function_call_arguments.delta":
                    arguments.Append((string?)one["delta"]);
                    break;
                case "response.output_item.added":
                    name += (string?)one["item"]!["name"];
                    break;
                default:
                    break;
            }
        }

        return ([thought.ToString(), text.ToString(), name], arguments.ToString());
    }
}
