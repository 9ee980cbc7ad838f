using System.Diagnostics;
using Microsoft.Playwright;
using Scheduler.Api.V1;
using Xunit;

namespace Scheduler.BrowserTests.Changes;

/// <summary>The commands that pages offer to copy work as they stand, in a shell with only <c>KEY</c> set.</summary>
[Collection(ChangingGroup.Name)]
public sealed class ReadyCallTests(Browser browser, DashboardScheduler scheduler) : DashboardTest(browser, scheduler)
{
    private static LaunchSpec Healthy => TestKit.Troubles.On(TestKit.Troubles.Small, "sim-lambda");

    private static readonly string Config = """
        {"architectures":["Qwen2ForCausalLM"],"model_type":"qwen2","hidden_size":896,"intermediate_size":4864,"num_hidden_layers":24,
         "num_attention_heads":14,"num_key_value_heads":2,"vocab_size":151936,"max_position_embeddings":32768,"tie_word_embeddings":true,
         "torch_dtype":"bfloat16"}
        """;

    [Theory]
    [InlineData("/dashboard/balancers?account={0}", "Create a balancer", "\"name\": \"accounts/{0}/balancers/")]
    [InlineData("/dashboard/firewalls?account={0}", "Create a firewall", "\"name\": \"accounts/{0}/firewalls/guard\"")]
    [InlineData(
        "/dashboard/firewalls/rules?account={0}",
        "Add a rule",
        "\"name\": \"accounts/{0}/rules/internal-names\""
    )]
    [InlineData("/dashboard/models?account={0}", "Register a model", "\"name\": \"accounts/{0}/models/acme/mine\"")]
    [InlineData("{1}", "Add a schedule", "/schedules/mornings\"")]
    [InlineData("{2}", "Request with curl", "\"choices\"")]
    public async Task A_command_does_what_it_says(string path, string command, string answer)
    {
        var account = IdOf(Scheduler.Account);
        var scheduled = path.Contains("{1}", StringComparison.Ordinal)
            ? await Api.CreateAsync(Scheduler.Account, "scheduled", Healthy)
            : Scheduler.Stopped;
        foreach (var isOperator in new[] { true, false })
        {
            var key = isOperator ? Scheduler.OperatorKey : Scheduler.AccountKey;
            var (page, _) = await OpenAsync(
                key,
                string.Format(
                    System.Globalization.CultureInfo.InvariantCulture,
                    path,
                    account,
                    PathOf(scheduled),
                    PathOf(Scheduler.Running)
                )
            );
            var text = await page.Locator($"copy-text pre[aria-label='{command}']").TextContentAsync();
            Assert.Contains(Scheduler.Site.ToString().TrimEnd('/'), text);

            var said = await RunAsync(text!, key);

            // The second time the same call repeats what exists, or the name is taken.
            var wanted = answer
                .Replace("{0}", account, StringComparison.Ordinal)
                .Replace(" ", "", StringComparison.Ordinal);
            Assert.True(
                said.Replace(" ", "", StringComparison.Ordinal).Contains(wanted, StringComparison.Ordinal)
                    || (!isOperator && said.Contains("ALREADY_EXISTS", StringComparison.Ordinal)),
                said
            );
        }
    }

    [Fact]
    public async Task A_command_is_copied_by_its_button()
    {
        var (page, _) = await OpenAsync(
            Scheduler.AccountKey,
            PathOf(Scheduler.Running),
            new() { Permissions = ["clipboard-read", "clipboard-write"] }
        );

        var call = page.Locator("copy-text").First;
        await call.GetByRole(AriaRole.Button, new() { Name = "Copy" }).ClickAsync();

        await Assertions.Expect(call.GetByRole(AriaRole.Button, new() { Name = "Copied" })).ToBeVisibleAsync();
        var copied = await page.EvaluateAsync<string>("() => navigator.clipboard.readText()");
        Assert.Equal((await call.Locator("pre").TextContentAsync())!.Trim(), copied);
    }

    [Fact]
    public async Task All_instances_of_an_account_are_stopped_at_once()
    {
        var (account, key) = await NewAccountAsync("acct-bulk");
        var names = new List<string>();
        foreach (var name in new[] { "one", "two" })
        {
            names.Add(await Api.CreateAsync(account, name, Healthy));
        }

        foreach (var name in names)
        {
            await Api.StartAsync(name);
        }

        await Api.UntilAsync(names[0], InstanceState.Running);
        var (page, _) = await OpenAsync(key, $"/dashboard/{account}");
        await Pages.Parts.DoAsync(page, "Stop all its instances", "The stop of 2 instances of acct-bulk was accepted");

        foreach (var name in names)
        {
            await Api.UntilAsync(name, InstanceState.Stopped);
        }

        await page.ReloadAsync();
        await Assertions.Expect(Pages.Parts.Ask(page, "Stop all its instances")).ToHaveCountAsync(0);
    }

    private async Task<(string Name, string Key)> NewAccountAsync(string id)
    {
        var account = await Api.Accounts.CreateAccountAsync(
            new CreateAccountRequest { AccountId = id },
            cancellationToken: Ct
        );
        await Api.Accounts.TopUpAccountAsync(
            new TopUpAccountRequest
            {
                Name = account.Name,
                AmountMicroEur = 100_000_000,
                Reference = "bulk",
            },
            cancellationToken: Ct
        );
        return (account.Name, (await Api.KeyAsync(account.Name)).Token);
    }

    private static async Task<string> RunAsync(string command, string key)
    {
        var folder = Directory.CreateTempSubdirectory("ready-call-");
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder.FullName, "config.json"), Config, Ct);
            using var shell = new Process
            {
                StartInfo = new ProcessStartInfo("bash", ["-c", command])
                {
                    WorkingDirectory = folder.FullName,
                    UseShellExecute = false,
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                    Environment = { ["KEY"] = key },
                },
            };
            shell.Start();
            var (said, error) = (shell.StandardOutput.ReadToEndAsync(Ct), shell.StandardError.ReadToEndAsync(Ct));
            await shell.WaitForExitAsync(Ct);
            Assert.True(shell.ExitCode == 0, await error);
            return await said;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
