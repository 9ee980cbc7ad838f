using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Domain.Secrets;
using Scheduler.ModelFit;

namespace Scheduler.Domain.Runtimes.Engines;

/// <summary>
/// The runtime arguments of a caller, read by the engine's table. Options that state a quantity of the plan become part of
/// it; all other permitted ones stay arguments.
/// </summary>
/// <param name="Faults">By index of the argument; empty when all are permitted.</param>
/// <param name="Rest">Arguments for the command line, each as one argument.</param>
/// <param name="Needed">All permitted arguments except those that only repeat a field of the spec.</param>
public sealed record CallerArguments(
    LaunchPlan Plan,
    ImmutableArray<string> Rest,
    ImmutableArray<string> Needed,
    ImmutableArray<(int Index, string Fault)> Faults
)
{
    /// <summary>Reads the arguments. What has a fault is in neither the plan nor the rest.</summary>
    /// <param name="engine">Null for a preset without an engine: then no option is known.</param>
    /// <param name="plan">What the spec states. An argument that says otherwise is a fault.</param>
    /// <param name="knowsGpus">Whether the spec states the number of GPUs; otherwise the offer decides.</param>
    public static CallerArguments Read(
        Engine? engine,
        LaunchPlan plan,
        ImmutableArray<string> arguments,
        RuntimeOptions options,
        bool knowsGpus = true
    ) => new Pass(engine, plan, arguments, options, knowsGpus).Read();

    /// <remarks>
    /// It is stricter than the parsers of the engines: no abbreviation (argparse takes any unique beginning), no value
    /// attached to a short option (<c>-p8080</c>), no positional argument, and no <c>--</c>. So what an engine takes for
    /// an option has been looked up under its own name.
    /// </remarks>
    private sealed class Pass(
        Engine? engine,
        LaunchPlan stated,
        ImmutableArray<string> arguments,
        RuntimeOptions options,
        bool knowsGpus
    )
    {
        private const string OnCommandLine =
            "has a value that looks like a secret, and every user of a host sees its command lines; make it a secret of the account and give it as a variable (spec.env)";

        private readonly ImmutableArray<string>.Builder _rest = ImmutableArray.CreateBuilder<string>();
        private readonly ImmutableArray<string>.Builder _needed = ImmutableArray.CreateBuilder<string>();
        private readonly ImmutableArray<(int, string)>.Builder _faults = ImmutableArray.CreateBuilder<(int, string)>();
        private LaunchPlan _plan = stated;
        private int _at;

        private ImmutableArray<PlanOption> PlanOptions => engine?.PlanOptions ?? [];

        private ImmutableArray<KnownOption> KnownOptions => engine?.Options ?? [];

        public CallerArguments Read()
        {
            while (_at < arguments.Length)
            {
                ReadOne();
            }

            return new CallerArguments(_plan, _rest.ToImmutable(), _needed.ToImmutable(), _faults.ToImmutable());
        }

        private void ReadOne()
        {
            var (start, argument) = (_at, arguments[_at]);
            _at++;
            if (!OptionName.IsOption(argument))
            {
                _faults.Add((start, $"`{Shown(argument)}` is neither an option nor the value of one."));
                return;
            }

            var name = OptionName.Canonical(argument);
            if (Find(name) is { } planned)
            {
                ReadPlanned(planned, start, argument);
            }
            else if (KnownOptions.FirstOrDefault(option => Has(option.Names, name)) is { } known)
            {
                ReadKnown(known, start, argument);
            }
            else
            {
                ReadUnknown(name, start);
            }
        }

        private PlanOption? Find(string name) =>
            PlanOptions.FirstOrDefault(option => !option.IsVariable && Has(option.Names, name));

        private void ReadPlanned(PlanOption option, int start, string argument)
        {
            var attached = OptionName.ValueIn(argument);
            var value = option.IsFlag ? "" : attached ?? NextValue();
            if (value is null || (option.IsFlag && attached is not null))
            {
                Fault(start, $"takes {option.Accepted}");
                return;
            }

            if (option.Read(_plan, value) is not { } next)
            {
                var field = option.Quantity.Field();
                Fault(
                    start,
                    field is null ? $"must be {option.Accepted}" : $"is what spec.{field} states; set that field"
                );
            }
            else if (
                option.Quantity.Field() is { } field
                && (next != _plan || (option.Quantity == PlanQuantity.TensorParallel && !knowsGpus))
            )
            {
                Fault(start, $"contradicts spec.{field}; set that field instead");
            }
            else
            {
                _plan = next;
                _needed.AddRange(option.Quantity.Field() is null ? arguments[start.._at] : []);
            }
        }

        private void ReadKnown(KnownOption option, int start, string argument)
        {
            var values = ValuesOf(option.Values, argument);
            if (option.Rule != OptionRule.Allowed && !options.Permits(option.Names[0], isKnown: true))
            {
                Fault(
                    start,
                    option.Rule == OptionRule.Own
                        ? "belongs to the scheduler or its operator; the operator can permit it (Runtimes:AllowedOptions)"
                        : "changes memory or parallelism in a way that the fit check does not know; the operator can permit it (Runtimes:AllowedOptions)"
                );
            }
            else if (option.Rule == OptionRule.Allowed && FaultOf(option, argument, values) is { } fault)
            {
                Fault(start, fault);
            }
            else if (option.Rule != OptionRule.Allowed && HoldsSecret(start))
            {
                Fault(start, OnCommandLine);
            }
            else
            {
                Keep(start);
            }
        }

        /// <summary>Whether the option at <paramref name="start"/> has a value that is a secret by its name or form.</summary>
        private bool HoldsSecret(int start)
        {
            // A number is no secret: `--token-delay-ms 40`.
            var value = OptionName.ValueIn(arguments[start]) ?? (_at - start > 1 ? arguments[start + 1] : null);
            return (
                    value is not null
                    && !double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out _)
                    && SecretNames.IsSecret(OptionName.Canonical(arguments[start]))
                ) || arguments[start.._at].Any(word => SecretNames.Marked().IsMatch(word));
        }

        private static string? FaultOf(KnownOption option, string argument, ImmutableArray<string> values) =>
            option.Values == OptionValues.None && OptionName.ValueIn(argument) is not null ? "takes no value"
            : option.Values == OptionValues.One && values.Length != 1 ? "takes one value"
            : option.Values == OptionValues.Many && values.IsEmpty ? $"takes {option.Accepted}"
            : option.Accepts is { } accepts && !values.All(accepts) ? $"must be {option.Accepted}"
            : null;

        private void ReadUnknown(string name, int start)
        {
            // The parser of the engine decides how many values it has.
            ValuesOf(OptionValues.Many, name);
            if (NearOf(name) is { } whole)
            {
                Fault(
                    start,
                    $"is a short spelling of {whole}; write that name, and its value as an argument of its own"
                );
            }
            else if (options.Permits(name, isKnown: false))
            {
                if (HoldsSecret(start))
                {
                    Fault(start, OnCommandLine);
                }
                else
                {
                    Keep(start);
                }
            }
            else
            {
                var whose = engine is null
                    ? "this preset names no engine whose options"
                    : $"{engine.Name} has no such option that";
                Fault(
                    start,
                    $"is not permitted: {whose} the scheduler knows; the operator can permit it (Runtimes:AllowedOptions)"
                );
            }
        }

        /// <summary>The known option that a parser may take the text for; null when there is none.</summary>
        private string? NearOf(string name)
        {
            foreach (
                var known in PlanOptions
                    .SelectMany(option => option.Names)
                    .Concat(KnownOptions.SelectMany(option => option.Names))
            )
            {
                var spelled = OptionName.Canonical(known);
                var isBeginning = spelled.StartsWith(name, StringComparison.Ordinal);
                var hasAttached =
                    OptionName.IsShort(spelled)
                    && OptionName.IsShort(name)
                    && name.StartsWith(spelled, StringComparison.Ordinal);
                if (isBeginning || hasAttached)
                {
                    return known;
                }
            }

            return null;
        }

        private ImmutableArray<string> ValuesOf(OptionValues kind, string argument)
        {
            var values = ImmutableArray.CreateBuilder<string>();
            if (OptionName.ValueIn(argument) is { } attached)
            {
                values.Add(attached);
            }
            else
            {
                while (
                    values.Count
                    < (
                        kind == OptionValues.None ? 0
                        : kind == OptionValues.One ? 1
                        : int.MaxValue
                    )
                )
                {
                    if (NextValue() is not { } value)
                    {
                        break;
                    }

                    values.Add(value);
                }
            }

            return values.ToImmutable();
        }

        private void Keep(int start)
        {
            _rest.AddRange(arguments[start.._at]);
            _needed.AddRange(arguments[start.._at]);
        }

        /// <summary>The next argument when it is a value; null otherwise.</summary>
        private string? NextValue() =>
            _at < arguments.Length && !OptionName.HasDash(arguments[_at]) ? arguments[_at++] : null;

        private void Fault(int index, string what) =>
            _faults.Add((index, $"`{Shown(OptionName.Canonical(arguments[index]))}` {what}."));

        private static string Shown(string text) =>
            OutputLines.Clean(text) is { Length: <= 64 } whole ? whole : OutputLines.Clean(text)[..64] + "…";

        private static bool Has(ImmutableArray<string> names, string name)
        {
            foreach (var known in names)
            {
                if (OptionName.Canonical(known) == name)
                {
                    return true;
                }
            }

            return false;
        }
    }
}
