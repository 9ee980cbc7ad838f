using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.Edge;

namespace Scheduler.Dashboard.Placement;

/// <summary>Reads what a launch form asks for and notes everything that is wrong with it, each at its field.</summary>
internal sealed class LaunchReader
{
    /// <summary>What is said of an account that does not exist, or is another's.</summary>
    internal const string NoAccount = "No account has this id.";

    private readonly LaunchForm _form;

    /// <summary>Reads a form.</summary>
    /// <param name="form">What was written.</param>
    /// <param name="own">Whose session it is, who need not name it and may name no other; null for an operator's.</param>
    public LaunchReader(LaunchForm form, AccountId? own)
    {
        _form = form;
        CheckLengths();
        var named = form[LaunchFields.Account];
        Account =
            named.Length == 0 ? own
            : Grammar.IsAccountId(named) ? new AccountId(named)
            : null;
        if (Account is null)
        {
            Faults.Add(LaunchFields.Account, "Must be acct- and 1 to 40 of a-z 0-9 -.");
        }
        else if (own is not null && Account != own)
        {
            Faults.Add(LaunchFields.Account, NoAccount);
            Account = null;
        }

        ServingName = Required(LaunchFields.Name, Grammar.IsServingName, SpecBounds.ServingName);
        Spec = Read();
    }

    /// <summary>What is wrong; fields are named as the form names them.</summary>
    public Faults Faults { get; } = new();

    /// <summary>For whom; null where none is named.</summary>
    public AccountId? Account { get; }

    /// <summary>Under which name.</summary>
    public string ServingName { get; }

    /// <summary>What is to run; of use where <see cref="IsSpecRight"/>.</summary>
    public LaunchSpec Spec { get; }

    /// <summary>Whether the start is to follow.</summary>
    public bool StartsAtOnce => IsTicked(LaunchFields.Start);

    /// <summary>Whether it can be explained: for that it needs no name.</summary>
    public bool IsSpecRight => Faults.All.All(fault => fault.Field is LaunchFields.Account or LaunchFields.Name);

    private void CheckLengths()
    {
        foreach (var (field, _) in LaunchFields.All)
        {
            var most = LaunchFields.MostCharacters(field);
            if (_form[field].Length > most)
            {
                Faults.Add(field, $"Must be at most {most} characters here; the API takes more.");
            }
        }
    }

    private LaunchSpec Read()
    {
        var standard = new LaunchSpec();
        return new LaunchSpec
        {
            Model = Required(LaunchFields.Model, Grammar.IsModelName, Grammar.ModelName),
            WeightFormat = Optional(LaunchFields.Weights, Grammar.IsFormat, SpecBounds.Format),
            KvFormat = Optional(LaunchFields.Kv, SpecBounds.IsKvFormat, SpecBounds.KvFormat) ?? standard.KvFormat,
            ContextTokens =
                Whole(LaunchFields.Context, SpecLimits.LargestContextTokens, "tokens") ?? standard.ContextTokens,
            ParallelSequences = (int)(
                Whole(LaunchFields.Parallel, SpecLimits.MostSequences) ?? standard.ParallelSequences
            ),
            Runtime = Optional(LaunchFields.Runtime, Grammar.IsPreset, SpecBounds.Runtime) ?? standard.Runtime,
            RuntimeArguments = Lines(
                LaunchFields.Arguments,
                line =>
                    SpecBounds.IsArgument(line) && !line.Contains(LaunchForm.LineBreakInside, StringComparison.Ordinal),
                SpecBounds.Argument + ", without a line break inside"
            ),
            Constraints = ReadConstraints(),
            AutoReroute = IsTicked(LaunchFields.Reroute),
            AllocationTimeout = Wait(LaunchFields.AllocationTimeout),
            StartTimeout = Wait(LaunchFields.StartTimeout),
        };
    }

    private SmartConstraints ReadConstraints() =>
        new()
        {
            MaxPricePerHour = Price(),
            Regions = Lines(LaunchFields.Regions, Grammar.IsWord, SpecBounds.Word),
            MinimumTier = Tier(),
            SpotAllowed = IsTicked(LaunchFields.Spot),
            GpuType = Optional(LaunchFields.Gpu, Grammar.IsWord, SpecBounds.Word),
            GpuCount = (int?)Whole(LaunchFields.GpuCount, SpecLimits.MostGpus),
            Providers = Lines(LaunchFields.Providers, Grammar.IsProviderId, SpecBounds.Provider),
            GpuPreferences = Lines(LaunchFields.GpuPreferences, Grammar.IsWord, SpecBounds.Word),
            ProviderPreferences = Lines(LaunchFields.ProviderPreferences, Grammar.IsProviderId, SpecBounds.Provider),
        };

    private string Required(string field, Func<string, bool> isRight, string accepted)
    {
        if (!isRight(_form[field]))
        {
            Faults.Add(field, $"Must be {accepted}.");
        }

        return _form[field];
    }

    private string? Optional(string field, Func<string, bool> isRight, string accepted) =>
        _form[field].Length > 0 ? Required(field, isRight, accepted) : null;

    private long? Whole(string field, long most, string unit = "")
    {
        var text = _form[field];
        if (text.Length == 0)
        {
            return null;
        }

        if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
        {
            Faults.Add(field, $"Must be a whole number from 1 to {most}{(unit.Length > 0 ? $" {unit}" : "")}.");
            return null;
        }

        Faults.Range(field, number, 1, most, unit);
        return number >= 1 && number <= most ? number : null;
    }

    private MicroEuro? Price()
    {
        var text = _form[LaunchFields.MaxPrice];
        if (text.Length == 0)
        {
            return null;
        }

        if (!EuroText.TryParse(text, out var price))
        {
            Faults.Add(LaunchFields.MaxPrice, $"Must be {EuroText.Accepted}.");
        }

        return price;
    }

    private CapacityTier Tier()
    {
        if (!TierWords.TryParse(_form[LaunchFields.Tier], out var tier))
        {
            Faults.Add(LaunchFields.Tier, "Must be community, standard or dedicated.");
            return SmartConstraints.None.MinimumTier;
        }

        return tier;
    }

    private TimeSpan? Wait(string field)
    {
        var text = _form[field];
        if (text.Length == 0)
        {
            return null;
        }

        var (least, most) = (SpecLimits.ShortestWait.TotalSeconds, SpecLimits.LongestWait.TotalSeconds);
        if (
            !decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds)
            || seconds < (decimal)least
            || seconds > (decimal)most
        )
        {
            Faults.Add(field, string.Create(CultureInfo.InvariantCulture, $"Must be {least} to {most} seconds."));
            return null;
        }

        return TimeSpan.FromTicks((long)(seconds * TimeSpan.TicksPerSecond));
    }

    private ImmutableArray<string> Lines(string field, Func<string, bool> isRight, string accepted)
    {
        // What an argument begins or ends with may matter; of a name it does not.
        var lines = _form[field].Split('\n').Select(line => field == LaunchFields.Arguments ? line : line.Trim());
        var items = lines.Where(line => line.Length > 0).ToImmutableArray();
        if (items.Length > SpecLimits.LongestList)
        {
            Faults.Add(field, $"Must have at most {SpecLimits.LongestList} lines.");
        }

        for (var i = 0; i < items.Length; i++)
        {
            if (!isRight(items[i]))
            {
                Faults.Add(field, $"Line {i + 1} must be {accepted}.");
            }
        }

        return items;
    }

    private bool IsTicked(string field) => _form[field] is LaunchFields.On or "true" or "1";
}
