using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Runtimes;
using Scheduler.Edge;
using Scheduler.Grains;

namespace Scheduler.Dashboard.Placement;

/// <summary>Parses a launch form and collects its validation errors by field.</summary>
internal sealed class LaunchReader
{
    /// <summary>Error for an account that does not exist or belongs to someone else; both read the same.</summary>
    internal const string NoAccount = "No account has this id.";

    private readonly LaunchForm _form;

    /// <param name="own">Account of the session: the default, and the only one allowed; null for an operator.</param>
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

        ServingName = Required(LaunchFields.Name, Grammar.IsServingName, SpecSyntax.ServingName);
        Spec = Read();
    }

    /// <summary>Validation errors, with the field names of the form.</summary>
    public Faults Faults { get; } = new();

    /// <summary>Null if the account is missing or invalid.</summary>
    public AccountId? Account { get; }

    public string ServingName { get; }

    /// <summary>Valid only if <see cref="IsSpecRight"/>.</summary>
    public LaunchSpec Spec { get; }

    public bool StartsAtOnce => IsTicked(LaunchFields.Start);

    /// <summary>Whether the spec can be explained; this does not need a serving name.</summary>
    public bool IsSpecRight => Faults.All.All(fault => fault.Field is LaunchFields.Account or LaunchFields.Name);

    /// <summary>Adds the faults of a refused spec to the fields of the form.</summary>
    public void Add(Refusal refusal)
    {
        foreach (var fault in refusal.Faults)
        {
            Faults.Add(LaunchFields.FieldOf(fault.Field) ?? fault.Field, fault.Description);
        }
    }

    private void CheckLengths()
    {
        foreach (var (field, _) in LaunchFields.All)
        {
            var most = LaunchFields.MostCharacters(field);
            if (_form[field].Length > most)
            {
                Faults.Add(field, $"Must be at most {most} characters here; the API accepts more.");
            }
        }
    }

    private LaunchSpec Read()
    {
        var standard = new LaunchSpec();
        return new LaunchSpec
        {
            Model = Required(LaunchFields.Model, Grammar.IsModelName, Grammar.ModelName),
            WeightFormat = Optional(LaunchFields.Weights, Grammar.IsFormat, SpecSyntax.Format),
            KvFormat = Optional(LaunchFields.Kv, SpecSyntax.IsKvFormat, SpecSyntax.KvFormat) ?? standard.KvFormat,
            ContextTokens =
                Whole(LaunchFields.Context, SpecLimits.LargestContextTokens, "tokens") ?? standard.ContextTokens,
            ParallelSequences = (int)(
                Whole(LaunchFields.Parallel, SpecLimits.MostSequences) ?? standard.ParallelSequences
            ),
            SequencesAtOnce = (int?)Whole(LaunchFields.AtOnce, SpecLimits.MostSequences),
            Runtime = Optional(LaunchFields.Runtime, Grammar.IsPreset, SpecSyntax.Runtime) ?? standard.Runtime,
            RuntimeArguments = Lines(
                LaunchFields.Arguments,
                line =>
                    SpecSyntax.IsArgument(line) && !line.Contains(LaunchForm.LineBreakInside, StringComparison.Ordinal),
                SpecSyntax.Argument + ", without a line break inside"
            ),
            Image = Optional(LaunchFields.Image, ImageReference.IsReference, ImageReference.Accepted),
            Environment = ReadVariables(),
            Constraints = ReadConstraints(),
            AutoReroute = IsTicked(LaunchFields.Reroute),
            AllocationTimeout = Wait(LaunchFields.AllocationTimeout),
            StartTimeout = Wait(LaunchFields.StartTimeout),
            WaitForCapacity = Wait(LaunchFields.CapacityWait, TimeSpan.Zero, SpecLimits.LongestWaitForCapacity)
                is { Ticks: > 0 } wait
                ? wait
                : null,
        };
    }

    private ImmutableSortedDictionary<string, EnvironmentValue>? ReadVariables()
    {
        var variables = ImmutableSortedDictionary.CreateBuilder<string, EnvironmentValue>(StringComparer.Ordinal);
        foreach (var line in Lines(LaunchFields.Variables, VariableLines.IsOne, VariableLines.Accepted))
        {
            if (VariableLines.TryRead(line, out var name, out var value) && !variables.TryAdd(name, value))
            {
                Faults.Add(LaunchFields.Variables, $"{name} is set twice.");
            }
        }

        return variables.Count > 0 ? variables.ToImmutable() : null;
    }

    private SmartConstraints ReadConstraints() =>
        new()
        {
            MaxPricePerHour = Price(),
            Regions = Lines(LaunchFields.Regions, Grammar.IsWord, SpecSyntax.Word),
            MinimumTier = Tier(),
            SpotAllowed = IsTicked(LaunchFields.Spot),
            RequireEncryptedPath = IsTicked(LaunchFields.Encrypted),
            GpuType = Optional(LaunchFields.Gpu, Grammar.IsWord, SpecSyntax.Word),
            GpuCount = (int?)Whole(LaunchFields.GpuCount, SpecLimits.MostGpus),
            Providers = Lines(LaunchFields.Providers, Grammar.IsProviderId, SpecSyntax.Provider),
            GpuPreferences = Lines(LaunchFields.GpuPreferences, Grammar.IsWord, SpecSyntax.Word),
            ProviderPreferences = Lines(LaunchFields.ProviderPreferences, Grammar.IsProviderId, SpecSyntax.Provider),
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

    private TimeSpan? Wait(string field) => Wait(field, SpecLimits.ShortestWait, SpecLimits.LongestWait);

    private TimeSpan? Wait(string field, TimeSpan shortest, TimeSpan longest)
    {
        var text = _form[field];
        if (text.Length == 0)
        {
            return null;
        }

        var (least, most) = (shortest.TotalSeconds, longest.TotalSeconds);
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
        // Leading and trailing spaces can matter in an argument, but not in a name.
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
