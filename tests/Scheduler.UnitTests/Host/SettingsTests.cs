using Microsoft.Extensions.Options;
using Scheduler.Host;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.UnitTests.Host;

/// <summary>
/// Every wrong setting is reported with its path, its value and the accepted values, before anything starts. The exit
/// code and the printed lines are tested with a real process in SystemTests/StartUpTests.
/// </summary>
public sealed class SettingsTests
{
    [Theory]
    [InlineData("Host:HttpPort", "abc", "a whole number")]
    [InlineData("Host:GrpcPort", "70000", "0 to 65535")]
    [InlineData("Host:Log", "xml", "console, json")]
    [InlineData("Host:Adress", "::1", "Address")]
    [InlineData("Host:Role", "silos", "all, doors, silo")]
    [InlineData("Host:Role", "doors", "accepted without Storage:PostgreSql: all")]
    [InlineData("Host:Role", "silo", "accepted without Storage:PostgreSql: all")]
    [InlineData("Host:SiloAddress", "0.0.0.0", "the one IP address others reach this host at")]
    [InlineData("Host:GatewayPort", "-1", "0 to 65535")]
    [InlineData("Host:PortOffset", "20000", "0 to 10000")]
    [InlineData("Host:DrainFor", "00:01:00", "0 to below ShutdownTimeout")]
    [InlineData("Host:FinishWithin", "00:00:00", "above 0, to 01:00:00")]
    [InlineData("Scheduler:Launch:AllocationTimeout", "soon", "a duration such as 00:01:30")]
    [InlineData("Scheduler:Billing:LaunchMinimumEuros", "-1", "0 to 1000000")]
    [InlineData("Scheduler:Launch:AllocationTimout", "00:01:00", "AllocationTimeout")]
    [InlineData("Storage:Sqlite:Synchronous", "OFF", "FULL and NORMAL")]
    [InlineData("Storage:Sqlite:MaxBatch", "many", "a whole number")]
    [InlineData("Storage:Sqlite:MaxBatch", "0", "1 to 10000")]
    [InlineData("Storage:Sqlite:Path", " ", "the path of a file")]
    [InlineData("Storage:PostgreSql:MaxBatch", "0", "1 to 10000")]
    [InlineData("Api:MaxBodyBytes", "5", "1024 to 16777216")]
    [InlineData("Api:MaxBodyBytes", "big", "a whole number")]
    [InlineData("Api:MaxBody", "5", "MaxBodyBytes")]
    [InlineData("Api:RequestsPerSecondPerKey", "-1", "0 to 100000")]
    [InlineData("Api:MaxRequests", "8", "64 to 100000")]
    [InlineData("Api:MaxQueueWait", "00:02:00", "to 00:01:00")]
    [InlineData("Requests:SuccessesPerSecond", "-1", "0 to 100000")]
    [InlineData("Requests:MostWaiting", "1", "100 to 1000000")]
    [InlineData("Scheduler:Requests:KeptFor", "00:00:01", "00:01:00 to 365.00:00:00")]
    [InlineData("Scheduler:Requests:KeptPerAccount", "1", "100 to 10000000")]
    [InlineData("Scheduler:Quotas:Keys", "-1", "0 to 1000000")]
    [InlineData("Scheduler:Quotas:Secrets", "129", "0 to 128")]
    [InlineData("Api:AllowedHosts:0", "http://a.example", "host names without scheme and port")]
    [InlineData("Scheduler:MostClockSkew", "00:00:00", "00:00:01 to 30.00:00:00")]
    [InlineData("Dashboard:MaxRequests", "8", "16 to 100000")]
    [InlineData("Dashboard:MaxWindows", "many", "a whole number")]
    [InlineData("Dashboard:MaxWindow", "5", "MaxWindows")]
    [InlineData("Dashboard:Enabled", "perhaps", "true or false")]
    [InlineData("Api:Reflection", "perhaps", "true or false")]
    [InlineData("Dashboard:SessionLimit", "31.00:00:00", "00:01:00 to 30.00:00:00")]
    [InlineData("Dashboard:SessionLifetime", "00:00:10", "00:01:00 to 30.00:00:00")]
    [InlineData("Dashboard:UnknownBurstPerAddress", "0", "1 to 1000000")]
    [InlineData("Providers:Simulated:Seed", "abc", "a whole number")]
    [InlineData("Providers:Simulated:Faults:0:NeverAnswer", "perhaps", "true or false")]
    [InlineData("Providers:Simulated:Vendors:0", "acme", "azure")]
    [InlineData("Providers:Simulated:Sede", "3", "Seed")]
    [InlineData("Providers:Simulated:EurPerUsd", "0", "above 0, to 100")]
    [InlineData("Providers:Simulated:Faults:0:Match:Gpu", "H100", "GpuType")]
    [InlineData("Providers:Simulated:Faults:0:OomAfter", "-00:00:01", "0 to 365.00:00:00")]
    [InlineData("Providers:Simulated:Faults:0:Probability", "2", "0 to 1")]
    [InlineData("Providers:Simulated:Faults:0:CacheFactor", "-1", "0 to 1000")]
    [InlineData("Providers:Process:Cpu:Available", "0", "1 to 1000")]
    [InlineData("Providers:Process:Id", "My host", "1 to 63 of a-z, 0-9 and '-'")]
    [InlineData("Providers:Process:Presets:mine:TokenizeShape", "round", "Vllm, LlamaServer")]
    [InlineData("Memory:BudgetPercent", "61", "1 to 60")]
    [InlineData("Memory:BudgetMiB", "-1", "0 to 1048576")]
    [InlineData("Connections:Most", "15", "0, or 16 to 1000000")]
    [InlineData("Connections:IdleTimeout", "00:00:04", "00:00:05 to 01:00:00")]
    [InlineData("Connections:SlowestBytesPerSecond", "0", "1 to 1048576")]
    [InlineData("Providers:Worker:LostAfter", "00:00:01", "at least CallTimeout, 00:00:15")]
    [InlineData("Worker:Name", "GPU 1", "1 to 63 of a-z, 0-9 and '-', beginning and ending with a letter or digit")]
    [InlineData("Worker:Address", "0.0.0.0", "the one IP address at which others reach this host")]
    [InlineData("Worker:Join", "http://scheduler.example", "https://HOST[:PORT] of the scheduler, or http:// on this")]
    [InlineData("Providers:Cloud", "on", "Simulated, Process")]
    [InlineData("Schedular:ClusterId", "a", "Host, Scheduler, Storage, Secrets, Providers, Worker, Hub, Runtimes, Api")]
    public void A_wrong_setting_is_reported_with_its_path_value_and_accepted_values(
        string path,
        string value,
        string accepted
    )
    {
        var failure = Assert.Single(FailuresOf($"--{path}={value}"));

        var isSection = path.StartsWith("Schedular", StringComparison.Ordinal);
        Assert.StartsWith(isSection ? "Schedular is " : $"{path} is ", failure);
        Assert.Contains(isSection ? "'a section'" : $"'{value}'", failure);
        Assert.Contains(accepted, failure);
    }

