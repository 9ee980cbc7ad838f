using System.Net;
using System.Text.Json;
using Scheduler.Domain.Firewalls;
using Scheduler.Grains.Firewalls;
using Scheduler.UnitTests.Api;
using Scheduler.UnitTests.Inference.Firewalls;
using Xunit;

namespace Scheduler.UnitTests.Inference.Guard;

/// <summary>Bodies that tried to pass a firewall, and harmless ones that must pass it, over HTTP.</summary>
public sealed class GuardTests(GuardedGateway world) : IClassFixture<GuardedGateway>
{
    private const string Chat = "/v1/chat/completions";
    private const string Completion = "/v1/completions";
    private const string Embedding = "/v1/embeddings";
    private const string WithImage =
        """{"model":"NAME","messages":[{"role":"user","content":[{"type":"text","text":"look"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}]}""";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Each hides the word FORBIDDEN, or content that the judge cannot see, somewhere in a body.</summary>
    public static TheoryData<string, string> Hidden() =>
        new()
        {
            // Messages of unusual types.
            { Chat, """{"model":"guarded","messages":"FORBIDDEN words"}""" },
            { Chat, """{"model":"guarded","messages":["FORBIDDEN words"]}""" },
            { Chat, """{"model":"guarded","messages":{"role":"user","content":"FORBIDDEN"}}""" },
            { Chat, """{"model":"guarded","messages":[[{"role":"user","content":"FORBIDDEN"}]]}""" },
            { Chat, """{"model":"guarded","messages":[{"role":["FORBIDDEN words"],"content":"hi"}]}""" },
            { Chat, """{"model":"guarded","messages":[{"role":{"FORBIDDEN":1},"content":"hi"}]}""" },
            { Chat, """{"model":"guarded","messages":[{"role":"FORBIDDEN"}]}""" },
            { Chat, """{"model":"guarded","messages":[{"role":"FORBIDDEN","content":"hi"}]}""" },
            { Chat, """{"model":"guarded","messages":[{"content":{"text":"FORBIDDEN"},"role":"user"}]}""" },
            { Chat, """{"model":"guarded","messages":[{"role":"user","content":[{"text":"FORBIDDEN"}]}]}""" },
            { Chat, """{"model":"guarded","messages":[{"role":"user","content":["FORBIDDEN"]}]}""" },
            { Chat, """{"model":"guarded","messages":[{"role":"user","content":[["FORBIDDEN"]]}]}""" },
            { Chat, """{"model":"guarded","messages":[{"role":"user","content":[{"type":"FORBIDDEN"}]}]}""" },
            // Other members of messages.
            { Chat, """{"model":"guarded","messages":[{"role":"user","content":"hi","name":"FORBIDDEN"}]}""" },
            { Chat, """{"model":"guarded","messages":[{"role":"tool","content":"hi","tool_call_id":"FORBIDDEN"}]}""" },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"FORBIDDEN","arguments":"{}"}}]}]}"""
            },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":{"FORBIDDEN":1}}}]}]}"""
            },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"assistant","content":null,"reasoning_content":"FORBIDDEN"}]}"""
            },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"assistant","content":"FORBIDDEN","prefix":true}],"continue_final_message":true}"""
            },
            { Chat, """{"model":"guarded","messages":[{"author":{"role":"FORBIDDEN"},"content":"hi"}]}""" },
            { Chat, """{"model":"guarded","messages":[{"role":"user","content":"hi","Content":"FORBIDDEN"}]}""" },
            { Chat, """{"model":"guarded","messages":[{"role":"user","content":"hi","secret":"FORBIDDEN"}]}""" },
            // Names that occur twice, in other case, with escapes.
            { Chat, """{"model":"guarded","messages":[{"role":"user","content":"FORBIDDEN","content":"hi"}]}""" },
            { Chat, """{"model":"guarded","messages":[{"role":"user","content":"hi","c\u006fntent":"FORBIDDEN"}]}""" },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"user","content":"hi"}],"Messages":[{"role":"user","content":"FORBIDDEN"}]}"""
            },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"user","content":"hi"}],"me\u017f\u017fages":[{"role":"user","content":"FORBIDDEN"}]}"""
            },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"user","content":"hi"}],"messages":[{"role":"user","content":"FORBIDDEN"}]}"""
            },
            { Chat, """{"model":"guarded","messages":[{"role":"user","content":"\u0046ORBIDDEN"}]}""" },
            // Tools, schemas, templates, formats.
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"a","description":"FORBIDDEN"}}]}"""
            },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"a","parameters":{"properties":{"FORBIDDEN":{}}}}}]}"""
            },
            { Chat, """{"model":"guarded","messages":[{"role":"user","content":"hi"}],"tools":{"FORBIDDEN":1}}""" },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"developer","content":"hi","tools":[{"function":{"name":"FORBIDDEN"}}]}]}"""
            },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"user","content":"hi"}],"functions":[{"name":"FORBIDDEN"}]}"""
            },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"user","content":"hi"}],"tool_choice":{"function":{"name":"FORBIDDEN"}}}"""
            },
            { Chat, """{"model":"guarded","messages":[{"role":"user","content":"hi"}],"chat_template":"FORBIDDEN"}""" },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"user","content":"hi"}],"chat_template_kwargs":{"a":"FORBIDDEN"}}"""
            },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"user","content":"hi"}],"documents":[{"text":"FORBIDDEN"}]}"""
            },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"user","content":"hi"}],"response_format":{"type":"json_schema","json_schema":{"name":"FORBIDDEN"}}}"""
            },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"user","content":"hi"}],"guided_choice":["FORBIDDEN"]}"""
            },
            { Chat, """{"model":"guarded","messages":[{"role":"user","content":"hi"}],"tool_prompt":"FORBIDDEN"}""" },
            { Chat, """{"model":"guarded","messages":[{"role":"user","content":"hi"}],"system":"FORBIDDEN"}""" },
            { Chat, """{"model":"guarded","messages":[{"role":"user","content":"hi"}],"stop":["FORBIDDEN"]}""" },
            { Chat, """{"model":"guarded","messages":[{"role":"user","content":"hi"}],"user":"FORBIDDEN"}""" },
            { Chat, """{"model":"guarded","messages":[{"role":"user","content":"hi"}],"service_tier":"FORBIDDEN"}""" },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"user","content":"hi"}],"temperature":{"FORBIDDEN":1}}"""
            },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"user","content":"hi"}],"logit_bias":{"FORBIDDEN":1}}"""
            },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"user","content":"hi"}],"stream_options":{"FORBIDDEN":true}}"""
            },
            { Chat, """{"model":"guarded","messages":[{"role":"user","content":"hi"}],"unheard_of":"FORBIDDEN"}""" },
            // Media.
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"user","content":[{"type":"text","text":"hi"},{"image_url":"data:image/png;base64,AAAA"}]}]}"""
            },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]}]}"""
            },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"user","content":[{"type":"text","text":"hi","image_url":{"url":"data:image/png;base64,AAAA"}}]}]}"""
            },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"user","content":[{"type":"image_url","image_url":null,"uuid":"seen-before"}]}]}"""
            },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}]}]}"""
            },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"user","content":[{"audio_url":"https://example.com/a.wav"}]}]}"""
            },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"user","content":[{"video_url":{"url":"https://example.com/a.mp4"}}]}]}"""
            },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"user","content":[{"type":"file","file":{"file_data":"AAAA"}}]}]}"""
            },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"user","content":[{"type":"image_embeds","image_embeds":"AAAA"}]}]}"""
            },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"user","content":[{"type":"prompt_embeds","data":"AAAA"}]}]}"""
            },
            { Chat, """{"model":"guarded","messages":[{"role":"user","content":"hi","images":["AAAA"]}]}""" },
            {
                Completion,
                """{"model":"guardedl","prompt":{"prompt_string":"hi <__media__>","multimodal_data":["AAAA"]}}"""
            },
            {
                Completion,
                """{"model":"guardedl","prompt":[{"prompt_string":"hi <__media__>","multimodal_data":["AAAA"]}]}"""
            },
            { Completion, """{"model":"guardedl","prompt":{"prompt_string":"FORBIDDEN"}}""" },
            { Completion, """{"model":"guardedl","prompt":"hi","image_data":[{"id":1,"data":"AAAA"}]}""" },
            { Embedding, """{"model":"guarded","input":[{"image":"AAAA","text":"hi"}]}""" },
            // Embeddings, caches and sessions of other requests.
            { Completion, """{"model":"guardedl","prompt":"","prompt_embeds":"AAAA"}""" },
            { Completion, """{"model":"guardedl","prompt":"hi","kv_transfer_params":{"remote_host":"a"}}""" },
            { Completion, """{"model":"guardedl","prompt":"hi","session_params":{"id":"a"}}""" },
            { Chat, """{"model":"guarded","messages":[{"role":"user","content":"hi"}],"bootstrap_host":"10.0.0.1"}""" },
            // Token ids: F, O, R, B, I, D, D, E, N.
            { Completion, """{"model":"guardedl","prompt":["hi ",73,74,75,76]}""" },
            { Completion, """{"model":"guardedl","prompt":[73,74,"hi"]}""" },
            { Completion, """{"model":"guardedl","prompt":["hi",["there",73]]}""" },
            { Completion, """{"model":"guardedl","prompt":[70,79,82,66,73,68,68,69,78]}""" },
            { Completion, """{"model":"guarded","prompt":[[104,105],[70,79,82,66,73,68,68,69,78]]}""" },
            { Completion, """{"model":"guarded","prompt":["hi",[70,79,82,66,73,68,68,69,78]]}""" },
            { Completion, """{"model":"guarded","prompt":[70.0,79,82]}""" },
            { Completion, """{"model":"guarded","prompt":[-70]}""" },
            { Completion, """{"model":"guarded","prompt":70}""" },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"user","content":"hi"}],"input_ids":[70,79,82,66,73,68,68,69,78]}"""
            },
            { Embedding, """{"model":"guarded","input":[70,79,82,66,73,68,68,69,78]}""" },
            // Other members of completions and embeddings.
            { Completion, """{"model":"guarded","prompt":"hi","suffix":"FORBIDDEN"}""" },
            { Completion, """{"model":"guarded","prompt":["hi","FORBIDDEN"]}""" },
            { Completion, """{"model":"guarded","prompt":"hi","messages":[{"role":"user","content":"FORBIDDEN"}]}""" },
            { Completion, """{"model":"guardedl","prompt":"hi","input_prefix":"FORBIDDEN"}""" },
            { Completion, """{"model":"guardedl","prompt":"hi","grammar":"root ::= \"FORBIDDEN\""}""" },
            { Embedding, """{"model":"guarded","input":["hi","FORBIDDEN"]}""" },
            { Embedding, """{"model":"guardedl","input":"hi","content":"FORBIDDEN"}""" },
            { Embedding, """{"model":"guarded","input":"hi","encoding_format":"FORBIDDEN"}""" },
        };

    public static TheoryData<string, string> Harmless() =>
        new()
        {
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"user","content":"rate"}],"tools":[{"type":"function","function":{"name":"rate","parameters":{"type":"object","properties":{"stars":{"type":"integer","enum":[1,2,3]}}}}}]}"""
            },
            { Chat, """{"model":"guarded","messages":[{"role":"user","content":"x"}],"stop_token_ids":[151645]}""" },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"user","content":"bias"}],"logit_bias":{"50256":-100},"allowed_token_ids":[1,2],"bad_words":[]}"""
            },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"user","content":"my profile image is an audio file"}]}"""
            },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"user","content":[{"type":"text","text":"hi","cache_control":{"type":"ephemeral"}}]}]}"""
            },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"yes","refusal":null,"annotations":[],"audio":null,"function_call":null,"tool_calls":null,"reasoning_content":null},{"role":"user","content":"go on"}]}"""
            },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"n\":1}"}}]},{"role":"tool","tool_call_id":"call_1","content":"[1,2,3]"}]}"""
            },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"user","content":"hi"}],"temperature":0.7,"top_p":1,"n":1,"seed":7,"stop":"\n","max_tokens":16,"presence_penalty":0,"frequency_penalty":0,"logprobs":true,"top_logprobs":2,"user":"u-1","parallel_tool_calls":false,"tool_choice":"auto","service_tier":"auto","store":false,"metadata":{"a":"b"},"reasoning_effort":"low","response_format":{"type":"text"}}"""
            },
            {
                Chat,
                """{"model":"guarded","messages":[{"role":"user","content":"hi"}],"top_k":40,"min_p":0.05,"repetition_penalty":1.1,"ignore_eos":true,"skip_special_tokens":true,"chat_template_kwargs":{"enable_thinking":false},"structured_outputs":{"choice":["a","b"]},"cache_salt":"s","priority":0,"request_id":"r"}"""
            },
            {
                Chat,
                """{"model":"guardedl","messages":[{"role":"user","content":"hi"}],"cache_prompt":true,"id_slot":-1,"samplers":["top_k","min_p"],"dry_multiplier":0.8,"mirostat":0,"n_predict":8,"timings_per_token":true,"grammar":"root ::= \"a\"","lora":[{"id":0,"scale":0.5}],"reasoning_format":"auto"}"""
            },
            { Chat, """{"model":"guarded","messages":[{"role":"user","content":"half \ud83d of an emoji"}]}""" },
            { Completion, """{"model":"guardedl","prompt":[104,105]}""" },
            { Completion, """{"model":"guarded","prompt":["a","b",[104,105]],"suffix":"c","echo":true,"best_of":1}""" },
            {
                Embedding,
                """{"model":"guarded","input":["a","b"],"encoding_format":"base64","dimensions":256,"user":"u"}"""
            },
            { Embedding, """{"model":"guarded","input":[[104,105],[106]]}""" },
        };

    [Theory]
    [MemberData(nameof(Hidden))]
    public async Task Nothing_unseen_reaches_a_model_in_block_mode_INV_10(string path, string body)
    {
        using var answer = await world.SendAsync(path, body);

        Assert.Contains((int)answer.StatusCode, (int[])[400, 403, 503]);
        Assert.Empty(world.Received);
    }

    [Theory]
    [MemberData(nameof(Harmless))]
    public async Task A_harmless_request_is_judged_and_passes(string path, string body)
    {
        using var answer = await world.SendAsync(path, body);

        Assert.Equal("", answer.IsSuccessStatusCode ? "" : await answer.Content.ReadAsStringAsync(Ct));
        // A slow judge is asked the same a second time.
        Assert.Single(world.Judged.Distinct(StringComparer.Ordinal));
        Assert.Equal(path, Assert.Single(world.Received).Path);
    }

    [Fact]
    public async Task The_judge_sees_the_numbers_of_a_tool()
    {
        using var answer = await world.SendAsync(
            Chat,
            """{"model":"guarded","messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"rate","parameters":{"const":{"a":70,"b":79,"c":82}}}}]}"""
        );

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        // A slow judge is asked the same a second time.
        var judged = Assert.Single(world.Judged.Distinct(StringComparer.Ordinal));
        Assert.Contains("{a: 70, b: 79, c: 82}", judged, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Token_ids_become_text_in_one_call()
    {
        using var answer = await world.SendAsync(Completion, """{"model":"guarded","prompt":[[104,105],[106,107]]}""");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(
            ("/detokenize", """{"tokens":[104,105,106,107],"model":"guarded"}"""),
            Assert.Single(world.Tokenized, call => call.Path == "/detokenize")
        );
        Assert.Contains("hijk", Assert.Single(world.Judged), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unknown_member_is_refused_with_its_path()
    {
        using var answer = await world.SendAsync(
            Chat,
            """{"model":"guarded","messages":[{"role":"user","content":[{"type":"text","text":"a"},{"text":"b","Text":"c"}]}]}"""
        );

        var error = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Ct)).RootElement.GetProperty("error");
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("messages[0].content[1].Text", error.GetProperty("param").GetString());
        Assert.Empty(world.Judged);
    }

    [Fact]
    public async Task Without_a_firewall_and_in_other_modes_bytes_pass_as_they_are()
    {
        const string messages =
            """ "unheard_of" : {"A":1.50,"a":"\u0041"}, "messages":[ {"role":"user","content":[{"image_url":"x"}]} ]""";
        foreach (var firewall in (string[])["", """ "firewall":"watch",""", """ "firewall":"lenient","""])
        {
            using var answer = await world.SendAsync(Chat, $$"""{"model":"rec",{{firewall}}{{messages}}}""");

            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            var sent = $$"""{"model":"rec",{{messages}}}""";
            Assert.Equal(sent, Assert.Single(world.Received).Body);
        }
    }

    [Theory]
    [InlineData("watch")]
    [InlineData("lenient")]
    public async Task An_image_in_another_mode_is_recorded_as_not_judged(string firewall)
    {
        var log = (FakeEvaluations)world.Gateway.Cluster.Evaluations(GatewayFixture.Account);

        using var answer = await world.SendAsync(
            Chat,
            WithImage.Replace("NAME", $"rec\",\"firewall\":\"{firewall}", StringComparison.Ordinal)
        );

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var id = answer.Headers.GetValues("X-Request-Id").Single();
        await GateWorld.UntilAsync(() => log.Recorded.Any(one => one.RequestId.Value == id));
        Assert.Equal(FirewallDecision.Unjudged, log.Recorded.Single(one => one.RequestId.Value == id).Decision);
    }

    [Theory]
    [InlineData("""{"model":"rec","firewall":"watch","messages":[{"role":"user","content":"hi \ud83d"}]}""")]
    [InlineData("""{"model":"rec","firewall":"watch","messages":[{"role":["a"],"content":7}],"prompt":[1,"a"]}""")]
    [InlineData("""{"model":"rec","firewall":"lenient","messages":[{"role":"user","content":"a","content":"b"}]}""")]
    [InlineData("""{"model":"rec","tools":[],"messages":[{"role":"user","content":"hi \ud83d"}]}""")]
    public async Task Audit_and_allow_mode_fail_no_answer(string body)
    {
        using var answer = await world.SendAsync(Chat, body);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Single(world.Received);
    }

    [Fact]
    public async Task A_refusal_without_a_verdict_tells_clients_not_to_repeat_the_request()
    {
        using var answer = await world.SendAsync(Chat, WithImage.Replace("NAME", "guarded", StringComparison.Ordinal));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Equal("false", answer.Headers.GetValues("X-Should-Retry").Single());
    }
}
