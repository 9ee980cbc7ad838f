using System.Text.RegularExpressions;

namespace Scheduler.UnitTests.Dashboard;

/// <summary>One resource of each type of an account, by the ids used in addresses and forms.</summary>
internal sealed partial record AccountResources(string Account, string Letter)
{
    public string Instance { get; init; } = "i-" + new string(Letter[0], 20);

    public string Balancer { get; init; } = "bal-" + new string(Letter[0], 20);

    public string Key { get; init; } = "key-" + new string(Letter[0], 12);

    public string Schedule { get; init; } = $"schedule-{Letter}";

    public string Secret { get; init; } = $"secret-{Letter}";

    public string Firewall { get; init; } = $"firewall-{Letter}";

    public string Request { get; init; } = "req-" + new string(Letter[0], 26);

    /// <summary>The same ids, addressed under another account.</summary>
    public AccountResources InAccount(string account) => this with { Account = account };

    /// <summary>A page's path with the ids of these resources.</summary>
    /// <param name="template">The route template.</param>
    /// <exception cref="NotSupportedException">A route parameter is unknown here and must be added.</exception>
    public string PathOf(string template) =>
        Part()
            .Replace(
                template,
                part =>
                    (part.Groups["before"].Value, part.Groups["name"].Value.ToLowerInvariant()) switch
                    {
                        ("instances", "id" or "instance") => Instance,
                        ("balancers", "id") => Balancer,
                        ("requests", "id") => Request,
                        ("providers", "id") => "simulated",
                        ("hosts", "host") => "gpu-1",
                        ("join-tokens", "token") => "aaaaaaaaaaaa",
                        ("accounts", "account" or "name") or ("firewalls", "account") => Account,
                        ("failures", "code") => "OOM_KILLED",
                        ("keys", "key") => Key,
                        ("secrets", "secret") => Secret,
                        ("schedules", "schedule") => Schedule,
                        ("remedies", "remedy") => "start",
                        ("dashboard", "path") => "nothing/here",
                        (_, "slug") => Firewall,
                        var unknown => throw new NotSupportedException($"{unknown} in {template}"),
                    }
            );

    /// <summary>Form fields with valid values for all forms.</summary>
    public (string Name, string Value)[] Fields =>
        [
            ("account", Account),
            ("account_id", Account),
            ("instance", Instance),
            ("generation", "1"),
            ("version", "1"),
            ("mode", "audit"),
            ("firewall", Firewall),
            ("amount", "1.00"),
            ("reference", "r"),
            ("grace_minutes", "0"),
            ("display_name", "n"),
            ("role", "full"),
            ("request_id", "ui-same"),
            ("name", "another"),
            ("value", "v"),
            ("model", "Qwen/Qwen2.5-7B"),
        ];

    /// <summary>The text with each id replaced by the name of its property.</summary>
    public string WithoutIds(string text) =>
        new[]
        {
            (Account, nameof(Account)),
            (Instance, nameof(Instance)),
            (Balancer, nameof(Balancer)),
            (Key, nameof(Key)),
            (Secret, nameof(Secret)),
            (Schedule, nameof(Schedule)),
            (Firewall, nameof(Firewall)),
            (Request, nameof(Request)),
        }.Aggregate(text, (seen, named) => seen.Replace(named.Item1, $"<{named.Item2}>", StringComparison.Ordinal));

    [GeneratedRegex(@"(?<=(?<before>[^/]+)/)\{\**(?<name>\w+)(?::[^}]*)?\}", RegexOptions.ExplicitCapture)]
    private static partial Regex Part();
}
