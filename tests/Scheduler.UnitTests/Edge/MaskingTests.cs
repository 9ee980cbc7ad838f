using FsCheck;
using FsCheck.Xunit;
using Scheduler.Edge;
using Xunit;

namespace Scheduler.UnitTests.Edge;

public sealed class MaskingTests
{
    [Theory]
    [InlineData("--api-key hunter2", "--api-key ***")]
    [InlineData("--api-key=hunter2", "--api-key=***")]
    [InlineData("--api-key hunter2 hunter3 --port 80", "--api-key *** *** --port 80")]
    [InlineData("--hf-token hunter2", "--hf-token ***")]
    [InlineData("--hfToken hunter2", "--hfToken ***")]
    [InlineData("HF_TOKEN=hunter2", "HF_TOKEN=***")]
    [InlineData("--ssl-keyfile-password=hunter2", "--ssl-keyfile-password=***")]
    [InlineData("--header Authorization:hunter2", "--header Authorization:***")]
    [InlineData("--client_secret hunter2", "--client_secret ***")]
    [InlineData("--APIKEY hunter2", "--APIKEY ***")]
    [InlineData("--mirror https://me:hunter2@host/x?token=hunter2", "--mirror https://***@host/x?token=***")]
    [InlineData("--extra {\"password\":\"hunter2\",\"depth\":3}", "--extra {\"password\":\"***\",\"depth\":3}")]
    public void Arguments_that_look_like_secrets_are_masked(string arguments, string expected) =>
        Assert.Equal(expected.Split(' '), Masking.Arguments(arguments.Split(' ')));

    [Theory]
    [InlineData("--max-num-batched-tokens 8192")]
    [InlineData("--tokenizer meta/llama --ctx-size=4096")]
    [InlineData("--max-model-len 8192 -ngl 99 --seed -1")]
    [InlineData("--kv-cache-dtype fp8 --enforce-eager")]
    public void Arguments_that_are_not_secrets_are_kept(string arguments) =>
        Assert.Equal(arguments.Split(' '), Masking.Arguments(arguments.Split(' ')));

    [Theory]
    [InlineData("answers at http://root:hunter2@10.0.0.1:8000/", "answers at http://***@10.0.0.1:8000/")]
    [InlineData("sent Bearer hunter2, refused", "sent Bearer ***, refused")]
    [InlineData("with sk-abcd1234efgh5678 in it", "with *** in it")]
    [InlineData("export HF_TOKEN=hf_abcdefghijkl", "export HF_TOKEN=***")]
    [InlineData("api_key: hunter2", "api_key: ***")]
    [InlineData("key i-abcdefghij.1.1 released", "key i-abcdefghij.1.1 released")]
    [InlineData("needs 12 GiB: reduce context_tokens=4096", "needs 12 GiB: reduce context_tokens=4096")]
    public void Credentials_in_texts_are_masked(string text, string expected) =>
        Assert.Equal(expected, Masking.Text(text));

    [Fact]
    public void Prompts_in_runtime_output_are_removed()
    {
        const string output =
            "INFO loading weights\nINFO Received request cmpl-1: prompt: 'my diagnosis is', params\nERROR out of memory";
        var masked = Masking.Text(output);
        Assert.DoesNotContain("diagnosis", masked, StringComparison.Ordinal);
        Assert.StartsWith("INFO loading weights\n", masked, StringComparison.Ordinal);
        Assert.EndsWith("\nERROR out of memory", masked, StringComparison.Ordinal);
    }

    [Fact]
    public void Facts_are_masked_by_name_except_ids_of_the_scheduler()
    {
        var masked = Masking.Facts(
            new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["api_key"] = "hunter2",
                ["key"] = "i-abcdefghij.1.1",
                ["route"] = "alpha/eu/L4",
                ["limit_tokens"] = "4096",
            }
        );
        Assert.Equal(["***", "i-abcdefghij.1.1", "4096", "alpha/eu/L4"], masked.Values);
    }

    [Property]
    public void A_secret_is_masked_in_every_common_notation(int name, int shape, PositiveInt length)
    {
        string[] names = ["api_key", "HF_TOKEN", "hf-token", "clientSecret", "Authorization", "db.password", "passwd"];
        string[] shapes =
        [
            "{0}={1}",
            "{0}: {1}",
            "export {0}={1}",
            "--{0}={1} --port 80",
            "{{\"{0}\":\"{1}\"}}",
            "http://u:{1}@host/x?{0}={1}",
            "a line\n{0}={1}\nanother",
            "Bearer {1}",
        ];
        var secret = "S3" + new string('x', length.Get % 200) + "cret";
        var text = string.Format(
            System.Globalization.CultureInfo.InvariantCulture,
            shapes[Math.Abs(shape % shapes.Length)],
            names[Math.Abs(name % names.Length)],
            secret
        );
        Assert.DoesNotContain(secret, Masking.Text(text), StringComparison.Ordinal);
    }

    [Property]
    public void The_value_of_a_secret_flag_is_masked_at_every_position(int[] picks, int at)
    {
        const string secret = "S3cret";
        string[] others = ["--max-model-len", "8192", "--enforce-eager", "-ngl", "99", "--seed=-1", "x"];
        var arguments = picks.Select(pick => others[Math.Abs(pick % others.Length)]).ToList();
        arguments.InsertRange(Math.Abs(at % (arguments.Count + 1)), ["--api-key", secret]);
        var masked = Masking.Arguments(arguments);
        Assert.DoesNotContain(secret, masked);
        Assert.Equal(arguments.Count, masked.Length);
        Assert.Equal(
            arguments.Where(argument => argument.StartsWith('-')),
            masked.Where(argument => argument.StartsWith('-'))
        );
    }

    [Property]
    public void Masking_a_masked_text_changes_nothing(NonNull<string> text)
    {
        var once = Masking.Text(text.Get);
        Assert.Equal(once, Masking.Text(once));
    }
}