    [Theory]
    [InlineData("Providers:Process:Enabled", "true", "false, since its runtimes are bound to one host")]
    [InlineData("Providers:Simulated:StatePath", "", "a file that the silos of this host share")]
    public void A_setting_not_accepted_in_a_cluster_is_reported(string path, string value, string accepted) =>
        Assert.Contains(
            $"{path} is '{value}'; accepted with Storage:PostgreSql: {accepted}",
            FailuresOf("--Storage:PostgreSql:ConnectionString=Host=127.0.0.1", $"--{path}={value}")
        );

    [Fact]
    public void A_wrong_preset_is_reported_with_its_name() =>
        Assert.Equal(
            ["Providers:Process:Presets:mine is 'the program is empty'; accepted: see the built-in presets"],
            FailuresOf("--Providers:Process:Presets:mine:Program=")
        );

    [Theory]
    [InlineData("nonsense")]
    [InlineData("Port=xyz;Host=a")]
    [InlineData("Database=only")]
    public void An_invalid_connection_string_is_reported_by_path_and_not_shown_INV_13(string text) =>
        Assert.Contains(
            "Storage:PostgreSql:ConnectionString is 'not shown'; accepted: an Npgsql connection string with a Host",
            FailuresOf($"--Storage:PostgreSql:ConnectionString={text}")
        );

    [Fact]
    public void A_connection_string_file_that_cannot_be_read_is_reported() =>
        AssertOne(
            "Storage:PostgreSql:ConnectionStringFile is '/nowhere'; accepted: a file of",
            FailuresOf("--Storage:PostgreSql:ConnectionStringFile=/nowhere")
        );

    [Fact]
    public void Wrong_permissions_of_callers_and_engines_of_presets_are_reported()
    {
        var failures = FailuresOf(
            "--Runtimes:AllowedOptions:0=--trust-remote-code",
            "--Runtimes:AllowedOptions:1=trust-remote-code",
            "--Runtimes:ModelDirectories:0=models",
            "--Providers:Process:Presets:mine:Program=x",
            "--Providers:Process:Presets:mine:Engine=vlm"
        );

        AssertOne("Runtimes:AllowedOptions:1 is 'trust-remote-code'; accepted: the name of an option", failures);
        AssertOne("Runtimes:ModelDirectories:0 is 'models'; accepted: an absolute path", failures);
        AssertOne("Providers:Process:Presets:mine:Engine is 'vlm'; accepted: vllm, sglang, tgi", failures);
    }

    [Theory]
    [InlineData("k1:planted-master-key")]
    [InlineData("planted-master-key")]
    public void Wrong_master_keys_are_reported_by_path_and_not_shown_INV_13(string text)
    {
        var failures = FailuresOf($"--Secrets:MasterKeys={text}").ToList();

        AssertOne("Secrets:MasterKeys is 'not shown'; accepted: one key per line or comma", failures);
        Assert.DoesNotContain(failures, failure => failure.Contains("planted", StringComparison.Ordinal));
    }

