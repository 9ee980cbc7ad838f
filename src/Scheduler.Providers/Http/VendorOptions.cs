using System.Collections.Frozen;
using System.ComponentModel.DataAnnotations;
using System.Text.RegularExpressions;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Settings;

namespace Scheduler.Providers.Http;

/// <summary>Settings of every provider that is rented over a vendor's HTTP API.</summary>
internal abstract partial class VendorOptions : ICheckedSettings
{
    private const string IdWords = "1 to 63 of a-z, 0-9 and '-'";

    private const string AccountWords = "1 to 32 of a-z, 0-9 and '-'; with the provider's id at most 62";

    /// <summary>Whether the provider is registered.</summary>
    public bool Enabled { get; set; }

    /// <summary>
    /// Id of the provider. It is part of stored records: with another id, what was rented before has no owner.
    /// </summary>
    [Required(ErrorMessage = IdWords)]
    [RegularExpression("[a-z0-9-]{1,63}", ErrorMessage = IdWords)]
    public virtual string Id { get; set; } = "";

    /// <summary>Address of the API, without the path of a call.</summary>
    public virtual string BaseUrl { get; set; } = "";

    /// <summary>File with the API key. Every call reads it, so a new key needs no restart.</summary>
    public string? ApiKeyFile { get; set; }

    /// <summary>Name of an environment variable of this process with the API key.</summary>
    public string? ApiKeyEnvironment { get; set; }

    /// <summary>
    /// More accounts at the vendor, by name. Each is a provider of its own, <c>{Id}-{name}</c>, with its own key and the other
    /// settings of this section.
    /// </summary>
    public IDictionary<string, VendorAccountOptions> Accounts { get; set; } =
        new Dictionary<string, VendorAccountOptions>(StringComparer.Ordinal);

    /// <summary>EUR for one USD. A converted price is rounded up to the next micro-EUR.</summary>
    [Range(0.0, 100.0, MinimumIsExclusive = true)]
    public decimal EurPerUsd { get; set; } = 0.92m;

    /// <summary>
    /// Part of the account's rate limit that this process may use. With n silos that share the account: 1/n.
    /// </summary>
    [Range(0.0, 1.0, MinimumIsExclusive = true)]
    public double RateShare { get; set; } = 1;

    /// <summary>Longest wait for one answer, except that of a create request.</summary>
    [DurationRange("00:00:00.100", "00:10:00")]
    public TimeSpan CallTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Longest wait for the answer of a create request. After it the outcome is not known.</summary>
    [DurationRange("00:00:00.100", "00:10:00")]
    public TimeSpan CreateTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long a request whose outcome is not known may take to appear in the vendor's list. Only after that does an absence
    /// mean that nothing was made.
    /// </summary>
    [DurationRange("00:00:00", "01:00:00")]
    public TimeSpan Settle { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the list of what we hold is used again for other keys.</summary>
    [DurationRange("00:00:00", "00:05:00")]
    public TimeSpan ListFor { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Time between two reads of the status of all allocations.</summary>
    [DurationRange("00:00:00.010", "00:10:00")]
    public TimeSpan WatchEvery { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long a released key is remembered. A key is asked for again within minutes or never.
    /// </summary>
    [DurationRange("01:00:00", "365.00:00:00")]
    public TimeSpan RememberReleased { get; set; } = TimeSpan.FromDays(7);

    /// <summary>Time between two health probes of a runtime.</summary>
    [DurationRange("00:00:00.010", "01:00:00")]
    public TimeSpan ProbeEvery { get; set; } = TimeSpan.FromSeconds(5);

    [DurationRange("00:00:00.010", "01:00:00")]
    public TimeSpan ProbeTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Consecutive error answers after which a runtime that was healthy counts as unhealthy.</summary>
    [Range(1, 1_000)]
    public int UnhealthyAfterProbes { get; set; } = 6;

    /// <summary>How long a runtime that was healthy may answer no probe before it counts as unhealthy.</summary>
    [DurationRange("00:00:00.010", "01:00:00")]
    public TimeSpan UnhealthyAfterSilence { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Longest time from the write of a journal entry to the create request. Later it is not sent, because another silo may take over the
    /// key. Not a setting.
    /// </summary>
    internal TimeSpan SendWithin { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Accounts of this scheduler that may rent with the key; empty for all.</summary>
    internal FrozenSet<AccountId> OnlyFor { get; private set; } = FrozenSet<AccountId>.Empty;

    private bool HasKey => !string.IsNullOrEmpty(ApiKeyFile) || !string.IsNullOrEmpty(ApiKeyEnvironment);

    internal ProbeLimits Probing => new(ProbeEvery, ProbeTimeout, UnhealthyAfterProbes, UnhealthyAfterSilence);

    public virtual IEnumerable<SettingFault> Check(string section)
    {
        if (!Uri.TryCreate(BaseUrl, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
        {
            yield return new SettingFault($"{section}:{nameof(BaseUrl)}", BaseUrl, "an http or https address");
        }

        if (ApiKeyFile is not null && ApiKeyEnvironment is not null)
        {
            yield return new SettingFault(
                $"{section}:{nameof(ApiKeyFile)}",
                ApiKeyFile,
                $"no value with {nameof(ApiKeyEnvironment)}"
            );
        }
        else if (Enabled && !HasKey && Accounts.Count == 0)
        {
            yield return new SettingFault(
                $"{section}:{nameof(ApiKeyFile)}",
                ApiKeyFile,
                $"the path of a file with the API key, or a variable in {nameof(ApiKeyEnvironment)}"
            );
        }

        foreach (var name in Accounts.Keys.Where(name => !AccountName().IsMatch(name) || $"{Id}-{name}".Length > 63))
        {
            yield return new SettingFault($"{section}:{nameof(Accounts)}:{name}", name, AccountWords);
        }
    }

    /// <summary>The settings of each provider: that of this section if it has a key, and those of <see cref="Accounts"/>.</summary>
    internal static IEnumerable<T> ProvidersOf<T>(T options)
        where T : VendorOptions
    {
        if (options.HasKey)
        {
            yield return options;
        }

        foreach (var (name, account) in options.Accounts.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            var own = (T)options.MemberwiseClone();
            own.Id = $"{options.Id}-{name}";
            (own.ApiKeyFile, own.ApiKeyEnvironment) = (account.ApiKeyFile, account.ApiKeyEnvironment);
            own.RateShare = account.RateShare ?? options.RateShare;
            own.OnlyFor = OnlyForAccounts.Of(account.OnlyFor);
            own.Accounts = new Dictionary<string, VendorAccountOptions>(StringComparer.Ordinal);
            yield return own;
        }
    }

    [GeneratedRegex(@"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex AccountName();
}
