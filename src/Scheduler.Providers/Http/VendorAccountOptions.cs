using System.ComponentModel.DataAnnotations;
using Scheduler.Domain.Settings;

namespace Scheduler.Providers.Http;

/// <summary>One more account at a vendor, for example that of a customer who pays the vendor.</summary>
internal sealed class VendorAccountOptions : ICheckedSettings
{
    /// <inheritdoc cref="VendorOptions.ApiKeyFile"/>
    public string? ApiKeyFile { get; set; }

    /// <inheritdoc cref="VendorOptions.ApiKeyEnvironment"/>
    public string? ApiKeyEnvironment { get; set; }

    /// <summary>Ids of the accounts of this scheduler that may rent with the key; empty for all. Others do not see its offers.</summary>
    public IList<string> OnlyFor { get; set; } = [];

    /// <summary>As <see cref="VendorOptions.RateShare"/>, which is the default.</summary>
    [Range(0.0, 1.0, MinimumIsExclusive = true)]
    public double? RateShare { get; set; }

    public IEnumerable<SettingFault> Check(string section)
    {
        if (string.IsNullOrEmpty(ApiKeyFile) == string.IsNullOrEmpty(ApiKeyEnvironment))
        {
            yield return new SettingFault(
                $"{section}:{nameof(ApiKeyFile)}",
                ApiKeyFile,
                $"the path of a file with the API key, or a variable in {nameof(ApiKeyEnvironment)}, but not both"
            );
        }

        foreach (var fault in OnlyForAccounts.Check(section, OnlyFor))
        {
            yield return fault;
        }
    }
}