    [Fact]
    public void A_file_of_master_keys_that_cannot_be_read_is_reported() =>
        AssertOne(
            "Secrets:MasterKeyFile is '/nowhere'; accepted: a file with one key per line",
            FailuresOf("--Secrets:MasterKeyFile=/nowhere")
        );

    [Fact]
    public void Wrong_images_and_variables_of_the_policy_are_reported()
    {
        var failures = FailuresOf(
            "--Runtimes:AllowedImages:0=ghcr.io/acme/",
            "--Runtimes:AllowedImages:1=https://ghcr.io/acme",
            "--Runtimes:AllowedVariables:0=VLLM_*",
            "--Runtimes:AllowedVariables:1=no-name"
        );

        AssertOne("Runtimes:AllowedImages:1 is 'https://ghcr.io/acme'; accepted: REPOSITORY", failures);
        AssertOne("Runtimes:AllowedVariables:1 is 'no-name'; accepted: 1 to 128 of", failures);
    }

    [Fact]
    public void A_wrong_join_token_is_reported_and_not_shown_INV_13()
    {
        var failure = Assert.Single(FailuresOf("--Worker:Token=join-planted"));

        Assert.StartsWith("Worker:Token is 'not shown'; accepted: a join token", failure);
    }

    [Fact]
    public void Wrong_telemetry_settings_are_reported()
    {
        var failures = FailuresOf(
            "--Host:Telemetry:Prometheus=maybe",
            "--Host:Telemetry:OtlpEndpoint=nowhere",
            "--Host:Telemetry:TraceShare=2"
        );

        Assert.Contains("Host:Telemetry:Prometheus is 'maybe'; accepted: off, loopback, open", failures);
        Assert.Contains(failures, failure => failure.StartsWith("Host:Telemetry:OtlpEndpoint is 'nowhere'"));
        Assert.Contains(failures, failure => failure.StartsWith("Host:Telemetry:TraceShare is '2'"));
    }

    [Fact]
    public void Certificate_and_key_files_that_do_not_match_are_reported()
    {
        var folder = Directory.CreateTempSubdirectory("certificates-").FullName;
        using var authority = new TestAuthority(folder, "ca");
        var (one, another) = (authority.Issue("one"), authority.Issue("another"));

        var failures = FailuresOf(
            $"--Host:Tls:CertificatePath={one.Certificate}",
            $"--Host:Tls:KeyPath={another.Key}",
            $"--Host:Tls:Silo:CertificatePath={one.Certificate}",
            $"--Host:Tls:Silo:CaPath={one.Key}"
        );

        AssertOne($"Host:Tls:CertificatePath is '{one.Certificate}'; accepted: a PEM file that goes with", failures);
        AssertOne("Host:Tls:Silo:KeyPath is ''; accepted: a PEM file", failures);
        AssertOne($"Host:Tls:Silo:CaPath is '{one.Key}'; accepted: a PEM file of certificates", failures);
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData("""{ "Host": { """, "LineNumber: 0")]
    [InlineData("""{ "Host": { "Log": "json", "Log": "console" } }""", "Host:Log")]
    [InlineData("""[1, 2]""", "Top-level JSON element must be an object")]
    [InlineData(null, "was not found")]
    public void A_settings_file_that_cannot_be_read_is_reported_with_the_error(string? text, string error)
    {
        var file = Path.Combine(Path.GetTempPath(), $"settings-{Guid.NewGuid():N}.json");
        if (text is not null)
        {
            File.WriteAllText(file, text);
        }

        var failure = Assert.Single(FailuresOf("--config", file));

        Assert.StartsWith($"--config is '{file}'", failure);
        Assert.Contains(error, failure);
        File.Delete(file);
    }

    [Fact]
    public void Every_shipped_settings_file_is_valid()
    {
        var files = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "silo-config"), "*.json");
        Assert.True(files.Length >= 3);
        foreach (var file in files)
        {
            // cluster.json expects its connection string from the environment.
            string[] database = file.EndsWith("cluster.json", StringComparison.Ordinal)
                ? ["--Storage:PostgreSql:ConnectionString=Host=127.0.0.1"]
                : [];
            Assert.NotNull(Settings.Of(LineOf(["--config", file, .. database])));
        }
    }

    private static void AssertOne(string start, IEnumerable<string> failures) =>
        Assert.Single(failures, failure => failure.StartsWith(start, StringComparison.Ordinal));

    private static List<string> FailuresOf(params string[] arguments) =>
        [.. Assert.Throws<OptionsValidationException>(() => Settings.Of(LineOf(arguments))).Failures];

    private static CommandLine LineOf(string[] arguments)
    {
        Assert.True(CommandLine.TryParse(arguments, out var line, out var fault), fault);
        return line;
    }
}
