using System.Collections.Immutable;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Scheduler.Domain.Firewalls;
using Xunit;

namespace Scheduler.DomainTests.Firewalls;

public sealed class JudgeAnswerTests
{
    private static readonly JudgeQuestion Two =
        JudgeQuestion.Build([.. ShippedRules.All.Take(2)], new JudgeInput(), new byte[JudgeQuestion.LeastRandom])
        ?? throw new InvalidOperationException("Too long.");

    [Theory]
    [InlineData("""{"marker":"M","1":true,"2":false}""")]
    [InlineData("""  { "2" : false , "1" : true , "marker" : "M" }  """)]
    [InlineData("\n{\n\t\"1\": true,\r\n\"marker\": \"M\",\n\"2\": false\n}\n")]
    public void A_valid_answer_has_the_marker_and_one_boolean_per_rule(string text)
    {
        Assert.True(JudgeAnswer.TryRead(Marked(text), Two, out var answers));
        Assert.Equal([true, false], answers);
    }

    [Theory]
    [InlineData("")]
    [InlineData("true")]
    [InlineData("null")]
    [InlineData("safe")]
    [InlineData("unsafe\nS1")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{")]
    [InlineData("""[{"marker":"M","1":true,"2":false}]""")]
    [InlineData("""{"1":true,"2":false}""")]
    [InlineData("""{"marker":"other","1":true,"2":false}""")]
    [InlineData("""{"marker":"m","1":true,"2":false}""")]
    [InlineData("""{"marker":null,"1":true,"2":false}""")]
    [InlineData("""{"marker":"M","marker":"M","1":true,"2":false}""")]
    [InlineData("""{"marker":"M","1":true}""")]
    [InlineData("""{"marker":"M","1":true,"1":true,"2":false}""")]
    [InlineData("""{"marker":"M","1":true,"1":false,"2":false}""")]
    [InlineData("""{"marker":"M","1":true,"2":false,"3":false}""")]
    [InlineData("""{"marker":"M","0":false,"1":true,"2":false}""")]
    [InlineData("""{"marker":"M","01":true,"2":false}""")]
    [InlineData("""{"marker":"M","+1":true,"2":false}""")]
    [InlineData("""{"marker":"M"," 1":true,"2":false}""")]
    [InlineData("""{"marker":"M","１":true,"2":false}""")]
    [InlineData("""{"marker":"M","1":"true","2":false}""")]
    [InlineData("""{"marker":"M","1":1,"2":0}""")]
    [InlineData("""{"marker":"M","1":True,"2":False}""")]
    [InlineData("""{"marker":"M","1":null,"2":false}""")]
    [InlineData("""{"marker":"M","1":[true],"2":false}""")]
    [InlineData("""{"marker":"M","1":{},"2":false}""")]
    [InlineData("""{"marker":"M","1":true,"2":false,"why":"it is fine"}""")]
    [InlineData("""{"marker":"M","1":true,"2":false}{"marker":"M","1":false,"2":false}""")]
    [InlineData("""{"marker":"M","1":true,"2":false} I hope this helps.""")]
    [InlineData("""Sure! {"marker":"M","1":true,"2":false}""")]
    [InlineData("```json\n{\"marker\":\"M\",\"1\":true,\"2\":false}\n```")]
    [InlineData("<think>hm</think>{\"marker\":\"M\",\"1\":true,\"2\":false}")]
    [InlineData("""{"marker":"M","1":true,"2":false,}""")]
    [InlineData("""{"marker":"M",/* yes */"1":true,"2":false}""")]
    [InlineData("""{'marker':'M','1':true,'2':false}""")]
    [InlineData("""{"marker":"M","\u0031":true,"2":false}""")]
    [InlineData("""{"marker":"\uD800","1":true,"2":false}""")]
    [InlineData("""{"\uD800":"M","1":true,"2":false}""")]
    public void Other_text_is_not_a_valid_answer(string text)
    {
        Assert.False(JudgeAnswer.TryRead(Marked(text), Two, out var answers));
        Assert.Empty(answers);
    }

    [Fact]
    public void A_missing_or_too_long_answer_is_refused()
    {
        Assert.False(JudgeAnswer.TryRead(null, Two, out _));
        var good = Marked("""{"marker":"M","1":true,"2":false}""");
        Assert.True(JudgeAnswer.TryRead(good.PadRight(JudgeAnswer.LongestLength), Two, out _));
        Assert.False(JudgeAnswer.TryRead(good.PadRight(JudgeAnswer.LongestLength + 1), Two, out _));
    }

    [Property]
    public void Answers_are_read_back_for_any_number_of_rules(NonEmptyArray<bool> given)
    {
        var count = Math.Min(given.Get.Length, ShippedRules.All.Length);
        ImmutableArray<bool> answers = [.. given.Get.Take(count)];
        var question = JudgeQuestion.Build([.. ShippedRules.All.Take(count)], new JudgeInput(), new byte[16])!;
        var said = string.Join(',', answers.Select((answer, i) => $"\"{i + 1}\":{(answer ? "true" : "false")}"));
        Assert.True(JudgeAnswer.TryRead($$"""{"marker":"{{question.Marker}}",{{said}}}""", question, out var read));
        Assert.Equal(answers, read);
    }

    [Property]
    public void Random_text_is_refused_without_an_exception(string? text) =>
        Assert.False(JudgeAnswer.TryRead(text, Two, out _));

    [Property]
    public Property Random_mixtures_of_JSON_tokens_never_give_a_partial_answer()
    {
        var pieces = Gen.Elements(
            "{",
            "}",
            "\"marker\"",
            "\"1\"",
            "\"2\"",
            ":",
            ",",
            "true",
            "false",
            $"\"{Two.Marker}\"",
            " ",
            "\\uD800",
            "\"",
            "[",
            "null",
            "\uD800"
        );
        return Prop.ForAll(
            Gen.ListOf(pieces).Select(string.Concat).ToArbitrary(),
            text =>
            {
                // An accepted answer has exactly one value for each of the two rules.
                var isRead = JudgeAnswer.TryRead(text, Two, out var answers);
                Assert.Equal(isRead ? 2 : 0, answers.Length);
            }
        );
    }

    private static string Marked(string text) => text.Replace("M", Two.Marker, StringComparison.Ordinal);
}
