using System.Collections.Frozen;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Settings;

namespace Scheduler.Providers;

/// <summary>The setting <c>OnlyFor</c> of a provider: see <see cref="IProvider.OnlyFor"/>.</summary>
internal static class OnlyForAccounts
{
    internal const string Name = "OnlyFor";

    internal static FrozenSet<AccountId> Of(IEnumerable<string> ids) =>
        ids.Select(id => new AccountId(id)).ToFrozenSet();

    internal static IEnumerable<SettingFault> Check(string section, IList<string> ids) =>
        ids.Index()
            .Where(pair => !AccountId.IsValid(pair.Item))
            .Select(pair => new SettingFault(
                $"{section}:{Name}:{pair.Index}",
                pair.Item,
                "the id of an account: acct- and 1 to 40 of a-z, 0-9 and '-'"
            ));
}
